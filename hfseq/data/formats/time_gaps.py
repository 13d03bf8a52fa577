"""Where steps are missing from series whose times are known."""

import datetime

import numpy as np
import pyarrow as pa

from hfseq.data.arrow_columns import is_number
from hfseq.data.formats.series_long import sortable_times

# The longest month has 31 days and the shortest 28; of steps on Mondays, Wednesdays and Fridays the longest is 3 days.
_LONGEST = 1.5
_DAY = 24 * 60 * 60 * 1_000_000  # in microseconds


def find_gaps(column: pa.ChunkedArray, codes: np.ndarray, where: str) -> list[str | None]:
    """The gaps of each series: steps of more than one and a half times its median step.

    Where every time of a series is a working day, working days are counted, so that weekends are none.

    Args:
        column (`pyarrow.ChunkedArray`): the times of all rows, each once in a series.
        codes (`np.ndarray` of shape `(rows,)`): the series that each row belongs to, from 0.
        where (`str`): the column, for messages.

    Returns:
        `list[str | None]`: in words, `None` for a series without.
    """
    times = sortable_times(column, where)
    order = np.lexsort((times, codes))
    series = np.split(order, np.flatnonzero(np.diff(codes[order])) + 1)
    return [_described(column, rows, times[rows]) for rows in series]


def _described(column: pa.ChunkedArray, rows: np.ndarray, times: np.ndarray) -> str | None:
    steps = np.diff(times)
    if len(steps) < 2:
        return None  # nothing is usual yet
    sizes = _working_days(column.type, times)
    sizes = steps if sizes is None else sizes
    gaps = np.flatnonzero(sizes > _LONGEST * np.median(sizes))
    if not len(gaps):
        return None
    before, after = (str(column[int(rows[gaps[0] + side])].as_py()) for side in (0, 1))
    usual = np.median(steps)
    apart = f"{usual:g}" if is_number(column.type) else _span(float(usual))
    count = "" if len(gaps) == 1 else f", the first of {len(gaps):,} gaps"
    return f"from {before} straight to {after}{count}, where its steps are usually {apart} apart"


def _working_days(kind: pa.DataType, times: np.ndarray) -> np.ndarray | None:
    """The steps in working days, where all times are whole days, and none of a weekend."""
    if not (pa.types.is_timestamp(kind) or pa.types.is_date(kind) or pa.types.is_string(kind)) or (times % _DAY).any():
        return None
    days = (times // _DAY).astype("datetime64[D]")
    return np.busday_count(days[:-1], days[1:]) if np.is_busday(days).all() else None


def _span(microseconds: float) -> str:
    days = microseconds / _DAY
    if days < 1:
        return str(datetime.timedelta(microseconds=microseconds))
    return "1 day" if days == 1 else f"{days:g} days"
