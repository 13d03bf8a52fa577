"""Files of a folder, without the hidden files of operating systems and editors."""

import os
from collections.abc import Iterator
from pathlib import Path


def is_hidden(path: Path) -> bool:
    """Whether a file or folder is hidden (`.DS_Store`, `._a.mid`), or contains the hidden files of a zip archive."""
    return path.name.startswith(".") or path.name == "__MACOSX"


def visible_entries(folder: Path) -> list[Path]:
    """The files and folders directly in a folder, sorted, without hidden ones."""
    return sorted(path for path in folder.iterdir() if not is_hidden(path))


def visible_files(folder: Path) -> list[Path]:
    """The files directly in a folder, sorted, without hidden ones."""
    return [path for path in visible_entries(folder) if path.is_file()]


def walk_files(folder: Path) -> Iterator[Path]:
    """Yields the files in a folder and all its subfolders, without hidden files and hidden folders."""
    for parent, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not is_hidden(Path(name)))
        yield from (Path(parent, name) for name in sorted(files) if not is_hidden(Path(name)))
