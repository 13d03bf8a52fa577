"""Data files on disk as one `DatasetDict`, cached by `datasets` under their content."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
from datasets import Dataset, DatasetDict, Features, List, Value
from datasets.exceptions import DatasetsError

from hfseq.data.labels.types import type_family
from hfseq.data.sources.cells import CELL, CELL_WITH_COMMA, is_unreadable, unreadable
from hfseq.data.sources.column_types import JSON_OBJECTS, column_features, common_features, typed_rows
from hfseq.data.sources.file_format import DELIMITER_NAMES, FileFormat
from hfseq.data.sources.readers import (
    DATA_EXTENSIONS,
    TABLE_EXTENSIONS,
    TEXT_EXTENSIONS,
    data_extension,
    inspect_file,
)
from hfseq.data.sources.tables import Layout, table_layout, table_rows
from hfseq.errors import HfseqError

# Part of the cache's key: raise it whenever a file would be read differently.
_VERSION = 3
_CAST_ERRORS = (ValueError, TypeError, pa.ArrowException, DatasetsError)
# How the description of a split begins that says how its file was read.
READING_NOTE = "Read from "


def read_files(files: dict[str, Path], cache_dir: str | None = None, form: FileFormat | None = None) -> DatasetDict:
    """Reads one data file a split.

    Args:
        files (`dict[str, Path]`): file by split name.
        cache_dir (`str`, *optional*): folder of `datasets`' cache.
        form (`FileFormat`, *optional*): how they are written.

    Returns:
        `datasets.DatasetDict`: the splits, all with the same columns: see [`align`].

    Raises:
        HfseqError: a file is of no known kind, empty or malformed.
    """
    for path in files.values():
        if data_extension(path.name) is None:
            raise HfseqError(
                f"{path} is of no known kind: expected {', '.join('.' + name for name in DATA_EXTENSIONS)} "
                f"(.gz of {', '.join('.' + name for name in TEXT_EXTENSIONS)} as well)."
            )
    form = form or FileFormat()
    kinds = {split: data_extension(path.name) for split, path in files.items()}
    digests = {
        split: inspect_file(path, form=form) for split, path in files.items() if kinds[split] in TEXT_EXTENSIONS
    }
    tables = {split: table_layout(path, form) for split, path in files.items() if kinds[split] in TABLE_EXTENSIONS}
    objects = {split: path for split, path in files.items() if kinds[split] in ("json", "jsonl")}
    features = common_features({split: column_features(path, form) for split, path in objects.items()})
    splits = DatasetDict()
    for split, path in files.items():
        if split in tables:
            splits[split] = _read_table(path, tables[split], form, digests[split], cache_dir)
        elif split in objects:
            splits[split] = _read_objects(path, features[split], form, digests[split], cache_dir)
        else:
            splits[split] = _read_parquet(path, cache_dir)
    return align(splits, {split: str(path) for split, path in files.items()})


def align(splits: DatasetDict, names: dict[str, str]) -> DatasetDict:
    """The splits with the features of the first one, which is the training split where there is one.

    A column that a split lacks is added to it as one that nobody may read: see [`unreadable`]. A column that cannot be
    given the type of the first split keeps its own.

    Args:
        splits (`datasets.DatasetDict`): the splits.
        names (`dict[str, str]`): where each split came from, for the message.
    """
    first = "train" if "train" in splits else next(iter(splits))
    columns = dict.fromkeys(name for split in (first, *splits) for name in splits[split].column_names)
    for split, dataset in splits.items():
        for name in [name for name in columns if name not in dataset.column_names]:
            other = next(key for key in (first, *splits) if name in splits[key].column_names and key != split)
            reason = (
                f"split {split!r} ({names[split]}) has no column {name!r}, which split {other!r} ({names[other]}) "
                "has. Give all files the same columns, or name other columns with the flags for columns."
            )
            dataset = dataset.add_column(name, [None] * len(dataset), feature=unreadable(reason))
        splits[split] = dataset.select_columns(list(columns))
    # Some writers of parquet have a type of their own for texts.
    features = Features({name: _plain(kind) for name, kind in splits[first].features.items()})
    for split, dataset in splits.items():
        if dataset.features != features:
            splits[split] = _cast(dataset, _castable(features, dataset.features))
    return splits


def _cast(dataset: Dataset, features: Features) -> Dataset:
    """The rows with other features, except those of columns that cannot be cast."""
    try:
        return dataset.cast(features)
    except _CAST_ERRORS:
        for name, kind in features.items():
            try:
                dataset = dataset.cast_column(name, kind)
            except _CAST_ERRORS:  # the column keeps its type, which its readers check
                continue
        return dataset


def _castable(features: Features, own: Features) -> Features:
    """The wanted features, but for columns where a cast would turn texts into numbers, or the like.

    Such a column keeps its type: it may be one that nobody reads, and the text "1" is not the number 1. So does a
    column that nobody may read, for the reason in its type.
    """
    kinds = {}
    for name, kind in features.items():
        families = {type_family(kind), type_family(_plain(own[name]))}
        keeps = is_unreadable(own[name]) or (None not in families and len(families) > 1)
        kinds[name] = _plain(own[name]) if keeps else kind
    return Features(kinds)


def _plain(kind: Any) -> Any:
    """A feature, with `string` in the place of the other types of texts."""
    if isinstance(kind, dict):
        return {name: _plain(part) for name, part in kind.items()}
    if isinstance(kind, List):
        return List(_plain(kind.feature), length=kind.length)
    return Value("string") if isinstance(kind, Value) and kind.dtype in ("large_string", "string_view") else kind


def _written_rows(
    path: str, form: FileFormat, layout: Layout, digest: str, version: int
) -> Iterator[dict[str, str | None]]:
    """The rows of a csv or tsv file; `digest` and `version` are part of the key of the cache."""
    yield from (row for _, row in table_rows(Path(path), form, layout))


def _read_table(path: Path, layout: Layout, form: FileFormat, digest: str, cache_dir: str | None) -> Dataset:
    features = Features(dict.fromkeys(layout.names, CELL_WITH_COMMA if layout.decimal == "," else CELL))
    dataset = _generated(_written_rows, features, path, digest, cache_dir, form=form, layout=layout)
    if form.delimiter is None and layout.delimiter not in ",\t":
        comma = ", and numbers have a decimal comma (--decimal)" if layout.decimal == "," else ""
        separator = DELIMITER_NAMES[layout.delimiter]
        dataset.info.description = (
            f"{READING_NOTE}{path.name}: cells are separated by the {separator} (--delimiter){comma}"
        )
    return dataset


def _read_objects(path: Path, features: Features, form: FileFormat, digest: str, cache_dir: str | None) -> Dataset:
    as_json = [name for name, kind in features.items() if kind in (CELL, JSON_OBJECTS) or is_unreadable(kind)]
    # datasets takes lists here for shards.
    options = {"as_json": tuple(as_json), "names": tuple(features), "form": form}
    return _generated(typed_rows, features, path, digest, cache_dir, **options)


def _generated(
    rows: Callable[..., Iterator[dict[str, Any]]],
    features: Features,
    path: Path,
    digest: str,
    cache_dir: str | None,
    **options: Any,
) -> Dataset:
    arguments = {"path": str(path), **options, "digest": digest, "version": _VERSION}
    try:
        return Dataset.from_generator(rows, features=features, cache_dir=cache_dir, gen_kwargs=arguments)
    except DatasetsError as error:
        if isinstance(error.__cause__, HfseqError):
            raise error.__cause__ from None
        raise HfseqError(f"{path} cannot be read: {error.__cause__ or error}") from error


def _read_parquet(path: Path, cache_dir: str | None) -> Dataset:
    if path.stat().st_size == 0:
        raise HfseqError(f"{path} is empty.")
    try:
        dataset = Dataset.from_parquet(str(path), cache_dir=cache_dir)
    except (OSError, ValueError, pa.ArrowException, DatasetsError) as error:
        raise HfseqError(f"{path} is no readable parquet file: {error.__cause__ or error}") from error
    if not len(dataset):
        raise HfseqError(f"{path} has no rows.")
    return dataset
