"""Helpers of `SeriesFeatureExtractor`: shapes, statistics, and missing values. This file is saved with it."""

from typing import Any

import numpy as np


def depth(values: Any) -> int:
    """The number of levels of lists or axes around the first number."""
    found = 0
    while not hasattr(values, "ndim") and hasattr(values, "__len__") and not isinstance(values, str):
        found += 1
        if not len(values):
            return found
        values = values[0]
    return found + getattr(values, "ndim", 0)


def as_array(series: Any, channels: int | None, where: str) -> np.ndarray:
    """Checks a series, and returns it as an array of shape `(length, channels)`."""
    try:
        # numpy warns when it converts a torch tensor by itself.
        values = np.asarray(series.numpy() if hasattr(series, "numpy") else series, dtype=np.float64)
    except (TypeError, ValueError) as error:
        widths = [np.size(step) for step in series]
        odd = next((number for number, width in enumerate(widths) if width != widths[0]), None)
        if odd is None:
            raise ValueError(f"{where} holds something that is not a number: {error}") from error
        raise ValueError(f"{where}: step {odd} has {widths[odd]} channels, but step 0 has {widths[0]}.") from error
    if not values.size:
        raise ValueError(f"{where} has no steps.")
    if values.ndim == 1 and channels in (None, 1):
        values = values[:, None]
    if values.ndim != 2:
        raise ValueError(f"{where} must be a list of steps, each a list of channels, got the shape {values.shape}.")
    if channels is not None and values.shape[1] != channels:
        raise ValueError(f"{where} has {values.shape[1]} channels, but the extractor is for {channels}.")
    if np.isinf(values).any():
        raise ValueError(f"{where}: step {int(np.isinf(values).any(axis=1).argmax())} holds an infinite value.")
    return values


def moments(values: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Count, mean, and sum of squared deviations of each channel. NaN is ignored."""
    present = ~np.isnan(values)
    count = present.sum(axis=0).astype(np.float64)
    mean = np.where(present, values, 0.0).sum(axis=0) / np.maximum(count, 1)
    squares = (np.where(present, values - mean, 0.0) ** 2).sum(axis=0)
    return count, mean, squares


def merge(one: tuple[np.ndarray, ...], other: tuple[np.ndarray, ...]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Merges the results of [`moments`] for two parts of the data."""
    count = one[0] + other[0]
    share = other[0] / np.maximum(count, 1)
    apart = other[1] - one[1]
    return count, one[1] + apart * share, one[2] + other[2] + apart**2 * one[0] * share


def divisor(mean: np.ndarray, std: np.ndarray) -> np.ndarray:
    """The standard deviations, with 1 for constant channels. Their deviation is zero up to rounding."""
    return np.where(std > np.maximum(1e-12 * np.abs(mean), np.finfo(np.float32).tiny), std, 1.0)


def carry_forward(values: np.ndarray, missing: np.ndarray) -> np.ndarray:
    """Replaces missing values of shape `(length, channels)` by the last observed value of their channel."""
    steps = np.arange(len(values))[:, None]
    last = np.maximum.accumulate(np.where(missing, 0, steps), axis=0)  # step of the last observed value
    return np.take_along_axis(values, last, axis=0)
