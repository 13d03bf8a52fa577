"""Files or subfolders of a data set that are named after splits."""

from collections.abc import Iterable
from pathlib import Path

from hfseq.data.sources.visible_files import visible_entries
from hfseq.data.splits.names import SPLITS, canonical_split
from hfseq.errors import HfseqError


def split_parts(folder: Path, parts: Iterable[Path]) -> dict[str, Path]:
    """Assigns files or subfolders to splits by their names.

    Args:
        folder (`Path`): folder of the data set.
        parts (`Iterable[Path]`): files or subfolders in it.

    Returns:
        `dict[str, Path]`: the part of each existing split (`train`, `validation`, `test`). It is empty if a part has
        another name, or if there is no training split, because the parts are not splits then.

    Raises:
        HfseqError: two parts are for the same split.
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
    """The subfolders of a folder by split, if they are named after splits (see [`split_parts`])."""
    return split_parts(folder, [path for path in visible_entries(folder) if path.is_dir()])
