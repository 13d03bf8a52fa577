"""Windows over series: past steps, and the future steps to forecast."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from datasets import Dataset

from hfseq.data.batching.encoded_splits import LENGTH_COLUMN
from hfseq.modalities.series.channel_values import divisor

PAST, MASK, LABELS, SCALE = "past_values", "past_observed_mask", "labels", "mase_scale"


@dataclass(frozen=True)
class Standardization:
    """Standardizes each channel.

    Args:
        mean (`np.ndarray` of shape `(channels,)`): the mean, which is subtracted.
        std (`np.ndarray` of shape `(channels,)`): the standard deviation, which is divided by.
    """

    mean: np.ndarray
    std: np.ndarray

    @classmethod
    def from_processor(cls, processor: Any) -> "Standardization":
        """The standardization of a [`SeriesFeatureExtractor`]. Without `normalize`, it changes nothing."""
        if processor.normalize is None:
            return cls(np.zeros(processor.num_channels), np.ones(processor.num_channels))
        mean = np.array(processor.mean)
        return cls(mean, divisor(mean, np.array(processor.std)))

    def apply(self, values: np.ndarray) -> np.ndarray:
        """Standardizes values of shape `(..., channels)`."""
        return (values - self.mean) / self.std

    def undo(self, values: np.ndarray, trailing: int = 0) -> np.ndarray:
        """Converts standardized values back to the units of the data. `trailing` axes follow the channels."""
        shape = (-1, *[1] * trailing)
        return np.asarray(values, dtype=np.float64) * self.std.reshape(shape) + self.mean.reshape(shape)


def window_starts(values: np.ndarray, first: int, horizon: int, stride: int = 1) -> np.ndarray:
    """The first steps of the targets of windows. Every target is complete, and has an observed value.

    Args:
        values (`np.ndarray` of shape `(steps, channels)`): the series. A missing value is NaN.
        first (`int`): the first step to forecast.
        horizon (`int`): number of steps of a target.
        stride (`int`, *optional*, defaults to 1): number of steps between windows. The last window ends with the
            series.
    """
    starts = np.arange(len(values) - horizon, first - 1, -stride)[::-1]
    observed = np.concatenate([[0], np.cumsum(~np.isnan(values).all(axis=1))])
    return starts[observed[starts + horizon] > observed[starts]]


def past_inputs(past: np.ndarray, masked: bool) -> dict[str, np.ndarray]:
    """The inputs of a model for past steps of shape `(batch, context, channels)`. Missing values become zero."""
    missing = np.isnan(past)
    inputs = {PAST: np.where(missing, 0, past).astype(np.float32)}
    return {**inputs, MASK: (~missing).astype(np.float32)} if masked else inputs


class Windows:
    """Windows over series. Overlapping windows share the memory of the series.

    Args:
        series (`list[np.ndarray]`): standardized series of shape `(steps, channels)`. A missing value is NaN.
        starts (`list[list[int]]`): the first steps of the targets of each series.
        scales (`np.ndarray` of shape `(series, channels)`): MASE scale of each channel; NaN if it is undefined.
        context (`int`): number of past steps.
        horizon (`int`): number of steps of the target.
    """

    def __init__(
        self, series: list[np.ndarray], starts: list[list[int]], scales: np.ndarray, context: int, horizon: int
    ):
        self.series = [values.astype(np.float32) for values in series]
        self.scales = scales.astype(np.float32)
        self.context, self.horizon = context, horizon
        self.rows = np.repeat(np.arange(len(series)), [len(some) for some in starts])
        self.starts = np.concatenate([np.asarray(some, dtype=np.int64) for some in starts])
        self.masked = any(np.isnan(values).any() for values in self.series)

    def __len__(self) -> int:
        return len(self.starts)

    def dataset(self) -> Dataset:
        """A data set that makes the windows when they are read."""
        columns = {"row": self.rows, "start": self.starts, LENGTH_COLUMN: np.full(len(self), self.context)}
        return Dataset.from_dict(columns).with_transform(self)

    def __call__(self, batch: Mapping[str, Any]) -> dict[str, Any]:
        """Makes the windows of some rows of [`dataset`]."""
        if "start" not in batch:  # only another column is read
            return dict(batch)
        rows, starts = np.asarray(batch["row"]), np.asarray(batch["start"])
        inputs = past_inputs(self.pasts(rows, starts), self.masked)
        lengths = {LENGTH_COLUMN: batch[LENGTH_COLUMN]} if LENGTH_COLUMN in batch else {}
        return {**inputs, **lengths, SCALE: self.scales[rows], LABELS: self.targets(rows, starts)}

    def pasts(self, rows: np.ndarray, starts: np.ndarray, length: int | None = None) -> np.ndarray:
        """The steps before each target, of shape `(windows, length, channels)`. `length` defaults to `context`."""
        length = length or self.context
        return np.stack([self.series[row][start - length : start] for row, start in zip(rows, starts, strict=True)])

    def targets(self, rows: np.ndarray, starts: np.ndarray) -> np.ndarray:
        """The steps to forecast, of shape `(windows, horizon, channels)`."""
        ends = starts + self.horizon
        return np.stack([self.series[row][start:end] for row, start, end in zip(rows, starts, ends, strict=True)])
