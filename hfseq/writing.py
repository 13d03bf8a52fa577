"""Atomic writing of text files: a file is either written completely, or not changed."""

import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

from hfseq.errors import HfseqError


def write_json(path: Path, values: Any) -> None:
    """Writes JSON to a file atomically: to a temporary file in the same folder, which then replaces the file.

    Raises:
        HfseqError: the file cannot be written. An existing file is unchanged.
    """
    write_text(path, json.dumps(values, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def write_text(path: Path, text: str) -> None:
    """Writes text to a file atomically.

    Raises:
        HfseqError: the file cannot be written. An existing file is unchanged.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open_atomically(path) as file:
            file.write(text)
    except OSError as error:
        unchanged = "; the existing file is unchanged" if path.exists() else ""
        raise HfseqError(
            f"cannot write {path}: {error.strerror or error}{unchanged}. Free some disk space or choose another "
            "--output_dir, then run the same command again: finished work is not repeated"
        ) from error


@contextmanager
def open_atomically(path: Path, newline: str | None = None) -> Iterator[TextIO]:
    """Opens a temporary file for writing. It replaces the file at the end of the context, or is removed on an error.

    Args:
        path (`Path`): path of the file, in an existing folder.
        newline (`str`, *optional*): as in `open`.

    Raises:
        OSError: the file cannot be written. An existing file is unchanged.
    """
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:100]}.")
    try:
        with open(descriptor, "w", encoding="utf-8", newline=newline) as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        # Temporary files are private, but the result should have the permissions of other new files.
        mask = os.umask(0)
        os.umask(mask)
        os.chmod(name, 0o666 & ~mask)
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
