"""Tables in a folder that are named after splits, with one file or several numbered files per split."""

import re
from pathlib import Path

from datasets import Dataset, DatasetDict, concatenate_datasets

from hfseq.data.sources.cells import unreadable
from hfseq.data.sources.file_format import FileFormat
from hfseq.data.sources.files import read_files
from hfseq.data.sources.readers import DATA_EXTENSIONS, data_extension
from hfseq.data.sources.task_hints import task_hint
from hfseq.data.sources.visible_files import visible_files
from hfseq.data.splits.names import SPLITS, canonical_split
from hfseq.errors import HfseqError

# Numbered files of one split, as on the Hub: train-00000-of-00002.parquet.
_SHARD = re.compile(r"(?P<name>.*)[-_](?P<number>\d{5})-of-(?P<count>\d{5})")
# Subfolder of a data set of the Hub that contains the files.
_HUB_FOLDER = "data"


def table_files(folder: Path) -> list[Path]:
    """The visible tables in a folder. If there are none, those in its subfolder `data`."""
    for parent in (folder, folder / _HUB_FOLDER):
        found = [path for path in visible_files(parent) if data_extension(path.name)] if parent.is_dir() else []
        if found:
            return found
    return []


def tables_by_split(folder: Path) -> dict[str, list[Path]]:
    """The tables of a folder by split. Tables whose name does not contain the name of a split are ignored."""
    found: dict[str, list[Path]] = {}
    for path in table_files(folder):
        split = canonical_split(_stem(path))
        if split is not None:
            found.setdefault(split, []).append(path)
    return {split: found[split] for split in SPLITS if split in found}


def read_split_files(folder: Path, cache_dir: str | None = None, form: FileFormat | None = None) -> DatasetDict:
    """Reads a folder with one table per split, or with a single table, which becomes `train`.

    Args:
        folder (`Path`): folder with tables named `train.csv`, `dev.csv` and so on, in the folder itself or in its
            subfolder `data`. Files such as `train-00000-of-00002.parquet` and `train-00001-of-00002.parquet` form one
            split.
        cache_dir (`str`, *optional*, defaults to the cache folder of `datasets`): folder of the cache.
        form (`FileFormat`, *optional*): format of the files.

    Raises:
        HfseqError: no file is named after a split, two files are for the same split, a numbered file is missing, or a
            file cannot be read.
    """
    files = tables_by_split(folder)
    candidates = table_files(folder)
    if not files and len(candidates) == 1:
        files = {"train": candidates}
    if not files:
        found = ", ".join(path.name for path in candidates) or "none"
        raise HfseqError(
            f"{folder} has no file that is named after a split. The name must contain train; dev, val, valid or "
            f"validation; or test, and end with {', '.join('.' + name for name in DATA_EXTENSIONS)}. Data files "
            f"found: {found}." + task_hint(folder)
        )
    parts = {split: _in_order(split, paths, folder) for split, paths in files.items()}
    # Each file is read as a separate split, so that all files get the same columns and types.
    names = {split: [split, *(f"{split} {n}" for n in range(2, len(parts[split]) + 1))] for split in parts}
    read = read_files(
        {name: path for split in parts for name, path in zip(names[split], parts[split], strict=True)},
        cache_dir,
        form,
    )
    return DatasetDict({split: _join([read[name] for name in names[split]], split, folder) for split in parts})


def _join(parts: list[Dataset], split: str, folder: Path) -> Dataset:
    """Joins the files of a split. A column with different types in the files becomes unreadable."""
    differing = [
        name for name, kind in parts[0].features.items() if any(kind != part.features[name] for part in parts)
    ]
    reason = f"{folder}: column {{!r}} has different types in the files of split {split!r}. Use the same type in all."
    for name in differing:
        feature = unreadable(reason.format(name))
        parts = [part.remove_columns(name).add_column(name, [None] * len(part), feature=feature) for part in parts]
    return concatenate_datasets(parts)


def _stem(path: Path) -> str:
    extension = data_extension(path.name)
    return path.name.lower().removesuffix(".gz").removesuffix(f".{extension}")


def _in_order(split: str, paths: list[Path], folder: Path) -> list[Path]:
    """Sorts the files of a split by their numbers."""
    if len(paths) == 1 and not _SHARD.fullmatch(_stem(paths[0])):
        return paths
    shards = [(_SHARD.fullmatch(_stem(path)), path) for path in paths]
    numbers = {int(shard["number"]): path for shard, path in shards if shard}
    kinds = {(shard["name"], shard["count"], data_extension(path.name)) for shard, path in shards if shard}
    if len(numbers) < len(paths) or len(kinds) > 1:
        raise HfseqError(f"{folder} has two files for split {split!r}: {paths[0].name} and {paths[1].name}.")
    count = int(next(iter(kinds))[1])
    missing = sorted(set(range(count)) - numbers.keys())
    if missing:
        raise HfseqError(
            f"{folder}: split {split!r} has {count} files according to the name {paths[0].name}, but number "
            f"{missing[0]:05d} is missing. Add the missing files."
        )
    return [numbers[number] for number in sorted(numbers)]
