"""Series that a program holds as NumPy arrays."""

from typing import Any

import numpy as np
from datasets import LargeList, List, Value

from hfseq.errors import HfseqError


def series_of_array(array: np.ndarray, channels: int) -> list[np.ndarray]:
    """The series in an array, for a model that reads a number of channels.

    Args:
        array (`np.ndarray`): one series, of shape `(steps, channels)` or with one channel `(steps,)`; or several, of
            shape `(series, steps, channels)` or with one channel `(series, steps)`.
        channels (`int`): number of channels that the model reads.

    Returns:
        `list[np.ndarray]`: one array of shape `(steps, channels)` per series.

    Raises:
        HfseqError: the array has another shape.
    """
    if array.ndim > 1 and array.shape[-1] == channels:
        if array.ndim == 2:
            return [array]
        if array.ndim == 3:
            return list(array)
    if channels == 1 and array.ndim in (1, 2):
        return list(array[..., None]) if array.ndim == 2 else [array[:, None]]
    shapes = "(steps,) or (series, steps)" if channels == 1 else f"(steps, {channels}) or (series, steps, {channels})"
    raise HfseqError(
        f"the model reads series with {channels} channel{'s' if channels > 1 else ''}, as arrays of shape {shapes}; "
        f"this array has the shape {array.shape}"
    )


def holds_numbers(feature: Any) -> bool:
    """Whether a feature of `datasets` is a list of numbers, or a list of lists of numbers."""
    depth = 0
    while isinstance(feature, List | LargeList):
        feature, depth = feature.feature, depth + 1
    return depth in (1, 2) and isinstance(feature, Value) and feature.dtype.startswith(("int", "uint", "float"))
