"""Columns of a data set as NumPy arrays, without Python objects in between."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from datasets import Dataset


def is_integer(kind: pa.DataType) -> bool:
    """Whether the values of an Arrow type are integers, all of which int64 can hold."""
    return pa.types.is_integer(kind) and kind != pa.uint64()


def is_number(kind: pa.DataType) -> bool:
    """Whether the values of an Arrow type are integers, as above, floats or booleans."""
    return is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind)


def is_list(kind: pa.DataType) -> bool:
    """Whether an Arrow type is one of lists, of any layout."""
    return pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)


def has_nulls(column: pa.ChunkedArray) -> bool:
    """Whether a value is missing, or one within the lists, however deep."""
    if column.null_count:
        return True
    if not is_list(column.type):
        return False
    return any(has_nulls(pa.chunked_array([pc.list_flatten(chunk)])) for chunk in column.chunks)


def list_sizes(column: pa.ChunkedArray) -> np.ndarray:
    """The length of each list, `(rows,)`."""
    return pc.list_value_length(column).to_numpy()


def read_lists(dataset: Dataset, name: str) -> tuple[np.ndarray, np.ndarray]:
    """A column of lists, flat.

    Args:
        dataset (`datasets.Dataset`): the data set, perhaps a selection or a permutation of a larger one.
        name (`str`): the column; no value in it is missing.

    Returns:
        `tuple`: the elements of all rows, one after the other, and the offsets of shape `(rows + 1,)` that bound them.
        Elements that are lists of one length are the rows of the first.
    """
    column = dataset.data.column(name)
    # Offsets of 64 bits, or a selection of more than 2**31 tokens could not be put together.
    column = _selected(dataset, column.cast(pa.large_list(column.type.value_type)))
    offsets = column.offsets.to_numpy()
    return _dense(column.values.slice(offsets[0], offsets[-1] - offsets[0])), offsets - offsets[0]


def read_values(dataset: Dataset, name: str) -> np.ndarray:
    """A column of numbers, `(rows,)`, or of lists of numbers, perhaps nested, all of one shape, `(rows, ...)`.

    Args:
        dataset (`datasets.Dataset`): the data set, perhaps a selection or a permutation of a larger one.
        name (`str`): the column; no value in it is missing.
    """
    column = dataset.data.column(name)
    if is_list(column.type) and not pa.types.is_fixed_size_list(column.type):
        values, offsets = read_lists(dataset, name)
        return values.reshape(len(offsets) - 1, -1)
    return _dense(_selected(dataset, column))


def _dense(values: pa.Array) -> np.ndarray:
    """Numbers, or lists of one length each, as an array."""
    shape = [len(values)]
    while pa.types.is_fixed_size_list(values.type):
        shape.append(values.type.list_size)
        values = values.flatten()
    return values.to_numpy(zero_copy_only=False).reshape(shape)


def _selected(dataset: Dataset, column: pa.ChunkedArray) -> pa.Array:
    # `select`, `shuffle`, `sort` and `filter` leave the table as it is and note which rows are meant.
    rows = dataset._indices
    return (column if rows is None else column.take(rows.column(0))).combine_chunks()
