"""Simple forecasts: two without training, and a linear model."""

from collections.abc import Callable

import numpy as np

from hfseq.metrics import last_value, seasonal_naive
from hfseq.modalities.series.windows import Windows

# Number of windows processed together, and maximum number of windows that the linear model is fitted to.
_CHUNK, _MAX_WINDOWS = 512, 20_000
# If some targets are incomplete, the linear model uses only the complete ones, if there are this many per input.
_MIN_ROWS_PER_INPUT = 2
# Ridge penalties, as fractions of the mean square of the inputs. The validation split chooses one.
PENALTIES = (1e-4, 1e-3, 1e-2, 1e-1, 1.0)


def baseline_forecasts(train: Windows, validation: Windows, test: Windows, seasonality: int) -> dict[str, np.ndarray]:
    """Standardised forecasts of the test windows, by name of the baseline.

    `last_value` repeats the last step. `seasonal_naive` repeats the last season, if a season has more than one step
    and is not longer than the past of any window. `linear` is one linear map from past to future for all channels,
    after the last value is subtracted from the series (NLinear, Zeng et al. 2023), fitted by ridge regression. Missing
    values of the past are replaced by the previous value.

    Args:
        train, validation, test (`Windows`): standardised windows.
        seasonality (`int`): length of a season in steps.

    Returns:
        `dict[str, np.ndarray]`: forecasts of shape `(windows, horizon, channels)`.
    """
    found = {"last_value": forecast_windows(test, lambda past: last_value(past, test.horizon), test.context)}
    if seasonality > 1 and test.starts.min() >= seasonality:
        found["seasonal_naive"] = forecast_windows(
            test, lambda past: seasonal_naive(past, test.horizon, seasonality), seasonality
        )
    weights = fit_linear(train, validation)
    found["linear"] = forecast_windows(test, lambda past: apply_linear(weights, past), test.context)
    return found


def fit_linear(train: Windows, validation: Windows) -> np.ndarray:
    """Fits the linear baseline.

    It is fitted to the targets without missing values. If these are few, each step of the horizon is fitted
    separately, to the targets in which that step is observed.

    Args:
        train (`Windows`): training windows.
        validation (`Windows`): windows that choose the ridge penalty.

    Returns:
        `np.ndarray` of shape `(context + 1, horizon)`: weights of the linear map; the last row is the bias.
    """
    chosen = np.random.default_rng(0).permutation(len(train))[:_MAX_WINDOWS]
    gram, moments, count = _moments(train, chosen, slice(None))
    if not train.masked or count >= _MIN_ROWS_PER_INPUT * len(gram):
        candidates = _ridge(gram, moments)
    else:
        # Separate fits for each step take more time, so they use fewer windows.
        some = chosen[: max(_MAX_WINDOWS // train.series[0].shape[1], 1)]
        fits = [_ridge(*_moments(train, some, slice(step, step + 1))[:2]) for step in range(train.horizon)]
        candidates = [np.concatenate(weights, axis=1) for weights in zip(*fits, strict=True)]
    return min(candidates, key=lambda weights: _error(weights, validation))


def _moments(train: Windows, chosen: np.ndarray, steps: slice) -> tuple[np.ndarray, np.ndarray, int]:
    """Sums for a fit: products of inputs and inputs, of inputs and targets, and the number of complete rows."""
    size = train.context + 1
    gram, moments, count = np.zeros((size, size)), 0.0, 0
    for start in range(0, len(chosen), _CHUNK):
        windows = np.sort(chosen[start : start + _CHUNK])
        rows, starts = train.rows[windows], train.starts[windows]
        past, last = _centred(filled(train.pasts(rows, starts)))  # (windows * channels, context + 1)
        target = _by_channel((train.targets(rows, starts) - last)[:, steps])  # (windows * channels, steps)
        complete = ~np.isnan(target).any(axis=1)
        past, target = past[complete], target[complete]
        gram += past.T @ past
        moments = moments + past.T @ target
        count += len(past)
    return gram, np.asarray(moments), count


def _ridge(gram: np.ndarray, moments: np.ndarray) -> list[np.ndarray]:
    """The weights for each penalty."""
    size = len(gram)
    penalty = np.eye(size) * np.trace(gram[:-1, :-1]) / max(size - 1, 1)
    penalty[-1] = 0  # no penalty for the bias
    return [np.linalg.lstsq(gram + share * penalty, moments)[0] for share in PENALTIES]


def apply_linear(weights: np.ndarray, past: np.ndarray) -> np.ndarray:
    """The forecasts `(windows, horizon, channels)` for the given past `(windows, context, channels)`."""
    inputs, last = _centred(past)
    steps = (inputs @ weights).reshape(len(past), past.shape[2], -1)  # (windows, channels, horizon)
    return steps.transpose(0, 2, 1) + last


def _error(weights: np.ndarray, windows: Windows) -> float:
    forecasts = forecast_windows(windows, lambda past: apply_linear(weights, past), windows.context)
    return float(np.nanmean((forecasts - windows.targets(windows.rows, windows.starts)) ** 2))


def forecast_windows(windows: Windows, forecast: Callable[[np.ndarray], np.ndarray], length: int) -> np.ndarray:
    """The forecasts of all windows, `(windows, horizon, channels)`.

    Args:
        windows (`Windows`): standardised windows.
        forecast (`Callable[[np.ndarray], np.ndarray]`): forecasts of pasts of shape `(windows, length, channels)`
            without missing values.
        length (`int`): number of past steps.
    """
    parts = []
    for start in range(0, len(windows), _CHUNK):
        chunk = slice(start, start + _CHUNK)
        past = filled(windows.pasts(windows.rows[chunk], windows.starts[chunk], length))
        parts.append(forecast(past).astype(np.float32))
    return np.concatenate(parts)


def _centred(past: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The past of each channel minus its last value, followed by a one, `(windows * channels, context + 1)`; and the
    last values, `(windows, 1, channels)`."""
    last = past[:, -1:]  # (windows, 1, channels)
    inputs = _by_channel(past - last)
    return np.concatenate([inputs, np.ones((len(inputs), 1))], axis=1), last


def _by_channel(values: np.ndarray) -> np.ndarray:
    """Reshapes `(windows, steps, channels)` to `(windows * channels, steps)` in float64."""
    return values.transpose(0, 2, 1).reshape(-1, values.shape[1]).astype(np.float64)


def filled(past: np.ndarray) -> np.ndarray:
    """Replaces missing values by the previous value, and at the beginning by 0, the mean of the training part."""
    missing = np.isnan(past)
    if not missing.any():
        return past
    steps = np.arange(past.shape[1])[None, :, None]
    latest = np.maximum.accumulate(np.where(missing, 0, steps), axis=1)
    return np.nan_to_num(np.take_along_axis(past, latest, axis=1))
