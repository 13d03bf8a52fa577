"""Text files that are written whole or not at all."""

import json
import os
import tempfile
from pathlib import Path
from typing import Any

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
    temporary = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(
            "w", encoding="utf-8", dir=path.parent, prefix=f".{path.name}.", delete=False
        ) as file:
            temporary = Path(file.name)
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        # A temporary file is private; a result is as readable as any other new file.
        mask = os.umask(0)
        os.umask(mask)
        temporary.chmod(0o666 & ~mask)
        os.replace(temporary, path)
    except OSError as error:
        if temporary is not None:
            temporary.unlink(missing_ok=True)
        kept = "; the earlier file is unharmed" if path.exists() else ""
        raise HfseqError(
            f"cannot write {path}: {error.strerror or error}{kept}. Make room or give another --output_dir, then run "
            "the same command again: finished work is not repeated"
        ) from error
