"""Checks of forecasts, targets and histories of numeric series. Each error message names the first invalid series."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from hfseq.errors import HfseqError


def as_targets(values: Any) -> np.ndarray:
    """Converts targets to float64 of shape (series, horizon, channels). At least one target must be observed.

    Args:
        values (`Any`): targets of shape (series, horizon, channels), or (series, horizon) for one channel; NaN for
            missing values.

    Raises:
        HfseqError: the shape is invalid, a value is infinite, or all values are missing.
    """
    array = _floats(values, "targets")
    if array.ndim == 2:
        array = array[:, :, None]  # (series, horizon, 1)
    if array.ndim != 3:
        raise HfseqError(
            f"targets must have shape (series, horizon) or (series, horizon, channels), not {array.shape}."
        )
    if np.isinf(array).any():
        raise HfseqError(f"targets must not be infinite, but series {_first(np.isinf(array))} has an infinite target.")
    if np.isnan(array).all():
        raise HfseqError(f"all targets are missing (NaN, shape {array.shape}); metrics need an observed target.")
    return array


def as_forecasts(values: Any, targets: np.ndarray, num_quantiles: int | None = None) -> np.ndarray:
    """Converts forecasts to float64 with the shape of the targets and, with quantiles, one more axis at the end.

    Args:
        values (`Any`): forecasts of shape (series, horizon, channels), or (series, horizon) for one channel; with
            `num_quantiles`, with one more axis (quantiles) at the end.
        targets (`np.ndarray`): targets of shape (series, horizon, channels).
        num_quantiles (`int`, *optional*): size of the last axis.

    Raises:
        HfseqError: the shape is invalid, or a value is not finite.
    """
    array = _floats(values, "predictions")
    given = array.shape
    shape = targets.shape if num_quantiles is None else (*targets.shape, num_quantiles)
    if array.ndim == len(shape) - 1 and shape[2] == 1:
        array = np.expand_dims(array, 2)  # (series, horizon, 1[, quantiles])
    if array.shape != shape:
        raise HfseqError(f"predictions must have shape {shape} to match the targets {targets.shape}, not {given}.")
    wrong = ~np.isfinite(array)
    if wrong.any():
        raise HfseqError(
            f"the forecasts are not finite, first in series {_first(wrong)}. Training diverged: lower the "
            "learning rate, clip the gradients (max_grad_norm), or scale the series."
        )
    return array


def as_histories(values: Any) -> list[np.ndarray]:
    """Converts the history of each series to float64 of shape (length, channels).

    Args:
        values (`Any`): an array of shape (series, length, channels) or (series, length), or a list of arrays of shape
            (length, channels) or (length,), whose lengths may differ; NaN for missing values.

    Raises:
        HfseqError: the shape of a history is invalid, a history is empty or infinite, or the numbers of channels
            differ. The message names the series.
    """
    if isinstance(values, str) or not hasattr(values, "__iter__"):
        raise HfseqError(f"history must be a list with one series of numbers per row, not {type(values).__name__}.")
    histories: list[np.ndarray] = []
    for number, given in enumerate(values):
        array = _floats(given, f"history of series {number}")
        array = array[:, None] if array.ndim == 1 else array  # (length, channels)
        if array.ndim != 2:
            raise HfseqError(
                f"history of series {number} must have shape (length,) or (length, channels), not {array.shape}."
            )
        if np.isinf(array).any():
            raise HfseqError(f"history of series {number} must not be infinite.")
        if histories and array.shape[1] != histories[0].shape[1]:
            raise HfseqError(
                f"history of series {number} has {array.shape[1]} channels, but series 0 has "
                f"{histories[0].shape[1]}; all series must have the same number of channels."
            )
        histories.append(array)
    if not histories:
        raise HfseqError("history is empty; pass at least one series.")
    return histories


def check_period(period: int) -> None:
    """Checks the length of a season.

    Raises:
        HfseqError: the length is not a positive integer.
    """
    if isinstance(period, bool) or int(period) != period or period < 1:
        raise HfseqError(f"period must be an integer of at least 1 (steps), not {period!r}.")


def as_quantiles(quantiles: Sequence[float]) -> np.ndarray:
    """Converts quantiles to float64 of shape (quantiles,).

    Raises:
        HfseqError: the quantiles are not ascending numbers between 0 and 1.
    """
    levels = _floats(quantiles, "quantiles")
    if levels.ndim != 1 or not ((levels > 0) & (levels < 1)).all() or (np.diff(levels) <= 0).any():
        raise HfseqError(
            f"quantiles must be ascending numbers between 0 and 1, for example 0.1, 0.5, 0.9, not {quantiles}."
        )
    return levels


def _floats(values: Any, name: str) -> np.ndarray:
    try:
        array = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise HfseqError(f"{name} must be numbers, with the same number of values in each row: {error}") from error
    if array.size == 0:
        raise HfseqError(f"{name} is empty (shape {array.shape}).")
    return array


def _first(wrong: np.ndarray) -> int:
    return int(np.argwhere(wrong)[0, 0])
