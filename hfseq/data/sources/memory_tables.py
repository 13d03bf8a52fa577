"""Tables in memory as a `datasets.Dataset`: pandas data frames, rows, columns and NumPy arrays."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from datasets import Dataset
from datasets.exceptions import DatasetsError

from hfseq.errors import HfseqError, first_line

# What pyarrow and datasets raise for values that they cannot store.
_ERRORS = (pa.ArrowException, DatasetsError, TypeError, ValueError, OverflowError, NotImplementedError)
_TIME_COLUMN = "time"
_NUMBERS = "biuf"


def is_frame(value: Any) -> bool:
    """Whether a value is a `pandas.DataFrame`. Does not import pandas."""
    return type(value).__module__.partition(".")[0] == "pandas" and hasattr(value, "columns")


def table_from_frame(frame: Any, where: str = "the data frame") -> Dataset:
    """The rows of a data frame.

    Categories become their values, a missing value (`NaN`, `NaT`, `pandas.NA`) becomes `None`, and cells may hold
    NumPy arrays of any number of dimensions. The index is left out, unless it holds times or has several levels: then
    each level becomes a column.

    Args:
        frame (`pandas.DataFrame`): the data frame.
        where (`str`, *optional*): what an error calls it.

    Raises:
        HfseqError: two columns have the same name, or a column holds values of several types.
    """
    import pandas as pd

    if frame.columns.nlevels > 1:
        raise HfseqError(f"{where} has columns with {frame.columns.nlevels} levels; join their names to one level.")
    index = frame.index
    if isinstance(index, pd.MultiIndex):
        if None in index.names:
            raise HfseqError(f"{where} has an index with levels that have no name; name them, or call reset_index.")
        frame = frame.reset_index()
    elif isinstance(index, pd.DatetimeIndex | pd.PeriodIndex):
        frame = frame.reset_index(names=[index.name or _TIME_COLUMN])
    names = [str(name) for name in frame.columns]
    if repeated := sorted({name for name in names if names.count(name) > 1}):
        raise HfseqError(f"{where} has more than one column {repeated[0]!r}.")
    return table_from_columns({name: frame.iloc[:, number] for number, name in enumerate(names)}, where)


def table_from_rows(rows: Sequence[Mapping[str, Any]], where: str) -> Dataset:
    """Rows that are mappings; a key that a row lacks is a missing value.

    Args:
        rows (`Sequence[Mapping[str, Any]]`): the rows.
        where (`str`): what an error calls them.

    Raises:
        HfseqError: a column holds values of several types.
    """
    names = dict.fromkeys(str(name) for row in rows for name in row)
    by_name = [{str(name): value for name, value in row.items()} for row in rows]
    return table_from_columns({name: [row.get(name) for row in by_name] for name in names}, where)


def table_from_columns(columns: Mapping[str, Any], where: str) -> Dataset:
    """Columns that are lists, NumPy arrays or `pandas.Series` of the same length.

    Args:
        columns (`Mapping[str, Any]`): the columns by name. An array with several dimensions holds one example per
            entry of its first axis.
        where (`str`): what an error calls them.

    Raises:
        HfseqError: the columns differ in length, or one holds values of several types.
    """
    lengths = {name: len(values) for name, values in columns.items()}
    if len(set(lengths.values())) > 1:
        (first, one), (second, other) = _two_lengths(lengths)
        raise HfseqError(f"{where}: column {first!r} has {one} rows, but column {second!r} has {other}.")
    converted = {str(name): _column(values, f"{where}: column {name!r}") for name, values in columns.items()}
    try:
        return Dataset.from_dict(converted)
    except _ERRORS as error:
        raise _unreadable(where, error) from error


def _two_lengths(lengths: Mapping[str, int]) -> tuple[tuple[str, int], tuple[str, int]]:
    first = next(iter(lengths.items()))
    return first, next(item for item in lengths.items() if item[1] != first[1])


def _column(values: Any, where: str) -> Any:
    """The values of a column as pyarrow stores them, or as a list of objects that `datasets` encodes."""
    try:
        if isinstance(values, np.ndarray) and values.ndim > 1:
            return _nested(list(values))
        if isinstance(values, np.ndarray):
            return pa.array(values, from_pandas=True) if values.dtype.kind != "O" else _objects(values.tolist())
        if hasattr(values, "dtype") and hasattr(values, "array"):  # a pandas.Series
            return _pandas_column(values)
        return _objects(list(values))
    except _ERRORS as error:
        raise _unreadable(where, error) from error


def _pandas_column(values: Any) -> Any:
    import pandas as pd

    if isinstance(values.dtype, pd.CategoricalDtype):
        values = values.astype(object)
    if isinstance(values.dtype, pd.PeriodDtype):
        values = values.dt.to_timestamp()
    if isinstance(values.dtype, pd.SparseDtype):
        values = values.sparse.to_dense()
    if values.dtype == object:
        return _objects(values.tolist())
    found = pa.Array.from_pandas(values)
    found = found.combine_chunks() if isinstance(found, pa.ChunkedArray) else found
    return found.cast(pa.string()) if pa.types.is_large_string(found.type) else found


def _objects(cells: list[Any]) -> Any:
    """Cells of any type: arrays become nested lists, missing values become `None`."""
    if cells and all(isinstance(cell, np.ndarray) and cell.dtype.kind in _NUMBERS for cell in cells):
        return _nested(cells)
    return [None if _is_missing(cell) else cell for cell in cells]


def _is_missing(cell: Any) -> bool:
    return (
        cell is None or type(cell).__name__ in ("NAType", "NaTType") or (isinstance(cell, float) and math.isnan(cell))
    )


def _nested(arrays: list[np.ndarray]) -> pa.Array:
    """Arrays with the same number of dimensions as nested lists, without a Python object per number."""
    dimensions = {array.ndim for array in arrays}
    if len(dimensions) > 1:
        raise ValueError(f"arrays have {' and '.join(map(str, sorted(dimensions)))} dimensions")
    values = np.concatenate([array.reshape(-1) for array in arrays])
    nested = pa.array(values.astype(np.float32) if values.dtype == np.float16 else values, from_pandas=True)
    for axis in reversed(range(arrays[0].ndim)):
        # The number of lists on this level is the product of the sizes before it.
        lengths = [np.full(math.prod(array.shape[:axis]), array.shape[axis]) for array in arrays]
        ends = np.concatenate([[0], np.cumsum(np.concatenate(lengths))])
        nested = pa.ListArray.from_arrays(pa.array(ends, type=pa.int32()), nested)
    return nested


def _unreadable(where: str, error: Exception) -> HfseqError:
    return HfseqError(f"{where} cannot be read: {first_line(error)}. Give each column values of one type.")
