"""Baseline forecasts that need no training."""

from typing import Any

import numpy as np

from hfseq.errors import HfseqError
from hfseq.metrics.series import as_histories, check_period


def seasonal_naive(history: Any, horizon: int, period: int) -> np.ndarray:
    """Repeats the last season (Hyndman & Athanasopoulos 2021, section 5.2).

    If a step of the last season is missing, its value is taken from the latest season in which it was observed. If it
    was never observed, the last observed value of that series and channel is used.

    Args:
        history (`Any`): observed values of shape (series, length, channels) or (series, length), or a list of arrays
            of shape (length, channels) or (length,); NaN for missing values.
        horizon (`int`): number of steps to forecast.
        period (`int`): number of steps per season, for example 24 for hourly values with a daily season.

    Returns:
        `np.ndarray`: float64 of shape (series, horizon, channels).

    Raises:
        HfseqError: all series are shorter than a season, or a channel of a series has no observed value.
    """
    check_period(period)
    if int(horizon) != horizon or horizon < 1:
        raise HfseqError(f"horizon must be an integer of at least 1 (steps), not {horizon!r}.")
    histories = as_histories(history)
    longest = max(len(values) for values in histories)
    if longest < period:
        raise HfseqError(
            f"a season of {period} steps needs a history of at least {period} steps, but the longest has {longest}."
        )
    steps = np.arange(horizon) % period
    return np.stack([_last_season(values, period, number)[steps] for number, values in enumerate(histories)])


def last_value(history: Any, horizon: int) -> np.ndarray:
    """Repeats the last observed value, which is the best forecast of a random walk.

    Args:
        history (`Any`): as for [`seasonal_naive`].
        horizon (`int`): number of steps to forecast.

    Returns:
        `np.ndarray`: float64 of shape (series, horizon, channels).
    """
    return seasonal_naive(history, horizon, period=1)


def _last_season(values: np.ndarray, period: int, number: int) -> np.ndarray:
    """Latest observed value of each step of the season, (period, channels); the first is that of the next step."""
    latest = _latest(values)  # (channels,)
    if np.isnan(latest).any():
        channel = int(np.isnan(latest).argmax())
        raise HfseqError(f"history of series {number} has no observed value in channel {channel}.")
    missing = -len(values) % period
    filled = np.concatenate([np.full((missing, values.shape[1]), np.nan), values])  # (seasons * period, channels)
    season = _latest(filled.reshape(-1, period, values.shape[1]))  # (period, channels)
    return np.where(np.isnan(season), latest, season)


def _latest(values: np.ndarray) -> np.ndarray:
    """The last value along the first axis that is not NaN; NaN if all are NaN."""
    back = (~np.isnan(values[::-1])).argmax(axis=0)
    return np.take_along_axis(values[::-1], back[None], axis=0)[0]
