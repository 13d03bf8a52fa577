"""Text files that are written whole or not at all."""

import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

from hfseq.errors import HfseqError


def write_json(path: Path, values: Any) -> None:
    """Writes JSON to a file, whole or not at all: into a neighbour first, which then takes the file's place.

    Raises:
        HfseqError: where it cannot be written. What stood there before is unharmed.
    """
    write_text(path, json.dumps(values, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def write_text(path: Path, text: str) -> None:
    """Writes text to a file, whole or not at all.

    Raises:
        HfseqError: where it cannot be written. What stood there before is unharmed.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open_replacement(path) as file:
            file.write(text)
    except OSError as error:
        kept = "; the earlier file is unharmed" if path.exists() else ""
        raise HfseqError(
            f"cannot write {path}: {error.strerror or error}{kept}. Make room or give another --output_dir, then run "
            "the same command again: finished work is not repeated"
        ) from error


@contextmanager
def open_replacement(path: Path, newline: str | None = None) -> Iterator[TextIO]:
    """A neighbour of a file to write to, which takes the file's place when it is complete and is removed otherwise.

    Args:
        path (`Path`): the file, in a folder that exists.
        newline (`str`, *optional*): as in `open`.

    Raises:
        OSError: where it cannot be written. What the file held before is unharmed.
    """
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:100]}.")
    try:
        with open(descriptor, "w", encoding="utf-8", newline=newline) as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        # A temporary file is private; a result is as readable as any other new file.
        mask = os.umask(0)
        os.umask(mask)
        os.chmod(name, 0o666 & ~mask)
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
