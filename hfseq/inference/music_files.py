"""MIDI files that a language model of music continues and writes."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hfseq.errors import HfseqError
from hfseq.extras import require
from hfseq.modalities.music.midi import frames_to_midi
from hfseq.modalities.music.modality import MIDI_SUFFIXES


def read_beginning(predictor: Any, path: str) -> list[list[int]]:
    """The first piece of a MIDI file, or of a table of pieces, as a prompt.

    Args:
        predictor (`Predictor`): a language model of music.
        path (`str`): the file.

    Returns:
        `list[list[int]]`: the pitches of each time step.

    Raises:
        HfseqError: the file does not exist or cannot be read.
    """
    # Not the name of a data set, here or on the Hub.
    if not (file := Path(path).expanduser()).is_file():
        raise HfseqError(
            f"there is no file {path!r} (looked in {file.absolute().parent}): a model of music continues a MIDI file, "
            "or the first piece of a table"
        )
    rows, columns = predictor.read_rows(path)
    return rows[0][columns.text]


def write_pieces(pieces: Sequence[list[list[int]]], path: str | Path) -> list[Path]:
    """Writes pieces as MIDI files: see [`piece_paths`] for their names.

    Args:
        pieces (`Sequence[list[list[int]]]`): for each piece, the pitches of each time step.
        path (`str` or `Path`): a name that ends in `.mid`.

    Raises:
        HfseqError: the name is not the name of a MIDI file, mido is missing, or a file cannot be written.
    """
    paths = piece_paths(check_midi_path(path), len(pieces))
    for piece, file in zip(pieces, paths, strict=True):
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            frames_to_midi(piece, file)
        except OSError as error:
            raise HfseqError(f"cannot write {file}: {error.strerror or error}") from error
    return paths


def piece_paths(path: str | Path, count: int) -> list[Path]:
    """The files of a number of pieces: `tune.mid` for one, `tune-1.mid`, `tune-2.mid`, ... for several."""
    path = Path(path)
    return [path] if count == 1 else [path.with_stem(f"{path.stem}-{n}") for n in range(1, count + 1)]


def check_midi_path(path: str | Path) -> Path:
    """
    Raises:
        HfseqError: the name is not the name of a MIDI file, or mido is missing.
    """
    require_midi()
    path = Path(path)
    if not is_midi(path):
        raise HfseqError(
            f"music is written as MIDI: name a file that ends in .mid (or .json, .jsonl, .csv), not {str(path)!r}"
        )
    if path.is_dir():
        raise HfseqError(f"{path} is a folder: name a file that ends in .mid")
    return path


def is_midi(path: str | Path) -> bool:
    """Whether a name is the name of a MIDI file."""
    return Path(path).suffix.lower() in MIDI_SUFFIXES


def require_midi() -> None:
    """
    Raises:
        HfseqError: mido, which reads and writes MIDI files, is missing.
    """
    require("mido", extra="music")
