"""Metrics of quantile forecasts, of shape (series, horizon, channels, quantiles)."""

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
from datasets import Features, Value
from datasets import Sequence as ListOf

from hfseq.errors import HfseqError
from hfseq.metrics.base import ROW_TO_ONE, OfflineMetric
from hfseq.metrics.series import as_forecasts, as_quantiles, as_targets
from hfseq.registry import register_metric

_ROW = ListOf(Value("float64"))
_GRID = ListOf(_ROW)

# Each row has quantiles per step, or quantiles per step and channel.
GRID_TO_ROW = Features({"predictions": _GRID, "references": _ROW})
CUBE_TO_GRID = Features({"predictions": ListOf(_GRID), "references": _GRID})


def pinball(predictions: np.ndarray, targets: np.ndarray, quantiles: np.ndarray) -> float:
    """Mean quantile loss over the observed targets and the quantiles (Koenker & Bassett 1978), without a factor of 2.

    Args:
        predictions (`np.ndarray`): forecasts of shape (series, horizon, channels, quantiles).
        targets (`np.ndarray`): targets of shape (series, horizon, channels); NaN for missing values.
        quantiles (`np.ndarray`): quantiles of shape (quantiles,).
    """
    errors = (targets[..., None] - predictions)[~np.isnan(targets)]  # (observed, quantiles)
    return float(np.maximum(quantiles * errors, (quantiles - 1) * errors).mean())


def interval_coverage(targets: Any, lower: Any, upper: Any) -> float:
    """Share of observed targets that are in their interval, including the bounds.

    Args:
        targets (`Any`): targets of shape (series, horizon, channels) or (series, horizon); NaN for missing values.
        lower (`Any`): lower bounds of the same shape.
        upper (`Any`): upper bounds of the same shape.
    """
    truth = as_targets(targets)
    low, high = as_forecasts(lower, truth), as_forecasts(upper, truth)
    inside = (truth >= low) & (truth <= high)
    return float(inside[~np.isnan(truth)].mean())


def coverage(predictions: np.ndarray, targets: np.ndarray, quantiles: np.ndarray) -> dict[float, float]:
    """Nominal and actual share of targets between each pair of quantiles q and 1 - q.

    Args:
        predictions (`np.ndarray`): forecasts of shape (series, horizon, channels, quantiles).
        targets (`np.ndarray`): targets of shape (series, horizon, channels); NaN for missing values.
        quantiles (`np.ndarray`): ascending quantiles of shape (quantiles,).

    Returns:
        `dict[float, float]`: nominal share (1 - 2 q) -> actual share.
    """
    return {
        nominal: interval_coverage(targets, predictions[..., low], predictions[..., high])
        for nominal, low, high in _intervals(quantiles)
    }


def _intervals(quantiles: np.ndarray) -> list[tuple[float, int, int]]:
    """The pairs of quantiles q and 1 - q: nominal share 1 - 2 q, and the positions of the two."""
    found = []
    for index, level in enumerate(quantiles):
        other = np.flatnonzero(np.isclose(quantiles, 1 - level))
        if level < 0.5 and other.size:
            found.append((round(float(1 - 2 * level), 10), index, int(other[0])))
    return found


def quantile_sums(predictions: np.ndarray, targets: np.ndarray, quantiles: np.ndarray) -> dict[str, np.ndarray]:
    """The sums of `pinball` and `coverage_error` of each series, for [`metric_from_sums`].

    Args:
        predictions (`np.ndarray`): forecasts of shape (series, horizon, channels, quantiles).
        targets (`np.ndarray`): targets of shape (series, horizon, channels); NaN for missing values.
        quantiles (`np.ndarray`): ascending quantiles of shape (quantiles,).

    Returns:
        `dict[str, np.ndarray]`: for `pinball`, the sum of the losses and their number, of shape (series, 2); for
        `coverage_error`, the targets in each interval minus their nominal number, and the number of targets.
    """
    errors = targets[..., None] - predictions  # (series, horizon, channels, quantiles)
    losses = np.maximum(quantiles * errors, (quantiles - 1) * errors)
    counts = (~np.isnan(targets)).sum(axis=(1, 2))  # (series,)
    found = {"pinball": np.stack([np.nansum(losses, axis=(1, 2, 3)), counts * len(quantiles)], axis=1)}
    gaps = [
        ((targets >= predictions[..., low]) & (targets <= predictions[..., high])).sum(axis=(1, 2)) - nominal * counts
        for nominal, low, high in _intervals(quantiles)
    ]
    if gaps:
        found["coverage_error"] = np.stack([*gaps, counts], axis=1)
    return found


def coverage_error(predictions: np.ndarray, targets: np.ndarray, quantiles: np.ndarray) -> float | None:
    """Mean difference between actual and nominal [`coverage`]; `None` if there is no pair of quantiles q and 1 - q."""
    shares = coverage(predictions, targets, quantiles)
    return float(np.mean([abs(share - nominal) for nominal, share in shares.items()])) if shares else None


@register_metric("pinball", greater_is_better=False)
class Pinball(OfflineMetric):
    """Mean quantile loss of quantile forecasts (Koenker & Bassett 1978).

    Each row of `references` is one number, or an array of shape (horizon,) or (horizon, channels), with NaN for
    missing values. `predictions` have one more axis (quantiles) at the end. `compute` needs `quantiles`, for example
    ``[0.1, 0.5, 0.9]``. Result: ``pinball`` and ``coverage_error``. The latter is the difference between 1 - 2 q and
    the share of references between two quantiles q and 1 - q, averaged over such pairs; it is left out if there is no
    such pair.
    """

    input_kinds: ClassVar[list[Features]] = [ROW_TO_ONE, GRID_TO_ROW, CUBE_TO_GRID]
    citation_text = "Koenker, R. and Bassett, G. (1978). Regression quantiles. Econometrica 46."

    def score(self, references: Any, predictions: Any, quantiles: Sequence[float] | None = None) -> dict[str, Any]:
        if quantiles is None:
            raise HfseqError(
                "pinball: compute needs the quantiles of the predictions, for example quantiles=[0.1, 0.5, 0.9]."
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
