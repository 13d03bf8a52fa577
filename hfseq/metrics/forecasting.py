"""Metrics of forecasts of numeric series, of shape (series, horizon, channels), with NaN for missing targets."""

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
from datasets import Features, Value
from datasets import Sequence as ListOf

from hfseq.errors import HfseqError
from hfseq.metrics.base import ROW_TO_ROW, OfflineMetric
from hfseq.metrics.quantiles import coverage_error, pinball, quantile_sums
from hfseq.metrics.series import as_forecasts, as_histories, as_quantiles, as_targets, check_period
from hfseq.registry import register_metric

_GRID = ListOf(ListOf(Value("float64")))

# Each row is a forecast of several channels.
GRID_TO_GRID = Features({"predictions": _GRID, "references": _GRID})


def compute_forecasting_metrics(
    predictions: Any,
    targets: Any,
    history: Any = None,
    period: int = 1,
    quantiles: Sequence[float] | None = None,
    scale: Any = None,
) -> dict[str, float]:
    """Computes all metrics of a forecast over the observed targets.

    The result has `mse`, `mae`, `rmse` (in the unit of the series) and `smape` (0 to 200). With a history, it also has
    `mase`. With quantiles, it also has `pinball` and, if the quantiles contain a pair q and 1 - q, `coverage_error`;
    the other metrics are then computed from the median, or left out if 0.5 is not one of the quantiles.

    `mase` (Hyndman & Koehler 2006) is the mean absolute error of each series and channel, divided by that of the
    seasonal naive forecast within its history, and averaged over series and channels. The average ignores a series and
    channel whose scale is undefined (a history that repeats itself exactly in every season, or that is not longer than
    a season), or that has no observed target. If none is left, `mase` is left out.

    Args:
        predictions (`Any`): forecasts of shape (series, horizon, channels), or (series, horizon) for one channel; with
            `quantiles`, with one more axis (quantiles) at the end.
        targets (`Any`): targets of shape (series, horizon, channels) or (series, horizon); NaN for missing values.
        history (`Any`, *optional*): values that the model was trained on, of shape (series, length, channels) or
            (series, length), or a list of arrays of shape (length, channels) or (length,); NaN for missing values.
        period (`int`, *optional*, defaults to `1`): number of steps per season, for `mase`.
        quantiles (`Sequence[float]`, *optional*): ascending numbers between 0 and 1.
        scale (`Any`, *optional*): the [`seasonal_scale`] of the history, of shape (series, channels). It can replace
            `history` if many rows share one history.

    Returns:
        `dict[str, float]`: numbers that can be written as JSON.

    Raises:
        HfseqError: shapes do not match, or forecasts are not finite. The message names the series.
    """
    truth = as_targets(targets)
    levels = None if quantiles is None else as_quantiles(quantiles)
    guess = as_forecasts(predictions, truth, None if levels is None else len(levels))
    if history is not None and scale is not None:
        raise HfseqError("history and scale exclude each other; pass only one of them.")
    if history is not None:
        scale = seasonal_scale(history, period)
    if scale is not None:
        scale = _checked_scale(scale, truth)
    scores: dict[str, float | None] = {}
    point: np.ndarray | None = guess
    if levels is not None:
        scores = {"pinball": pinball(guess, truth, levels), "coverage_error": coverage_error(guess, truth, levels)}
        middle = np.flatnonzero(np.isclose(levels, 0.5))
        point = guess[..., middle[0]] if middle.size else None
    if point is not None:
        scores = {
            **_point_scores(point, truth),
            "mase": None if scale is None else mase(point, truth, scale),
            **scores,
        }
    return {name: value for name, value in scores.items() if value is not None}


def smape(predictions: np.ndarray, targets: np.ndarray) -> float:
    """Symmetric mean absolute percentage error, 0 to 200, as in the M4 competition (Makridakis et al. 2020).

    If forecast and target are both 0, the error is 0.

    Args:
        predictions (`np.ndarray`): forecasts of shape (series, horizon, channels).
        targets (`np.ndarray`): targets of the same shape; NaN for missing values.
    """
    return float(np.nanmean(_percentages(predictions, targets)))


def _percentages(predictions: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """The symmetric percentage error of each value; NaN for missing targets."""
    size = np.abs(predictions) + np.abs(targets)
    return 200 * np.abs(predictions - targets) / np.where(size == 0, 1, size)


def seasonal_scale(history: Any, period: int = 1) -> np.ndarray:
    """Scale of MASE: the mean absolute error of the seasonal naive forecast within each history.

    Args:
        history (`Any`): as for [`compute_forecasting_metrics`].
        period (`int`, *optional*, defaults to `1`): number of steps per season.

    Returns:
        `np.ndarray`: scale of shape (series, channels); NaN if it is undefined. It is undefined if the history repeats
        itself exactly in every season, or has no two observed values at a distance of one season.
    """
    check_period(period)
    scales = []
    for values in as_histories(history):
        steps = np.abs(values[period:] - values[:-period])  # (length - period, channels)
        count = (~np.isnan(steps)).sum(axis=0)  # (channels,)
        mean = np.nansum(steps, axis=0) / np.maximum(count, 1)  # (channels,)
        # A smaller mean is only the rounding error of float64. The MASE would be noise.
        rounding = 1e-13 * np.nanmax(np.abs(values), axis=0, initial=0.0)  # (channels,)
        scales.append(np.where((count > 0) & (mean > rounding), mean, np.nan))
    return np.stack(scales)


def mase(predictions: np.ndarray, targets: np.ndarray, scale: np.ndarray) -> float | None:
    """Mean absolute scaled error (Hyndman & Koehler 2006), or `None` if it is undefined for all series.

    Args:
        predictions (`np.ndarray`): forecasts of shape (series, horizon, channels).
        targets (`np.ndarray`): targets of the same shape; NaN for missing values.
        scale (`np.ndarray`): the [`seasonal_scale`] of the histories, of shape (series, channels).
    """
    scaled = _scaled_errors(predictions, targets, scale)
    return None if np.isnan(scaled).all() else float(np.nanmean(scaled))


def _scaled_errors(predictions: np.ndarray, targets: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """The mean scaled error of each series and channel, `(series, channels)`; NaN if it is undefined."""
    errors = np.abs(predictions - targets)  # (series, horizon, channels)
    count = (~np.isnan(errors)).sum(axis=1)  # (series, channels)
    return np.where(count > 0, np.nansum(errors, axis=1) / np.maximum(count, 1), np.nan) / scale


def _point_scores(predictions: np.ndarray, targets: np.ndarray) -> dict[str, float | None]:
    errors = (predictions - targets)[~np.isnan(targets)]  # (observed,)
    mse = float(np.mean(errors**2))
    mae = float(np.mean(np.abs(errors)))
    return {"mse": mse, "mae": mae, "rmse": mse**0.5, "smape": smape(predictions, targets)}


def forecast_sums(
    predictions: np.ndarray,
    targets: np.ndarray,
    raw_predictions: np.ndarray,
    raw_targets: np.ndarray,
    scale: np.ndarray,
    quantiles: Sequence[float] | None = None,
) -> dict[str, np.ndarray]:
    """The sums of each window, from which [`metric_from_sums`] computes the metrics of any set of windows.

    Args:
        predictions, targets (`np.ndarray` of shape `(windows, horizon, channels)`): forecasts and targets in the unit
            of `mse`, `mae`, `rmse` and `pinball`; NaN for missing targets. With `quantiles`, forecasts have a fourth
            axis.
        raw_predictions, raw_targets (`np.ndarray` of the same shapes): the same in the unit of `smape` and `mase`.
        scale (`np.ndarray` of shape `(windows, channels)`): the [`seasonal_scale`]; NaN if it is undefined.
        quantiles (`Sequence[float]`, *optional*): ascending numbers between 0 and 1.

    Returns:
        `dict[str, np.ndarray]`: by metric of [`compute_forecasting_metrics`], an array of shape `(windows, k)`.
    """
    predictions, targets, raw_predictions, raw_targets = (
        np.asarray(values, dtype=np.float64) for values in (predictions, targets, raw_predictions, raw_targets)
    )
    found = {} if quantiles is None else quantile_sums(predictions, targets, as_quantiles(quantiles))
    if quantiles is not None:
        middle = np.flatnonzero(np.isclose(as_quantiles(quantiles), 0.5))
        if not middle.size:
            return found
        predictions, raw_predictions = predictions[..., middle[0]], raw_predictions[..., middle[0]]
    squares = _window_means((predictions - targets) ** 2)
    found |= {"mse": squares, "rmse": squares, "mae": _window_means(np.abs(predictions - targets))}
    found["smape"] = _window_means(_percentages(raw_predictions, raw_targets))
    scaled = _scaled_errors(raw_predictions, raw_targets, scale)  # (windows, channels)
    if not np.isnan(scaled).all():
        found["mase"] = _window_means(scaled)
    return found


def _window_means(values: np.ndarray) -> np.ndarray:
    """Sum and number of the values of each window that are not NaN, `(windows, 2)`."""
    values = values.reshape(len(values), -1)
    return np.stack([np.nansum(values, axis=1), (~np.isnan(values)).sum(axis=1)], axis=1)


def _checked_scale(scale: Any, targets: np.ndarray) -> np.ndarray:
    scale = np.asarray(scale, dtype=np.float64)
    wanted = (targets.shape[0], targets.shape[2])
    if scale.shape != wanted:
        raise HfseqError(
            f"the history has {scale.shape} series and channels, but the targets have {wanted}; "
            "pass the history of each row of targets, in the same order."
        )
    if (scale <= 0).any() or np.isinf(scale).any():
        raise HfseqError("scale must be positive and finite, or NaN if it is undefined.")
    return scale


@register_metric("mase", greater_is_better=False)
class Mase(OfflineMetric):
    """Mean absolute scaled error of forecasts (Hyndman & Koehler 2006); 1 is as good as the naive forecast.

    Each row is a series of shape (horizon,) or (horizon, channels), with NaN for missing values. `compute` needs
    `history`, the values of each series before the forecast, and takes `period`, the number of steps per season (1).
    Result: ``mase``, the mean over series and channels. A series and channel whose history repeats itself exactly in
    every season, or is not longer than a season, has no scale and is ignored. If none is left, the result has no key
    ``mase``.
    """

    input_kinds: ClassVar[list[Features]] = [ROW_TO_ROW, GRID_TO_GRID]
    citation_text = (
        "Hyndman, R. J. and Koehler, A. B. (2006). Another look at measures of forecast accuracy. International "
        "Journal of Forecasting 22."
    )

    def score(
        self, references: np.ndarray, predictions: np.ndarray, history: Any = None, period: int = 1
    ) -> dict[str, Any]:
        if history is None:
            raise HfseqError(
                "mase: compute needs the history of each row, for example history=[[1.0, 2.0, 1.0, 2.0]]."
            )
        scale = _checked_scale(seasonal_scale(history, period), references)
        return {"mase": mase(predictions, references, scale)}

    def _checked(self, predictions: Any, references: Any) -> tuple[Any, Any]:
        targets = as_targets(references)
        return targets, as_forecasts(predictions, targets)
