"""Reads plain text files as documents for language modeling."""

from pathlib import Path

from datasets import Dataset, DatasetDict, concatenate_datasets

from hfseq.data.sources.readers import data_extension
from hfseq.data.sources.visible_files import visible_files, walk_files
from hfseq.data.splits.names import canonical_split
from hfseq.modalities.text.plain_text import read_text

TEXT_SUFFIXES = (".txt", ".txt.gz")


def is_text_file(path: Path) -> bool:
    """Whether the name of a file says that it is plain text."""
    return path.is_file() and path.name.lower().endswith(TEXT_SUFFIXES)


def read_text_files(path: Path) -> DatasetDict | None:
    """Reads texts for language modeling, one document per file.

    Args:
        path (`Path`): a `.txt` or `.txt.gz` file, which becomes `train`; a folder with `train.txt` and perhaps
            `validation.txt` and `test.txt`, or with folders of those names; or a folder of other text files, which
            become `train` in the order of their names. README and license files are ignored.

    Returns:
        `datasets.DatasetDict` or `None`: splits with the column `text`; `None` if there is no text file, or if there
        are tables but no text file of a split.

    Raises:
        HfseqError: a file is empty, damaged, or not UTF-8.
    """
    if is_text_file(path):
        return DatasetDict({"train": read_text(path)})
    if not path.is_dir():
        return None
    files = sorted(file for file in walk_files(path) if is_text_file(file) and not is_about(file))
    splits = _by_split(files, path)
    # A novel may be named "The Test": names of splits only count if there is a training split.
    if "train" not in splits:
        if not files or any(data_extension(file.name) for file in visible_files(path)):
            return None
        splits = {"train": files}
    return DatasetDict({name: _documents(splits[name]) for name in ("train", "validation", "test") if name in splits})


def is_about(file: Path) -> bool:
    """Whether the name of a file says that it describes the other files."""
    return file.name.lower().startswith(("readme", "license", "licence"))


def _by_split(files: list[Path], folder: Path) -> dict[str, list[Path]]:
    """The files by split, from the name of their first folder, or their own name if they are in no folder."""
    splits: dict[str, list[Path]] = {}
    for file in files:
        first = file.relative_to(folder).parts[0]
        split = canonical_split(first.lower().removesuffix(".gz").removesuffix(".txt"))
        if split is not None:
            splits.setdefault(split, []).append(file)
    return splits


def _documents(files: list[Path]) -> Dataset:
    return concatenate_datasets([read_text(file) for file in files])
