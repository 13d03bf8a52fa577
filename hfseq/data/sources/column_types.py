"""Column types of JSON files: one type that holds every row.

pandas and pyarrow guess while they read: the word "null" becomes a missing value, "2020-01-01" becomes a point in
time, and the guess can change from one part of a file to the next. A model must be trained on what is in the file, so
a column is typed from all of its rows. A column that no type can hold stops nobody who does not read it: it is kept
as JSON, with the reason in its feature.
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

# The feature of a column of objects that have no common type, each as a string of JSON.
JSON_OBJECTS = Value("string", id="json")

_ROWS_PER_BATCH = 10_000
# float64 holds every whole number up to here.
_EXACT = 2**53
# Lists and objects in each other. pyarrow and datasets call themselves once per level.
_DEEPEST = 32
_NO_TYPE = (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError, OverflowError, UnicodeEncodeError)


def column_features(path: Path, form: FileFormat | None = None) -> Features:
    """The columns of a json or jsonl file and the type that holds every row of each.

    Args:
        path (`Path`): the file.
        form (`FileFormat`, *optional*): how it is written.

    Returns:
        `datasets.Features`: by column, in the order of the file. Numbers that float64 cannot hold exactly are written
        cells; objects of different types are strings of JSON; see [`unreadable`] for all other columns without a type.

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
    """The type that holds the values of both.

    Raises:
        pyarrow.ArrowInvalid, pyarrow.ArrowTypeError: no type does.
    """
    merged = pa.unify_schemas([pa.schema([("_", one)]), pa.schema([("_", other)])], promote_options="permissive")
    return merged.field(0).type


def common_features(features: dict[str, Features]) -> dict[str, Features]:
    """The features of several files of one data set, where each column has one type in all of them if any type can
    hold it; otherwise it keeps its own in each.

    Args:
        features (`dict[str, datasets.Features]`): those of [`column_features`], by file.
    """
    names = dict.fromkeys(name for columns in features.values() for name in columns)
    common = {name: _common([columns[name] for columns in features.values() if name in columns]) for name in names}
    return {
        file: Features({name: kind if common[name] is None else common[name] for name, kind in columns.items()})
        for file, columns in features.items()
    }


def _common(kinds: list[Any]) -> Any:
    """The feature that holds what all of some features hold; `None` where none does."""
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
    """The rows of a JSON file with every column present, for `datasets.Dataset.from_generator`.

    Args:
        path (`str`): the file.
        as_json (`tuple[str, ...]`): the columns whose values become JSON, unless they are strings.
        names (`tuple[str, ...]`): all columns.
        form (`FileFormat`): how the file is written.
        digest (`str`): the content's sha256. Not read here: `datasets` makes the cache's key from all arguments.
        version (`int`): number of the reading rules, part of that key for the same reason.
    """
    texts = set(as_json)
    for row in json_rows(Path(path), form):
        yield {name: _as_json(row.get(name)) if name in texts else row.get(name) for name in names}


class _Column:
    """The type of a column, as far as its rows were seen."""

    def __init__(self, where: str):
        self._where = where
        self._type: pa.DataType = pa.null()
        self._first: tuple[int, Any] | None = None
        self._largest = 0  # the whole number that is farthest from 0
        self._as_text = False  # numbers beyond all types of numbers
        self._objects = False  # objects without a common type
        self._problem: str | None = None

    @property
    def feature(self) -> Any:
        if self._problem is not None:
            return unreadable(self._problem)
        if self._as_text or (pa.types.is_floating(self._type) and self._largest > _EXACT):
            return CELL
        if self._objects:
            return JSON_OBJECTS
        return Features.from_arrow_schema(pa.schema([("_", self._type)]))["_"]

    def add(self, values: list[Any], start: int) -> None:
        """Sees the values of some more rows, of which the first is row `start`."""
        if self._problem is not None:
            return
        if self._first is None:
            self._first = next(((row, value) for row, value in enumerate(values, start) if value is not None), None)
        try:
            if self._as_text or self._objects:
                raise pa.ArrowInvalid("typed one by one")
            array = pa.array(values)
            self._take(array.type)
        except _NO_TYPE:
            self._add_slowly(values, start)
            return
        if pa.types.is_integer(array.type):
            bounds = pc.min_max(array).as_py().values()
            self._largest = max(self._largest, *(abs(bound) for bound in bounds))

    def _add_slowly(self, values: list[Any], start: int) -> None:
        for row, value in enumerate(values, start):
            if value is None:
                continue
            if _is_whole(value):
                self._largest = max(self._largest, abs(value))
            try:
                self._take(pa.array([value]).type)
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

    def _take(self, kind: pa.DataType) -> None:
        merged = merge_types(self._type, kind)
        if _depth(merged) > _DEEPEST:
            raise pa.ArrowInvalid("nested too deeply")
        self._type = merged

    def _describe(self, row: int, value: Any) -> str:
        shown = f"row {row} holds {_shown(value)} ({type(value).__name__})"
        if self._first is None or self._first[0] == row:
            return f"{self._where} cannot be one type: {shown}, whose elements have no common type or nest too deeply."
        first_row, first = self._first
        start = f"row {first_row} holds {_shown(first)} ({type(first).__name__})"
        return f"{self._where} cannot be one type: {start}, {shown}."


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
    """How many lists and objects are in each other."""
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
