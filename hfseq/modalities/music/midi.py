"""Pieces to and from MIDI files, on a grid of equal time steps."""

from collections import defaultdict
from pathlib import Path
from typing import Any

from hfseq.errors import HfseqError, first_line
from hfseq.extras import require
from hfseq.modalities.limits import LIMITS
from hfseq.modalities.music.frames import checked_frames

_TICKS_PER_QUARTER = 480
# By convention the tenth channel plays drums, whose numbers are instruments and no pitches.
_DRUMS = 9


def frames_to_midi(
    frames: list[list[int]],
    path: str | Path,
    *,
    steps_per_quarter: int = 4,
    step_seconds: float = 0.25,
    program: int = 0,
    velocity: int = 80,
    restrike: bool = False,
) -> None:
    """Writes a piece as a MIDI file of one track.

    A pitch that stands in successive steps becomes one held note, since frames do not say whether it was struck again.

    Args:
        frames (`list[list[int]]`): a list of MIDI pitches (21 to 108) a time step.
        path (`str` or `Path`): the file to write.
        steps_per_quarter (`int`, *optional*, defaults to 4): steps in a quarter note, a divisor of 480: how long the
            notes look in a score.
        step_seconds (`float`, *optional*, defaults to 0.25): how long a step sounds.
        program (`int`, *optional*, defaults to 0): General MIDI's number of the instrument, from 0 (a grand piano).
        velocity (`int`, *optional*, defaults to 80): loudness, 1 to 127.
        restrike (`bool`, *optional*, defaults to `False`): whether a pitch is struck anew in every step.

    Raises:
        HfseqError: mido is missing, or an argument is out of its range.
    """
    mido = require("mido", extra="music")
    steps = checked_frames(frames)
    _check_steps_per_quarter(steps_per_quarter)
    for name, value, low, high in (("program", program, 0, 127), ("velocity", velocity, 1, 127)):
        if not low <= value <= high:
            raise HfseqError(f"{name} ({value}) must lie between {low} and {high}.")
    # A tempo is stored as microseconds a quarter, in three bytes.
    tempo = round(step_seconds * steps_per_quarter * 1e6)
    if not 0 < tempo < 1 << 24:
        raise HfseqError(
            f"step_seconds ({step_seconds}) times steps_per_quarter ({steps_per_quarter}) must be above 0 and below "
            "16.7 seconds a quarter note, the slowest that MIDI knows."
        )
    track = mido.MidiTrack()
    track.append(mido.MetaMessage("set_tempo", tempo=tempo))
    track.append(mido.Message("program_change", program=program))
    ticks, waited = _TICKS_PER_QUARTER // steps_per_quarter, 0
    before: list[int] = []
    for step in [*steps, []]:
        for pitch in before:
            if restrike or pitch not in step:
                track.append(mido.Message("note_off", note=pitch, velocity=0, time=waited))
                waited = 0
        for pitch in step:
            if restrike or pitch not in before:
                track.append(mido.Message("note_on", note=pitch, velocity=velocity, time=waited))
                waited = 0
        before = step
        waited += ticks
    # The empty step in the end only let go of the last notes.
    track.append(mido.MetaMessage("end_of_track", time=waited - ticks))
    file = mido.MidiFile(type=0, ticks_per_beat=_TICKS_PER_QUARTER)
    file.tracks.append(track)
    file.save(str(path))


def midi_to_frames(path: str | Path, steps_per_quarter: int = 4) -> list[list[int]]:
    """Reads what sounds in each time step of a MIDI file.

    All tracks and channels are put together, drums left out. A note begins and ends at the steps nearest to where it
    is played, and lasts one step at least. Whether a pitch was held or struck again is lost, and so is silence after
    the last note.

    Args:
        path (`str` or `Path`): the file.
        steps_per_quarter (`int`, *optional*, defaults to 4): steps in a quarter note, a divisor of 480.

    Returns:
        `list[list[int]]`: the ascending MIDI pitches of each step.

    Raises:
        HfseqError: mido is missing, the file is broken or of a kind without a common beat, it has no notes, a pitch
            is none of a piano's, or the piece has more steps than `--max_music_steps` allows.
    """
    mido = require("mido", extra="music")
    _check_steps_per_quarter(steps_per_quarter)
    try:
        file = mido.MidiFile(str(path))
    except (OSError, EOFError, ValueError, LookupError, mido.KeySignatureError) as error:
        reason = first_line(error) or "it ends too early"
        raise HfseqError(f"{path} is no readable MIDI file: {reason}.") from error
    if file.type == 2 or file.ticks_per_beat <= 0:
        kind = "independent patterns (type 2)" if file.type == 2 else "times in seconds (SMPTE), not in beats"
        raise HfseqError(f"{path} holds {kind}, which no grid of steps fits: save it as MIDI type 0 or 1.")
    frames: dict[int, set[int]] = defaultdict(set)
    for pitch, first, last in _on_grid(file, steps_per_quarter, path):
        for step in range(first, last):
            frames[step].add(pitch)
    if not frames:
        raise HfseqError(f"{path} has no notes (drums are not counted): leave it out.")
    return checked_frames([list(frames.get(step, ())) for step in range(max(frames) + 1)], str(path))


def _on_grid(file: Any, steps_per_quarter: int, path: str | Path) -> list[tuple[int, int, int]]:
    """Pitch, first step, and step after the last one, of each note; those of a pitch that touch are one."""
    spans: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for track in file.tracks:
        for pitch, start, end in _notes(track):
            first = _nearest_step(start, steps_per_quarter, file.ticks_per_beat)
            last = max(_nearest_step(end, steps_per_quarter, file.ticks_per_beat), first + 1)
            if last > LIMITS.music_steps:
                raise HfseqError(
                    f"{path} has a note that ends at step {last:,} ({steps_per_quarter} steps per quarter note), "
                    f"and at most {LIMITS.music_steps:,} steps are read. If the piece is so long, raise "
                    "--max_music_steps."
                )
            spans[pitch].append((first, last))
    notes = []
    for pitch, found in spans.items():
        reached = 0
        for first, last in sorted(found):
            if last > reached:
                notes.append((pitch, max(first, reached), last))
                reached = last
    return notes


def _notes(track: Any) -> list[tuple[int, int, int]]:
    """Pitch, beginning and end, in ticks, of each note of a track; one that is never let go of ends with it."""
    notes = []
    sounding: dict[tuple[int, int], list[int]] = defaultdict(list)
    now = 0
    for message in track:
        now += message.time
        if message.type not in ("note_on", "note_off") or message.channel == _DRUMS:
            continue
        key = (message.channel, message.note)
        # A note struck with no force is how many files let go of one.
        if message.type == "note_on" and message.velocity:
            sounding[key].append(now)
        elif sounding[key]:
            notes.append((message.note, sounding[key].pop(0), now))
    for (_, pitch), starts in sounding.items():
        notes += [(pitch, start, now) for start in starts]
    return notes


def _nearest_step(tick: int, steps_per_quarter: int, ticks_per_quarter: int) -> int:
    return (2 * tick * steps_per_quarter + ticks_per_quarter) // (2 * ticks_per_quarter)


def _check_steps_per_quarter(steps_per_quarter: int) -> None:
    if steps_per_quarter < 1 or _TICKS_PER_QUARTER % steps_per_quarter:
        raise HfseqError(
            f"steps_per_quarter ({steps_per_quarter}) must be a divisor of {_TICKS_PER_QUARTER}, such as 1, 2 or 4."
        )
