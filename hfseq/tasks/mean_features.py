"""Features of encoded examples that need no training: means over time, or thinned pixels."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

# Pixels are averaged over the cells of a grid of this size.
_GRID = 12
_SERIES, _PIXELS = "input_features", "pixel_values"


def has_mean_features(column_names: Sequence[str]) -> bool:
    """Whether encoded examples with these columns have such features."""
    return _SERIES in column_names or _PIXELS in column_names


def mean_features(encoded: Mapping[str, Sequence[Any]]) -> np.ndarray:
    """Features of encoded examples.

    Args:
        encoded (`Mapping[str, Sequence]`): `input_features`, each of shape `(steps, features)`, or `pixel_values`,
            each of shape `(channels, height, width)`.

    Returns:
        `np.ndarray` of shape `(examples, size)`: mean and standard deviation of each feature over the steps; or the
        means of the pixels in each cell of a grid of 12 by 12.
    """
    if _PIXELS in encoded:
        return np.stack([_thinned(np.asarray(pixels, dtype=np.float32)) for pixels in encoded[_PIXELS]])
    rows = [np.asarray(steps, dtype=np.float32) for steps in encoded[_SERIES]]
    return np.stack([np.concatenate([steps.mean(0), steps.std(0)]) for steps in rows])


def _thinned(pixels: np.ndarray) -> np.ndarray:
    """The means of the pixels in the cells of a grid, `(channels * cells,)`."""
    rows = _cells(pixels.shape[1])
    columns = _cells(pixels.shape[2])
    sums = np.add.reduceat(np.add.reduceat(pixels, rows, axis=1), columns, axis=2)
    sizes = np.diff([*rows, pixels.shape[1]])[:, None] * np.diff([*columns, pixels.shape[2]])
    return (sums / sizes).reshape(-1)


def _cells(size: int) -> np.ndarray:
    """The first pixel of each cell."""
    count = min(_GRID, size)
    return np.arange(count) * size // count
