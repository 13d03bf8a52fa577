"""Folders of media: with a table that names the files, or with one folder per class."""

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from datasets import Dataset, DatasetDict, Features, List, Value

from hfseq.data.sources.cells import CELL
from hfseq.data.sources.readers import data_extension, inspect_file
from hfseq.data.sources.split_folders import split_folders
from hfseq.data.sources.tables import table_layout, table_rows
from hfseq.data.sources.visible_files import visible_entries, visible_files
from hfseq.data.splits.names import SPLITS, canonical_split
from hfseq.errors import HfseqError, nearest
from hfseq.modalities.natural_order import natural_order

METADATA = "metadata.csv"
FILE_NAME = "file_name"
# Files that `save_to_disk` writes.
SAVED = ("dataset_dict.json", "state.json")


@dataclass(frozen=True)
class MediaKind:
    """A kind of media, such as images.

    Args:
        column (`str`): the column of the paths, and the word for one example.
        description (`str`): the kinds of files or folders, for error messages.
        matches (`Callable`): whether a path is of this kind.
    """

    column: str
    description: str
    matches: Callable[[Path], bool]


def read_media_folder(folder: Path, kind: MediaKind) -> Dataset:
    """Reads a folder with a `metadata.csv`, with one folder per class, or with media without labels.

    Args:
        folder (`Path`): the folder. A `metadata.csv` has a column `file_name` of paths relative to the folder, and
            other columns. With a column `caption`, the captions of each file become a list `captions`.
        kind (`MediaKind`): the kind of media in the folder.

    Returns:
        `datasets.Dataset`: a column of absolute paths, and the other columns of the table, or the class as `label`.

    Raises:
        HfseqError: the folder has another layout, a file is missing, or the table is malformed.
    """
    if not folder.is_dir():
        raise HfseqError(f"there is no folder {folder}.")
    table = folder / METADATA
    return read_metadata(table, kind.column) if table.is_file() else _without_table(folder, kind)


def read_metadata(table: Path, column: str) -> Dataset:
    """Reads a `metadata.csv`.

    Args:
        table (`Path`): a table with a column `file_name` of paths relative to its folder, and other columns.
        column (`str`): the new name of that column.

    Returns:
        `datasets.Dataset`: the absolute paths, and the other columns.

    Raises:
        HfseqError: the table is malformed, or one of its files is missing.
    """
    inspect_file(table)
    layout = table_layout(table)
    names = layout.names
    if column in names and FILE_NAME in names:
        raise HfseqError(f"{table} has both a column {FILE_NAME!r} and a column {column!r}: remove one of them.")
    rows = Dataset.from_list(
        [row for _, row in table_rows(table, layout=layout)], features=Features(dict.fromkeys(names, CELL))
    )
    dataset = resolve_paths(rows, FILE_NAME, table.parent, str(table))
    dataset = dataset.rename_column(FILE_NAME, column)
    return group_captions(dataset, column, str(table)) if "caption" in names else dataset


def resolve_paths(dataset: Dataset, column: str, folder: Path, where: str) -> Dataset:
    """Makes the paths in a column absolute, and checks that they exist.

    Args:
        dataset (`datasets.Dataset`): rows of a table.
        column (`str`): the column of paths. They are absolute, or relative to the folder.
        folder (`Path`): the folder of the table.
        where (`str`): the table, for error messages.

    Returns:
        `datasets.Dataset`: the same rows, with absolute paths in that column.

    Raises:
        HfseqError: the column is missing, a row has no path, or a path does not exist.
    """
    if column not in dataset.column_names:
        raise HfseqError(f"{where} has no column {column!r}: {nearest(column, dataset.column_names)}")
    paths = []
    for row, name in enumerate(dataset[column]):
        if not isinstance(name, str):
            raise HfseqError(f"{where}, row {row}: column {column!r} must hold the path of a file, not {name!r}.")
        path = os.path.abspath(folder / name)
        if not os.path.exists(path):
            raise HfseqError(f"{where}, row {row}: column {column!r} names {name}, but there is no file {path}.")
        paths.append(path)
    columns = {name: paths if name == column else dataset[name][:] for name in dataset.column_names}
    return Dataset.from_dict(columns, features=Features({**dataset.features, column: Value("string")}))


def group_captions(dataset: Dataset, column: str, where: str) -> Dataset:
    """Merges the rows of each image. Their captions become a list `captions`, in the order of the rows.

    Args:
        dataset (`datasets.Dataset`): one row per caption.
        column (`str`): the column of the images.
        where (`str`): the table, for error messages.

    Raises:
        HfseqError: a row has no caption, or rows of one image differ in another column.
    """
    captions: dict[Any, list[str]] = {}
    first: dict[Any, tuple[int, dict[str, Any]]] = {}
    for row, values in enumerate(dataset):
        caption, key = values.pop("caption"), values[column]
        if not isinstance(caption, str) or not caption.strip():
            raise HfseqError(f"{where}, row {row}: the caption of {key} must be a text, not {caption!r}.")
        start, known = first.setdefault(key, (row, values))
        differing = [name for name in values if values[name] != known[name]]
        if differing:
            raise HfseqError(
                f"{where}, row {row}: column {differing[0]!r} of {key} is {values[differing[0]]!r} here, but "
                f"{known[differing[0]]!r} in row {start}. Rows of one {column} may only differ in their captions."
            )
        captions.setdefault(key, []).append(caption)
    rows = [{**values, "captions": captions[key]} for key, (_, values) in first.items()]
    features = {name: kind for name, kind in dataset.features.items() if name != "caption"}
    return Dataset.from_list(rows, features=Features({**features, "captions": List(Value("string"))}))


def media_parts(folder: Path) -> dict[str, Path]:
    """The folder of each split. If there are no such folders, or only one table, the data set itself is `train`."""
    parts = split_folders(folder)
    if not parts or (
        (folder / METADATA).is_file() and not any((part / METADATA).is_file() for part in parts.values())
    ):
        return {"train": folder}
    return parts


def by_folder_of_split(splits: dict[str, Dataset], folder: Path, column: str) -> DatasetDict:
    """Splits the rows of one table by the folders of their files, if these folders are named after splits.

    Args:
        splits (`dict[str, datasets.Dataset]`): the rows of each split. If there are several, they are not changed.
        folder (`Path`): the folder of the data set.
        column (`str`): the column of absolute paths.
    """
    if list(splits) != ["train"]:
        return DatasetDict(splits)
    rows, root = splits["train"], os.path.abspath(folder)
    firsts = [os.path.relpath(path, root).split(os.sep) for path in rows[column]]
    found = [canonical_split(parts[0]) if len(parts) > 1 else None for parts in firsts]
    if None in found or "train" not in found:
        return DatasetDict(splits)
    return DatasetDict(
        {
            split: rows.select([row for row, name in enumerate(found) if name == split])
            for split in SPLITS
            if split in found
        }
    )


def is_media_folder(folder: Path, parts: Iterable[Path], holds_media: Callable[[Path], bool]) -> bool:
    """Whether a folder is a data set of media: it has a `metadata.csv`, or it holds media and no tables.

    Args:
        folder (`Path`): the folder.
        parts (`Iterable[Path]`): the folders of its splits, or the folder itself.
        holds_media (`Callable`): whether a folder holds media.
    """
    if any((part / METADATA).is_file() for part in parts):
        return True
    files = [entry.name for entry in visible_files(folder)]
    # Otherwise a table, or the files of `save_to_disk`, are the data set.
    return not any(data_extension(name) or name in SAVED for name in files) and holds_media(folder)


def _without_table(folder: Path, kind: MediaKind) -> Dataset:
    found = _visible(folder)
    loose = [path for path in found if kind.matches(path)]
    classes = [path for path in found if path.is_dir() and path not in loose]
    if loose and classes:
        raise HfseqError(
            f"{folder} holds both {kind.column}s ({loose[0].name}) and other folders ({classes[0].name}): put every "
            f"{kind.column} into the folder of its class, or write a {METADATA}."
        )
    pairs = [(path, label.name) for label in classes for path in _members(label, kind)]
    if not loose and not pairs:
        raise HfseqError(
            f"{folder} holds no {kind.column}s: expected a {METADATA} with the columns {FILE_NAME} and caption or "
            f"label, or one folder per class, with {kind.description}."
        )
    columns = {kind.column: [os.path.abspath(path) for path in loose or [path for path, _ in pairs]]}
    if pairs:
        columns["label"] = [label for _, label in pairs]
    return Dataset.from_dict(columns, features=Features(dict.fromkeys(columns, Value("string"))))


def _members(label: Path, kind: MediaKind) -> list[Path]:
    members = _visible(label)
    for path in members:
        if not kind.matches(path):
            raise HfseqError(
                f"{path} is in the folder of a class of {kind.column}s, which must only hold {kind.description}."
            )
    if not members:
        raise HfseqError(f"{label} is empty: put {kind.description} into it, or remove it.")
    return members


def _visible(folder: Path) -> list[Path]:
    return sorted(visible_entries(folder), key=natural_order)
