"""Cells of csv and tsv files. They are strings, and are converted to numbers only if a column is used as numbers.

A table does not say how its columns are used. The cell `0.50` is a number in a series, but four characters in a text.
The cell `9007199254740993001` is a name if it identifies a series. Therefore tables are loaded as strings, in columns
with the feature [`CELL`]. Code that knows how a column is used converts it to numbers.
"""

import re
from collections.abc import Collection, Iterable
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from datasets import Dataset, DatasetInfo, Features, Value

from hfseq.data.labels.schema import REGRESSION
from hfseq.errors import HfseqError

# Feature of a column of cells. Strings from JSON files, parquet files and the Hub do not have this id: they are known
# to be strings and are never converted to numbers.
CELL = Value("string", id="cell")
# Feature of a column of cells from a file whose numbers have a decimal comma.
CELL_WITH_COMMA = Value("string", id="cell,")

# Beginning of the id of a feature whose column cannot be read as one type. The reason follows.
_UNREADABLE = "unreadable: "

# A leading zero means a code such as "007", not a number.
_WHOLE = r"-?(0|[1-9][0-9]*)"
_NUMBER = r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?"
_CODE = r"[+-]?0[0-9]"
# A number with points as thousands separators, for example 1.234.567,5.
_THOUSANDS = r"[+-]?[1-9][0-9]{0,2}(\.[0-9]{3})+(,[0-9]*)?"
_SPACE = " \t\n\r\x0b\x0c"


def is_cell(feature: Any) -> bool:
    """Whether a column contains cells of a csv or tsv file, which have no type yet."""
    return isinstance(feature, Value) and feature.dtype == "string" and feature.id in (CELL.id, CELL_WITH_COMMA.id)


def unreadable(reason: str) -> Value:
    """Feature of a column that must not be read. [`check_readable`] raises an error with the reason."""
    return Value("string", id=_UNREADABLE + reason)


def is_unreadable(feature: Any) -> bool:
    """Whether a column has the feature of [`unreadable`]."""
    return isinstance(feature, Value) and (feature.id or "").startswith(_UNREADABLE)


def check_readable(dataset: Dataset, names: Iterable[str | None]) -> None:
    """Checks that columns exist in a split and have values of one type.

    Args:
        dataset (`datasets.Dataset`): the split.
        names (`Iterable[str]`): the columns to check. `None` is ignored.

    Raises:
        HfseqError: a column cannot be read. The message contains the reason.
    """
    for name in names:
        feature = dataset.features.get(name)
        if is_unreadable(feature):
            raise HfseqError(feature.id.removeprefix(_UNREADABLE))


def is_plain_number(cell: str, decimal: str = ".") -> bool:
    """Whether a cell is a number. Codes such as "007" and words such as "NaN" are not numbers."""
    cell = cell.strip(_SPACE)
    cell = cell.replace(",", ".") if decimal == "," else cell
    return re.fullmatch(_NUMBER, cell) is not None and re.match(_CODE, cell) is None


def number_type(column: pa.ChunkedArray, decimal: str = ".") -> pa.DataType:
    """Finds the common number type of all cells of a column.

    Args:
        column (`pyarrow.ChunkedArray`): strings; missing cells are null.
        decimal (`str`, *optional*, defaults to `"."`): the decimal sign. If it is a comma, points are thousands
            separators if the cells with points allow no other reading: some cells have a comma or no decimal sign, or
            a cell has two points. Otherwise points are decimal signs too.

    Returns:
        `pyarrow.DataType`: `int64`; `float64` (also for integers that do not fit into 64 bits); `null` if all cells
            are
        missing; `string` if a cell is not a number.
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
    """Converts a column of cells to the type of [`number_type`]. If a cell is not a number, the column is unchanged.

    Args:
        column (`pyarrow.ChunkedArray`): strings; missing cells are null.
        decimal (`str`, *optional*, defaults to `"."`): the decimal sign.
        missing (`Collection[str]`, *optional*): texts that mean a missing value, in addition to the empty cell.
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


def convert_numbers(dataset: Dataset, keep: Collection[str | None] = (), missing: Collection[str] = ()) -> Dataset:
    """Converts the columns of a table whose cells are all numbers.

    Args:
        dataset (`datasets.Dataset`): the table.
        keep (`Collection[str]`, *optional*): columns that are not converted: ids, labels, names.
        missing (`Collection[str]`, *optional*): texts that mean a missing value, in addition to the empty cell.

    Returns:
        `datasets.Dataset`: the same rows, in memory. Columns that are not cells are unchanged.
    """
    cell_columns = [name for name, kind in dataset.features.items() if is_cell(kind) and name not in keep]
    if not cell_columns:
        return dataset
    table, features = dataset.with_format("arrow")[:], dict(dataset.features)
    for name in cell_columns:
        column = to_numbers(table.column(name), decimal_sign(features[name]), missing)
        if not pa.types.is_string(column.type):
            table = table.set_column(table.column_names.index(name), name, column)
            features[name] = Value(str(column.type))
    return Dataset(table.replace_schema_metadata(None), info=DatasetInfo(features=Features(features)))


def holds_whole_numbers(dataset: Dataset, name: str) -> bool:
    """Whether all cells of a column are integers of any length."""
    if not is_cell(dataset.features[name]):
        return False
    column = dataset.select_columns([name]).with_format("arrow")[:].column(name)
    return column.null_count < len(column) and _all_match(pc.ascii_trim_whitespace(column), _WHOLE)


def holds_numbers(dataset: Dataset, name: str) -> bool:
    """Whether all cells of a column are numbers with the decimal sign of the file."""
    if not is_cell(dataset.features[name]):
        return False
    column = dataset.select_columns([name]).with_format("arrow")[:].column(name)
    return number_type(column, decimal_sign(dataset.features[name])) in (pa.int64(), pa.float64())


def label_values(dataset: Dataset, column: str, problem_type: str | None = None) -> list[Any]:
    """Reads the labels of a split, and converts cells to the type that the problem needs.

    Args:
        dataset (`datasets.Dataset`): the split.
        column (`str`): the label column.
        problem_type (`str`, *optional*): the problem type; `None` if it is inferred from the labels.

    Returns:
        `list`: cells become integers if all of them are integers. They become floats if all of them are numbers and
        the problem type is regression or unknown. Otherwise they remain strings. Labels of other sources are
        unchanged.
    """
    check_readable(dataset, [column])
    values = dataset[column][:]
    if not is_cell(dataset.features[column]):
        return values
    cells = dataset.select_columns([column]).with_format("arrow")[:].column(column)
    numbers = to_numbers(cells, decimal_sign(dataset.features[column]))
    if pa.types.is_integer(numbers.type):
        return numbers.to_pylist()
    # Integers of more than 64 bits are names: converted to floats, different ones could become equal.
    floats = pa.types.is_floating(numbers.type) and not holds_whole_numbers(dataset, column)
    return numbers.to_pylist() if floats and problem_type in (None, REGRESSION) else values


def decimal_sign(feature: Any) -> str:
    """The decimal sign of the numbers in a column of cells."""
    return "," if feature.id == CELL_WITH_COMMA.id else "."


def _plain_cells(column: pa.ChunkedArray, decimal: str) -> pa.ChunkedArray:
    cells = pc.ascii_trim_whitespace(column)
    if decimal != ",":
        return cells
    if _has_thousands(cells):
        cells = pc.replace_substring(cells, ".", "")
    return pc.replace_substring(cells, ",", ".")


def _has_thousands(cells: pa.ChunkedArray) -> bool:
    """Whether points are thousands separators in a column whose numbers may have a decimal comma."""
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
