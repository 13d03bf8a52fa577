"""Reads and writes MIDI files, on a grid of equal time steps."""

from collections import defaultdict
from pathlib import Path
from typing import Any

from hfseq.errors import HfseqError, first_line
from hfseq.extras import require
from hfseq.modalities.limits import LIMITS
from hfseq.modalities.music.frames import checked_frames

_TICKS_PER_QUARTER = 480
# By convention, the tenth channel is for drums. Its numbers are instruments and not pitches.
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

    A pitch in successive steps becomes one long note, because frames do not say whether it is struck again.

    Args:
        frames (`list[list[int]]`): a list of MIDI pitches (21 to 108) for each time step.
        path (`str` or `Path`): the file to write.
        steps_per_quarter (`int`, *optional*, defaults to 4): time steps per quarter note, a divisor of 480. It sets
            the length of the notes in a score.
        step_seconds (`float`, *optional*, defaults to 0.25): duration of a step in seconds.
        program (`int`, *optional*, defaults to 0): General MIDI number of the instrument; 0 is a grand piano.
        velocity (`int`, *optional*, defaults to 80): loudness, 1 to 127.
        restrike (`bool`, *optional*, defaults to `False`): whether a pitch is struck again in every step.

    Raises:
        HfseqError: mido is not installed, or an argument is out of range.
    """
    mido = require("mido", extra="music")
    steps = checked_frames(frames)
    _check_steps_per_quarter(steps_per_quarter)
    for name, value, low, high in (("program", program, 0, 127), ("velocity", velocity, 1, 127)):
        if not low <= value <= high:
            raise HfseqError(f"{name} ({value}) must lie between {low} and {high}.")
    # A tempo is stored in three bytes, as microseconds per quarter note.
    tempo = round(step_seconds * steps_per_quarter * 1e6)
    if not 0 < tempo < 1 << 24:
        raise HfseqError(
            f"step_seconds ({step_seconds}) times steps_per_quarter ({steps_per_quarter}) must be above 0 and below "
            "16.7 seconds per quarter note, the slowest tempo of MIDI."
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
    # The empty step at the end only releases the last notes.
    track.append(mido.MetaMessage("end_of_track", time=waited - ticks))
    file = mido.MidiFile(type=0, ticks_per_beat=_TICKS_PER_QUARTER)
    file.tracks.append(track)
    file.save(str(path))


def midi_to_frames(path: str | Path, steps_per_quarter: int = 4) -> list[list[int]]:
    """Reads the pitches that sound in each time step of a MIDI file.

    All tracks and channels except drums are merged. The start and the end of a note are rounded to the nearest step,
    and a note lasts at least one step. Repeated notes of the same pitch are joined, and silence after the last note is
    dropped.

    Args:
        path (`str` or `Path`): the file.
        steps_per_quarter (`int`, *optional*, defaults to 4): time steps per quarter note, a divisor of 480.

    Returns:
        `list[list[int]]`: the MIDI pitches of each step in ascending order.

    Raises:
        HfseqError: mido is not installed, the file is damaged or has no common beat, it has no notes, a pitch is not
            on a piano, or the piece has more steps than `--max_music_steps` allows.
    """
    mido = require("mido", extra="music")
    _check_steps_per_quarter(steps_per_quarter)
    try:
        file = mido.MidiFile(str(path))
    except (OSError, EOFError, ValueError, LookupError, mido.KeySignatureError) as error:
        reason = first_line(error) or "it ends too early"
        raise HfseqError(f"{path} cannot be read as a MIDI file: {reason}.") from error
    if file.type == 2 or file.ticks_per_beat <= 0:
        kind = "independent patterns (type 2)" if file.type == 2 else "times in seconds (SMPTE), not in beats"
        raise HfseqError(f"{path} holds {kind}, which have no common grid of steps: save it as MIDI type 0 or 1.")
    frames: dict[int, set[int]] = defaultdict(set)
    for pitch, first, last in _on_grid(file, steps_per_quarter, path):
        for step in range(first, last):
            frames[step].add(pitch)
    if not frames:
        raise HfseqError(f"{path} has no notes (drums are ignored): remove it.")
    return checked_frames([list(frames.get(step, ())) for step in range(max(frames) + 1)], str(path))


def _on_grid(file: Any, steps_per_quarter: int, path: str | Path) -> list[tuple[int, int, int]]:
    """Pitch, first step, and step after the last one of each note. Notes of the same pitch that touch are joined."""
    spans: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for track in file.tracks:
        for pitch, start, end in _notes(track):
            first = _nearest_step(start, steps_per_quarter, file.ticks_per_beat)
            last = max(_nearest_step(end, steps_per_quarter, file.ticks_per_beat), first + 1)
            if last > LIMITS.music_steps:
                raise HfseqError(
                    f"{path} has a note that ends at step {last:,} ({steps_per_quarter} steps per quarter note), "
                    f"but at most {LIMITS.music_steps:,} steps are read. If the piece is really so long, raise "
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
    """Pitch, start and end in ticks of each note of a track. A note that is never released ends with the track."""
    notes = []
    sounding: dict[tuple[int, int], list[int]] = defaultdict(list)
    now = 0
    for message in track:
        now += message.time
        if message.type not in ("note_on", "note_off") or message.channel == _DRUMS:
            continue
        key = (message.channel, message.note)
        # Many files release a note by striking it with velocity 0.
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
