"""Checks columns of nested lists with arrow, without a Python object for each number."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from datasets import Dataset

from hfseq.data.batching.arrow_columns import is_list, is_number
from hfseq.errors import HfseqError


@dataclass(frozen=True)
class Flattened:
    """The numbers of a column in a flat array.

    Attributes:
        values (`pyarrow.Array`): the numbers.
        rows (`np.ndarray` of shape `(numbers,)`): the row of each number.
        sizes (`list[np.ndarray]`): the lengths of the lists of each level. The lists of the rows come first.
    """

    values: pa.Array
    rows: np.ndarray
    sizes: list[np.ndarray]


def flatten_lists(split: Dataset, column: str, levels: Sequence[str], noun: str, where: str) -> Flattened:
    """Checks a column of nested lists, and returns its numbers.

    Args:
        split (`datasets.Dataset`): the rows.
        column (`str`): the column.
        levels (`Sequence[str]`): names of the elements of each level, such as `("steps", "channels")`. Below the first
            level, all lists of a row must have the same length.
        noun (`str`): name of an example in error messages.
        where (`str`): split and data set, for error messages. Rows are counted from 0.

    Raises:
        HfseqError: the column holds something else, a list is missing or empty, or lists of a row differ in length.
    """
    array = _combined(split, column)
    kind, rows = array.type, np.arange(len(array))
    sizes: list[np.ndarray] = []
    for depth, level in enumerate(levels):
        if not is_list(array.type):
            raise _no_lists(kind, column, levels, noun, where)
        if array.null_count:
            row = int(rows[pc.index(pc.is_null(array), True).as_py()])
            raise HfseqError(f"{where}, row {row}: the {noun} is {'missing' if not depth else 'incomplete'}.")
        lengths = pc.list_value_length(array).to_numpy(zero_copy_only=False)
        if not lengths.all():
            raise HfseqError(f"{where}, row {int(rows[int(lengths.argmin())])}: the {noun} has no {level}.")
        if depth:
            _check_equal(lengths, rows, level, noun, where)
        sizes.append(lengths)
        rows = np.repeat(rows, lengths)
        array = array.flatten()
    if not is_number(array.type) and not pa.types.is_null(array.type):
        raise _no_lists(kind, column, levels, noun, where)
    return Flattened(array, rows, sizes)


def is_nested(split: Dataset, column: str, depth: int) -> bool:
    """Whether a column holds numbers in lists of this depth."""
    kind = split.data.column(column).type
    for _ in range(depth):
        kind = _storage(kind)
        if not is_list(kind):
            return False
        kind = kind.value_type
    return is_number(kind) or pa.types.is_null(kind)


def _combined(split: Dataset, column: str) -> pa.Array:
    chunked = split.select_columns([column]).with_format("arrow")[:].column(column)
    array = chunked.combine_chunks()
    return array.storage if isinstance(array, pa.ExtensionArray) else array


def _storage(kind: pa.DataType) -> pa.DataType:
    return kind.storage_type if isinstance(kind, pa.BaseExtensionType) else kind


def _no_lists(kind: pa.DataType, column: str, levels: Sequence[str], noun: str, where: str) -> HfseqError:
    return HfseqError(
        f"{where}: column {column!r} holds {kind}, but a {noun} is numbers in nested lists ({', '.join(levels)}). "
        "Name the right column with --input_column."
    )


def _check_equal(lengths: np.ndarray, rows: np.ndarray, level: str, noun: str, where: str) -> None:
    """Checks that all lists of a row have the same length."""
    first = np.searchsorted(rows, rows)  # index of the first list of the same row
    differing = lengths != lengths[first]
    if differing.any():
        found = int(differing.argmax())
        raise HfseqError(
            f"{where}, row {int(rows[found])}: the {noun} has {lengths[int(first[found])]} {level} in one list and "
            f"{lengths[found]} in another."
        )
