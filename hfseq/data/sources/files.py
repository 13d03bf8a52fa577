"""Reading of data files into a `DatasetDict`. `datasets` caches them by their content."""

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

# Part of the cache key: increase it if files are read differently.
_VERSION = 3
_CAST_ERRORS = (ValueError, TypeError, pa.ArrowException, DatasetsError)
# Beginning of the description of a split that says how its file was read.
READING_NOTE = "Read from "


def read_files(files: dict[str, Path], cache_dir: str | None = None, form: FileFormat | None = None) -> DatasetDict:
    """Reads one data file per split.

    Args:
        files (`dict[str, Path]`): the file of each split.
        cache_dir (`str`, *optional*, defaults to the cache folder of `datasets`): folder of the cache.
        form (`FileFormat`, *optional*): format of the files.

    Returns:
        `datasets.DatasetDict`: the splits, all with the same columns (see [`align`]).

    Raises:
        HfseqError: a file has an unknown type, or is empty or malformed.
    """
    for path in files.values():
        if data_extension(path.name) is None:
            raise HfseqError(
                f"{path}: unknown file type, expected {', '.join('.' + name for name in DATA_EXTENSIONS)} "
                f"({', '.join('.' + name for name in TEXT_EXTENSIONS)} may be compressed as .gz)."
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
    """Gives all splits the columns and types of the training split, or of the first split if there is none.

    A column that is missing in a split is added as an [`unreadable`] column. A column that cannot be converted to the
    type of the first split keeps its own type.

    Args:
        splits (`datasets.DatasetDict`): the splits.
        names (`dict[str, str]`): source of each split, for error messages.
    """
    first = "train" if "train" in splits else next(iter(splits))
    columns = dict.fromkeys(name for split in (first, *splits) for name in splits[split].column_names)
    for split, dataset in splits.items():
        for name in [name for name in columns if name not in dataset.column_names]:
            other = next(key for key in (first, *splits) if name in splits[key].column_names and key != split)
            reason = (
                f"split {split!r} ({names[split]}) has no column {name!r}, but split {other!r} ({names[other]}) has "
                "one. Use the same columns in all files, or select other columns with the column flags."
            )
            dataset = dataset.add_column(name, [None] * len(dataset), feature=unreadable(reason))
        splits[split] = dataset.select_columns(list(columns))
    # Some programs write parquet files with other types of strings.
    features = Features({name: _plain(kind) for name, kind in splits[first].features.items()})
    for split, dataset in splits.items():
        if dataset.features != features:
            splits[split] = _cast(dataset, _castable(features, dataset.features))
    return splits


def _cast(dataset: Dataset, features: Features) -> Dataset:
    """Casts all columns that can be cast."""
    try:
        return dataset.cast(features)
    except _CAST_ERRORS:
        for name, kind in features.items():
            try:
                dataset = dataset.cast_column(name, kind)
            except _CAST_ERRORS:  # the column keeps its type, which is checked when it is used
                continue
        return dataset


def _castable(features: Features, own: Features) -> Features:
    """The features to cast to. Columns whose meaning would change keep their own type.

    For example, strings are not cast to numbers, because the text "1" is not the number 1, and the column may not be
    used at all. Unreadable columns also keep their type.
    """
    kinds = {}
    for name, kind in features.items():
        families = {type_family(kind), type_family(_plain(own[name]))}
        keep = is_unreadable(own[name]) or (None not in families and len(families) > 1)
        kinds[name] = _plain(own[name]) if keep else kind
    return Features(kinds)


def _plain(kind: Any) -> Any:
    """A feature in which other string types are replaced by `string`."""
    if isinstance(kind, dict):
        return {name: _plain(part) for name, part in kind.items()}
    if isinstance(kind, List):
        return List(_plain(kind.feature), length=kind.length)
    return Value("string") if isinstance(kind, Value) and kind.dtype in ("large_string", "string_view") else kind


def _cell_rows(
    path: str, form: FileFormat, layout: Layout, digest: str, version: int
) -> Iterator[dict[str, str | None]]:
    """Yields the rows of a csv or tsv file. `digest` and `version` are only used for the cache key."""
    yield from (row for _, row in table_rows(Path(path), form, layout))


def _read_table(path: Path, layout: Layout, form: FileFormat, digest: str, cache_dir: str | None) -> Dataset:
    features = Features(dict.fromkeys(layout.names, CELL_WITH_COMMA if layout.decimal == "," else CELL))
    dataset = _from_generator(_cell_rows, features, path, digest, cache_dir, form=form, layout=layout)
    if form.delimiter is None and layout.delimiter not in ",\t":
        comma = ", and numbers have a decimal comma (--decimal)" if layout.decimal == "," else ""
        separator = DELIMITER_NAMES[layout.delimiter]
        dataset.info.description = f"{READING_NOTE}{path.name}: the delimiter is a {separator} (--delimiter){comma}"
    return dataset


def _read_objects(path: Path, features: Features, form: FileFormat, digest: str, cache_dir: str | None) -> Dataset:
    as_json = [name for name, kind in features.items() if kind in (CELL, JSON_OBJECTS) or is_unreadable(kind)]
    # Tuples, because datasets would interpret lists as shards.
    options = {"as_json": tuple(as_json), "names": tuple(features), "form": form}
    return _from_generator(typed_rows, features, path, digest, cache_dir, **options)


def _from_generator(
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
        raise HfseqError(f"{path} is not a valid parquet file: {error.__cause__ or error}") from error
    if not len(dataset):
        raise HfseqError(f"{path} has no rows.")
    return dataset
