"""Finds the roles of the columns in a table with one row per step."""

from collections.abc import Collection, Sequence

import numpy as np
import pyarrow as pa

from hfseq.errors import HfseqError, nearest
from hfseq.modalities.series.find_times import find_time_columns
from hfseq.modalities.series.long_table import series_codes
from hfseq.modalities.series.row_numbers import find_row_numbers, is_unnamed_index, whole_numbers
from hfseq.modalities.series.table_roles import TableRoles, left_out_note, time_note
from hfseq.modalities.series.times import Times, combine_columns, read_times


def split_names(names: str | None, columns: Collection[str]) -> list[str]:
    """Splits the names of columns at commas, unless the whole text is the name of a column."""
    if names is None:
        return []
    return [names] if names in columns else [name.strip() for name in names.split(",")]


def find_step_roles(
    table: pa.Table,
    values: Sequence[str],
    given: TableRoles,
    where: str,
    taken: Collection[str | None] = (),
    known: TableRoles | None = None,
    notes: Sequence[str] = (),
) -> TableRoles:
    """Completes the roles in the settings by those that are detected.

    Args:
        table (`pyarrow.Table`): the table, one row per step.
        values (`Sequence[str]`): the columns that may be channels.
        given (`TableRoles`): the roles in the settings: the columns of ids and times, and the format of dates.
        where (`str`): split and data set, for error messages.
        taken (`Collection[str]`, *optional*): columns that are known to be channels or labels.
        known (`TableRoles`, *optional*): the roles in the table that a model was trained on.
        notes (`Sequence[str]`, *optional*): notes on what was detected before.

    Raises:
        HfseqError: a column looks like a time, but cannot be read as one.
    """
    times = split_names(given.time_column, table.column_names)
    format = given.time_format or (known.time_format if known is not None else None)
    for name in times:
        if name not in table.column_names:
            raise HfseqError(f"{where}: there is no column {name!r}, {nearest(name, table.column_names)}")
    notes = list(notes)
    if not times and known is not None:
        times = split_names(known.time_column, table.column_names)
        times = times if all(name in table.column_names for name in times) else []
    codes = series_codes(table, given.id_column, where)[1]
    if not times:
        free = [name for name in table.column_names if name not in (given.id_column, *taken)]
        times = find_time_columns(table, free, codes, where, strict=known is None)
        if times:
            notes.append(time_note(times, _are_moved(_read(table, times, format, where), codes)))
    remaining = [name for name in values if name not in (given.id_column, *times)]
    if known is None:
        left_out = find_row_numbers(table, [name for name in remaining if name not in taken], codes)
    else:
        usual = [name for name in remaining if name in known.left_out or is_unnamed_index(name)]
        left_out = [name for name in usual if name not in taken]
    if left_out:
        notes.append(left_out_note(left_out) + ("" if times else _order_hint(table, left_out[0], codes)))
    return TableRoles(given.id_column, ",".join(times) or None, format, tuple(left_out), tuple(notes))


def _order_hint(table: pa.Table, name: str, codes: np.ndarray) -> str:
    """A hint how to sort by row numbers, if the rows are not in their order."""
    numbers = whole_numbers(table.column(name))
    if numbers is None or not _are_moved(Times(numbers), codes):
        return ""
    return f"; the rows are not in the order of its numbers: --time_column {name!r} sorts by them"


def times_of(table: pa.Table, roles: TableRoles, where: str) -> Times | None:
    """The times of the rows, or `None` without a column of times."""
    names = split_names(roles.time_column, table.column_names)
    return _read(table, names, roles.time_format, where) if names else None


def _read(table: pa.Table, names: list[str], format: str | None, where: str) -> Times:
    if len(names) == 1:
        return read_times(table.column(names[0]), f"{where}: column {names[0]!r}", format)
    joined = " and ".join(map(repr, names))
    return read_times(combine_columns(table, names, where), f"{where}: columns {joined}", format)


def _are_moved(times: Times, codes: np.ndarray) -> bool:
    """Whether sorting by the times changes the order of the rows of a series."""
    order = np.argsort(codes, kind="stable")
    return bool((np.diff(times.numbers[order])[np.diff(codes[order]) == 0] < 0).any())
