"""Column types of text files: one type that holds every row.

pandas and pyarrow guess while they read: the word "null" becomes a missing value, "007" becomes 7, "2020-01-01"
becomes a point in time, and the guess can change from one chunk of a file to the next. What a classifier is trained on
must be what stands in the file, so a column is typed from all of its rows, and a cell that is no plain number is text.
Objects that have no type in common, which are hardly what is read or predicted, are kept as JSON.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa

from hfseq.data.readers import data_extension, json_rows, table_rows
from hfseq.errors import HfseqError

_ROWS_PER_BATCH = 10_000
# A leading zero marks a code ("007"), not a number; 18 digits always fit into 64 bits.
_INTEGER = re.compile(r"\s*-?(0|[1-9]\d{0,17})\s*", re.ASCII)
_FLOAT = re.compile(r"\s*[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?\s*", re.ASCII | re.IGNORECASE)
_CODE = re.compile(r"\s*[+-]?0\d", re.ASCII)
# Each type also holds the cells of those before it.
_CELL_TYPES = (pa.null(), pa.int64(), pa.float64(), pa.string())
_TEXT_RANK = len(_CELL_TYPES) - 1


def column_types(path: Path) -> dict[str, pa.DataType]:
    """The columns of a csv, tsv, json or jsonl file and the type that holds every row of each.

    Args:
        path (`Path`): the file.

    Returns:
        `dict[str, pyarrow.DataType]`: type by column name, in the file's order.

    Raises:
        HfseqError: the file is malformed, has no rows, or a column holds values that no single type can hold.
    """
    if data_extension(path.name) in ("csv", "tsv"):
        return _table_types(path)
    types: dict[str, pa.DataType] = {}
    first = 0
    for batch in _batches(json_rows(path)):
        for name in dict.fromkeys(name for row in batch for name in row):
            found = _array_type([row.get(name) for row in batch], path, name, first)
            types[name] = merge_types(types.get(name, pa.null()), found, f"{path}: column {name!r}")
        first += len(batch)
    if not types:
        raise HfseqError(f"{path} has no rows.")
    return types


def merge_types(one: pa.DataType, other: pa.DataType, where: str, text_wins: bool = False) -> pa.DataType:
    """The type that holds the values of both.

    Args:
        one (`pyarrow.DataType`): a type.
        other (`pyarrow.DataType`): another one.
        where (`str`): file and column, for the message.
        text_wins (`bool`, *optional*, defaults to `False`): text and numbers give text. Right for csv, where
            a number is a text that looks like one.

    Raises:
        HfseqError: no type holds both.
    """
    if text_wins and not one.equals(other) and pa.string() in (one, other):
        return pa.string()
    if pa.string() in (one, other) and (pa.types.is_struct(one) or pa.types.is_struct(other)):
        return pa.string()  # objects, of which some have no type
    try:
        merged = pa.unify_schemas([pa.schema([("_", one)]), pa.schema([("_", other)])], promote_options="permissive")
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        raise HfseqError(f"{where} holds {one} in one place and {other} in another: use one type.") from error
    return merged.field(0).type


def typed_rows(path: str, types: dict[str, str], digest: str, layout: int) -> Iterator[dict[str, Any]]:
    """The rows of a file with every column present and typed: what `datasets.Dataset.from_generator` calls.

    Args:
        path (`str`): the file.
        types (`dict[str, str]`): name of the type by column.
        digest (`str`): the content's sha256. Not read here: `datasets` makes the cache's key from all arguments.
        layout (`int`): number of the reading rules, part of that key for the same reason.
    """
    if data_extension(path) not in ("csv", "tsv"):
        for row in json_rows(Path(path)):
            yield {name: _untyped(row.get(name), kind) for name, kind in types.items()}
        return
    convert = {"int64": int, "double": float}
    converters = [(name, convert.get(kind, str)) for name, kind in types.items()]
    for _, row in table_rows(Path(path)):
        yield {name: None if row[name] is None else to(row[name]) for name, to in converters}


def is_plain_number(cell: str) -> bool:
    """Whether a cell of text is a number by the rules of this file: no code such as "007", no word such as "NaN"."""
    return _cell_rank(cell) < _TEXT_RANK


def _untyped(value: Any, kind: str) -> Any:
    return json.dumps(value, ensure_ascii=False) if kind == "string" and isinstance(value, dict) else value


def _table_types(path: Path) -> dict[str, pa.DataType]:
    ranks: dict[str, int] = {}
    for _, row in table_rows(path):
        if not ranks:
            ranks = dict.fromkeys(row, 0)
        for name, cell in row.items():
            if cell is not None and ranks[name] < _TEXT_RANK:
                ranks[name] = max(ranks[name], _cell_rank(cell))
    if not ranks:
        raise HfseqError(f"{path} has a header but no rows.")
    return {name: _CELL_TYPES[rank] for name, rank in ranks.items()}


def _cell_rank(cell: str) -> int:
    if _INTEGER.fullmatch(cell):
        return 1
    return 2 if _FLOAT.fullmatch(cell) and not _CODE.match(cell) else _TEXT_RANK


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
