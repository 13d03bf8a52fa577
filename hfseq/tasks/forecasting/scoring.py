"""Scores of blocks of forecasts."""

from typing import Any

import numpy as np

# With fewer blocks, their variance is not a useful estimate of the uncertainty.
_MIN_BLOCKS = 5


def block_scores(
    forecasts: Any, targets: Any, quantiles: tuple[float, ...] | None, block_length: int
) -> np.ndarray | None:
    """Mean errors of blocks of consecutive windows, whose mean is the squared error or the pinball loss.

    Neighbouring windows overlap and have similar errors, so they are not independent. Blocks as long as a forecast
    hardly overlap.

    Args:
        forecasts (array of shape `(windows, horizon, channels)`): forecasts; with quantiles, a fourth axis.
        targets (array of shape `(windows, horizon, channels)`): true values; NaN if missing.
        quantiles (`tuple[float, ...]`, *optional*): the quantiles of the forecasts.
        block_length (`int`): number of windows per block.

    Returns:
        `np.ndarray` of shape `(blocks,)`, *optional*: the scores; `None` if there are fewer than five blocks.
    """
    targets = np.asarray(targets, dtype=np.float64)
    observed = ~np.isnan(targets)
    if quantiles is None:
        errors = (np.asarray(forecasts) - targets) ** 2  # (windows, horizon, channels)
    else:
        differences = targets[..., None] - np.asarray(forecasts)  # (windows, horizon, channels, quantiles)
        levels = np.array(quantiles)
        errors = np.maximum(levels * differences, (levels - 1) * differences).mean(-1)  # (windows, horizon, channels)
    blocks = np.arange(len(targets)) // block_length
    sums = np.bincount(blocks, np.where(observed, errors, 0).sum((1, 2)))  # (blocks,)
    counts = np.bincount(blocks, observed.sum((1, 2)))  # (blocks,)
    if len(sums) < _MIN_BLOCKS:
        return None
    # The mean is a ratio of two sums (delta method), because blocks may differ in their number of observed values.
    mean = sums.sum() / counts.sum()
    return mean + (sums - mean * counts) / counts.mean()
