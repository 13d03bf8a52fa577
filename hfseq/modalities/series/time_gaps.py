"""Where steps are missing from series whose times are known."""

import datetime

import numpy as np

from hfseq.modalities.series.date_formats import DAY
from hfseq.modalities.series.times import Times

# The longest month has 31 days and the shortest 28; of steps on Mondays, Wednesdays and Fridays the longest is 3 days.
_LONGEST = 1.5


def find_gaps(times: Times, codes: np.ndarray) -> list[str | None]:
    """The gaps of each series: steps of more than one and a half times its median step.

    Where every time of a series is a working day, working days are counted, so that weekends are none.

    Args:
        times (`Times`): the times of all rows, each once in a series.
        codes (`np.ndarray` of shape `(rows,)`): the series that each row belongs to, from 0.

    Returns:
        `list[str | None]`: in words, `None` for a series without.
    """
    order = np.lexsort((times.numbers, codes))
    series = np.split(order, np.flatnonzero(np.diff(codes[order])) + 1)
    return [_described(times, times.numbers[rows]) for rows in series]


def _described(times: Times, numbers: np.ndarray) -> str | None:
    steps = np.diff(numbers)
    if len(steps) < 2:
        return None  # nothing is usual yet
    sizes = _working_days(numbers) if times.are_dates else None
    sizes = steps if sizes is None else sizes
    gaps = np.flatnonzero(sizes > _LONGEST * np.median(sizes))
    if not len(gaps):
        return None
    before, after = (times.written(numbers[gaps[0] + side]) for side in (0, 1))
    usual = float(np.median(steps))
    apart = _span(usual) if times.are_dates else f"{usual:g}"
    count = "" if len(gaps) == 1 else f", the first of {len(gaps):,} gaps"
    return f"from {before} straight to {after}{count}, where its steps are usually {apart} apart"


def _working_days(numbers: np.ndarray) -> np.ndarray | None:
    """The steps in working days, where all times are whole days, and none of a weekend."""
    if (numbers % DAY).any():
        return None
    days = (numbers // DAY).astype("datetime64[D]")
    return np.busday_count(days[:-1], days[1:]) if np.is_busday(days).all() else None


def _span(microseconds: float) -> str:
    days = microseconds / DAY
    if days < 1:
        return str(datetime.timedelta(microseconds=microseconds))
    return "1 day" if days == 1 else f"{days:g} days"
