"""Folders of images or videos: a table that names the files, or a folder a class."""

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
# What `save_to_disk` writes.
SAVED = ("dataset_dict.json", "state.json")


@dataclass(frozen=True)
class Medium:
    """A kind of media.

    Args:
        column (`str`): the column that it becomes, and what one of it is called.
        kinds (`str`): which files or folders these are, for a message.
        is_one (`Callable`): whether a path is one.
    """

    column: str
    kinds: str
    is_one: Callable[[Path], bool]


def read_media_folder(folder: Path, medium: Medium) -> Dataset:
    """Reads a folder with a `metadata.csv`, a folder of media a class, or media without labels.

    Args:
        folder (`Path`): the folder. A `metadata.csv` has a column `file_name` of paths relative to the folder, and any
            others. Rows with a `caption` are one description each of their file: those of a file become `captions`.
        medium (`Medium`): what it holds.

    Returns:
        `datasets.Dataset`: a column of absolute paths, and the other columns of the table, or the class as `label`.

    Raises:
        HfseqError: it has none of these forms, a file is missing, or the table is malformed.
    """
    if not folder.is_dir():
        raise HfseqError(f"there is no folder {folder}.")
    table = folder / METADATA
    return read_metadata(table, medium.column) if table.is_file() else _without_table(folder, medium)


def read_metadata(table: Path, column: str) -> Dataset:
    """Reads a `metadata.csv`.

    Args:
        table (`Path`): with a column `file_name` of paths relative to its folder, and any others.
        column (`str`): what that column becomes.

    Returns:
        `datasets.Dataset`: the paths, whole, and the other columns.

    Raises:
        HfseqError: the table is malformed, or a file that it names is missing.
    """
    inspect_file(table)
    layout = table_layout(table)
    names = layout.names
    if column in names and FILE_NAME in names:
        raise HfseqError(f"{table} has both a column {FILE_NAME!r} and a column {column!r}: leave one of them out.")
    rows = Dataset.from_list(
        [row for _, row in table_rows(table, layout=layout)], features=Features(dict.fromkeys(names, CELL))
    )
    dataset = resolve_paths(rows, FILE_NAME, table.parent, str(table))
    dataset = dataset.rename_column(FILE_NAME, column)
    return group_captions(dataset, column, str(table)) if "caption" in names else dataset


def resolve_paths(dataset: Dataset, column: str, folder: Path, where: str) -> Dataset:
    """Makes whole paths of those in a column, once each is known to be there.

    Args:
        dataset (`datasets.Dataset`): rows of a table.
        column (`str`): the column of paths, relative to the folder or absolute.
        folder (`Path`): the table's folder.
        where (`str`): the table, for the message.

    Returns:
        `datasets.Dataset`: the same rows, with absolute paths in that column.

    Raises:
        HfseqError: there is no such column; a row has no path, or names what is not there.
    """
    if column not in dataset.column_names:
        raise HfseqError(f"{where} has no column {column!r}: {nearest(column, dataset.column_names)}")
    paths = []
    for row, name in enumerate(dataset[column]):
        if not isinstance(name, str):
            raise HfseqError(f"{where}, row {row}: column {column!r} must hold the path of a file, not {name!r}.")
        path = os.path.abspath(folder / name)
        if not os.path.exists(path):
            raise HfseqError(f"{where}, row {row}: column {column!r} names {name}, and there is no file {path}.")
        paths.append(path)
    columns = {name: paths if name == column else dataset[name][:] for name in dataset.column_names}
    return Dataset.from_dict(columns, features=Features({**dataset.features, column: Value("string")}))


def group_captions(dataset: Dataset, column: str, where: str) -> Dataset:
    """Brings the rows of each image together: their `caption`s become one list, `captions`, in the order they had.

    Args:
        dataset (`datasets.Dataset`): a row a caption.
        column (`str`): the column that tells the images apart.
        where (`str`): the table, for the message.

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
                f"{known[differing[0]]!r} in row {start}. Rows of one {column} may differ in their caption alone."
            )
        captions.setdefault(key, []).append(caption)
    rows = [{**values, "captions": captions[key]} for key, (_, values) in first.items()]
    features = {name: kind for name, kind in dataset.features.items() if name != "caption"}
    return Dataset.from_list(rows, features=Features({**features, "captions": List(Value("string"))}))


def media_parts(folder: Path) -> dict[str, Path]:
    """The folders of a data set of media by split; the data set itself, if it is one folder or has one table."""
    parts = split_folders(folder)
    if not parts or (
        (folder / METADATA).is_file() and not any((part / METADATA).is_file() for part in parts.values())
    ):
        return {"train": folder}
    return parts


def by_folder_of_split(splits: dict[str, Dataset], folder: Path, column: str) -> DatasetDict:
    """The rows of one table by the folder that their files lie in, if these folders are named after splits.

    Args:
        splits (`dict[str, datasets.Dataset]`): the rows of each split. Several splits are left as they are.
        folder (`Path`): the data set.
        column (`str`): the column of whole paths.
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
    """Whether a data set is one of media: with a `metadata.csv`, or with media and no tables beside their folders.

    Args:
        folder (`Path`): the data set.
        parts (`Iterable[Path]`): its folders by split, or itself.
        holds_media (`Callable`): whether there are media in a folder.
    """
    if any((part / METADATA).is_file() for part in parts):
        return True
    files = [entry.name for entry in visible_files(folder)]
    # Tables, or what `save_to_disk` wrote, name the media beside them.
    return not any(data_extension(name) or name in SAVED for name in files) and holds_media(folder)


def _without_table(folder: Path, medium: Medium) -> Dataset:
    found = _visible(folder)
    loose = [path for path in found if medium.is_one(path)]
    classes = [path for path in found if path.is_dir() and path not in loose]
    if loose and classes:
        raise HfseqError(
            f"{folder} holds both {medium.column}s ({loose[0].name}) and other folders ({classes[0].name}): put every "
            f"{medium.column} into the folder of its class, or write a {METADATA}."
        )
    pairs = [(path, label.name) for label in classes for path in _members(label, medium)]
    if not loose and not pairs:
        raise HfseqError(
            f"{folder} holds no {medium.column}s: expected a {METADATA} with the columns {FILE_NAME} and caption or "
            f"label, or one folder a class, of {medium.kinds}."
        )
    columns = {medium.column: [os.path.abspath(path) for path in loose or [path for path, _ in pairs]]}
    if pairs:
        columns["label"] = [label for _, label in pairs]
    return Dataset.from_dict(columns, features=Features(dict.fromkeys(columns, Value("string"))))


def _members(label: Path, medium: Medium) -> list[Path]:
    members = _visible(label)
    for path in members:
        if not medium.is_one(path):
            raise HfseqError(f"{path} is no {medium.column}: the folder of a class holds {medium.kinds} alone.")
    if not members:
        raise HfseqError(f"{label} is empty: it should hold {medium.kinds}, or be left out.")
    return members


def _visible(folder: Path) -> list[Path]:
    return sorted(visible_entries(folder), key=natural_order)
