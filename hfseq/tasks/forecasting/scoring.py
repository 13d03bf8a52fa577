"""Groups of forecasts that depend on each other, and errors by channel."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from hfseq.modalities.series.windows import Standardization

# With fewer blocks, they are made shorter.
_ENOUGH_BLOCKS = 20


def window_groups(rows: np.ndarray, starts: np.ndarray, horizon: int) -> np.ndarray:
    """Blocks of consecutive windows of one series. Windows that overlap have similar errors.

    A block covers two forecasts, so that windows of different blocks hardly depend on each other; in few and short
    series, one forecast.

    Args:
        rows (`np.ndarray` of shape `(windows,)`): number of the series of each window.
        starts (`np.ndarray` of shape `(windows,)`): first step that each window forecasts.
        horizon (`int`): number of steps of a forecast.

    Returns:
        `np.ndarray` of shape `(windows,)`: number of the block of each window.
    """
    first = np.full(rows.max() + 1, np.iinfo(np.int64).max)
    np.minimum.at(first, rows, starts)
    for length in (2 * horizon, horizon):
        blocks = (starts - first[rows]) // length
        _, groups = np.unique(np.stack([rows, blocks]), axis=1, return_inverse=True)
        if groups.max() + 1 >= _ENOUGH_BLOCKS:
            break
    return groups.reshape(-1)


def channel_errors(
    forecasts: np.ndarray, targets: np.ndarray, channels: Sequence[str], standardization: Standardization
) -> list[dict[str, Any]]:
    """The errors of each channel.

    Args:
        forecasts, targets (`np.ndarray` of shape `(windows, horizon, channels)`): standardised; NaN for missing
            targets.
        channels (`Sequence[str]`): names of the channels.
        standardization (`Standardization`): mean and standard deviation of each channel.

    Returns:
        `list[dict]`: `channel`, its `mean` and `std`, `mae` and `rmse` in the units of the data, and
        `mae_standardized` and `mse_standardized`; the errors are `None` for a channel without targets.
    """
    errors = np.asarray(forecasts, dtype=np.float64) - targets
    found = []
    for number, name in enumerate(channels):
        observed = errors[..., number][~np.isnan(targets[..., number])]
        mean, std = float(standardization.mean[number]), float(standardization.std[number])
        mae, mse = (float(np.mean(values)) if observed.size else None for values in (np.abs(observed), observed**2))
        found.append(
            {
                "channel": name,
                "mean": mean,
                "std": std,
                "mae": None if mae is None else mae * std,
                "rmse": None if mse is None else mse**0.5 * std,
                "mae_standardized": mae,
                "mse_standardized": mse,
            }
        )
    return found
