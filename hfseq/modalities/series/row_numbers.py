"""Finds columns that only number the rows of a table: the index of a data frame, and counters."""

import re
from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from hfseq.data.batching.arrow_columns import is_integer

# Names that pandas gives an index without a name in a csv or parquet file.
_UNNAMED_INDEX = re.compile(r"(unnamed: 0(\.\d+)*|__index_level_\d+__)?", re.IGNORECASE)
_EMPTY_HEADING = re.compile(r"(unnamed: \d+)?", re.IGNORECASE)
_INDEX_NAMES = (
    "index", "level_0", "row", "rows", "row_id", "rowid", "row_number", "rownum", "rownames", "idx", "#", "id",
)  # fmt: skip
# Usual names of measurements. Their columns are values, even if they rise by one with each step.
_QUANTITIES = (
    "open", "high", "low", "close", "adj close", "price", "value", "values", "volume", "y", "x", "target", "sales",
    "count", "total", "amount", "level", "load", "demand", "temperature", "temp", "ot",
)  # fmt: skip
# With fewer rows, numbers may look like a count by chance.
_FEWEST_COUNTED, _FEWEST_DISTINCT = 16, 50


def is_unnamed_index(name: str) -> bool:
    """Whether a column has a name that pandas gives an index without a name."""
    return _UNNAMED_INDEX.fullmatch(name.strip()) is not None


def find_row_numbers(table: pa.Table, names: Sequence[str], codes: np.ndarray | None = None) -> list[str]:
    """Finds the columns that only number the rows, in any order.

    These are: an index of pandas without a name; different whole numbers under a usual name of an index; and a count
    of the rows under any name. If all columns are counts, or several without a usual name of an index, they are
    values. So are columns with a usual name of measurements.

    Args:
        table (`pyarrow.Table`): the table.
        names (`Sequence[str]`): the columns that may be values.
        codes (`np.ndarray` of shape `(rows,)`, *optional*): the number of the series of each row, if each row is a
            step. Then a count may start again with each series. By default, each row is a series.
    """
    found = [name for name in names if _is_index(table.column(name), name)]
    others = [name for name in names if name not in found]
    if not others:
        return []
    unusual = [name for name in others if name.strip().lower() not in _QUANTITIES]
    counts = [name for name in unusual if _counts_rows(table.column(name), codes)]
    return found + counts if len(counts) == 1 and len(others) > 1 else found


def _is_index(column: pa.ChunkedArray, name: str) -> bool:
    """Whether a column is an index by its name."""
    if is_unnamed_index(name):
        return True
    if _EMPTY_HEADING.fullmatch(name.strip()) and column.null_count == len(column):
        return True  # there is a delimiter at the end of each line
    if name.strip().lower() not in _INDEX_NAMES:
        return False
    numbers = whole_numbers(column)
    if numbers is None or len(numbers) < 2 or len(np.unique(numbers)) < len(numbers):
        return False
    return _spread(numbers) == len(numbers) or len(numbers) >= _FEWEST_COUNTED


def _counts_rows(column: pa.ChunkedArray, codes: np.ndarray | None) -> bool:
    """Whether a column is a count by its values."""
    numbers = whole_numbers(column)
    if numbers is None or len(numbers) < _FEWEST_COUNTED:
        return False
    distinct, spread = len(np.unique(numbers)) == len(numbers), _spread(numbers)
    if codes is not None:
        return (distinct and spread == len(numbers)) or _counts_steps(numbers, codes)
    # So many different numbers in a narrow range are not measurements, even if the rows are not sorted.
    return distinct and (spread == len(numbers) or (len(numbers) >= _FEWEST_DISTINCT and spread <= 2 * len(numbers)))


def whole_numbers(column: pa.ChunkedArray) -> np.ndarray | None:
    """The values of a column as 64-bit integers. `None` if one is missing or not a whole number."""
    if column.null_count or not len(column):
        return None
    if is_integer(column.type):
        return column.to_numpy().astype(np.int64)
    if not pa.types.is_floating(column.type):
        return None
    numbers = column.to_numpy()
    if not np.isfinite(numbers).all() or (numbers % 1 != 0).any() or np.abs(numbers).max() > 2**53:
        return None
    return numbers.astype(np.int64)


def _spread(numbers: np.ndarray) -> int:
    return int(numbers.max()) - int(numbers.min()) + 1


def _counts_steps(numbers: np.ndarray, codes: np.ndarray) -> bool:
    """Whether whole numbers count the rows of each of several series, from the same start."""
    order = np.argsort(codes, kind="stable")
    begins = np.append(True, np.diff(codes[order]) != 0)
    steps = np.diff(numbers[order], prepend=0)
    return bool((steps[~begins] == 1).all() and len(np.unique(numbers[order][begins])) == 1 and not begins.all())
