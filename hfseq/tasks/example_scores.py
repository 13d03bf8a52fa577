"""Helpers for predictions and scores of single examples."""

from collections.abc import Iterable

import numpy as np


def unpadded(values: Iterable[int]) -> list[int]:
    """A row of labels or predictions without its padding of -100."""
    return [int(value) for value in values if value != -100]


def ratio_scores(numerators: np.ndarray, denominators: np.ndarray) -> np.ndarray | None:
    """One number per example; their mean is the ratio of two sums over the examples.

    The variance of the numbers estimates the uncertainty of the ratio (the delta method).

    Args:
        numerators (`np.ndarray` of shape `(examples,)`): contribution of each example to the upper sum.
        denominators (`np.ndarray` of shape `(examples,)`): contribution of each example to the lower sum.

    Returns:
        `np.ndarray` of shape `(examples,)`, *optional*: the numbers; `None` if the lower sum is zero.
    """
    if not denominators.sum():
        return None
    ratio = numerators.sum() / denominators.sum()
    return ratio + (numerators - ratio * denominators) / denominators.mean()
