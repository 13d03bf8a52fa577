"""Finds missing steps in series with times."""

import datetime

import numpy as np

from hfseq.modalities.series.date_formats import DAY
from hfseq.modalities.series.times import Times

# Large enough for months of 28 to 31 days, and for steps of 2 and 3 days (Monday, Wednesday, Friday).
_LONGEST = 1.5


def find_gaps(times: Times, codes: np.ndarray) -> list[str | None]:
    """Finds the gaps of each series: steps longer than one and a half times the median step.

    If all times of a series are working days, steps are measured in working days, so weekends are not gaps.

    Args:
        times (`Times`): the times of all rows. They are not repeated in a series.
        codes (`np.ndarray` of shape `(rows,)`): the number of the series of each row, from 0.

    Returns:
        `list[str | None]`: a description of the gaps of each series, or `None` if it has none.
    """
    order = np.lexsort((times.numbers, codes))
    series = np.split(order, np.flatnonzero(np.diff(codes[order])) + 1)
    return [_described(times, times.numbers[rows]) for rows in series]


def _described(times: Times, numbers: np.ndarray) -> str | None:
    steps = np.diff(numbers)
    if len(steps) < 2:
        return None  # too few steps to tell
    sizes = _working_days(numbers) if times.are_dates else None
    sizes = steps if sizes is None else sizes
    gaps = np.flatnonzero(sizes > _LONGEST * np.median(sizes))
    if not len(gaps):
        return None
    before, after = (times.written(numbers[gaps[0] + side]) for side in (0, 1))
    usual = float(np.median(steps))
    apart = _span(usual) if times.are_dates else f"{usual:g}"
    count = "" if len(gaps) == 1 else f", the first of {len(gaps):,} gaps"
    return f"from {before} directly to {after}{count}, although its steps are usually {apart} apart"


def _working_days(numbers: np.ndarray) -> np.ndarray | None:
    """The steps in working days. `None` unless all times are working days without a time of day."""
    if (numbers % DAY).any():
        return None
    days = (numbers // DAY).astype("datetime64[D]")
    return np.busday_count(days[:-1], days[1:]) if np.is_busday(days).all() else None


def _span(microseconds: float) -> str:
    days = microseconds / DAY
    if days < 1:
        return str(datetime.timedelta(microseconds=microseconds))
    return "1 day" if days == 1 else f"{days:g} days"
