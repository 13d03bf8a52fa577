"""Sizes and digests of the files of a checkpoint or a run, to detect changed or damaged files."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from hfseq.errors import HfseqError
from hfseq.modalities.file_digests import file_digest
from hfseq.writing import write_json

# Files whose name starts with an underscore are not pushed to the Hub.
MANIFEST_NAME = "_manifest.json"
# Errors for another file of this name.
_NOT_A_MANIFEST = (ValueError, LookupError, TypeError, AttributeError, RecursionError)


@dataclass
class Manifest:
    """The files of a checkpoint, or of a run.

    Attributes:
        run (`str`): fingerprint of the settings of the run.
        files (`dict[str, dict]`): `bytes` and `sha256` of each file, by its path in the folder. Empty until the run
            is finished.
        checkpoints (`list[str]`): for a run, the names of the checkpoints that it has started to write.
    """

    run: str
    files: dict[str, dict[str, Any]] = field(default_factory=dict)
    checkpoints: list[str] = field(default_factory=list)

    @classmethod
    def load(cls, folder: Path) -> "Manifest | None":
        """The manifest of a folder, or `None` if there is none or it is damaged.

        Raises:
            HfseqError: the file cannot be read.
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
        """Writes the manifest into its folder, completely or not at all.

        Raises:
            HfseqError: it cannot be written.
        """
        write_json(folder / MANIFEST_NAME, asdict(self))

    def problem(self, folder: Path) -> str | None:
        """A description of the first missing or changed file of a folder, or `None`.

        Raises:
            HfseqError: a file cannot be read.
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
        leave_out (`frozenset[str]`, *optional*): names of files that are left out.
    """
    return {
        path.relative_to(folder).as_posix(): {"bytes": path.stat().st_size, "sha256": file_digest(path)}
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name not in leave_out and path.name != MANIFEST_NAME
    }


def _is_inside(name: str) -> bool:
    path = PurePosixPath(name)
    return bool(path.parts) and not path.is_absolute() and ".." not in path.parts
