"""Forecasts that take no training: what a model has to beat."""

from typing import Any

import numpy as np

from hfseq.errors import HfseqError
from hfseq.metrics.series import as_histories, check_period


def seasonal_naive(history: Any, horizon: int, period: int) -> np.ndarray:
    """Repeats the last season (Hyndman & Athanasopoulos 2021, section 5.2).

    A step of the season that was not observed in the last one is taken from the latest season in which it was; where
    there is none, the last observed value of that series and channel stands in.

    Args:
        history (`Any`): (series, length, channels) or (series, length), or a list of (length, channels) or (length,);
            NaN where nothing was observed.
        horizon (`int`): how many steps to forecast.
        period (`int`): the number of steps of a season, such as 24 for hourly values with a daily season.

    Returns:
        `np.ndarray`: float64 (series, horizon, channels).

    Raises:
        HfseqError: where no series is as long as a season, or a channel of a series was never observed.
    """
    check_period(period)
    if int(horizon) != horizon or horizon < 1:
        raise HfseqError(f"horizon must be a whole number of steps, at least 1, not {horizon!r}.")
    histories = as_histories(history)
    longest = max(len(values) for values in histories)
    if longest < period:
        raise HfseqError(f"a season of {period} steps needs a history of as many, but the longest has {longest}.")
    steps = np.arange(horizon) % period
    return np.stack([_last_season(values, period, number)[steps] for number, values in enumerate(histories)])


def last_value(history: Any, horizon: int) -> np.ndarray:
    """Repeats the last observed value, which is the best forecast of a random walk.

    Args:
        history (`Any`): as for [`seasonal_naive`].
        horizon (`int`): how many steps to forecast.

    Returns:
        `np.ndarray`: float64 (series, horizon, channels).
    """
    return seasonal_naive(history, horizon, period=1)


def _last_season(values: np.ndarray, period: int, number: int) -> np.ndarray:
    """The latest observed value of each step of the season, (period, channels), in the order of what comes next."""
    latest = _latest(values)  # (channels,)
    if np.isnan(latest).any():
        channel = int(np.isnan(latest).argmax())
        raise HfseqError(f"history of series {number} has no observed value in channel {channel}.")
    missing = -len(values) % period
    filled = np.concatenate([np.full((missing, values.shape[1]), np.nan), values])  # (seasons * period, channels)
    season = _latest(filled.reshape(-1, period, values.shape[1]))  # (period, channels)
    return np.where(np.isnan(season), latest, season)


def _latest(values: np.ndarray) -> np.ndarray:
    """The last value along the first axis that is not NaN; NaN where all are."""
    back = (~np.isnan(values[::-1])).argmax(axis=0)
    return np.take_along_axis(values[::-1], back[None], axis=0)[0]
