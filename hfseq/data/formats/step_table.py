"""Histories out of a table with one row a step: every column of numbers is a channel."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import pyarrow as pa
from datasets import Dataset, List, Value

from hfseq.data.arrow_columns import is_number
from hfseq.data.cells import with_numbers
from hfseq.data.formats.row_names import ID_NAMES, TIME_NAMES
from hfseq.data.formats.series_long import group_steps, series_codes
from hfseq.data.formats.series_rows import series_dataset
from hfseq.data.formats.table_values import listed
from hfseq.data.formats.time_gaps import find_gaps
from hfseq.errors import HfseqError, nearest


def histories_from_steps(
    dataset: Dataset,
    *,
    channel_columns: Sequence[str] | None = None,
    id_column: str | None = None,
    time_column: str | None = None,
    where: str,
) -> Dataset:
    """Turns a table whose rows are points in time into series.

    Args:
        dataset (`datasets.Dataset`): the table.
        channel_columns (`Sequence[str]`, *optional*): the channels; by default every column but those of id and time.
        id_column (`str`, *optional*): which series a row belongs to. By default a column with a usual name whose
            values come again; without one, all rows belong to one series.
        time_column (`str`, *optional*): what the rows of a series are sorted by. By default a column of dates; without
            one, the rows are taken as they stand, and whole numbers with a usual name that only count them are no
            channel.
        where (`str`): split and data set, for messages; rows are counted from 0.

    Returns:
        `datasets.Dataset`: a row a series: `series`, `name` (its id), `channels` (the names of the columns) and `gap`
            (where its times have gaps, in words: see [`find_gaps`]).

    Raises:
        HfseqError: a column is not there, a channel holds something else than numbers, or a time is missing, is no
            time, or stands twice in a series; with the row.
    """
    for name in (*(channel_columns or ()), id_column, time_column):
        if name is not None and name not in dataset.column_names:
            raise HfseqError(f"{where}: there is no column {name!r}, {nearest(name, dataset.column_names)}")
    if not len(dataset):
        raise HfseqError(f"{where} has no rows.")
    if id_column is None:
        id_column = _find_id(dataset, {time_column, *(channel_columns or ())})
    table = with_numbers(dataset, keep=(id_column,)).with_format("arrow")[:]
    if time_column is None:
        time_column = _find_time(table, {id_column, *(channel_columns or ())}, id_column)
    names = list(channel_columns or [name for name in table.column_names if name not in (id_column, time_column)])
    if not names:
        raise HfseqError(f"{where}: no column of numbers is left to forecast among {listed(table.column_names)}.")
    _check_numbers(table, names, where)
    series, first = group_steps(table, names, id_column, time_column, None, where)
    ids = ["the series"] if id_column is None else [str(table.column(id_column)[row].as_py()) for row in first]
    _, codes = series_codes(table, id_column, where)
    gaps = None if time_column is None else find_gaps(table.column(time_column), codes, where)
    return named_histories(series, ids, names, gaps)


def named_histories(
    series: list[np.ndarray], ids: list[str], channels: list[str], gaps: list[str | None] | None = None
) -> Dataset:
    """Series with the names that messages and forecasts give them and their channels, and with their gaps in time."""
    return series_dataset(
        series,
        {"name": ids, "channels": [channels] * len(series), "gap": gaps or [None] * len(series)},
        {"name": Value("string"), "channels": List(Value("string")), "gap": Value("string")},
    )


def _find_id(dataset: Dataset, taken: set[str | None]) -> str | None:
    for name in dataset.column_names:
        if name.lower() in ID_NAMES and name not in taken and len(dataset.unique(name)) < len(dataset):
            return name
    return None


def _find_time(table: pa.Table, taken: set[str | None], id_column: str | None) -> str | None:
    """The column of points in time: dates of any kind, or numbers under a usual name that count the rows."""
    for name in table.column_names:
        if name in taken:
            continue
        column = table.column(name)
        if pa.types.is_temporal(column.type) or (pa.types.is_string(column.type) and _is_date(column)):
            return name
        if name.lower() in TIME_NAMES and is_number(column.type) and _counts(table, name, id_column):
            return name
    return None


def _counts(table: pa.Table, name: str, id_column: str | None) -> bool:
    """Whether numbers are whole and go up by one step as they stand, within each series.

    Any others may be measurements, such as a time that something took, or the level of an index: to sort by them would
    tear the series apart.
    """
    values = pd.to_numeric(table.column(name).to_pandas()).astype("float64")
    series = pd.Series(0, values.index) if id_column is None else table.column(id_column).to_pandas()
    steps = values.groupby(series.to_numpy(), sort=False).diff().dropna()
    whole = bool((values % 1 == 0).all())  # which neither NaN nor infinity is
    return whole and len(steps) > 0 and bool(steps.iloc[0] > 0) and bool((steps == steps.iloc[0]).all())


def _is_date(column: pa.ChunkedArray) -> bool:
    # One damaged date is an error to report, not a sign that the others are none.
    texts = pd.Series(column.slice(0, 100).to_pylist(), dtype="object")
    return bool(pd.to_datetime(texts, format="ISO8601", utc=True, errors="coerce").notna().mean() > 0.5)


def _check_numbers(table: pa.Table, names: list[str], where: str) -> None:
    for name in names:
        column = table.column(name)
        if is_number(column.type) or pa.types.is_null(column.type):
            continue
        texts = pd.Series(column.to_pylist(), dtype="object")
        wrong = pd.to_numeric(texts, errors="coerce").isna() & texts.notna()
        row = int(wrong.to_numpy().argmax())
        raise HfseqError(
            f"{where}: column {name!r} holds {column.type} and not numbers, such as {str(texts[row])[:40]!r} in row "
            f"{row}. Leave a cell empty where a value is missing; name the channels with --input_column a,b, the "
            "series' name with --id_column, dates with --time_column, and what is no part of it with --ignore_columns"
        )
