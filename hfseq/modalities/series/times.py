"""Reads times from columns of a table, and writes them in the same format."""

import datetime
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from hfseq.data.batching.arrow_columns import is_number
from hfseq.errors import HfseqError, first_line
from hfseq.modalities.series.date_formats import (
    QUARTER,
    calendar_format,
    date_format,
    iso_format,
    parse_dates,
    to_microseconds,
)

_EPOCH = datetime.datetime(1970, 1, 1)


@dataclass(frozen=True)
class Times:
    """The times of the rows of a table.

    Attributes:
        numbers (`np.ndarray` of shape `(rows,)`): microseconds since 1970 as 64-bit integers for dates, otherwise the
            numbers of the column.
        format (`str`, *optional*): format of the dates for `strftime`. `None` for plain numbers.
        can_be_written (`bool`, *optional*, defaults to `True`): `False` for times of day and durations.
    """

    numbers: np.ndarray
    format: str | None = None
    can_be_written: bool = True

    @property
    def are_dates(self) -> bool:
        """Whether the times are dates. Otherwise they are plain numbers."""
        return self.format is not None

    def written(self, number: int | float) -> str:
        """A time in the format of the table."""
        return write_time(number, self.format) if self.can_be_written else str(datetime.timedelta(0, 0, int(number)))

    def part(self, rows: np.ndarray) -> "Times":
        """The times of some rows."""
        return Times(self.numbers[rows], self.format, self.can_be_written)


def write_time(number: int | float, format: str | None) -> str:
    """Writes a time as text.

    Args:
        number (`int` or `float`): microseconds since 1970 for a date, otherwise a plain number.
        format (`str`, *optional*): format of the date for `strftime`. `None` for a plain number.
    """
    if format is None:
        return str(int(number)) if float(number).is_integer() else f"{number:.10g}"
    moment = _EPOCH + datetime.timedelta(microseconds=int(number))
    return moment.strftime(format.replace(QUARTER, str((moment.month + 2) // 3)))


def read_times(column: pa.ChunkedArray | pa.Array, where: str, format: str | None = None) -> Times:
    """Reads the times of a column.

    Args:
        column (`pyarrow.ChunkedArray`): numbers, dates, times, or texts of dates.
        where (`str`): the column, for error messages. Rows are counted from 0.
        format (`str`, *optional*): format of the dates, such as `%d.%m.%Y`. By default it is detected.

    Raises:
        HfseqError: a time is missing, a text is not a date, day and month cannot be distinguished, or the values of
            the column have no order. The message names the row.
    """
    if column.null_count:
        raise HfseqError(f"{where}, row {pc.index(pc.is_null(column), True).as_py()}: the time is missing.")
    if is_number(column.type) and format is None:
        return _from_numbers(column, where)
    if not is_number(column.type) and not pa.types.is_string(column.type):
        return _from_temporal(column, where)
    texts = [str(cell) for cell in column.to_pylist()]
    return _from_texts(texts, where) if format is None else _from_format(texts, format, where)


def _from_numbers(column: pa.ChunkedArray | pa.Array, where: str) -> Times:
    numbers = column.to_numpy(zero_copy_only=False) if isinstance(column, pa.Array) else column.to_numpy()
    if numbers.dtype.kind == "f" and not np.isfinite(numbers).all():
        row = int((~np.isfinite(numbers)).argmax())
        what = "missing" if np.isnan(numbers[row]) else "infinite"
        raise HfseqError(f"{where}, row {row}: the time is {what}.")
    format = calendar_format(numbers)
    if format is None:
        return Times(numbers.astype(np.int64) if numbers.dtype.kind == "b" else numbers)
    dates = parse_dates([str(int(number)) for number in numbers], format)
    return Times(to_microseconds(dates), format)


def _from_temporal(column: pa.ChunkedArray | pa.Array, where: str) -> Times:
    # 64-bit nanoseconds only cover the years 1677 to 2262.
    kind = column.type
    target = pa.timestamp("us", getattr(kind, "tz", None))
    if pa.types.is_time(kind):
        target = pa.time64("us")
    elif pa.types.is_duration(kind):
        target = pa.duration("us")
    try:
        # Nanoseconds are truncated.
        fine = getattr(kind, "unit", None) == "ns"
        numbers = pc.cast(pc.cast(column, target, safe=not fine), pa.int64()).to_numpy()
    except pa.ArrowException as error:
        raise HfseqError(f"{where} holds {kind}, which cannot be sorted by: {first_line(error)}.") from error
    is_date = pa.types.is_timestamp(kind) or pa.types.is_date(kind)
    return Times(numbers, iso_format(numbers, getattr(kind, "tz", None)) if is_date else None, is_date)


def _from_texts(texts: list[str], where: str) -> Times:
    dates = pd.to_datetime(pd.Series(texts, dtype="object"), format="ISO8601", utc=True, errors="coerce")
    if not dates.isna().any():
        numbers = to_microseconds(dates)
        return Times(numbers, date_format(texts, numbers))
    numbers = pd.to_numeric(pd.Series(texts, dtype="object"), errors="coerce").to_numpy()
    if np.isfinite(numbers).all():
        return _from_numbers(pa.array(numbers), where)
    found = date_format(texts, None, where)
    if found is not None:
        return _from_format(texts, found, where)
    row = int(dates.isna().to_numpy().argmax())
    raise HfseqError(
        f"{where}, row {row}: {texts[row][:40]!r} is neither a number nor an ISO 8601 date or time. If all rows have "
        "this format, set --time_format, such as %d.%m.%Y"
    )


def _from_format(texts: list[str], format: str, where: str) -> Times:
    try:
        dates = parse_dates(texts, format)
    except ValueError as error:
        raise HfseqError(f"time_format {format!r} cannot be used: {first_line(error)}") from error
    if dates.isna().any():
        row = int(dates.isna().to_numpy().argmax())
        raise HfseqError(f"{where}, row {row}: {texts[row][:40]!r} is not in the format {format} (--time_format)")
    return Times(to_microseconds(dates), format)


def combine_columns(table: pa.Table, names: list[str], where: str) -> pa.ChunkedArray:
    """Joins columns to one of texts: `year` and `month` to `2020-03`, `date` and `time` to `2020-03-01 10:00`.

    Args:
        table (`pyarrow.Table`): the table.
        names (`list[str]`): the columns. Numbers are year, month, day, hour, minute and second, in this order. Texts
            are joined with spaces.
        where (`str`): split and data set, for error messages.

    Raises:
        HfseqError: a part is missing. The message names the row.
    """
    parts: list[list[Any]] = []
    for name in names:
        column = table.column(name)
        if column.null_count:
            row = pc.index(pc.is_null(column), True).as_py()
            raise HfseqError(f"{where}: column {name!r}, row {row}: the time is missing.")
        parts.append(column.to_pylist())
    texts = [_joined(cells) for cells in zip(*parts, strict=True)]
    return pa.chunked_array([pa.array(texts, pa.string())])


def _joined(cells: tuple[Any, ...]) -> str:
    separators = ("", "-", "-", " ", ":", ":")
    if isinstance(cells[0], str) or len(cells) > len(separators):
        hours = (f"{cell:02d}:00" if isinstance(cell, int) else str(cell) for cell in cells[1:])
        return " ".join([str(cells[0]), *hours])
    text = ""
    for separator, cell in zip(separators, cells, strict=False):
        whole = f"{int(cell):02d}" if isinstance(cell, (int, float)) and cell == int(cell) else str(cell).strip()
        text += separator + whole
    # ISO 8601 has no dates with only an hour.
    return f"{text}:00" if len(cells) == 4 else text
