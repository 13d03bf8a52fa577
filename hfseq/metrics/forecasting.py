"""Metrics of forecasts of numeric series: (series, horizon, channels), NaN where a target was not observed."""

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
from datasets import Features, Value
from datasets import Sequence as ListOf

from hfseq.errors import HfseqError
from hfseq.metrics.base import ROW_TO_ROW, OfflineMetric
from hfseq.metrics.quantiles import coverage_error, pinball
from hfseq.metrics.series import as_forecasts, as_histories, as_quantiles, as_targets, check_period

_GRID = ListOf(ListOf(Value("float64")))

# A forecast of several channels a row.
GRID_TO_GRID = Features({"predictions": _GRID, "references": _GRID})


def compute_forecasting_metrics(
    predictions: Any,
    targets: Any,
    history: Any = None,
    period: int = 1,
    quantiles: Sequence[float] | None = None,
    scale: Any = None,
) -> dict[str, float]:
    """Every metric of a forecast, over the observed targets.

    `mse`, `mae`, `rmse` (in the unit of the series), `smape` (0 to 200), and with a history `mase`. With quantiles
    also `pinball` and, where some q and 1 - q are among them, `coverage_error`; the metrics before are then those of
    the median, and left out where 0.5 is not among the quantiles.

    `mase` (Hyndman & Koehler 2006) divides the mean absolute error of each series and channel by that of the seasonal
    naive forecast inside its history, and averages over them. Where that is undefined (the history is constant from
    season to season, or no longer than a season) or no target is observed, a series and channel is left out of the
    average; where all are, `mase` is left out.

    Args:
        predictions (`Any`): (series, horizon, channels), or (series, horizon) of one channel; with `quantiles`
            followed by an axis of these.
        targets (`Any`): (series, horizon, channels) or (series, horizon), NaN where nothing was observed.
        history (`Any`, *optional*): what the model was fit on, (series, length, channels) or (series, length), or a
            list of (length, channels) or (length,); NaN where nothing was observed.
        period (`int`, *optional*, defaults to `1`): the number of steps of a season, for `mase`.
        quantiles (`Sequence[float]`, *optional*): ascending, between 0 and 1.
        scale (`Any`, *optional*): instead of `history`, its [`seasonal_scale`] (series, channels), where many rows
            have one history.

    Returns:
        `dict[str, float]`: plain numbers, ready for JSON.

    Raises:
        HfseqError: where shapes do not agree, or forecasts are not finite, naming the series.
    """
    truth = as_targets(targets)
    levels = None if quantiles is None else as_quantiles(quantiles)
    guess = as_forecasts(predictions, truth, None if levels is None else len(levels))
    if history is not None and scale is not None:
        raise HfseqError("history and scale stand for each other; give one of them.")
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
    """The symmetric mean absolute percentage error, 0 to 200, as the M4 competition has it (Makridakis et al. 2020).

    Where forecast and target are both 0 the error is 0.

    Args:
        predictions (`np.ndarray`): (series, horizon, channels).
        targets (`np.ndarray`): likewise, NaN where nothing was observed.
    """
    observed = ~np.isnan(targets)
    guess, truth = predictions[observed], targets[observed]  # (observed,)
    size = np.abs(guess) + np.abs(truth)  # (observed,)
    return float(200 * np.mean(np.abs(guess - truth) / np.where(size == 0, 1, size)))


def seasonal_scale(history: Any, period: int = 1) -> np.ndarray:
    """The mean absolute error of the seasonal naive forecast inside each history, by which MASE divides.

    Args:
        history (`Any`): as for [`compute_forecasting_metrics`].
        period (`int`, *optional*, defaults to `1`): the number of steps of a season.

    Returns:
        `np.ndarray`: (series, channels), NaN where it is undefined: where the history is the same from season to
        season, or holds no two observed values a season apart.
    """
    check_period(period)
    scales = []
    for values in as_histories(history):
        steps = np.abs(values[period:] - values[:-period])  # (length - period, channels)
        count = (~np.isnan(steps)).sum(axis=0)  # (channels,)
        mean = np.nansum(steps, axis=0) / np.maximum(count, 1)  # (channels,)
        # Below this the steps are the rounding of 64-bit numbers, and what is divided by them would be noise.
        rounding = 1e-13 * np.nanmax(np.abs(values), axis=0, initial=0.0)  # (channels,)
        scales.append(np.where((count > 0) & (mean > rounding), mean, np.nan))
    return np.stack(scales)


def mase(predictions: np.ndarray, targets: np.ndarray, scale: np.ndarray) -> float | None:
    """The mean absolute scaled error (Hyndman & Koehler 2006), or `None` where it is defined for no series.

    Args:
        predictions (`np.ndarray`): (series, horizon, channels).
        targets (`np.ndarray`): likewise, NaN where nothing was observed.
        scale (`np.ndarray`): the [`seasonal_scale`] of the histories, (series, channels).
    """
    errors = np.abs(predictions - targets)  # (series, horizon, channels)
    count = (~np.isnan(errors)).sum(axis=1)  # (series, channels)
    defined = (count > 0) & ~np.isnan(scale)
    if not defined.any():
        return None
    return float(np.mean(np.nansum(errors, axis=1)[defined] / count[defined] / scale[defined]))


def _point_scores(predictions: np.ndarray, targets: np.ndarray) -> dict[str, float | None]:
    errors = (predictions - targets)[~np.isnan(targets)]  # (observed,)
    mse = float(np.mean(errors**2))
    mae = float(np.mean(np.abs(errors)))
    return {"mse": mse, "mae": mae, "rmse": mse**0.5, "smape": smape(predictions, targets)}


def _checked_scale(scale: Any, targets: np.ndarray) -> np.ndarray:
    scale = np.asarray(scale, dtype=np.float64)
    wanted = (targets.shape[0], targets.shape[2])
    if scale.shape != wanted:
        raise HfseqError(
            f"the history is of {scale.shape} series and channels, the targets of {wanted}; "
            "give the history of each row of targets, in the same order."
        )
    if (scale <= 0).any() or np.isinf(scale).any():
        raise HfseqError("scale must be above 0 and finite, or NaN where it is undefined.")
    return scale


class Mase(OfflineMetric):
    """The mean absolute scaled error of forecasts (Hyndman & Koehler 2006): 1 is as good as the naive forecast.

    A row is a series, (horizon,) or (horizon, channels), NaN where nothing was observed. `compute` needs `history`,
    for each row the series before it, and takes `period`, the number of steps of a season (1). Result: ``mase``, the
    mean over series and channels; those whose history is constant from season to season, or no longer than a season,
    have no scale and are left out, and where all are the result has no key ``mase``.
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
            raise HfseqError("mase: compute needs the history of each row, such as history=[[1.0, 2.0, 1.0, 2.0]].")
        scale = _checked_scale(seasonal_scale(history, period), references)
        return {"mase": mase(predictions, references, scale)}

    def _checked(self, predictions: Any, references: Any) -> tuple[Any, Any]:
        targets = as_targets(references)
        return targets, as_forecasts(predictions, targets)
