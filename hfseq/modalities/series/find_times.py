"""Finds the column of times in a table with one row per step."""

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from hfseq.data.batching.arrow_columns import is_number
from hfseq.errors import HfseqError
from hfseq.modalities.series.date_formats import calendar_format, date_format
from hfseq.modalities.series.row_names import TIME_NAMES
from hfseq.modalities.series.row_numbers import is_unnamed_index, whole_numbers
from hfseq.modalities.series.table_values import listed

# Numbers under these names are almost always times.
_SURE_NAMES = (
    "date", "datetime", "date_time", "timestamp", "time_stamp", "ds", "epoch", "unix", "unixtime", "unix_time",
)  # fmt: skip
_PARTS = (
    ("year", "yr"), ("month", "mon", "mo", "mnth"), ("day", "dy", "mday"), ("hour", "hr"), ("minute", "min"),
    ("second", "sec"),
)  # fmt: skip
_PART_LIMITS = ((1500, 2500), (1, 12), (1, 31), (0, 24), (0, 59), (0, 60))
# Parts of a year that cannot be combined with it, because a week or a quarter is not a date.
_OTHER_PARTS = (
    "week", "wk", "week_of_year", "weekofyear", "iso_week", "quarter", "qtr", "doy", "day_of_year", "dayofyear",
    "yday",
)  # fmt: skip
_CLOCK = re.compile(r"\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?(\s*[ap]m)?", re.IGNORECASE)
# Ranges of seconds, milliseconds, microseconds and nanoseconds since 1970, for the years 1973 to 2096.
_EPOCHS = tuple((low, 40 * low) for low in (1e8, 1e11, 1e14, 1e17))
_SAMPLE = 100
_FEWEST = 8


def find_time_columns(
    table: pa.Table, names: Sequence[str], codes: np.ndarray, where: str, strict: bool = True
) -> list[str]:
    """Finds the columns that together are the times of the steps. Returns an empty list if there are none.

    The candidates are, in this order: dates of any kind; columns of the year, month, day and so on; whole numbers that
    are dates (`20191201`); seconds since 1970; and numbers that count the steps under a usual name of times. The rows
    may be in any order, and steps may be missing.

    Args:
        table (`pyarrow.Table`): the table.
        names (`Sequence[str]`): the columns without another role.
        codes (`np.ndarray` of shape `(rows,)`): the number of the series of each row.
        where (`str`): split and data set, for error messages.
        strict (`bool`, *optional*, defaults to `True`): whether it is an error if a column with a name of times does
            not hold times.

    Raises:
        HfseqError: a column has a name of times but does not hold times, or its dates have two possible formats.
    """
    dates = [name for name in names if _holds_dates(table.column(name), f"{where}: column {name!r}")]
    if dates:
        return _with_time_of_day(table, dates[0], names, codes)
    parts = _date_parts(table, names, codes)
    if parts:
        return parts
    usual = [name for name in names if _is_usual(name)]
    for name in (*usual, *names):
        # A small number of measurements may look like dates by chance.
        sure = name in usual or len(table) >= _FEWEST
        if (sure and _is_calendar(table.column(name), codes)) or _is_epoch(table.column(name), codes, name in usual):
            return [name]
    for name in usual:
        if _orders_steps(table.column(name), name, codes):
            return [name]
    if strict:
        _check_sure_names(table, usual, where)
        _check_year_parts(table, names, codes, where)
    return []


def _check_year_parts(table: pa.Table, names: Sequence[str], codes: np.ndarray, where: str) -> None:
    """
    Raises:
        HfseqError: there is a year with a week, a quarter or a day of the year, which cannot be combined to a date.
    """
    year = next((name for name in names if name.strip().lower() in _PARTS[0]), None)
    other = next((name for name in names if name.strip().lower().replace(" ", "_") in _OTHER_PARTS), None)
    if year is None or other is None:
        return
    if _distinct(codes, table.column(year).to_pylist(), table.column(other).to_pylist()):
        raise HfseqError(
            f"{where}: columns {year!r} and {other!r} together seem to be the time, but cannot be combined. Add a "
            f"column of dates. If the rows are already sorted by time, set --ignore_columns {year!r} {other!r}. To "
            "forecast these two as well, name them among the channels with --input_column"
        )


def _is_usual(name: str) -> bool:
    return name.strip().lower().replace(" ", "_") in (*TIME_NAMES, *_SURE_NAMES)


def _holds_dates(column: pa.ChunkedArray, where: str) -> bool:
    if pa.types.is_temporal(column.type):
        return True
    if not pa.types.is_string(column.type):
        return False
    texts = [text for text in column.slice(0, _SAMPLE).to_pylist() if text is not None]
    if not texts:
        return False
    # If most texts are dates, the others are errors, which are reported later.
    series = pd.Series(texts, dtype="object")
    if pd.to_datetime(series, format="ISO8601", utc=True, errors="coerce").notna().mean() > 0.5:
        return True
    complete = [text for text in column.to_pylist() if text is not None]
    return any(letter.isdigit() for letter in texts[0]) and date_format(complete, None, where) is not None


def _with_time_of_day(table: pa.Table, date: str, names: Sequence[str], codes: np.ndarray) -> list[str]:
    """The column of dates, and the column of the time of day if dates are repeated."""
    if _distinct(codes, table.column(date).to_pylist()):
        return [date]
    for name in names:
        column = table.column(name)
        if name == date or column.null_count or not _is_time_of_day(column, name):
            continue
        if _distinct(codes, table.column(date).to_pylist(), column.to_pylist()):
            return [date, name]
    return [date]


def _is_time_of_day(column: pa.ChunkedArray, name: str) -> bool:
    if pa.types.is_time(column.type):
        return True
    if pa.types.is_string(column.type):
        return all(_CLOCK.fullmatch(str(text).strip()) for text in column.slice(0, _SAMPLE).to_pylist())
    numbers = whole_numbers(column)
    return name.lower() in _PARTS[3] and numbers is not None and numbers.min() >= 0 and numbers.max() <= 24


def _date_parts(table: pa.Table, names: Sequence[str], codes: np.ndarray) -> list[str]:
    """The columns of the year, the month and so on, as many as distinguish the steps, but at least these two."""
    found: list[str] = []
    values: list[list[Any]] = []
    for usual, (low, high) in zip(_PARTS, _PART_LIMITS, strict=True):
        name = next((name for name in names if name.strip().lower() in usual), None)
        if name is None:
            break
        numbers = whole_numbers(table.column(name))
        is_month = usual is _PARTS[1] and pa.types.is_string(table.column(name).type)
        if not is_month and (numbers is None or numbers.min() < low or numbers.max() > high):
            break
        found.append(name)
        values.append(table.column(name).to_pylist())
        if len(found) > 1 and _distinct(codes, *values):
            return found
    return []


def _is_calendar(column: pa.ChunkedArray, codes: np.ndarray) -> bool:
    """Whether whole numbers are dates that are not repeated in a series."""
    numbers = whole_numbers(column)
    return numbers is not None and _distinct(codes, numbers) and calendar_format(numbers) is not None


def _is_epoch(column: pa.ChunkedArray, codes: np.ndarray, usual: bool) -> bool:
    """Whether numbers are times since 1970 that are not repeated in a series.

    Without a usual name of times, more than half of the steps must be equal.
    """
    if not is_number(column.type) or column.null_count or not len(column):
        return False
    numbers = column.to_numpy().astype(np.float64)
    if not any(numbers.min() >= low and numbers.max() < high for low, high in _EPOCHS):
        return False
    if not _distinct(codes, numbers):
        return False
    steps = _sorted_steps(numbers, codes)
    return usual or (len(steps) > 1 and bool(np.mean(steps == np.median(steps)) > 0.5))


def _orders_steps(column: pa.ChunkedArray, name: str, codes: np.ndarray) -> bool:
    """Whether numbers under a usual name of times are ascending or descending in each series, or a count in any order.

    Otherwise they may be measurements, such as a duration, or the level of an index.
    """
    if is_unnamed_index(name) or not is_number(column.type) or column.null_count or pa.types.is_boolean(column.type):
        return False
    numbers = column.to_numpy().astype(np.float64)
    if not np.isfinite(numbers).all() or not _distinct(codes, numbers):
        return False
    order = np.argsort(codes, kind="stable")
    same = np.diff(codes[order]) == 0
    steps = np.diff(numbers[order])[same]
    sorted_steps = _sorted_steps(numbers, codes)
    if not len(steps):
        return False
    even = np.isclose(sorted_steps, np.median(sorted_steps), rtol=0.01).mean() > 0.5
    if (numbers % 1 == 0).all():
        return bool((steps > 0).all() or (steps < 0).all() or (even and len(numbers) >= _FEWEST))
    return name.strip().lower() not in ("index", "step") and bool(even and ((steps > 0).all() or (steps < 0).all()))


def _check_sure_names(table: pa.Table, usual: list[str], where: str) -> None:
    for name in usual:
        column = table.column(name)
        if name.strip().lower().replace(" ", "_") in _SURE_NAMES and is_number(column.type):
            numbers = column.to_pylist()
            why = "a value is missing" if column.null_count else "its values are repeated or not sorted"
            raise HfseqError(
                f"{where}: column {name!r} has a name of times, but {why} (such as {listed(numbers[:2])}). Set "
                f"--time_column {name} to sort by it (with --id_column if the table holds several series), "
                f"--ignore_columns {name} to leave it out, or --input_column to name the channels"
            )


def _distinct(codes: np.ndarray, *columns: Any) -> bool:
    """Whether the rows of each series differ in these columns."""
    return not pd.DataFrame({0: codes, **dict(enumerate(columns, 1))}).duplicated().any()


def _sorted_steps(numbers: np.ndarray, codes: np.ndarray) -> np.ndarray:
    order = np.lexsort((numbers, codes))
    return np.diff(numbers[order])[np.diff(codes[order]) == 0]
