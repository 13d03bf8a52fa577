"""`builtin:seasonal`: series with a trend, two seasons and noise, to forecast. Synthetic."""

import numpy as np
from datasets import Dataset, DatasetDict

from hfseq.data.sources.series_rows import series_dataset

NUM_SERIES, NUM_STEPS, NUM_CHANNELS = 20, 560, 3
# A week and four weeks of days: the longer one is a multiple, so a naive forecast by it repeats both.
PERIODS = (7, 28)

_HARMONICS = 2
_SEED = 7_28


def load(cache_dir: str | None = None) -> DatasetDict:
    """Makes the series: the same ones each time.

    Args:
        cache_dir (`str`, *optional*): not used, since making them takes a moment.

    Returns:
        `datasets.DatasetDict`: `train` alone, whole series in the column `series`; the forecasting task cuts each of
        them in time into what is trained, validated and tested on.
    """
    # Unlike the newer generators, RandomState gives the same numbers in every release of numpy.
    source = np.random.RandomState(_SEED)
    return DatasetDict({"train": _dataset(source)})


def describe() -> str:
    """What the set is."""
    return (
        f"builtin:seasonal, {NUM_SERIES} synthetic series of {NUM_STEPS} steps and {NUM_CHANNELS} channels: a trend "
        f"that bends once, seasons of {PERIODS[0]} and {PERIODS[1]} steps, and noise that fades over a few steps"
    )


def _dataset(source: np.random.RandomState) -> Dataset:
    return series_dataset([_series(source) for _ in range(NUM_SERIES)])


def _series(source: np.random.RandomState) -> np.ndarray:
    """One series, `(steps, channels)`: its channels share the form of their seasons, at other sizes and times."""
    shapes = [source.normal(size=(2, _HARMONICS)) / np.arange(1, _HARMONICS + 1) for _ in PERIODS]
    level, size = source.uniform(10, 100), source.uniform(2, 8)
    channels = []
    for _ in range(NUM_CHANNELS):
        seasons = sum(
            source.uniform(0.5, 1.5) * _season(period, shape, source.randint(period))
            for period, shape in zip(PERIODS, shapes, strict=True)
        )
        channels.append(level + size * (_trend(source) + seasons + _noise(source)))
    return np.round(np.stack(channels, axis=1), 4)  # (steps, channels)


def _season(period: int, shape: np.ndarray, shift: int) -> np.ndarray:
    """A sum of sines and cosines of a period and its harmonics, scaled to a standard deviation of 1."""
    angles = 2 * np.pi * np.outer(np.arange(NUM_STEPS) + shift, np.arange(1, _HARMONICS + 1)) / period
    season = np.sin(angles) @ shape[0] + np.cos(angles) @ shape[1]
    return season / season.std()


def _trend(source: np.random.RandomState) -> np.ndarray:
    bend = source.randint(NUM_STEPS // 4, 3 * NUM_STEPS // 4)
    slopes = source.normal(scale=3 / NUM_STEPS, size=2)
    return np.cumsum(np.where(np.arange(NUM_STEPS) < bend, *slopes))


def _noise(source: np.random.RandomState) -> np.ndarray:
    """An autoregression of order 1, so that the latest steps say a little about the next."""
    noise = source.normal(scale=0.3, size=NUM_STEPS)
    for step in range(1, NUM_STEPS):
        noise[step] += 0.5 * noise[step - 1]
    return noise
