"""Audio files, and the folders and tables that name them."""

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

# Headers of wav files announce this many bytes, or more, where they were written before the end was known.
_UNKNOWN_LENGTH = 0x7FFFF000

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
    """The waveform in an audio file's content, and its rate; `name` is what messages call it."""
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
            f"{name} cannot be read as audio ({reason.rstrip('.')}): expected {_kinds()}, whole."
        ) from error
    if not expected:
        raise HfseqError(f"{name} holds no samples.")
    if len(samples) < expected or _is_cut(content):
        raise HfseqError(f"{name} is cut short: it holds {len(samples)} samples, and its header announces more.")
    waveform = samples.mean(axis=1)
    if not np.isfinite(waveform).all():
        raise HfseqError(f"{name} holds samples that are no finite numbers.")
    return waveform, rate


def load_audio(value: Any, where: str = "audio") -> dict[str, Any]:
    """The waveform that a cell of an `audio` column stands for.

    Args:
        value (`str` or `dict`): the path of an audio file; or a dictionary with `array` and `sampling_rate`, or, as
            `datasets` stores audio, with the `bytes` of a file, or its `path`.
        where (`str`, *optional*, defaults to `"audio"`): what the message calls the cell.

    Returns:
        `dict`: `array`, float32 of one channel, and `sampling_rate`, what an extractor takes.

    Raises:
        HfseqError: the cell is none of these, or the file cannot be read.
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
            f"{where} must be the path of an audio file, or hold array and sampling_rate, but is {str(value)[:40]!r}."
        )
    return {"array": array, "sampling_rate": rate}


def audio_digest(audio: dict[str, Any]) -> str:
    """A sha256 of a waveform and its rate, in hexadecimal.

    Args:
        audio (`dict`): as [`load_audio`] gives it.
    """
    return hashlib.sha256(f"{audio['sampling_rate']} ".encode() + audio["array"].tobytes()).hexdigest()


def read_audio_folder(path: Path) -> Dataset:
    """Reads a folder of audio files: one with a `metadata.csv`, with a folder a class, or of audio files alone.

    Args:
        path (`Path`): the folder. A `metadata.csv` has a column `file_name` of paths relative to the folder, and any
            others, such as `text` or `label`.

    Returns:
        `datasets.Dataset`: the column `audio` of paths, and the other columns of the table, or the class as `label`.

    Raises:
        HfseqError: it has none of these forms, a file is missing or of another kind, or the table is malformed.
    """
    table = path / METADATA
    return read_metadata(table, "audio") if table.is_file() else _without_table(path)


def _without_table(folder: Path) -> Dataset:
    visible = visible_entries(folder)
    loose = [path for path in visible if path.is_file() and path.suffix.lower() in AUDIO_EXTENSIONS]
    pairs = [(path, label.name) for label in visible if label.is_dir() for path in _audio_files(label)]
    if loose and pairs:
        raise HfseqError(
            f"{folder} holds both recordings ({loose[0].name}) and folders of them ({pairs[0][1]}): put each into the "
            f"folder of its class, or write a {METADATA}."
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
            raise HfseqError(f"{path} is no audio file: the folder of a class holds {_kinds()} alone.")
    if not found:
        raise HfseqError(f"{folder} holds no audio files: expected {_kinds()}, or leave the folder out.")
    return found


def _kinds() -> str:
    return f"{', '.join(AUDIO_EXTENSIONS[:-1])} or {AUDIO_EXTENSIONS[-1]}"


def _is_cut(content: bytes) -> bool:
    """Whether a wav file is shorter than its header says, which libsndfile does not mind."""
    size = int.from_bytes(content[4:8], "little")
    # A recorder that does not know yet how much is to come writes 0, or more than would fit: of the largest signed or
    # unsigned number, or of one a little smaller than that.
    return content[:4] == b"RIFF" and 0 < size < _UNKNOWN_LENGTH and len(content) < size + 8
