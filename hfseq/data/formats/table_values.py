"""Cells of a table as numbers, checked."""

from collections.abc import Iterable
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from hfseq.data.arrow_columns import is_list, is_number
from hfseq.data.cells import is_plain_number
from hfseq.errors import HfseqError


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
        row, text = _first_text(column)
        raise HfseqError(
            f"{where} holds {column.type} and not numbers, such as {text!r} in row {row}. Leave the cell empty where "
            "a value is missing, or name the column in ignore_columns if it is no part of the series."
        )
    # Not safe: an integer beyond 2**53 may lose its last digits, as it would in any model.
    values = pc.cast(column, pa.float64(), safe=False).to_numpy()
    if np.isinf(values).any():
        raise HfseqError(f"{where}, row {int(np.isinf(values).argmax())}: the value is infinite.")
    return values


def _first_text(column: pa.ChunkedArray) -> tuple[int, str]:
    """The first cell that is no plain number: the culprit, where a single one made the column a text column."""
    cells = [(row, str(cell)) for row, cell in enumerate(column.to_pylist()) if cell is not None]
    row, cell = next((pair for pair in cells if not is_plain_number(pair[1])), cells[0] if cells else (0, ""))
    return row, cell[:40]
