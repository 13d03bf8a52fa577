"""Metrics of forecasts that are quantiles: (series, horizon, channels, quantiles)."""

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
from datasets import Features, Value
from datasets import Sequence as ListOf

from hfseq.errors import HfseqError
from hfseq.metrics.base import ROW_TO_ONE, OfflineMetric
from hfseq.metrics.series import as_forecasts, as_quantiles, as_targets

_ROW = ListOf(Value("float64"))
_GRID = ListOf(_ROW)

# The quantiles of each step; of each step and channel.
GRID_TO_ROW = Features({"predictions": _GRID, "references": _ROW})
CUBE_TO_GRID = Features({"predictions": ListOf(_GRID), "references": _GRID})


def pinball(predictions: np.ndarray, targets: np.ndarray, quantiles: np.ndarray) -> float:
    """The mean quantile loss over observed targets and quantiles (Koenker & Bassett 1978), without a factor of 2.

    Args:
        predictions (`np.ndarray`): (series, horizon, channels, quantiles).
        targets (`np.ndarray`): (series, horizon, channels), NaN where nothing was observed.
        quantiles (`np.ndarray`): (quantiles,).
    """
    errors = (targets[..., None] - predictions)[~np.isnan(targets)]  # (observed, quantiles)
    return float(np.maximum(quantiles * errors, (quantiles - 1) * errors).mean())


def interval_coverage(targets: Any, lower: Any, upper: Any) -> float:
    """The share of observed targets that lie in their interval, the bounds included.

    Args:
        targets (`Any`): (series, horizon, channels) or (series, horizon), NaN where nothing was observed.
        lower (`Any`): the lower bounds, in the same shape.
        upper (`Any`): the upper bounds.
    """
    truth = as_targets(targets)
    low, high = as_forecasts(lower, truth), as_forecasts(upper, truth)
    inside = (truth >= low) & (truth <= high)
    return float(inside[~np.isnan(truth)].mean())


def coverage(predictions: np.ndarray, targets: np.ndarray, quantiles: np.ndarray) -> dict[float, float]:
    """For each pair of quantiles q and 1 - q, the share of targets that should lie between, and that which does.

    Args:
        predictions (`np.ndarray`): (series, horizon, channels, quantiles).
        targets (`np.ndarray`): (series, horizon, channels), NaN where nothing was observed.
        quantiles (`np.ndarray`): (quantiles,), ascending.
    """
    shares = {}
    for place, level in enumerate(quantiles):
        other = np.flatnonzero(np.isclose(quantiles, 1 - level))
        if level < 0.5 and other.size:
            bounds = predictions[..., place], predictions[..., other[0]]  # (series, horizon, channels)
            shares[round(float(1 - 2 * level), 10)] = interval_coverage(targets, *bounds)
    return shares


def coverage_error(predictions: np.ndarray, targets: np.ndarray, quantiles: np.ndarray) -> float | None:
    """How far the shares of [`coverage`] lie from what they should be, on average; `None` without such a pair."""
    shares = coverage(predictions, targets, quantiles)
    return float(np.mean([abs(share - nominal) for nominal, share in shares.items()])) if shares else None


class Pinball(OfflineMetric):
    """The mean quantile loss of forecast quantiles (Koenker & Bassett 1978).

    `references` are numbers, (horizon,) or (horizon, channels) a row, NaN where nothing was observed; `predictions`
    have an axis more, of the quantiles. `compute` needs `quantiles`, such as ``[0.1, 0.5, 0.9]``. Result: ``pinball``,
    and ``coverage_error``: how far the share of references between two quantiles q and 1 - q lies from 1 - 2 q, on
    average over such pairs; left out where there is none.
    """

    input_kinds: ClassVar[list[Features]] = [ROW_TO_ONE, GRID_TO_ROW, CUBE_TO_GRID]
    citation_text = "Koenker, R. and Bassett, G. (1978). Regression quantiles. Econometrica 46."

    def score(self, references: Any, predictions: Any, quantiles: Sequence[float] | None = None) -> dict[str, Any]:
        if quantiles is None:
            raise HfseqError(
                "pinball: compute needs the quantiles of the predictions, such as quantiles=[0.1, 0.5, 0.9]."
            )
        levels = as_quantiles(quantiles)
        if np.ndim(references[0]) == 0:
            references = [[number] for number in references]
            predictions = [[row] for row in predictions]
        targets = as_targets(references)
        forecasts = as_forecasts(predictions, targets, len(levels))
        return {
            "pinball": pinball(forecasts, targets, levels),
            "coverage_error": coverage_error(forecasts, targets, levels),
        }

    def _checked(self, predictions: Any, references: Any) -> tuple[Any, Any]:
        return references, predictions
