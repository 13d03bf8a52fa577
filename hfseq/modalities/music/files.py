"""Reads collections of music: a JSON file of splits, or a folder of MIDI files."""

import gzip
import json
import zlib
from pathlib import Path
from typing import Any

from datasets import Dataset, DatasetDict, Features, Value

from hfseq.data.sources.features import FRAMES
from hfseq.data.sources.readers import inspect_file
from hfseq.data.sources.visible_files import walk_files
from hfseq.data.splits.names import canonical_split
from hfseq.errors import HfseqError
from hfseq.modalities.music.frames import checked_frames
from hfseq.modalities.music.midi import midi_to_frames

_EXPECTED = 'expected {"train": [piece, ...], "valid": [...], "test": [...]}, each piece a list of steps of pitches'


def read_music_json(path: Path) -> DatasetDict:
    """Reads a JSON file of pieces by split, in the format of the JSB chorales (Boulanger-Lewandowski et al. 2012).

    Args:
        path (`Path`): a `.json` or `.json.gz` file of `{split: [[[pitch, ...], ...], ...]}`. -1 is a silent voice.

    Returns:
        `datasets.DatasetDict`: the splits in the file, with the column `frames`.

    Raises:
        HfseqError: the file is not JSON of this form, has an unknown split, a piece has no steps, or a pitch is not on
            a piano.
    """
    content = _json(path)
    if not isinstance(content, dict) or not content:
        raise HfseqError(f"{path}: {_EXPECTED}.")
    pieces: dict[str, list[list[list[int]]]] = {}
    for key, raw in content.items():
        split = _split(key, path)
        if split in pieces:
            raise HfseqError(f"{path} has the {split} split twice: {', '.join(map(repr, content))}.")
        if not isinstance(raw, list) or not raw:
            raise HfseqError(f"{path}: {key!r} holds no pieces; {_EXPECTED}.")
        pieces[split] = [checked_frames(piece, f"{path}: {key}, piece {row}") for row, piece in enumerate(raw)]
    order = [split for split in ("train", "validation", "test") if split in pieces]
    return DatasetDict({split: Dataset.from_dict({"frames": pieces[split]}, features=FRAMES) for split in order})


def read_midi_folder(path: Path, steps_per_quarter: int = 4) -> Dataset:
    """Reads the MIDI files of a folder and its sub-folders, one row per file, in the order of their names.

    Args:
        path (`Path`): the folder.
        steps_per_quarter (`int`, *optional*, defaults to 4): time steps per quarter note.

    Returns:
        `datasets.Dataset`: the columns `file`, a path relative to the folder, and `frames`.

    Raises:
        HfseqError: there is no such file, one cannot be read, or mido is not installed.
    """
    files = sorted(file for file in walk_files(path) if file.suffix.lower() in (".mid", ".midi"))
    if not files:
        raise HfseqError(f"{path} holds no .mid or .midi file.")
    columns = {
        "file": [file.relative_to(path).as_posix() for file in files],
        "frames": [midi_to_frames(file, steps_per_quarter) for file in files],
    }
    return Dataset.from_dict(columns, features=Features({"file": Value("string"), **FRAMES}))


def _json(path: Path) -> Any:
    inspect_file(path)
    try:
        data = path.read_bytes()
        return json.loads(gzip.decompress(data) if path.name.lower().endswith(".gz") else data)
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise HfseqError(f"{path} is not valid JSON: {error.msg} at {where}.") from error
    except (OSError, EOFError, zlib.error) as error:
        raise HfseqError(f"{path} cannot be read: {error}.") from error


def _split(key: str, path: Path) -> str:
    split = canonical_split(key)
    if split is None:
        raise HfseqError(f"{path}: {key!r} is not a split; {_EXPECTED}.")
    return split
