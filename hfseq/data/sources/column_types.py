"""Column types of JSON files: one type for all rows of a column.

pandas and pyarrow infer types while they read: the word "null" becomes a missing value, "2020-01-01" becomes a
timestamp, and different parts of a file may get different types. A model must be trained on the actual content of the
file, so the type of a column is inferred from all its rows. A column without a common type is only an error if it is
used: it is stored as JSON strings, and its feature contains the reason.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from datasets import Features, Value

from hfseq.data.sources.cells import CELL, is_unreadable, unreadable
from hfseq.data.sources.file_format import FileFormat
from hfseq.data.sources.readers import json_rows
from hfseq.errors import HfseqError

# Feature of a column of objects without a common type. Each object is stored as a JSON string.
JSON_OBJECTS = Value("string", id="json")

_ROWS_PER_BATCH = 10_000
# float64 represents all integers up to this number exactly.
_MAX_EXACT_INTEGER = 2**53
# Maximum number of nested lists and objects. pyarrow and datasets are recursive.
_MAX_DEPTH = 32
_NO_TYPE = (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError, OverflowError, UnicodeEncodeError)


def column_features(path: Path, form: FileFormat | None = None) -> Features:
    """Infers the type of each column of a json or jsonl file from all rows.

    Args:
        path (`Path`): the file.
        form (`FileFormat`, *optional*): format of the file.

    Returns:
        `datasets.Features`: type of each column, in the order of the file. Numbers that float64 cannot represent
        exactly are cells. Objects of different types are JSON strings. Other columns without a common type are
        [`unreadable`].

    Raises:
        HfseqError: the file is malformed, or has no rows.
    """
    columns: dict[str, _Column] = {}
    first = 0
    for batch in _batches(json_rows(path, form)):
        for name in dict.fromkeys(name for row in batch for name in row):
            column = columns.setdefault(name, _Column(f"{path}: column {name!r}"))
            column.add([row.get(name) for row in batch], first)
        first += len(batch)
    if not columns:
        raise HfseqError(f"{path} has no rows.")
    return Features({name: column.feature for name, column in columns.items()})


def merge_types(one: pa.DataType, other: pa.DataType) -> pa.DataType:
    """Finds a type that can hold the values of both types.

    Raises:
        pyarrow.ArrowInvalid, pyarrow.ArrowTypeError: there is no such type.
    """
    merged = pa.unify_schemas([pa.schema([("_", one)]), pa.schema([("_", other)])], promote_options="permissive")
    return merged.field(0).type


def common_features(features: dict[str, Features]) -> dict[str, Features]:
    """Gives each column the same type in all files of a data set.

    Args:
        features (`dict[str, datasets.Features]`): features of [`column_features`], by file.

    Returns:
        `dict[str, datasets.Features]`: features by file. A column without a common type keeps its own type in each
        file.
    """
    names = dict.fromkeys(name for columns in features.values() for name in columns)
    common = {name: _common([columns[name] for columns in features.values() if name in columns]) for name in names}
    return {
        file: Features({name: kind if common[name] is None else common[name] for name, kind in columns.items()})
        for file, columns in features.items()
    }


def _common(kinds: list[Any]) -> Any:
    """A feature that can hold the values of all given features; `None` if there is none."""
    if all(kind == kinds[0] for kind in kinds):
        return kinds[0]
    arrow = [_arrow(kind) for kind in kinds]
    for special, fits in ((CELL, _is_number), (JSON_OBJECTS, pa.types.is_struct)):
        if special in kinds:
            others = [one for one, kind in zip(arrow, kinds, strict=True) if kind != special]
            return special if all(pa.types.is_null(one) or fits(one) for one in others) else None
    if any(map(is_unreadable, kinds)):
        return None
    merged = pa.null()
    try:
        for one in arrow:
            merged = merge_types(merged, one)
    except _NO_TYPE:
        return None
    return Features.from_arrow_schema(pa.schema([("_", merged)]))["_"]


def _arrow(kind: Any) -> pa.DataType:
    return Features({"_": kind}).arrow_schema.field(0).type


def typed_rows(
    path: str, as_json: tuple[str, ...], names: tuple[str, ...], form: FileFormat, digest: str, version: int
) -> Iterator[dict[str, Any]]:
    """Yields the rows of a JSON file, each with all columns, for `datasets.Dataset.from_generator`.

    Args:
        path (`str`): the file.
        as_json (`tuple[str, ...]`): columns whose values are converted to JSON, except strings.
        names (`tuple[str, ...]`): all columns.
        form (`FileFormat`): format of the file.
        digest (`str`): sha256 of the content. It is not used here; `datasets` computes the cache key from all
            arguments.
        version (`int`): version of the reading rules. It is also part of the cache key.
    """
    texts = set(as_json)
    for row in json_rows(Path(path), form):
        yield {name: _as_json(row.get(name)) if name in texts else row.get(name) for name in names}


class _Column:
    """Type of a column, inferred from the rows that were added so far."""

    def __init__(self, where: str):
        self._where = where
        self._type: pa.DataType = pa.null()
        self._first: tuple[int, Any] | None = None
        self._largest = 0  # largest absolute value of the integers
        self._as_text = False  # whether there are numbers that no number type can hold
        self._objects = False  # whether there are objects without a common type
        self._problem: str | None = None

    @property
    def feature(self) -> Any:
        if self._problem is not None:
            return unreadable(self._problem)
        if self._as_text or (pa.types.is_floating(self._type) and self._largest > _MAX_EXACT_INTEGER):
            return CELL
        if self._objects:
            return JSON_OBJECTS
        return Features.from_arrow_schema(pa.schema([("_", self._type)]))["_"]

    def add(self, values: list[Any], start: int) -> None:
        """Adds the values of further rows. The first of them is row `start`."""
        if self._problem is not None:
            return
        if self._first is None:
            self._first = next(((row, value) for row, value in enumerate(values, start) if value is not None), None)
        try:
            if self._as_text or self._objects:
                raise pa.ArrowInvalid("the values have no common type")
            array = pa.array(values)
            self._merge(array.type)
        except _NO_TYPE:
            self._add_one_by_one(values, start)
            return
        if pa.types.is_integer(array.type):
            bounds = pc.min_max(array).as_py().values()
            self._largest = max(self._largest, *(abs(bound) for bound in bounds))

    def _add_one_by_one(self, values: list[Any], start: int) -> None:
        for row, value in enumerate(values, start):
            if value is None:
                continue
            if _is_whole(value):
                self._largest = max(self._largest, abs(value))
            try:
                self._merge(pa.array([value]).type)
            except _NO_TYPE:
                if isinstance(value, dict) and (pa.types.is_null(self._type) or pa.types.is_struct(self._type)):
                    self._objects = True
                elif _is_whole(value) and (pa.types.is_null(self._type) or _is_number(self._type)):
                    self._as_text = True
                else:
                    self._problem = self._describe(row, value)
            if self._objects and not isinstance(value, dict):
                self._problem = self._describe(row, value)
            if self._problem is not None:
                return

    def _merge(self, kind: pa.DataType) -> None:
        merged = merge_types(self._type, kind)
        if _depth(merged) > _MAX_DEPTH:
            raise pa.ArrowInvalid("nested too deeply")
        self._type = merged

    def _describe(self, row: int, value: Any) -> str:
        shown = f"row {row} is {_shown(value)} ({type(value).__name__})"
        if self._first is None or self._first[0] == row:
            return (
                f"{self._where} has values without a common type: {shown}, and its elements have different types or "
                "are nested too deeply."
            )
        first_row, first = self._first
        start = f"row {first_row} is {_shown(first)} ({type(first).__name__})"
        return f"{self._where} has values without a common type: {start}, {shown}."


def _shown(value: Any) -> str:
    try:
        return repr(str(value)[:40])
    except RecursionError:
        return "deeply nested lists"


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(kind: pa.DataType) -> bool:
    return pa.types.is_integer(kind) or pa.types.is_floating(kind)


def _depth(kind: pa.DataType) -> int:
    """Number of nested lists and objects."""
    level, depth = [kind], 0
    while level := [
        field.type for kind in level if pa.types.is_nested(kind) for field in map(kind.field, range(kind.num_fields))
    ]:
        depth += 1
    return depth


def _as_json(value: Any) -> Any:
    return value if value is None or isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _batches(rows: Iterator[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    batch = []
    for row in rows:
        batch.append(row)
        if len(batch) == _ROWS_PER_BATCH:
            yield batch
            batch = []
    if batch:
        yield batch
