"""Series in a table with one row per series and one column per step."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from hfseq.errors import HfseqError
from hfseq.modalities.series.row_names import check_rows_are_series
from hfseq.modalities.series.row_numbers import find_row_numbers, is_unnamed_index
from hfseq.modalities.series.table_roles import TableRoles, left_out_note
from hfseq.modalities.series.table_values import listed, number_matrix


def find_wide_roles(
    table: pa.Table,
    names: list[str],
    known_columns: Sequence[str] | None,
    known_roles: TableRoles | None,
    where: str,
) -> TableRoles:
    """Finds the columns that only number the rows.

    Args:
        table (`pyarrow.Table`): the table.
        names (`list[str]`): the columns that may be steps.
        known_columns (`Sequence[str]`, *optional*): the columns of the training. They are never left out.
        known_roles (`TableRoles`, *optional*): the roles of the other columns of the training.
        where (`str`): split and data set, for messages.

    Raises:
        HfseqError: the rows look like the steps of one series.
    """
    if known_columns is not None:
        usual = known_roles.left_out if known_roles else ()
        left_out = [name for name in names if name in usual or is_unnamed_index(name)]
        return TableRoles(left_out=tuple(name for name in left_out if name not in known_columns))
    check_rows_are_series(table, names, where)
    found = find_row_numbers(table, names)
    return TableRoles(left_out=tuple(found), notes=(left_out_note(found),) if found else ())


def series_from_wide(table: pa.Table, names: list[str], channels: int, where: str) -> list[np.ndarray]:
    """Reads one series per row. Steps whose values are all missing at the end of a row are left out.

    Args:
        table (`pyarrow.Table`): the table.
        names (`list[str]`): the columns of the values: all channels of the first step, then those of the second, ...
        channels (`int`): the number of channels.
        where (`str`): split and data set, for messages.

    Returns:
        `list[np.ndarray]`: arrays of shape `(steps, channels)`.

    Raises:
        HfseqError: the columns do not fill whole steps, a row has no value, or a column holds something else than
            numbers.
    """
    values = number_matrix(table, names, where)  # (rows, columns)
    if len(names) % channels:
        raise HfseqError(
            f"{where}: {len(names)} columns ({listed(names)}) do not make steps of {channels} channels. Name the "
            "columns that are not part of the series in ignore_columns."
        )
    steps = values.reshape(len(values), -1, channels)  # (rows, steps, channels)
    present = ~np.isnan(steps).all(axis=2)
    lengths = np.where(present.any(axis=1), present.shape[1] - present[:, ::-1].argmax(axis=1), 0)
    if not lengths.all():
        raise HfseqError(f"{where}, row {int(lengths.argmin())}: every value is missing. Drop the row.")
    return [row[:length] for row, length in zip(steps, lengths, strict=True)]
