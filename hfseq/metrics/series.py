"""Checks on forecasts, targets and histories of numeric series, with the series in each message."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from hfseq.errors import HfseqError


def as_targets(values: Any) -> np.ndarray:
    """Targets as float64 (series, horizon, channels), at least one of them observed.

    Args:
        values (`Any`): (series, horizon, channels), or (series, horizon) of one channel; NaN where nothing was
            observed.

    Raises:
        HfseqError: where the shape is another, a value is infinite, or none is observed.
    """
    array = _floats(values, "targets")
    if array.ndim == 2:
        array = array[:, :, None]  # (series, horizon, 1)
    if array.ndim != 3:
        raise HfseqError(
            f"targets must be of shape (series, horizon) or (series, horizon, channels), not {array.shape}."
        )
    if np.isinf(array).any():
        raise HfseqError(f"targets must not be infinite, but those of series {_first(np.isinf(array))} are.")
    if np.isnan(array).all():
        raise HfseqError(f"targets {array.shape} hold no observed value; there is nothing to score against.")
    return array


def as_forecasts(values: Any, targets: np.ndarray, num_quantiles: int | None = None) -> np.ndarray:
    """Forecasts as float64, in the shape of the targets, and with quantiles a last axis more.

    Args:
        values (`Any`): (series, horizon, channels), or (series, horizon) of one channel; with `num_quantiles`
            followed by the axis of the quantiles.
        targets (`np.ndarray`): (series, horizon, channels).
        num_quantiles (`int`, *optional*): the size of the last axis.

    Raises:
        HfseqError: where the shape is another, or a value is not finite.
    """
    array = _floats(values, "predictions")
    given = array.shape
    shape = targets.shape if num_quantiles is None else (*targets.shape, num_quantiles)
    if array.ndim == len(shape) - 1 and shape[2] == 1:
        array = np.expand_dims(array, 2)  # (series, horizon, 1[, quantiles])
    if array.shape != shape:
        raise HfseqError(f"predictions {given} and targets {targets.shape} do not agree; predictions of {shape} do.")
    wrong = ~np.isfinite(array)
    if wrong.any():
        raise HfseqError(
            f"the forecasts are not finite, first those of series {_first(wrong)}. Training diverged: lower the "
            "learning rate, clip the gradients (max_grad_norm), or scale the series."
        )
    return array


def as_histories(values: Any) -> list[np.ndarray]:
    """What was observed before, as float64 (length, channels) for each series.

    Args:
        values (`Any`): an array (series, length, channels) or (series, length), or a list of arrays (length, channels)
            or (length,), whose lengths may differ; NaN where nothing was observed.

    Raises:
        HfseqError: where a history is of another shape, empty or infinite, or the numbers of channels differ, naming
            the series.
    """
    if isinstance(values, str) or not hasattr(values, "__iter__"):
        raise HfseqError(f"history must hold one series of numbers for each row, not {type(values).__name__}.")
    histories: list[np.ndarray] = []
    for number, given in enumerate(values):
        array = _floats(given, f"history of series {number}")
        array = array[:, None] if array.ndim == 1 else array  # (length, channels)
        if array.ndim != 2:
            raise HfseqError(
                f"history of series {number} must be of shape (length,) or (length, channels), not {array.shape}."
            )
        if np.isinf(array).any():
            raise HfseqError(f"history of series {number} must not be infinite.")
        if histories and array.shape[1] != histories[0].shape[1]:
            raise HfseqError(
                f"history of series {number} has {array.shape[1]} channels, that of series 0 has "
                f"{histories[0].shape[1]}; all must have the same."
            )
        histories.append(array)
    if not histories:
        raise HfseqError("history is empty; give at least one series.")
    return histories


def check_period(period: int) -> None:
    """Holds the length of a season to a whole number above 0.

    Raises:
        HfseqError: with the value received.
    """
    if isinstance(period, bool) or int(period) != period or period < 1:
        raise HfseqError(f"period must be a whole number of steps, at least 1, not {period!r}.")


def as_quantiles(quantiles: Sequence[float]) -> np.ndarray:
    """Quantiles as float64 (quantiles,).

    Raises:
        HfseqError: where they are not ascending numbers between 0 and 1.
    """
    levels = _floats(quantiles, "quantiles")
    if levels.ndim != 1 or not ((levels > 0) & (levels < 1)).all() or (np.diff(levels) <= 0).any():
        raise HfseqError(
            f"quantiles must be ascending numbers between 0 and 1, such as 0.1, 0.5, 0.9, not {quantiles}."
        )
    return levels


def _floats(values: Any, name: str) -> np.ndarray:
    try:
        array = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise HfseqError(f"{name} must be numbers, with equally many in each row: {error}") from error
    if array.size == 0:
        raise HfseqError(f"{name} is empty (shape {array.shape}).")
    return array


def _first(wrong: np.ndarray) -> int:
    return int(np.argwhere(wrong)[0, 0])
