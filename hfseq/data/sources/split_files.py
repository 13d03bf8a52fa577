"""Tables of a folder that are named after splits, one file or several numbered files per split."""

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

# How the Hub numbers the files of one split: train-00000-of-00002.parquet.
_SHARD = re.compile(r"(?P<name>.*)[-_](?P<number>\d{5})-of-(?P<count>\d{5})")
# Where a data set of the Hub keeps its files.
_HUB_FOLDER = "data"


def table_files(folder: Path) -> list[Path]:
    """The visible tables directly in a folder, or in its folder `data` where it has none itself."""
    for place in (folder, folder / _HUB_FOLDER):
        found = [path for path in visible_files(place) if data_extension(path.name)] if place.is_dir() else []
        if found:
            return found
    return []


def tables_by_split(folder: Path) -> dict[str, list[Path]]:
    """The tables of a folder by split, as far as their names say one; empty where none does."""
    found: dict[str, list[Path]] = {}
    for path in table_files(folder):
        split = canonical_split(_stem(path))
        if split is not None:
            found.setdefault(split, []).append(path)
    return {split: found[split] for split in SPLITS if split in found}


def read_split_files(folder: Path, cache_dir: str | None = None, form: FileFormat | None = None) -> DatasetDict:
    """Reads a folder with one table per split, or with a single table, which becomes `train`.

    Args:
        folder (`Path`): tables named `train.csv`, `dev.csv` and so on, in it or in its folder `data`. Files such as
            `train-00000-of-00002.parquet` and `train-00001-of-00002.parquet` are one split.
        cache_dir (`str`, *optional*): folder of `datasets`' cache.
        form (`FileFormat`, *optional*): how the files are written.

    Raises:
        HfseqError: no file names a split, two files claim one split, a numbered file is missing, or a file cannot be
            read.
    """
    files = tables_by_split(folder)
    candidates = table_files(folder)
    if not files and len(candidates) == 1:
        files = {"train": candidates}
    if not files:
        found = ", ".join(path.name for path in candidates) or "none"
        raise HfseqError(
            f"{folder} has no file for a split. Looked for names with train; dev, val, valid or validation; test; "
            f"ending with {', '.join('.' + name for name in DATA_EXTENSIONS)}. Data files found: {found}."
            + task_hint(folder)
        )
    parts = {split: _in_order(split, paths, folder) for split, paths in files.items()}
    # Each file is read under a name of its own, so that all of them get the same columns and types.
    names = {split: [split, *(f"{split} {n}" for n in range(2, len(parts[split]) + 1))] for split in parts}
    read = read_files(
        {name: path for split in parts for name, path in zip(names[split], parts[split], strict=True)},
        cache_dir,
        form,
    )
    return DatasetDict({split: _joined([read[name] for name in names[split]], split, folder) for split in parts})


def _joined(parts: list[Dataset], split: str, folder: Path) -> Dataset:
    """The rows of all files of a split; a column whose type differs between them can be read by nobody."""
    differing = [
        name for name, kind in parts[0].features.items() if any(kind != part.features[name] for part in parts)
    ]
    reason = f"{folder}: the files of split {split!r} differ in the type of column {{!r}}. Give all of them one type."
    for name in differing:
        feature = unreadable(reason.format(name))
        parts = [part.remove_columns(name).add_column(name, [None] * len(part), feature=feature) for part in parts]
    return concatenate_datasets(parts)


def _stem(path: Path) -> str:
    extension = data_extension(path.name)
    return path.name.lower().removesuffix(".gz").removesuffix(f".{extension}")


def _in_order(split: str, paths: list[Path], folder: Path) -> list[Path]:
    """The files of a split in the order of their numbers."""
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
            f"{folder}: split {split!r} has {count} files by the name of {paths[0].name}, and number {missing[0]:05d} "
            "is missing. Add the missing files."
        )
    return [numbers[number] for number in sorted(numbers)]
