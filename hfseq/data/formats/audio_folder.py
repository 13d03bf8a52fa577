"""Audio files, and the folders and tables that name them."""

import os
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from datasets import Dataset, Features, Value

from hfseq.data.column_types import column_types, typed_rows
from hfseq.data.readers import inspect_file
from hfseq.errors import HfseqError, first_line, nearest
from hfseq.extras import require

AUDIO_EXTENSIONS = (".wav", ".flac", ".ogg", ".mp3")
METADATA = "metadata.csv"

_LAYOUTS = f"a {METADATA} with the columns file_name and text or label, or one folder of audio files a class"


def read_waveform(path: str | Path) -> tuple[np.ndarray, int]:
    """Reads an audio file; several channels are averaged.

    Args:
        path (`str` or `Path`): a file that libsndfile reads: wav, flac, ogg, mp3.

    Returns:
        `tuple[np.ndarray, int]`: the samples in -1..1, float32 of shape `(num_samples,)`, and their rate in Hz.

    Raises:
        HfseqError: soundfile is not installed; the file is missing, no audio, damaged, cut short, or has no samples.
    """
    soundfile = require("soundfile", extra="audio")
    path = Path(path)
    if not path.is_file():
        raise HfseqError(f"there is no file {path}.")
    try:
        with soundfile.SoundFile(str(path)) as file:
            rate, expected = file.samplerate, file.frames
            samples = file.read(dtype="float32", always_2d=True)  # (num_samples, channels)
    except (soundfile.SoundFileError, TypeError, OSError) as error:
        reason = getattr(error, "error_string", None) or first_line(error)
        raise HfseqError(
            f"{path} cannot be read as audio ({reason.rstrip('.')}): expected {_kinds()}, whole."
        ) from error
    if not expected:
        raise HfseqError(f"{path} holds no samples.")
    if len(samples) < expected or _is_cut(path):
        raise HfseqError(f"{path} is cut short: it holds {len(samples)} samples, and its header announces more.")
    waveform = samples.mean(axis=1)
    if not np.isfinite(waveform).all():
        raise HfseqError(f"{path} holds samples that are no finite numbers.")
    return waveform, rate


def load_audio(value: Any, where: str = "audio") -> dict[str, Any]:
    """The waveform that a cell of an `audio` column stands for.

    Args:
        value (`str` or `dict`): the path of an audio file, or `array` and `sampling_rate`.
        where (`str`, *optional*, defaults to `"audio"`): what the message calls the cell.

    Returns:
        `dict`: `array`, float32 of one channel, and `sampling_rate`, what an extractor takes.

    Raises:
        HfseqError: the cell is neither, or the file cannot be read.
    """
    if isinstance(value, (str, Path)):
        array, rate = read_waveform(value)
        return {"array": array, "sampling_rate": rate}
    if isinstance(value, dict) and value.get("array") is not None and value.get("sampling_rate"):
        return {"array": np.asarray(value["array"], dtype=np.float32), "sampling_rate": int(value["sampling_rate"])}
    raise HfseqError(
        f"{where} must be the path of an audio file, or hold array and sampling_rate, but is {str(value)[:40]!r}."
    )


def read_audio_folder(path: Path) -> Dataset:
    """Reads a folder of audio files: one with a `metadata.csv`, or with a folder a class.

    Args:
        path (`Path`): the folder. A `metadata.csv` has a column `file_name` of paths relative to the folder, and any
            others, such as `text` or `label`.

    Returns:
        `datasets.Dataset`: the column `audio` of paths, and the other columns of the table, or the class as `label`.

    Raises:
        HfseqError: it has neither form, a file is missing or of another kind, or the table is malformed.
    """
    table = path / METADATA
    return _with_metadata(table) if table.is_file() else _with_classes(path)


def resolve_audio_paths(dataset: Dataset, column: str, folder: Path, where: str) -> Dataset:
    """Makes whole paths of those in a column, once each file is known to be there.

    Args:
        dataset (`datasets.Dataset`): rows of a table.
        column (`str`): the column of paths, relative to the folder or absolute.
        folder (`Path`): the table's folder.
        where (`str`): the table, for the message.

    Returns:
        `datasets.Dataset`: the same rows, with absolute paths in that column.

    Raises:
        HfseqError: there is no such column; a row has no path, or names a file that is not there.
    """
    if column not in dataset.column_names:
        raise HfseqError(f"{where} has no column {column!r}: {nearest(column, dataset.column_names)}")
    paths = []
    for row, name in enumerate(dataset[column]):
        if not isinstance(name, str):
            raise HfseqError(f"{where}, row {row}: column {column!r} must hold the path of a file, not {name!r}.")
        path = os.path.abspath(folder / name)
        if not os.path.isfile(path):
            raise HfseqError(f"{where}, row {row}: column {column!r} names {name}, and there is no file {path}.")
        paths.append(path)
    columns = {name: paths if name == column else dataset[name][:] for name in dataset.column_names}
    return Dataset.from_dict(columns, features=Features({**dataset.features, column: Value("string")}))


def _with_metadata(table: Path) -> Dataset:
    inspect_file(table)
    types = column_types(table)
    if "audio" in types and "file_name" in types:
        raise HfseqError(f"{table} has both a column 'file_name' and a column 'audio': leave one of them out.")
    features = Features.from_arrow_schema(pa.schema(list(types.items())))
    rows = list(typed_rows(str(table), {name: str(kind) for name, kind in types.items()}, "", 0))
    dataset = resolve_audio_paths(Dataset.from_list(rows, features=features), "file_name", table.parent, str(table))
    return dataset.rename_column("file_name", "audio")


def _with_classes(folder: Path) -> Dataset:
    classes = [path for path in sorted(folder.iterdir()) if path.is_dir() and not path.name.startswith(".")]
    pairs = [(path, label.name) for label in classes for path in _audio_files(label)]
    if not pairs:
        raise HfseqError(f"{folder} holds no audio that can be read: expected {_LAYOUTS}.")
    columns = {"audio": [os.path.abspath(path) for path, _ in pairs], "label": [label for _, label in pairs]}
    return Dataset.from_dict(columns, features=Features({"audio": Value("string"), "label": Value("string")}))


def _audio_files(folder: Path) -> list[Path]:
    found = sorted(path for path in folder.rglob("*") if path.is_file() and not path.name.startswith("."))
    for path in found:
        if path.suffix.lower() not in AUDIO_EXTENSIONS:
            raise HfseqError(f"{path} is no audio file: the folder of a class holds {_kinds()} alone.")
    if not found:
        raise HfseqError(f"{folder} holds no audio files: expected {_kinds()}, or leave the folder out.")
    return found


def _kinds() -> str:
    return f"{', '.join(AUDIO_EXTENSIONS[:-1])} or {AUDIO_EXTENSIONS[-1]}"


def _is_cut(path: Path) -> bool:
    """Whether a wav file is shorter than its header says, which libsndfile does not mind."""
    with path.open("rb") as file:
        head = file.read(8)
    size = int.from_bytes(head[4:8], "little")
    # A recorder that does not know yet how much is to come writes one of these two.
    return head[:4] == b"RIFF" and size not in (0, 0xFFFFFFFF) and path.stat().st_size < size + 8
