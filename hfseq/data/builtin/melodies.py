"""`builtin:melodies`: synthetic pieces in random keys, for music models.

The pieces follow known rules. All notes of a piece belong to one key, which can be inferred from the first steps. The
lower voices follow common chord progressions. The melody has a note of the chord on each strong beat, and moves in
small steps between them. Each piece ends on the tonic chord.
"""

import random

from datasets import Dataset, DatasetDict

from hfseq.data.sources.features import FRAMES

SIZES = {"train": 300, "validation": 50, "test": 50}

# Semitones above the tonic.
_SCALES = {"major": (0, 2, 4, 5, 7, 9, 11), "minor": (0, 2, 3, 5, 7, 8, 10)}
# Roots of the chords, as degrees of the scale from 0. Each phrase has one progression; the cadence ends a piece.
_PROGRESSIONS = ((0, 3, 4, 0), (0, 5, 3, 4), (0, 3, 0, 4), (0, 1, 4, 0), (0, 5, 1, 4))
_CADENCE = (0, 3, 4, 0)
_STEPS_PER_CHORD = 4
_BASS, _MIDDLE, _MELODY = 29, 55, 67
_SEED = 1685


def load(cache_dir: str | None = None) -> DatasetDict:
    """Generates the pieces. They are the same each time.

    Args:
        cache_dir (`str`, *optional*): not used.

    Returns:
        `datasets.DatasetDict`: train, validation and test with the column `frames`: 16, 32 or 48 time steps (eighth
        notes) of 2 to 4 voices. Each step is the ascending list of sounding MIDI pitches.
    """
    rng = random.Random(_SEED)
    splits = {}
    for split, size in SIZES.items():
        splits[split] = Dataset.from_dict({"frames": [make_piece(rng) for _ in range(size)]}, features=FRAMES)
    return DatasetDict(splits)


def describe() -> str:
    """Describes the data set."""
    return "builtin:melodies, synthetic pieces of two to four voices in random keys"


def make_piece(rng: random.Random) -> list[list[int]]:
    """Generates a piece of one to three phrases of four chords.

    Args:
        rng (`random.Random`): random number generator.

    Returns:
        `list[list[int]]`: the ascending MIDI pitches of each time step.
    """
    key, scale = rng.randrange(12), _SCALES[rng.choice(sorted(_SCALES))]
    middle_voices = rng.randint(0, 2)
    phrases = [rng.choice(_PROGRESSIONS) for _ in range(rng.randint(0, 2))]
    chords = [degree for phrase in [*phrases, _CADENCE] for degree in phrase]
    frames: list[list[int]] = []
    # The melody is a degree of the scale and may exceed an octave.
    melody = rng.choice((0, 2, 4))
    for number, degree in enumerate(chords):
        is_last = number == len(chords) - 1
        chord = [degree, degree + 2, degree + 4]
        bass = _pitch(key, scale, degree, _BASS)
        middle = [_pitch(key, scale, note, _MIDDLE) for note in chord[1 : 1 + middle_voices]]
        melody = _nearest(melody, [0] if is_last else chord)
        for step in range(_STEPS_PER_CHORD):
            if step and not is_last:
                melody = _next_melody_note(melody, rng)
            # In the middle of a chord, the bass is repeated an octave higher.
            low = bass + 12 if step == _STEPS_PER_CHORD // 2 and not is_last else bass
            frames.append(sorted({low, *middle, _pitch(key, scale, melody, _MELODY)}))
    return frames


def _pitch(key: int, scale: tuple[int, ...], degree: int, lowest: int) -> int:
    """Pitch of a degree of the scale. Degree 0 is the tonic, which is 0 to 11 semitones above the lowest pitch."""
    octave, within = divmod(degree, len(scale))
    return lowest + (key - lowest) % 12 + 12 * octave + scale[within]


def _nearest(melody: int, chord: list[int]) -> int:
    """The note of a chord, in any octave, that is nearest to the current note of the melody."""
    notes = [note + 7 * octave for note in chord for octave in (-1, 0, 1)]
    return min(notes, key=lambda note: (abs(note - melody), note))


def _next_melody_note(melody: int, rng: random.Random) -> int:
    note = melody + rng.choice((-1, -1, 0, 1, 1, 2, -2))
    # Limited to the usual range of a singing voice, somewhat more than an octave.
    return min(max(note, -2), 9)
