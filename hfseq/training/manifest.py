"""Sizes and digests of the files that a checkpoint or a run consists of: whether they are still what was written."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from hfseq.errors import HfseqError
from hfseq.modalities.file_digests import file_digest
from hfseq.writing import write_json

# The underscore keeps it out of what is pushed to the Hub.
MANIFEST_NAME = "_manifest.json"
# What reading another file of this name raises.
_NOT_A_MANIFEST = (ValueError, LookupError, TypeError, AttributeError, RecursionError)


@dataclass
class Manifest:
    """The files of a checkpoint, or of a run.

    Attributes:
        run (`str`): the fingerprint of the run's settings.
        files (`dict[str, dict]`): `bytes` and `sha256` of each file, by its path in the folder. Empty while the run is
            not finished.
        checkpoints (`list[str]`): of a run, the names of the checkpoints that it has begun to write.
    """

    run: str
    files: dict[str, dict[str, Any]] = field(default_factory=dict)
    checkpoints: list[str] = field(default_factory=list)

    @classmethod
    def load(cls, folder: Path) -> "Manifest | None":
        """The manifest of a folder, or `None` where there is none, or it is damaged.

        Raises:
            HfseqError: where the file cannot be read.
        """
        try:
            values = json.loads((folder / MANIFEST_NAME).read_text(encoding="utf-8"))
            manifest = cls(values["run"], values["files"], values["checkpoints"])
            named = [*manifest.files, *manifest.checkpoints]
            whole = all(isinstance(entry["bytes"] + 0, int) and entry["sha256"] for entry in manifest.files.values())
            whole = whole and all(map(_is_inside, named))
        except (FileNotFoundError, NotADirectoryError, *_NOT_A_MANIFEST):
            return None
        except OSError as error:
            raise HfseqError(f"{folder / MANIFEST_NAME} cannot be read: {error.strerror or error}") from error
        return manifest if whole else None

    def save(self, folder: Path) -> None:
        """Writes the manifest into its folder, whole or not at all.

        Raises:
            HfseqError: where it cannot be written.
        """
        write_json(folder / MANIFEST_NAME, asdict(self))

    def problem(self, folder: Path) -> str | None:
        """What is wrong with the files of a folder, in words, or `None`.

        Raises:
            HfseqError: where a file cannot be read.
        """
        for name, entry in self.files.items():
            path = folder / name
            try:
                if not path.is_file():
                    return f"{name} is missing"
                size = path.stat().st_size
                if size != entry["bytes"]:
                    return f"{name} has {size} bytes in place of {entry['bytes']}"
                if file_digest(path) != entry["sha256"]:
                    return f"the content of {name} has changed"
            except OSError as error:
                raise HfseqError(f"{path} cannot be read: {error.strerror or error}") from error
        return None


def describe_files(folder: Path, leave_out: frozenset[str] = frozenset()) -> dict[str, dict[str, Any]]:
    """Size and digest of every file below a folder, by its path in the folder.

    Args:
        folder (`Path`): the folder.
        leave_out (`frozenset[str]`, *optional*): names of files that are not described.
    """
    return {
        path.relative_to(folder).as_posix(): {"bytes": path.stat().st_size, "sha256": file_digest(path)}
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name not in leave_out and path.name != MANIFEST_NAME
    }


def _is_inside(name: str) -> bool:
    path = PurePosixPath(name)
    return bool(path.parts) and not path.is_absolute() and ".." not in path.parts
