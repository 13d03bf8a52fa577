"""Data files on disk as one `DatasetDict`, cached by `datasets` under their content."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
from datasets import Dataset, DatasetDict, Features, List, Value
from datasets.exceptions import DatasetsError

from hfseq.data.cells import CELL, CELL_WITH_COMMA
from hfseq.data.column_types import column_types, merge_types, typed_rows
from hfseq.data.file_format import DELIMITER_NAMES, FileFormat
from hfseq.data.label_types import type_family
from hfseq.data.readers import (
    DATA_EXTENSIONS,
    TABLE_EXTENSIONS,
    TEXT_EXTENSIONS,
    data_extension,
    inspect_file,
)
from hfseq.data.tables import Layout, table_layout, table_rows
from hfseq.errors import HfseqError

# Part of the cache's key: raise it whenever a file would be read differently.
_VERSION = 3
# How the description of a split begins that says how its file was read.
READING_NOTE = "Read from "


def read_files(files: dict[str, Path], cache_dir: str | None = None, form: FileFormat | None = None) -> DatasetDict:
    """Reads one data file a split.

    Args:
        files (`dict[str, Path]`): file by split name.
        cache_dir (`str`, *optional*): folder of `datasets`' cache.
        form (`FileFormat`, *optional*): how they are written.

    Returns:
        `datasets.DatasetDict`: the splits, all with the same columns and types.

    Raises:
        HfseqError: a file is of no known kind, empty, malformed, or the splits differ in their columns.
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
    types = {split: column_types(path, form) for split, path in objects.items()}
    headers = {split: list(layout.names) for split, layout in tables.items()}
    check_same_columns({**headers, **{split: list(columns) for split, columns in types.items()}}, files)
    common = _common_types(types, objects)
    splits = DatasetDict()
    for split, path in files.items():
        if split in tables:
            splits[split] = _read_table(path, tables[split], form, digests[split], cache_dir)
        elif split in objects:
            splits[split] = _read_objects(path, common, form, digests[split], cache_dir)
        else:
            splits[split] = _read_parquet(path, cache_dir)
    return align(splits, {split: str(path) for split, path in files.items()})


def align(splits: DatasetDict, names: dict[str, str]) -> DatasetDict:
    """The splits with the features of the first one, which is the training split where there is one.

    Args:
        splits (`datasets.DatasetDict`): the splits.
        names (`dict[str, str]`): where each split came from, for the message.

    Raises:
        HfseqError: the columns differ, or a column cannot be cast.
    """
    check_same_columns({split: dataset.column_names for split, dataset in splits.items()}, names)
    first = "train" if "train" in splits else next(iter(splits))
    # Some writers of parquet have a type of their own for texts.
    features = Features({name: _plain(kind) for name, kind in splits[first].features.items()})
    for split, dataset in splits.items():
        # Where the columns of a table are the channels of a series, their order counts.
        if dataset.column_names == list(features) and dataset.features == features:
            continue
        try:
            splits[split] = dataset.select_columns(list(features)).cast(_castable(features, dataset.features))
        except (ValueError, TypeError, pa.ArrowException, DatasetsError) as error:
            differing = [name for name in features if dataset.features[name] != features[name]]
            raise HfseqError(
                f"split {split!r} ({names[split]}) cannot be given the types of split {first!r} ({names[first]}); "
                f"differing columns: {', '.join(differing)}: {error}"
            ) from error
    return splits


def _castable(features: Features, own: Features) -> Features:
    """The wanted features, but for columns where a cast would turn texts into numbers, or the like.

    Such a column keeps its type: it may be one that nobody reads, and the text "1" is not the number 1.
    """
    families = {name: (type_family(kind), type_family(_plain(own[name]))) for name, kind in features.items()}
    return Features(
        {
            name: _plain(own[name]) if None not in families[name] and len(set(families[name])) > 1 else kind
            for name, kind in features.items()
        }
    )


def _plain(kind: Any) -> Any:
    """A feature, with `string` in the place of the other types of texts."""
    if isinstance(kind, dict):
        return {name: _plain(part) for name, part in kind.items()}
    if isinstance(kind, List):
        return List(_plain(kind.feature), length=kind.length)
    return Value("string") if isinstance(kind, Value) and kind.dtype in ("large_string", "string_view") else kind


def check_same_columns(columns: dict[str, list[str]], names: dict[str, Path] | dict[str, str]) -> None:
    """Raises `HfseqError` where the splits do not have the same columns, and names those that differ."""
    if not columns:
        return
    first = next(iter(columns))
    for split, found in columns.items():
        differences = []
        if missing := sorted(set(columns[first]) - set(found)):
            differences.append(f"without {', '.join(map(repr, missing))}")
        if extra := sorted(set(found) - set(columns[first])):
            differences.append(f"with {', '.join(map(repr, extra))} in addition")
        if differences:
            raise HfseqError(
                f"the splits differ in their columns: {split!r} ({names[split]}) is {' and '.join(differences)}, "
                f"compared with {first!r} ({names[first]}). Give all files the same columns."
            )


def _common_types(types: dict[str, dict[str, pa.DataType]], paths: dict[str, Path]) -> dict[str, pa.DataType]:
    common: dict[str, pa.DataType] = {}
    for split, columns in types.items():
        for name, kind in columns.items():
            where = f"split {split!r} ({paths[split]}): column {name!r}"
            common[name] = merge_types(common.get(name, pa.null()), kind, where)
    return common


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


def _read_objects(
    path: Path, types: dict[str, pa.DataType], form: FileFormat, digest: str, cache_dir: str | None
) -> Dataset:
    features = Features.from_arrow_schema(pa.schema(list(types.items())))
    names = {name: str(kind) for name, kind in types.items()}
    return _generated(typed_rows, features, path, digest, cache_dir, types=names, form=form)


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
