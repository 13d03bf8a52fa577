"""Cells of csv and tsv files: the characters of the file, which become numbers only where a role needs numbers.

A table does not say what its columns are for. The cell `0.50` is a number in a series and four characters in a text,
and `9007199254740993001` is a name where it tells series apart. Tables are therefore loaded as they are written, in
columns whose feature is [`CELL`]; whoever knows the role of a column asks for numbers.
"""

import re
from collections.abc import Collection, Iterable
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from datasets import Dataset, DatasetInfo, Features, Value

from hfseq.data.labels.schema import REGRESSION
from hfseq.errors import HfseqError

# The feature of a column of written cells. Strings of JSON, of parquet, and of the Hub are strings by intention, and
# have no such mark: they never become numbers.
CELL = Value("string", id="cell")
# The same, of a file whose numbers have a decimal comma.
CELL_WITH_COMMA = Value("string", id="cell,")

# How the id of a feature begins whose column cannot be read as one type; the reason follows.
_UNREADABLE = "unreadable: "

# A leading zero marks a code such as "007", and not a number.
_WHOLE = r"-?(0|[1-9][0-9]*)"
_NUMBER = r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?"
_CODE = r"[+-]?0[0-9]"
# A number with points between its thousands, as 1.234.567,5.
_THOUSANDS = r"[+-]?[1-9][0-9]{0,2}(\.[0-9]{3})+(,[0-9]*)?"
_SPACE = " \t\n\r\x0b\x0c"


def is_written(feature: Any) -> bool:
    """Whether a column holds the characters of a csv or tsv file, whose type nobody has decided yet."""
    return isinstance(feature, Value) and feature.dtype == "string" and feature.id in (CELL.id, CELL_WITH_COMMA.id)


def unreadable(reason: str) -> Value:
    """The feature of a column of strings that nobody may read, for the reason given: see [`check_readable`]."""
    return Value("string", id=_UNREADABLE + reason)


def is_unreadable(feature: Any) -> bool:
    """Whether a column has the feature of [`unreadable`]."""
    return isinstance(feature, Value) and (feature.id or "").startswith(_UNREADABLE)


def check_readable(dataset: Dataset, names: Iterable[str | None]) -> None:
    """Makes sure that columns hold values of one type and exist in their split, before somebody reads them.

    Args:
        dataset (`datasets.Dataset`): the split.
        names (`Iterable[str]`): the columns that are read; `None` for none.

    Raises:
        HfseqError: one does not, with the reason.
    """
    for name in names:
        feature = dataset.features.get(name)
        if is_unreadable(feature):
            raise HfseqError(feature.id.removeprefix(_UNREADABLE))


def is_plain_number(cell: str, decimal: str = ".") -> bool:
    """Whether a cell is a number: no code such as "007", no word such as "NaN"."""
    cell = cell.strip(_SPACE)
    cell = cell.replace(",", ".") if decimal == "," else cell
    return re.fullmatch(_NUMBER, cell) is not None and re.match(_CODE, cell) is None


def number_type(column: pa.ChunkedArray, decimal: str = ".") -> pa.DataType:
    """The type of number that all written cells of a column are.

    Args:
        column (`pyarrow.ChunkedArray`): strings; a missing cell is null.
        decimal (`str`, *optional*, defaults to `"."`): the decimal sign. With a comma, points separate thousands if
            the cells with points can only be read so: other cells have a comma or no decimal sign at all, or one has
            two points. Otherwise points are decimal signs as well.

    Returns:
        `pyarrow.DataType`: `int64`, `float64` (also for whole numbers that 64 bits cannot hold), `null` where every
        cell is missing, or `string` where one is no number.
    """
    if column.null_count == len(column):
        return pa.null()
    cells = _plain_cells(column, decimal)
    if _all_match(cells, _WHOLE):
        return pa.float64() if _as_integers(cells) is None else pa.int64()
    if _all_match(cells, _NUMBER) and not pc.any(pc.match_substring_regex(cells, f"^{_CODE}")).as_py():
        return pa.float64()
    return pa.string()


def to_numbers(column: pa.ChunkedArray, decimal: str = ".", missing: Collection[str] = ()) -> pa.ChunkedArray:
    """A column of written cells as the type of [`number_type`]; unchanged where a cell is no number.

    Args:
        column (`pyarrow.ChunkedArray`): strings; a missing cell is null.
        decimal (`str`, *optional*, defaults to `"."`): the decimal sign.
        missing (`Collection[str]`, *optional*): what stands in a cell whose value is missing, beside nothing.
    """
    cells = column
    if missing:
        absent = pc.is_in(pc.ascii_trim_whitespace(column), value_set=pa.array(list(missing), type=pa.string()))
        cells = pc.if_else(absent, pa.scalar(None, pa.string()), column)
    kind = number_type(cells, decimal)
    if pa.types.is_string(kind):
        return column
    if pa.types.is_null(kind):
        return pa.chunked_array([pa.nulls(len(column))])
    return pc.cast(pc.replace_substring_regex(_plain_cells(cells, decimal), r"^\+", ""), kind)


def with_numbers(dataset: Dataset, keep: Collection[str | None] = (), missing: Collection[str] = ()) -> Dataset:
    """A table whose written columns are numbers wherever each of their cells is one.

    Args:
        dataset (`datasets.Dataset`): the table.
        keep (`Collection[str]`, *optional*): columns that stay as they are written: ids, labels, names.
        missing (`Collection[str]`, *optional*): what stands in a cell whose value is missing, beside nothing.

    Returns:
        `datasets.Dataset`: the same rows in memory; columns that were not written cells are unchanged.
    """
    written = [name for name, kind in dataset.features.items() if is_written(kind) and name not in keep]
    if not written:
        return dataset
    table, features = dataset.with_format("arrow")[:], dict(dataset.features)
    for name in written:
        column = to_numbers(table.column(name), decimal_of(features[name]), missing)
        if not pa.types.is_string(column.type):
            table = table.set_column(table.column_names.index(name), name, column)
            features[name] = Value(str(column.type))
    return Dataset(table.replace_schema_metadata(None), info=DatasetInfo(features=Features(features)))


def holds_whole_numbers(dataset: Dataset, name: str) -> bool:
    """Whether all written cells of a column are whole numbers, however long."""
    if not is_written(dataset.features[name]):
        return False
    column = dataset.select_columns([name]).with_format("arrow")[:].column(name)
    return column.null_count < len(column) and _all_match(pc.ascii_trim_whitespace(column), _WHOLE)


def holds_numbers(dataset: Dataset, name: str) -> bool:
    """Whether all written cells of a column are numbers, in the decimal sign of its file."""
    if not is_written(dataset.features[name]):
        return False
    column = dataset.select_columns([name]).with_format("arrow")[:].column(name)
    return number_type(column, decimal_of(dataset.features[name])) in (pa.int64(), pa.float64())


def label_values(dataset: Dataset, column: str, problem_type: str | None = None) -> list[Any]:
    """The labels of a split, typed by what they are for.

    Args:
        dataset (`datasets.Dataset`): the split.
        column (`str`): the label column.
        problem_type (`str`, *optional*): what the labels are; `None` where that is to be found out from them.

    Returns:
        `list`: written cells as whole numbers where all are; as numbers where all are and classes are not asked for;
        otherwise the characters of the file. Labels of other sources are unchanged.
    """
    check_readable(dataset, [column])
    values = dataset[column][:]
    if not is_written(dataset.features[column]):
        return values
    cells = dataset.select_columns([column]).with_format("arrow")[:].column(column)
    numbers = to_numbers(cells, decimal_of(dataset.features[column]))
    if pa.types.is_integer(numbers.type):
        return numbers.to_pylist()
    # Whole numbers beyond 64 bits are names: as numbers, several of them would be the same.
    floats = pa.types.is_floating(numbers.type) and not holds_whole_numbers(dataset, column)
    return numbers.to_pylist() if floats and problem_type in (None, REGRESSION) else values


def decimal_of(feature: Any) -> str:
    """The decimal sign of the numbers in a column of written cells."""
    return "," if feature.id == CELL_WITH_COMMA.id else "."


def _plain_cells(column: pa.ChunkedArray, decimal: str) -> pa.ChunkedArray:
    cells = pc.ascii_trim_whitespace(column)
    if decimal != ",":
        return cells
    if _has_thousands(cells):
        cells = pc.replace_substring(cells, ".", "")
    return pc.replace_substring(cells, ",", ".")


def _has_thousands(cells: pa.ChunkedArray) -> bool:
    """Whether points separate thousands in a column whose numbers may have a decimal comma."""
    present = cells.drop_null()
    with_point = present.filter(pc.match_substring(present, "."))
    if not len(with_point) or not _all_match(with_point, _THOUSANDS):
        return False
    several = pc.any(pc.greater(pc.count_substring(with_point, "."), 1)).as_py()
    return len(with_point) < len(present) or several or pc.any(pc.match_substring(with_point, ",")).as_py()


def _all_match(cells: pa.ChunkedArray, pattern: str) -> bool:
    return bool(pc.all(pc.match_substring_regex(cells, f"^(?:{pattern})$"), min_count=0).as_py())


def _as_integers(cells: pa.ChunkedArray) -> pa.ChunkedArray | None:
    try:
        return pc.cast(cells, pa.int64())
    except pa.ArrowInvalid:
        return None
