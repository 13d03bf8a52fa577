"""MiniRocket features of series (Dempster, Schmidt & Webb 2021, https://arxiv.org/abs/2012.08791).

Features are shares of positive values of convolutions with 84 fixed kernels, several dilations, and biases that are
quantiles of the convolutions of training series.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import conv1d

_LENGTH = 9
# The positions of the three weights 2; the other six weights are -1.
_POSITIONS = list(combinations(range(_LENGTH), 3))
NUM_KERNELS = len(_POSITIONS)
_MOST_DILATIONS = 32
# Largest number of values of a convolution that are in memory at the same time.
_VALUES_AT_A_TIME = 20_000_000


@dataclass(frozen=True)
class _Dilation:
    """The kernels of one dilation.

    Attributes:
        dilation (`int`): distance of the weights of a kernel, in steps.
        weights (`Tensor` of shape `(84, channels, 9)`): kernels; 0 for the channels that a kernel does not read.
        inside (`Tensor` of shape `(84,)`): whether only the steps count at which the kernel lies within the series.
        biases (`Tensor` of shape `(84, features)`): the biases.
    """

    dilation: int
    weights: Tensor
    inside: Tensor
    biases: Tensor

    @property
    def margin(self) -> int:
        """Number of steps by which the kernel extends to each side."""
        return self.dilation * (_LENGTH - 1) // 2


class MiniRocket:
    """MiniRocket for series with any number of channels and of different lengths.

    Each kernel reads a random subset of the channels. The padding of a batch has no influence on the features. A
    series that is shorter than a kernel is padded with zeros, and all its steps count.

    Args:
        num_features (`int`, *optional*, defaults to 9,996): number of features; it is rounded down to a multiple of
            84.
        seed (`int`, *optional*, defaults to 0): seed of the choice of channels and of training series.
    """

    def __init__(self, num_features: int = 9_996, seed: int = 0):
        self.features_per_kernel = max(num_features // NUM_KERNELS, 1)
        self.seed = seed
        self.dilations: list[_Dilation] = []

    @property
    def num_features(self) -> int:
        """Number of features."""
        return self.features_per_kernel * NUM_KERNELS

    @property
    def num_biases(self) -> int:
        """Number of fitted numbers."""
        return sum(item.biases.numel() for item in self.dilations)

    def fit(self, series: Sequence[np.ndarray]) -> "MiniRocket":
        """Chooses dilations, channels and biases.

        Args:
            series (`Sequence[np.ndarray]`): training series of shape `(steps, channels)`, without missing values.
        """
        rng = np.random.default_rng(self.seed)
        dilations, counts = fit_dilations(max(map(len, series)), self.features_per_kernel)
        quantiles = _quantiles(self.num_features)
        self.dilations, used = [], 0
        for number, (dilation, count) in enumerate(zip(dilations, counts, strict=True)):
            weights = _kernels(_choose_channels(series[0].shape[1], rng))
            inside = torch.from_numpy((number + np.arange(NUM_KERNELS)) % 2 == 1)
            item = _Dilation(int(dilation), weights, inside, torch.zeros(NUM_KERNELS, int(count)))
            item.biases[:] = self._biases(item, series, quantiles[used : used + NUM_KERNELS * count], rng)
            used += NUM_KERNELS * count
            self.dilations.append(item)
        return self

    def _biases(
        self, item: _Dilation, series: Sequence[np.ndarray], quantiles: np.ndarray, rng: np.random.Generator
    ) -> Tensor:
        """Quantiles of the convolution of each kernel with one random training series, `(84, features)`."""
        chosen = rng.integers(len(series), size=NUM_KERNELS)
        wanted = torch.from_numpy(quantiles.reshape(NUM_KERNELS, -1)).float()  # (84, features)
        found = torch.zeros_like(wanted)
        for row in np.unique(chosen):
            values = _convolve(item, _batch([series[row]]))[0]  # (84, steps)
            for kernel in np.flatnonzero(chosen == row):
                found[kernel] = torch.quantile(values[kernel], wanted[kernel])
        return found

    def __call__(self, series: Sequence[np.ndarray]) -> np.ndarray:
        """The features of series.

        Args:
            series (`Sequence[np.ndarray]`): series of shape `(steps, channels)`.

        Returns:
            `np.ndarray` of shape `(series, num_features)`: shares between 0 and 1.
        """
        features = np.empty((len(series), self.num_features), dtype=np.float32)
        order = np.argsort([len(values) for values in series], kind="stable")  # less padding in each batch
        longest = max((len(values) for values in series), default=1)
        size = max(_VALUES_AT_A_TIME // (NUM_KERNELS * longest), 1)
        for start in range(0, len(series), size):
            rows = order[start : start + size]
            features[rows] = self._features([series[row] for row in rows])
        return features

    def _features(self, series: Sequence[np.ndarray]) -> np.ndarray:
        batch, lengths = _batch(series), torch.tensor([len(values) for values in series])
        steps = torch.arange(batch.shape[2])
        parts = []
        for item in self.dilations:
            values = _convolve(item, batch)  # (series, 84, steps)
            # Steps that count: all of the series, or those at which the kernel lies within it.
            margins = torch.where(lengths > 2 * item.margin, item.margin, 0)
            whole = steps < lengths[:, None]  # (series, steps)
            within = (steps >= margins[:, None]) & (steps < (lengths - margins)[:, None])  # (series, steps)
            counted = torch.where(item.inside[:, None], within[:, None], whole[:, None])  # (series, 84, steps)
            values = values.masked_fill(~counted, -torch.inf)
            total = counted.sum(2)  # (series, 84)
            positive = [(values > item.biases[:, [column]]).sum(2) for column in range(item.biases.shape[1])]
            parts.append((torch.stack(positive, 2) / total[..., None]).flatten(1))  # (series, 84 * features)
        return torch.cat(parts, 1).numpy()


def fit_dilations(length: int, features_per_kernel: int) -> tuple[np.ndarray, np.ndarray]:
    """The dilations, from 1 to the largest at which a kernel is not longer than a series, and the number of features
    per kernel of each. The exponents are equally spaced.

    Args:
        length (`int`): number of steps of the longest training series.
        features_per_kernel (`int`): total number of features of each kernel.
    """
    most = min(features_per_kernel, _MOST_DILATIONS)
    largest = np.log2(max((length - 1) / (_LENGTH - 1), 1))
    dilations, counts = np.unique(np.logspace(0, largest, most, base=2).astype(np.int32), return_counts=True)
    counts = (counts * (features_per_kernel / most)).astype(np.int32)
    missing = features_per_kernel - counts.sum()
    counts += missing // len(counts)
    counts[: missing % len(counts)] += 1
    return dilations, counts


def _quantiles(count: int) -> np.ndarray:
    """A low-discrepancy sequence: multiples of the golden ratio modulo 1."""
    return np.arange(1, count + 1) * ((np.sqrt(5) + 1) / 2) % 1


def _choose_channels(channels: int, rng: np.random.Generator) -> np.ndarray:
    """Whether each kernel reads each channel, `(84, channels)`: between 1 and 9 channels; fewer are more probable."""
    if channels == 1:
        return np.ones((NUM_KERNELS, 1), dtype=bool)
    most = min(channels, _LENGTH)
    counts = (2 ** rng.uniform(0, np.log2(most + 1), NUM_KERNELS)).astype(int)
    chosen = np.zeros((NUM_KERNELS, channels), dtype=bool)
    for kernel, count in enumerate(counts):
        chosen[kernel, rng.choice(channels, count, replace=False)] = True
    return chosen


def _kernels(channels: np.ndarray) -> Tensor:
    """The kernels `(84, channels, 9)`: weights 2 at three positions and -1 elsewhere."""
    kernels = np.full((NUM_KERNELS, _LENGTH), -1.0, dtype=np.float32)
    for number, positions in enumerate(_POSITIONS):
        kernels[number, list(positions)] = 2
    return torch.from_numpy(channels[:, :, None] * kernels[:, None])


def _batch(series: Sequence[np.ndarray]) -> Tensor:
    """Series as a tensor `(series, channels, steps)`, padded with zeros on the right."""
    batch = torch.zeros(len(series), series[0].shape[1], max(map(len, series)))
    for row, values in enumerate(series):
        batch[row, :, : len(values)] = torch.as_tensor(np.asarray(values, dtype=np.float32).T)
    return batch


def _convolve(item: _Dilation, batch: Tensor) -> Tensor:
    """The sum over the channels of the convolutions, `(series, 84, steps)`. Steps outside a series are 0."""
    return conv1d(batch, item.weights.float(), padding=item.margin, dilation=item.dilation)
