"""Reads audio files, and folders and tables of them."""

import hashlib
import io
import os
from pathlib import Path
from typing import Any

import numpy as np
from datasets import Dataset, Features, Value

from hfseq.data.sources.visible_files import visible_entries, walk_files
from hfseq.errors import HfseqError, first_line
from hfseq.extras import require
from hfseq.modalities.limits import FileSizeError, check_values
from hfseq.modalities.media_folder import METADATA, read_metadata

AUDIO_EXTENSIONS = (".wav", ".flac", ".ogg", ".mp3")

# The header of a wav file has this size, or a larger one, if it was written before the size was known.
_UNKNOWN_LENGTH = 0x7FFFF000

_LAYOUTS = f"a {METADATA} with the columns file_name and text or label, or one folder of audio files per class"


def read_waveform(path: str | Path) -> tuple[np.ndarray, int]:
    """Reads an audio file. Several channels are averaged.

    Args:
        path (`str` or `Path`): a file in a format that libsndfile reads: wav, flac, ogg, mp3.

    Returns:
        `tuple[np.ndarray, int]`: the samples in -1..1 as float32 of shape `(num_samples,)`, and the sampling rate in
        Hz.

    Raises:
        HfseqError: soundfile is not installed, or the file is missing, not audio, damaged, incomplete, or empty.
    """
    require("soundfile", extra="audio")
    path = Path(path)
    if not path.is_file():
        raise HfseqError(f"there is no file {path}.")
    try:
        content = path.read_bytes()
    except OSError as error:
        raise HfseqError(f"{path} cannot be read: {error.strerror or error}.") from error
    return _decode(content, str(path))


def _decode(content: bytes, name: str) -> tuple[np.ndarray, int]:
    """Decodes the content of an audio file to a waveform and its sampling rate. `name` is for error messages."""
    soundfile = require("soundfile", extra="audio")
    try:
        with soundfile.SoundFile(io.BytesIO(content)) as file:
            rate, expected = file.samplerate, file.frames
            check_values(expected * file.channels, f"{name}, {expected:,} samples of {file.channels} channels,")
            samples = file.read(dtype="float32", always_2d=True)  # (num_samples, channels)
    except FileSizeError as error:
        raise HfseqError(f"{error}.") from error
    except (soundfile.SoundFileError, TypeError, OSError) as error:
        reason = getattr(error, "error_string", None) or first_line(error)
        raise HfseqError(
            f"{name} cannot be read as audio ({reason.rstrip('.')}): expected a complete {_kinds()} file."
        ) from error
    if not expected:
        raise HfseqError(f"{name} holds no samples.")
    if len(samples) < expected or _is_incomplete(content):
        raise HfseqError(f"{name} is incomplete: it holds {len(samples)} samples, but its header announces more.")
    waveform = samples.mean(axis=1)
    if not np.isfinite(waveform).all():
        raise HfseqError(f"{name} holds samples that are not finite.")
    return waveform, rate


def load_audio(value: Any, where: str = "audio") -> dict[str, Any]:
    """Loads the waveform of a cell in a column of audio.

    Args:
        value (`str` or `dict`): the path of an audio file, or a dictionary with `array` and `sampling_rate`, or with
            the `bytes` or the `path` of a file, as `datasets` stores audio.
        where (`str`, *optional*, defaults to `"audio"`): name of the cell in error messages.

    Returns:
        `dict`: `array`, one channel in float32, and `sampling_rate`: an input of the feature extractor.

    Raises:
        HfseqError: the value has another form, or the file cannot be read.
    """
    if isinstance(value, dict) and value.get("array") is not None and value.get("sampling_rate") is not None:
        if not value["sampling_rate"] >= 1:
            raise HfseqError(f"the sampling_rate of {where} must be at least 1 Hz, not {value['sampling_rate']!r}.")
        return {"array": np.asarray(value["array"], dtype=np.float32), "sampling_rate": int(value["sampling_rate"])}
    source, name = value, where
    if isinstance(value, dict):
        source, name = value.get("bytes") or value.get("path"), value.get("path") or where
    if isinstance(source, bytes):
        array, rate = _decode(source, name)
    elif isinstance(source, (str, Path)):
        array, rate = read_waveform(source)
    else:
        raise HfseqError(
            f"{where} must be the path of an audio file, or have array and sampling_rate, but is {str(value)[:40]!r}."
        )
    return {"array": array, "sampling_rate": rate}


def audio_digest(audio: dict[str, Any]) -> str:
    """The sha256 of a waveform and its sampling rate, in hexadecimal.

    Args:
        audio (`dict`): the result of [`load_audio`].
    """
    return hashlib.sha256(f"{audio['sampling_rate']} ".encode() + audio["array"].tobytes()).hexdigest()


def read_audio_folder(path: Path) -> Dataset:
    """Reads a folder of audio files: with a `metadata.csv`, with one folder per class, or with audio files only.

    Args:
        path (`Path`): the folder. A `metadata.csv` has a column `file_name` of paths relative to the folder, and
            other columns such as `text` or `label`.

    Returns:
        `datasets.Dataset`: the column `audio` of paths, and the other columns of the table, or the class as `label`.

    Raises:
        HfseqError: the folder has another layout, a file is missing or in another format, or the table is malformed.
    """
    table = path / METADATA
    return read_metadata(table, "audio") if table.is_file() else _without_table(path)


def _without_table(folder: Path) -> Dataset:
    visible = visible_entries(folder)
    loose = [path for path in visible if path.is_file() and path.suffix.lower() in AUDIO_EXTENSIONS]
    pairs = [(path, label.name) for label in visible if label.is_dir() for path in _audio_files(label)]
    if loose and pairs:
        raise HfseqError(
            f"{folder} holds both audio files ({loose[0].name}) and folders of audio files ({pairs[0][1]}): put each "
            f"file into the folder of its class, or write a {METADATA}."
        )
    if not loose and not pairs:
        raise HfseqError(f"{folder} holds no audio that can be read: expected {_LAYOUTS}.")
    columns = {"audio": [os.path.abspath(path) for path in loose or [path for path, _ in pairs]]}
    if pairs:
        columns["label"] = [label for _, label in pairs]
    return Dataset.from_dict(columns, features=Features(dict.fromkeys(columns, Value("string"))))


def _audio_files(folder: Path) -> list[Path]:
    found = sorted(walk_files(folder))
    for path in found:
        if path.suffix.lower() not in AUDIO_EXTENSIONS:
            raise HfseqError(f"{path} is not an audio file: the folder of a class must only hold {_kinds()} files.")
    if not found:
        raise HfseqError(f"{folder} holds no audio files: put {_kinds()} files into it, or remove it.")
    return found


def _kinds() -> str:
    return f"{', '.join(AUDIO_EXTENSIONS[:-1])} or {AUDIO_EXTENSIONS[-1]}"


def _is_incomplete(content: bytes) -> bool:
    """Whether a wav file is shorter than its header says. libsndfile does not check that."""
    size = int.from_bytes(content[4:8], "little")
    # A recorder that does not know the size yet writes 0, or a number close to the largest signed or unsigned one.
    return content[:4] == b"RIFF" and 0 < size < _UNKNOWN_LENGTH and len(content) < size + 8
