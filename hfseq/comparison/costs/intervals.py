"""Confidence intervals of repeated measurements."""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np

CONFIDENCE = 0.95


def quantile_interval(values: Sequence[float], share: float, confidence: float = CONFIDENCE) -> list[float] | None:
    """Confidence interval of a quantile, by order statistics: it holds for every distribution.

    Args:
        values (`Sequence[float]`): independent measurements.
        share (`float`): the quantile, such as 0.5 for the median.
        confidence (`float`, *optional*, defaults to 0.95): probability that the interval covers the quantile.

    Returns:
        `list[float]`: lower and upper end; `None` if there are too few values, fewer than 6 for a median.
    """
    if not len(values):
        return None
    low, high = _ranks(len(values), share, confidence)
    if low < 0 or high >= len(values):
        return None
    ordered = np.sort(np.asarray(values, dtype=np.float64))
    return [float(ordered[low]), float(ordered[high])]


@lru_cache
def _ranks(count: int, share: float, confidence: float) -> tuple[int, int]:
    """The places of the two ends among the sorted values; they may be outside."""
    from scipy.stats import binom

    tail = (1 - confidence) / 2
    return int(binom.ppf(tail, count, share)) - 1, int(binom.ppf(1 - tail, count, share))


def is_steady(values: Sequence[float], tolerance: float) -> bool:
    """Whether the confidence interval of the median is known, and within a tolerance of the median.

    Args:
        values (`Sequence[float]`): independent measurements.
        tolerance (`float`): largest distance of an end of the interval from the median, as a share of the median.
    """
    interval = quantile_interval(values, 0.5)
    if interval is None:
        return False
    median = float(np.median(values))
    return median * (1 - tolerance) <= interval[0] and interval[1] <= median * (1 + tolerance)
