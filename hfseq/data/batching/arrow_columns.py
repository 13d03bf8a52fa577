"""Conversion of columns of a data set to NumPy arrays, without Python objects."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from datasets import Dataset


def is_integer(kind: pa.DataType) -> bool:
    """Whether the values of an Arrow type are integers that fit into int64."""
    return pa.types.is_integer(kind) and kind != pa.uint64()


def is_number(kind: pa.DataType) -> bool:
    """Whether the values of an Arrow type are floats, booleans, or integers that fit into int64."""
    return is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind)


def is_list(kind: pa.DataType) -> bool:
    """Whether an Arrow type is a list type of any layout."""
    return pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)


def has_nulls(column: pa.ChunkedArray) -> bool:
    """Whether a value, or a value in nested lists of any depth, is missing."""
    if column.null_count:
        return True
    if not is_list(column.type):
        return False
    return any(has_nulls(pa.chunked_array([pc.list_flatten(chunk)])) for chunk in column.chunks)


def list_sizes(column: pa.ChunkedArray) -> np.ndarray:
    """Length of each list, `(rows,)`."""
    return pc.list_value_length(column).to_numpy()


def read_lists(dataset: Dataset, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Reads a column of lists as one flat array.

    Args:
        dataset (`datasets.Dataset`): the data set, which may be a selection or a permutation of a larger one.
        name (`str`): name of the column, which must have no missing values.

    Returns:
        `tuple`: the concatenated elements of all rows, of shape `(elements, ...)`, and the offsets of the rows, of
        shape `(rows + 1,)`.
    """
    column = dataset.data.column(name)
    # 64-bit offsets, because a selection of more than 2**31 tokens cannot be combined with 32-bit offsets.
    column = _selected(dataset, column.cast(pa.large_list(column.type.value_type)))
    offsets = column.offsets.to_numpy()
    return _dense(column.values.slice(offsets[0], offsets[-1] - offsets[0])), offsets - offsets[0]


def read_values(dataset: Dataset, name: str) -> np.ndarray:
    """Reads a column of numbers, `(rows,)`, or of (nested) lists of numbers of equal shape, `(rows, ...)`.

    Args:
        dataset (`datasets.Dataset`): the data set, which may be a selection or a permutation of a larger one.
        name (`str`): name of the column, which must have no missing values.
    """
    column = dataset.data.column(name)
    if is_list(column.type) and not pa.types.is_fixed_size_list(column.type):
        values, offsets = read_lists(dataset, name)
        return values.reshape(len(offsets) - 1, -1)
    return _dense(_selected(dataset, column))


def _dense(values: pa.Array) -> np.ndarray:
    """Converts numbers, or fixed-size lists of numbers, to an array."""
    shape = [len(values)]
    while pa.types.is_fixed_size_list(values.type):
        shape.append(values.type.list_size)
        values = values.flatten()
    return values.to_numpy(zero_copy_only=False).reshape(shape)


def _selected(dataset: Dataset, column: pa.ChunkedArray) -> pa.Array:
    # `select`, `shuffle`, `sort` and `filter` do not change the table, but store the indices of the rows.
    rows = dataset._indices
    return (column if rows is None else column.take(rows.column(0))).combine_chunks()
