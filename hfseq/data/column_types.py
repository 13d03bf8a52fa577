"""Column types of JSON files: one type that holds every row.

pandas and pyarrow guess while they read: the word "null" becomes a missing value, "2020-01-01" becomes a point in
time, and the guess can change from one part of a file to the next. A model must be trained on what is in the file, so
a column is typed from all of its rows. Objects that have no type in common are kept as JSON.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa

from hfseq.data.file_format import FileFormat
from hfseq.data.readers import json_rows
from hfseq.errors import HfseqError

_ROWS_PER_BATCH = 10_000


def column_types(path: Path, form: FileFormat | None = None) -> dict[str, pa.DataType]:
    """The columns of a json or jsonl file and the type that holds every row of each.

    Args:
        path (`Path`): the file.
        form (`FileFormat`, *optional*): how it is written.

    Returns:
        `dict[str, pyarrow.DataType]`: type by column name, in the file's order.

    Raises:
        HfseqError: the file is malformed, has no rows, or a column holds values that no single type can hold.
    """
    types: dict[str, pa.DataType] = {}
    first = 0
    for batch in _batches(json_rows(path, form)):
        for name in dict.fromkeys(name for row in batch for name in row):
            found = _array_type([row.get(name) for row in batch], path, name, first)
            types[name] = merge_types(types.get(name, pa.null()), found, f"{path}: column {name!r}")
        first += len(batch)
    if not types:
        raise HfseqError(f"{path} has no rows.")
    return types


def merge_types(one: pa.DataType, other: pa.DataType, where: str) -> pa.DataType:
    """The type that holds the values of both.

    Args:
        one (`pyarrow.DataType`): a type.
        other (`pyarrow.DataType`): another one.
        where (`str`): file and column, for the message.

    Raises:
        HfseqError: no type holds both.
    """
    if pa.string() in (one, other) and (pa.types.is_struct(one) or pa.types.is_struct(other)):
        return pa.string()  # objects, of which some have no type
    try:
        merged = pa.unify_schemas([pa.schema([("_", one)]), pa.schema([("_", other)])], promote_options="permissive")
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        raise HfseqError(f"{where} holds {one} in one place and {other} in another: use one type.") from error
    return merged.field(0).type


def typed_rows(
    path: str, types: dict[str, str], form: FileFormat, digest: str, version: int
) -> Iterator[dict[str, Any]]:
    """The rows of a JSON file with every column present and typed, for `datasets.Dataset.from_generator`.

    Args:
        path (`str`): the file.
        types (`dict[str, str]`): name of the type by column.
        form (`FileFormat`): how the file is written.
        digest (`str`): the content's sha256. Not read here: `datasets` makes the cache's key from all arguments.
        version (`int`): number of the reading rules, part of that key for the same reason.
    """
    for row in json_rows(Path(path), form):
        yield {name: _untyped(row.get(name), kind) for name, kind in types.items()}


def _untyped(value: Any, kind: str) -> Any:
    return json.dumps(value, ensure_ascii=False) if kind == "string" and isinstance(value, dict) else value


def _batches(rows: Iterator[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    batch = []
    for row in rows:
        batch.append(row)
        if len(batch) == _ROWS_PER_BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def _array_type(values: list[Any], path: Path, name: str, first: int) -> pa.DataType:
    try:
        return pa.array(values).type
    except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError, UnicodeEncodeError) as error:
        present = [(row, value) for row, value in enumerate(values, start=first) if value is not None]
        if all(isinstance(value, dict) for _, value in present):
            return pa.string()
        other = next((pair for pair in present if type(pair[1]) is not type(present[0][1])), present[0])
        raise HfseqError(
            f"{path}: column {name!r} cannot be one type: row {present[0][0]} holds {str(present[0][1])[:40]!r} "
            f"({type(present[0][1]).__name__}), row {other[0]} holds {str(other[1])[:40]!r} "
            f"({type(other[1]).__name__}): {error}."
        ) from error
