"""Folders of a data set that have one part for each split."""

from collections.abc import Iterable
from pathlib import Path

from hfseq.data.sources.visible_files import visible_entries
from hfseq.data.splits.names import SPLITS, canonical_split
from hfseq.errors import HfseqError


def split_parts(folder: Path, parts: Iterable[Path]) -> dict[str, Path]:
    """Which split each of some files or sub-folders is, by its name.

    Args:
        folder (`Path`): the data set.
        parts (`Iterable[Path]`): files or folders in it.

    Returns:
        `dict[str, Path]`: by `train`, `validation` and `test`, as far as they are there; empty where one of the parts
        is called otherwise, or none is for training: then they are no splits.

    Raises:
        HfseqError: two are for the same split.
    """
    found: dict[str, Path] = {}
    for part in parts:
        split = canonical_split(part.name if part.is_dir() else part.name.partition(".")[0])
        if split is None:
            return {}
        if split in found:
            raise HfseqError(f"{folder} has two parts for split {split!r}: {found[split].name} and {part.name}.")
        found[split] = part
    return {split: found[split] for split in SPLITS if split in found} if "train" in found else {}


def split_folders(folder: Path) -> dict[str, Path]:
    """The sub-folders of a folder by split, where they are named after splits: see [`split_parts`]."""
    return split_parts(folder, [path for path in visible_entries(folder) if path.is_dir()])
