"""Series to forecast, from a table with one row per step: every column of numbers is a channel."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from datasets import Dataset, List, Value

from hfseq.data.batching.arrow_columns import is_number
from hfseq.data.sources.cells import check_readable, convert_numbers
from hfseq.data.sources.series_rows import series_dataset
from hfseq.errors import HfseqError, nearest
from hfseq.modalities.series.clocks import Clock
from hfseq.modalities.series.long_table import check_times, group_steps, series_codes
from hfseq.modalities.series.row_names import ID_NAMES
from hfseq.modalities.series.step_roles import find_step_roles, split_names, times_of
from hfseq.modalities.series.table_roles import ROLES, TableRoles, roles_feature
from hfseq.modalities.series.table_values import first_text, listed
from hfseq.modalities.series.time_gaps import find_gaps
from hfseq.modalities.series.times import Times


def histories_from_steps(
    dataset: Dataset,
    *,
    channel_columns: Sequence[str] | None = None,
    id_column: str | None = None,
    time_column: str | None = None,
    time_format: str | None = None,
    known: TableRoles | None = None,
    missing_values: Sequence[str] = (),
    where: str,
) -> Dataset:
    """Turns a table with one row per step into series.

    Args:
        dataset (`datasets.Dataset`): the table.
        channel_columns (`Sequence[str]`, *optional*): the channels. By default all columns except those of ids and
            times, and those that only number the rows.
        id_column (`str`, *optional*): the column that tells series apart. By default a column with a usual name of ids
            whose values are repeated. Without one, all rows belong to one series.
        time_column (`str`, *optional*): the column that the rows of a series are sorted by. Several columns are
            separated by commas, as in `year,month`. By default it is detected: see [`find_time_columns`]. Without one,
            the rows keep their order.
        time_format (`str`, *optional*): format of the dates in that column, such as `%d.%m.%Y`.
        known (`TableRoles`, *optional*): the roles of the columns in the table that a model was trained on.
        missing_values (`Sequence[str]`, *optional*): cells that mean a missing value, in addition to empty cells.
        where (`str`): split and data set, for error messages. Rows are counted from 0.

    Returns:
        `datasets.Dataset`: one row per series: `series`, `name` (its id), `channels` (the names of the columns), `gap`
        (a description of gaps in its times: see [`find_gaps`]), and `clock` (see [`Clock`]; `None` without times). A
        feature keeps the roles of the columns: see [`roles_of`].

    Raises:
        HfseqError: a column is missing, a channel holds something else than numbers, or a time is missing, invalid, or
            repeated in a series. The message names the row.
    """
    for name in (*(channel_columns or ()), id_column):
        if name is not None and name not in dataset.column_names:
            raise HfseqError(f"{where}: there is no column {name!r}, {nearest(name, dataset.column_names)}")
    if not len(dataset):
        raise HfseqError(f"{where} has no rows.")
    notes = []
    if id_column is None and known is not None and known.id_column in dataset.column_names:
        id_column = known.id_column
    if id_column is None:
        id_column = _find_id(dataset, {time_column, *(channel_columns or ())})
        notes = [] if id_column is None else [f"series are told apart by the column {id_column!r}"]
    written = split_names(time_column, dataset.column_names) if time_format else []
    table = convert_numbers(dataset, (id_column, *written), missing_values).with_format("arrow")[:]
    taken = channel_columns or ()
    given = TableRoles(id_column, time_column, time_format)
    roles = find_step_roles(table, channel_columns or table.column_names, given, where, taken, known, notes)
    names = list(channel_columns or [name for name in table.column_names if name not in roles.no_values])
    if not names:
        raise HfseqError(f"{where}: no column of numbers is left to forecast among {listed(table.column_names)}.")
    times = times_of(table, roles, where)
    if times is not None:
        check_times(table, times, id_column, where)
    check_readable(dataset, [id_column, *names])
    _check_numbers(table, names, where)
    series, rows = group_steps(table, names, id_column, times, None, where)
    ids = ["the series"] if id_column is None else [str(table.column(id_column)[some[0]].as_py()) for some in rows]
    gaps = None if times is None else find_gaps(times, series_codes(table, id_column, where)[1])
    return named_histories(series, ids, names, gaps, _clocks(times, rows), roles)


def named_histories(
    series: list[np.ndarray],
    ids: list[str],
    channels: list[str],
    gaps: list[str | None] | None = None,
    clocks: list[str | None] | None = None,
    roles: TableRoles | None = None,
) -> Dataset:
    """A data set of series with their names, the names of their channels, their gaps in time, and their clocks."""
    nothing: list[str | None] = [None] * len(series)
    columns: dict[str, list[Any]] = {
        "name": ids,
        "channels": [channels] * len(series),
        "gap": gaps or nothing,
        "clock": clocks or nothing,
    }
    text = Value("string")
    features: dict[str, Any] = {"name": text, "channels": List(text), "gap": text, "clock": text}
    if roles is not None:
        columns[ROLES], features[ROLES] = [0] * len(series), roles_feature(roles)
    return series_dataset(series, columns, features)


def _clocks(times: Times | None, rows: list[np.ndarray]) -> list[str | None] | None:
    if times is None:
        return None
    clocks = [Clock.from_times(times.part(some)) for some in rows]
    return [None if clock is None else clock.to_text() for clock in clocks]


def _find_id(dataset: Dataset, taken: set[str | None]) -> str | None:
    for name in dataset.column_names:
        if name.lower() in ID_NAMES and name not in taken and len(dataset.unique(name)) < len(dataset):
            return name
    return None


def _check_numbers(table: pa.Table, names: list[str], where: str) -> None:
    for name in names:
        column = table.column(name)
        if is_number(column.type) or pa.types.is_null(column.type):
            continue
        row, text = first_text(column, f"{where}: column {name!r}")
        raise HfseqError(
            f"{where}: column {name!r} holds {column.type} and not numbers, such as {text!r} in row {row}. If a value "
            "is missing, leave the cell empty, or name such cells with --missing_values. Name the channels with "
            "--input_column a,b, the names of series with --id_column, dates with --time_column, and other columns "
            "with --ignore_columns"
        )
