"""What a forecasting model has to beat: two forecasts that take no training, and a linear one."""

from collections.abc import Callable

import numpy as np

from hfseq.metrics import last_value, seasonal_naive
from hfseq.modalities.series.windows import Windows

# Windows at a time, and the most that the linear model is fit on.
_CHUNK, _MOST = 512, 20_000
# Rows an input from which the linear model is fit on those whose targets are complete, where some are not.
_ROWS_AN_INPUT = 2
# Ridge penalties, as shares of the mean square of the inputs; the validation split chooses.
PENALTIES = (1e-4, 1e-3, 1e-2, 1e-1, 1.0)


def baseline_forecasts(train: Windows, validation: Windows, test: Windows, seasonality: int) -> dict[str, np.ndarray]:
    """Forecasts of the test windows, standardised, `(windows, horizon, channels)` each.

    `last_value` repeats the last step, `seasonal_naive` the last season (where the season is longer than a step and
    the past of every window), and `linear` is one linear map of the past to the future for all channels, of series
    from which their last value is subtracted (NLinear, Zeng et al. 2023), fit by ridge regression. A missing value of
    the past counts as the one before it.

    Args:
        train, validation, test (`Windows`): standardised windows.
        seasonality (`int`): steps of a season.
    """
    found = {"last_value": _forecast(test, lambda past: last_value(past, test.horizon), test.context)}
    if seasonality > 1 and test.starts.min() >= seasonality:
        found["seasonal_naive"] = _forecast(
            test, lambda past: seasonal_naive(past, test.horizon, seasonality), seasonality
        )
    weights = fit_linear(train, validation)
    found["linear"] = _forecast(test, lambda past: apply_linear(weights, past), test.context)
    return found


def fit_linear(train: Windows, validation: Windows) -> np.ndarray:
    """The weights `(context + 1, horizon)` of the linear map, the last row added to all.

    It is fit on the targets without a missing value; where these are few, each step of the horizon is fit by itself,
    on the targets that have it.

    Args:
        train (`Windows`): what it is fit on.
        validation (`Windows`): what chooses the penalty.
    """
    chosen = np.random.default_rng(0).permutation(len(train))[:_MOST]
    gram, moments, count = _moments(train, chosen, slice(None))
    if not train.masked or count >= _ROWS_AN_INPUT * len(gram):
        candidates = _ridge(gram, moments)
    else:
        # A fit for each step takes time: on fewer windows.
        some = chosen[: max(_MOST // train.series[0].shape[1], 1)]
        fits = [_ridge(*_moments(train, some, slice(step, step + 1))[:2]) for step in range(train.horizon)]
        candidates = [np.concatenate(weights, axis=1) for weights in zip(*fits, strict=True)]
    return min(candidates, key=lambda weights: _error(weights, validation))


def _moments(train: Windows, chosen: np.ndarray, steps: slice) -> tuple[np.ndarray, np.ndarray, int]:
    """What a fit of some steps takes: inputs by inputs, inputs by targets, and how many rows had all these targets."""
    size = train.context + 1
    gram, moments, count = np.zeros((size, size)), 0.0, 0
    for start in range(0, len(chosen), _CHUNK):
        windows = np.sort(chosen[start : start + _CHUNK])
        rows, starts = train.rows[windows], train.starts[windows]
        past, last = _centred(_filled(train.pasts(rows, starts)))  # (windows * channels, context + 1)
        target = _by_channel((train.targets(rows, starts) - last)[:, steps])  # (windows * channels, steps)
        complete = ~np.isnan(target).any(axis=1)
        past, target = past[complete], target[complete]
        gram += past.T @ past
        moments = moments + past.T @ target
        count += len(past)
    return gram, np.asarray(moments), count


def _ridge(gram: np.ndarray, moments: np.ndarray) -> list[np.ndarray]:
    """The weights with each penalty."""
    size = len(gram)
    penalty = np.eye(size) * np.trace(gram[:-1, :-1]) / max(size - 1, 1)
    penalty[-1] = 0  # not the constant
    return [np.linalg.lstsq(gram + share * penalty, moments)[0] for share in PENALTIES]


def apply_linear(weights: np.ndarray, past: np.ndarray) -> np.ndarray:
    """The forecasts `(windows, horizon, channels)` of some pasts `(windows, context, channels)`."""
    inputs, last = _centred(past)
    steps = (inputs @ weights).reshape(len(past), past.shape[2], -1)  # (windows, channels, horizon)
    return steps.transpose(0, 2, 1) + last


def _error(weights: np.ndarray, windows: Windows) -> float:
    forecasts = _forecast(windows, lambda past: apply_linear(weights, past), windows.context)
    return float(np.nanmean((forecasts - windows.targets(windows.rows, windows.starts)) ** 2))


def _forecast(windows: Windows, forecast: Callable[[np.ndarray], np.ndarray], length: int) -> np.ndarray:
    parts = []
    for start in range(0, len(windows), _CHUNK):
        chunk = slice(start, start + _CHUNK)
        past = _filled(windows.pasts(windows.rows[chunk], windows.starts[chunk], length))
        parts.append(forecast(past).astype(np.float32))
    return np.concatenate(parts)


def _centred(past: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Each channel's past less its last value, and a one, `(windows * channels, context + 1)`; and the last values."""
    last = past[:, -1:]  # (windows, 1, channels)
    inputs = _by_channel(past - last)
    return np.concatenate([inputs, np.ones((len(inputs), 1))], axis=1), last


def _by_channel(values: np.ndarray) -> np.ndarray:
    """`(windows, steps, channels)` as `(windows * channels, steps)`, float64."""
    return values.transpose(0, 2, 1).reshape(-1, values.shape[1]).astype(np.float64)


def _filled(past: np.ndarray) -> np.ndarray:
    """Missing values replaced by the one before; at the beginning by 0, the mean of the training part."""
    missing = np.isnan(past)
    if not missing.any():
        return past
    steps = np.arange(past.shape[1])[None, :, None]
    latest = np.maximum.accumulate(np.where(missing, 0, steps), axis=1)
    return np.nan_to_num(np.take_along_axis(past, latest, axis=1))
