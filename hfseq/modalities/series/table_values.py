"""Cells of a table as numbers, checked."""

import re
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from hfseq.data.batching.arrow_columns import is_list, is_number
from hfseq.data.sources.cells import is_plain_number
from hfseq.errors import HfseqError

# The largest number of 32 bits, and what is beyond it.
LARGEST = float(np.finfo(np.float32).max)
TOO_LARGE = "too large for a model, whose numbers have 32 bits (up to 3.4e38): divide the values, or mend this one"
_INFINITE = re.compile(r"[+-]?inf(inity)?", re.IGNORECASE)


def listed(names: Iterable[Any]) -> str:
    """Names for a message."""
    return ", ".join(map(repr, names))


def innermost(kind: pa.DataType, depth: int, where: str | None = None) -> pa.DataType:
    """The type of a column's elements, some lists deep.

    Args:
        kind (`pyarrow.DataType`): the column's type.
        depth (`int`): how many lists are opened at most.
        where (`str`, *optional*): the column, for the message. With it, the column must be of numbers in one list or
            in two.

    Raises:
        HfseqError: the column is no list, or holds something else than numbers.
    """
    kind = kind.storage_type if isinstance(kind, pa.BaseExtensionType) else kind
    found = kind
    for _ in range(depth):
        found = found.value_type if is_list(found) else found
    if where is not None and (not is_list(kind) or not (is_number(found) or pa.types.is_null(found))):
        raise HfseqError(
            f"{where} holds {kind}, expected lists of numbers, or of steps that are lists of numbers, as in the other "
            "columns. Name it in ignore_columns if it is no part of the series."
        )
    return found


def number_matrix(table: pa.Table, names: list[str], where: str) -> np.ndarray:
    """Columns of numbers side by side.

    Args:
        table (`pyarrow.Table`): the table.
        names (`list[str]`): the columns.
        where (`str`): split and data set, for messages.

    Returns:
        `numpy.ndarray`: shape `(rows, columns)`, float64, nan where a value is missing.

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
            f"{where} holds {column.type} and not numbers, such as {text!r} in row {row}. Leave the cell empty where "
            "a value is missing, or say what stands there with --missing_values; or name the column with "
            "--ignore_columns if it is not part of the series."
        )
    # Not safe: an integer beyond 2**53 may lose its last digits, as it would in any model.
    values = pc.cast(column, pa.float64(), safe=False).to_numpy()
    check_finite(values, lambda index: f"{where}, row {index}")
    return values


def check_finite(values: np.ndarray, name: Callable[[int], str]) -> None:
    """Makes sure that 32-bit numbers, in which models compute, can hold each value.

    Args:
        values (`np.ndarray` of shape `(values,)`): NaN where one is missing.
        name (`Callable`): what a message calls the value of an index.

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
    """The first cell that is no plain number, and its row: it made the column one of texts.

    Raises:
        HfseqError: that cell is an infinite number.
    """
    cells = [(row, str(cell)) for row, cell in enumerate(column.to_pylist()) if cell is not None]
    row, cell = next((pair for pair in cells if not is_plain_number(pair[1])), cells[0] if cells else (0, ""))
    if _INFINITE.fullmatch(cell.strip()):
        raise HfseqError(f"{where}, row {row}: the value is infinite ({cell.strip()!r}).")
    return row, cell[:40]
