"""Checks the numbers in the cells of a table."""

import re
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from hfseq.data.batching.arrow_columns import is_list, is_number
from hfseq.data.sources.cells import is_plain_number
from hfseq.errors import HfseqError

# The largest 32-bit number.
LARGEST = float(np.finfo(np.float32).max)
TOO_LARGE = "too large for a model, whose numbers have 32 bits (up to 3.4e38): divide the values, or correct this one"
_INFINITE = re.compile(r"[+-]?inf(inity)?", re.IGNORECASE)


def listed(names: Iterable[Any]) -> str:
    """A list of names for a message."""
    return ", ".join(map(repr, names))


def innermost(kind: pa.DataType, depth: int, where: str | None = None) -> pa.DataType:
    """The type of the elements of a column of nested lists.

    Args:
        kind (`pyarrow.DataType`): the type of the column.
        depth (`int`): maximum number of levels of lists.
        where (`str`, *optional*): the column, for the error message. If it is given, the column must hold numbers in
            one or two levels of lists.

    Raises:
        HfseqError: the column does not hold lists, or holds something else than numbers.
    """
    kind = kind.storage_type if isinstance(kind, pa.BaseExtensionType) else kind
    found = kind
    for _ in range(depth):
        found = found.value_type if is_list(found) else found
    if where is not None and (not is_list(kind) or not (is_number(found) or pa.types.is_null(found))):
        raise HfseqError(
            f"{where} holds {kind}, expected lists of numbers, or of steps that are lists of numbers, as in the other "
            "columns. Name it in ignore_columns if it is not part of the series."
        )
    return found


def number_matrix(table: pa.Table, names: list[str], where: str) -> np.ndarray:
    """Columns of numbers as a matrix.

    Args:
        table (`pyarrow.Table`): the table.
        names (`list[str]`): the columns.
        where (`str`): split and data set, for error messages.

    Returns:
        `np.ndarray` of shape `(rows, columns)`: float64; a missing value is NaN.

    Raises:
        HfseqError: there is no column, one holds something else than numbers, or a value is infinite.
    """
    if not names:
        raise HfseqError(f"{where}: no column is left for the values of the series.")
    return np.column_stack([_numbers(table.column(name), f"{where}: column {name!r}") for name in names])


def _numbers(column: pa.ChunkedArray, where: str) -> np.ndarray:
    if not is_number(column.type) and not pa.types.is_null(column.type):
        row, text = first_text(column, where)
        raise HfseqError(
            f"{where} holds {column.type} and not numbers, such as {text!r} in row {row}. If a value is missing, "
            "leave the cell empty, or name such cells with --missing_values. If the column is not part of the "
            "series, name it with --ignore_columns."
        )
    # Integers above 2**53 may lose their last digits, as in every model.
    values = pc.cast(column, pa.float64(), safe=False).to_numpy()
    check_finite(values, lambda index: f"{where}, row {index}")
    return values


def check_finite(values: np.ndarray, name: Callable[[int], str]) -> None:
    """Checks that values are finite, and fit into the 32-bit numbers of models.

    Args:
        values (`np.ndarray` of shape `(values,)`): the values. A missing value is NaN.
        name (`Callable`): the name of a value in the error message, by its index.

    Raises:
        HfseqError: a value is infinite or too large.
    """
    wrong = np.abs(values) > LARGEST
    if wrong.any():
        index = int(wrong.argmax())
        value = values[index]
        what = "the value is infinite" if np.isinf(value) else f"the value {value:g} is {TOO_LARGE}"
        raise HfseqError(f"{name(index)}: {what}.")


def first_text(column: pa.ChunkedArray, where: str) -> tuple[int, str]:
    """The row and the text of the first cell that is not a number, which is why the column holds texts.

    Raises:
        HfseqError: the cell is an infinite number.
    """
    cells = [(row, str(cell)) for row, cell in enumerate(column.to_pylist()) if cell is not None]
    row, cell = next((pair for pair in cells if not is_plain_number(pair[1])), cells[0] if cells else (0, ""))
    if _INFINITE.fullmatch(cell.strip()):
        raise HfseqError(f"{where}, row {row}: the value is infinite ({cell.strip()!r}).")
    return row, cell[:40]
