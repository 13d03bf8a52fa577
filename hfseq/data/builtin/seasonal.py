"""`builtin:seasonal`: forecast series with a trend, two seasons and noise. Synthetic."""

import numpy as np
from datasets import Dataset, DatasetDict

from hfseq.data.sources.series_rows import series_dataset

NUM_SERIES, NUM_STEPS, NUM_CHANNELS = 20, 560, 3
# One week and four weeks of days. The longer period is a multiple of the shorter one, so that a seasonal naive
# forecast with the longer period repeats both seasons.
PERIODS = (7, 28)

_HARMONICS = 2
_SEED = 7_28


def load(cache_dir: str | None = None) -> DatasetDict:
    """Generates the series. They are the same each time.

    Args:
        cache_dir (`str`, *optional*): not used.

    Returns:
        `datasets.DatasetDict`: only `train`, with whole series in the column `series`. The forecasting task splits
            each
        series in time into train, validation and test.
    """
    # RandomState returns the same numbers in every release of numpy; newer generators may not.
    rng = np.random.RandomState(_SEED)
    return DatasetDict({"train": _dataset(rng)})


def describe() -> str:
    """Describes the data set."""
    return (
        f"builtin:seasonal, {NUM_SERIES} synthetic series of {NUM_STEPS} steps and {NUM_CHANNELS} channels: a trend "
        f"that changes once, seasons of {PERIODS[0]} and {PERIODS[1]} steps, and autocorrelated noise"
    )


def _dataset(rng: np.random.RandomState) -> Dataset:
    return series_dataset([_series(rng) for _ in range(NUM_SERIES)])


def _series(rng: np.random.RandomState) -> np.ndarray:
    """One series, `(steps, channels)`. The seasons of its channels differ only in size and phase."""
    shapes = [rng.normal(size=(2, _HARMONICS)) / np.arange(1, _HARMONICS + 1) for _ in PERIODS]
    level, size = rng.uniform(10, 100), rng.uniform(2, 8)
    channels = []
    for _ in range(NUM_CHANNELS):
        seasons = sum(
            rng.uniform(0.5, 1.5) * _season(period, shape, rng.randint(period))
            for period, shape in zip(PERIODS, shapes, strict=True)
        )
        channels.append(level + size * (_trend(rng) + seasons + _noise(rng)))
    return np.round(np.stack(channels, axis=1), 4)  # (steps, channels)


def _season(period: int, shape: np.ndarray, shift: int) -> np.ndarray:
    """Sum of sines and cosines of a period and its harmonics, scaled to a standard deviation of 1."""
    angles = 2 * np.pi * np.outer(np.arange(NUM_STEPS) + shift, np.arange(1, _HARMONICS + 1)) / period
    season = np.sin(angles) @ shape[0] + np.cos(angles) @ shape[1]
    return season / season.std()


def _trend(rng: np.random.RandomState) -> np.ndarray:
    bend = rng.randint(NUM_STEPS // 4, 3 * NUM_STEPS // 4)
    slopes = rng.normal(scale=3 / NUM_STEPS, size=2)
    return np.cumsum(np.where(np.arange(NUM_STEPS) < bend, *slopes))


def _noise(rng: np.random.RandomState) -> np.ndarray:
    """Autoregressive noise of order 1, so that the last steps contain some information about the next ones."""
    noise = rng.normal(scale=0.3, size=NUM_STEPS)
    for step in range(1, NUM_STEPS):
        noise[step] += 0.5 * noise[step - 1]
    return noise
