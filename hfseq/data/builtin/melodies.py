"""`builtin:melodies`: synthetic tunes in a key, for models of music.

What is to be learned is known, since a program made it: the notes of a piece are those of one key, found out from its
first steps; the lower voices follow common chord progressions; the melody rests on chord notes at each strong beat and
moves by small steps in between; and every piece ends on the chord that is the key's own.
"""

import random

from datasets import Dataset, DatasetDict

from hfseq.data.sources.features import FRAMES

SIZES = {"train": 300, "validation": 50, "test": 50}

# Semitones above the key's own note.
_SCALES = {"major": (0, 2, 4, 5, 7, 9, 11), "minor": (0, 2, 3, 5, 7, 8, 10)}
# Degrees of the scale, from 0, on which the chords stand; each phrase is one, and the last one ends a piece.
_PROGRESSIONS = ((0, 3, 4, 0), (0, 5, 3, 4), (0, 3, 0, 4), (0, 1, 4, 0), (0, 5, 1, 4))
_CADENCE = (0, 3, 4, 0)
_STEPS_PER_CHORD = 4
_BASS, _MIDDLE, _MELODY = 29, 55, 67
_SEED = 1685


def load(cache_dir: str | None = None) -> DatasetDict:
    """Makes the pieces, which takes less time than to read them.

    Args:
        cache_dir (`str`, *optional*): not needed; every built-in set takes it.

    Returns:
        `datasets.DatasetDict`: train, validation and test with the column `frames`: 16, 32 or 48 time steps (eighth
        notes) of 2 to 4 voices, each step the ascending MIDI pitches that sound.
    """
    source = random.Random(_SEED)
    splits = {}
    for split, size in SIZES.items():
        splits[split] = Dataset.from_dict({"frames": [make_piece(source) for _ in range(size)]}, features=FRAMES)
    return DatasetDict(splits)


def describe() -> str:
    """What the set is."""
    return "builtin:melodies, synthetic tunes of two to four voices in a random key"


def make_piece(source: random.Random) -> list[list[int]]:
    """A piece of one to three phrases of four chords.

    Args:
        source (`random.Random`): where its choices come from.

    Returns:
        `list[list[int]]`: the ascending pitches of each time step.
    """
    key, scale = source.randrange(12), _SCALES[source.choice(sorted(_SCALES))]
    middle_voices = source.randint(0, 2)
    phrases = [source.choice(_PROGRESSIONS) for _ in range(source.randint(0, 2))]
    chords = [degree for phrase in [*phrases, _CADENCE] for degree in phrase]
    frames: list[list[int]] = []
    # The melody is a degree of the scale, which goes on beyond the octave.
    melody = source.choice((0, 2, 4))
    for number, degree in enumerate(chords):
        is_last = number == len(chords) - 1
        chord = [degree, degree + 2, degree + 4]
        bass = _pitch(key, scale, degree, _BASS)
        held = [_pitch(key, scale, note, _MIDDLE) for note in chord[1 : 1 + middle_voices]]
        melody = _nearest(melody, [0] if is_last else chord)
        for step in range(_STEPS_PER_CHORD):
            if step and not is_last:
                melody = _moved(melody, source)
            # The bass is struck in the middle of a chord again, an octave higher.
            low = bass + 12 if step == _STEPS_PER_CHORD // 2 and not is_last else bass
            frames.append(sorted({low, *held, _pitch(key, scale, melody, _MELODY)}))
    return frames


def _pitch(key: int, scale: tuple[int, ...], degree: int, lowest: int) -> int:
    """The pitch of a degree, where degree 0 is the key's own note, at most 11 above the lowest one."""
    octave, within = divmod(degree, len(scale))
    return lowest + (key - lowest) % 12 + 12 * octave + scale[within]


def _nearest(melody: int, chord: list[int]) -> int:
    """The note of a chord, in any octave, that is nearest to where the melody stands."""
    notes = [note + 7 * octave for note in chord for octave in (-1, 0, 1)]
    return min(notes, key=lambda note: (abs(note - melody), note))


def _moved(melody: int, source: random.Random) -> int:
    moved = melody + source.choice((-1, -1, 0, 1, 1, 2, -2))
    # An octave and a bit, as a voice has it.
    return min(max(moved, -2), 9)
