"""`builtin:dtmf`: transcribe telephone keypad tones. Synthetic.

The frequencies are those of ITU-T Recommendation Q.23. Durations, pauses, loudness and noise are random.
"""

import numpy as np
import pyarrow as pa
from datasets import Dataset, DatasetDict, Features, List, Value

from hfseq.data.builtin.storage import load_or_build

KEYS = "0123456789*#"
SAMPLING_RATE = 8000
# Number of rows of each split.
SIZES = {"train": 600, "validation": 100, "test": 100}

FEATURES = Features(
    {
        "audio": {"array": List(Value("float32")), "sampling_rate": Value("int32")},
        "text": Value("string"),
    }
)

# Part of the cache key: increase it if the rows change.
_VERSION = 2
_LOW, _HIGH = (697, 770, 852, 941), (1209, 1336, 1477)
# The keypad, row by row.
_FREQUENCIES = {key: (_LOW[i // 3], _HIGH[i % 3]) for i, key in enumerate("123456789*0#")}
_MIN_KEYS, _MAX_KEYS = 3, 8
_TONE_SECONDS, _GAP_SECONDS = (0.06, 0.1), (0.04, 0.08)
_FADE_SECONDS = 0.003
_LOUDNESS = (0.05, 0.4)
# Signal-to-noise ratio in decibels, and maximum relative error of a frequency. Receivers must accept an error of 1.5 %
# (Recommendation Q.24).
_SNR, _MAX_FREQUENCY_ERROR = (0.0, 30.0), 0.015


def load(cache_dir: str | None = None) -> DatasetDict:
    """Loads the recordings from the cache, or builds them.

    Args:
        cache_dir (`str`, *optional*, defaults to the cache folder of `datasets`): folder to cache them in.

    Returns:
        `datasets.DatasetDict`: train, validation and test with the columns `audio` (`array` and `sampling_rate`) and
        `text` (the keys).
    """
    return load_or_build("dtmf", f"v{_VERSION}", build, cache_dir)


def describe() -> str:
    """Describes the data set."""
    return (
        f"builtin:dtmf, synthetic telephone keypad tones (ITU-T Q.23) at {SAMPLING_RATE} Hz with noise, "
        f"{_MIN_KEYS} to {_MAX_KEYS} keys per recording"
    )


def build() -> DatasetDict:
    """Generates the splits. The rows are the same each time."""
    splits = {}
    for number, (split, size) in enumerate(SIZES.items()):
        # RandomState returns the same numbers in every release of numpy; newer generators may not.
        rng = np.random.RandomState([20, number])
        texts = ["".join(rng.choice(list(KEYS), rng.randint(_MIN_KEYS, _MAX_KEYS + 1))) for _ in range(size)]
        splits[split] = _dataset(texts, [make_recording(text, rng) for text in texts])
    return DatasetDict(splits)


def make_recording(keys: str, rng: np.random.RandomState) -> np.ndarray:
    """Generates the sound of keys that are pressed one after the other.

    Args:
        keys (`str`): characters of `0123456789*#`.
        rng (`np.random.RandomState`): random number generator for durations, loudness and noise.

    Returns:
        `np.ndarray`: float32 samples from -1 to 1, of shape `(samples,)`.
    """
    parts = [_silence(rng)]
    for key in keys:
        parts += [_tone(key, rng), _silence(rng)]
    clean = np.concatenate(parts)
    # The ratio is relative to the power of a tone, which is 1 for two sines of amplitude 1.
    noise = rng.standard_normal(len(clean)) * 10 ** (-rng.uniform(*_SNR) / 20)
    return np.clip(rng.uniform(*_LOUDNESS) * (clean + noise), -1, 1).astype(np.float32)


def _tone(key: str, rng: np.random.RandomState) -> np.ndarray:
    time = np.arange(int(SAMPLING_RATE * rng.uniform(*_TONE_SECONDS))) / SAMPLING_RATE
    tone = np.zeros(len(time))
    for nominal in _FREQUENCIES[key]:
        frequency = nominal * (1 + rng.uniform(-_MAX_FREQUENCY_ERROR, _MAX_FREQUENCY_ERROR))
        tone += np.sin(2 * np.pi * (frequency * time + rng.uniform()))
    fade = np.minimum(time, time[::-1]) / _FADE_SECONDS
    return tone * np.minimum(fade, 1)


def _silence(rng: np.random.RandomState) -> np.ndarray:
    return np.zeros(int(SAMPLING_RATE * rng.uniform(*_GAP_SECONDS)))


def _dataset(texts: list[str], waveforms: list[np.ndarray]) -> Dataset:
    # Built with pyarrow, because datasets would convert millions of samples to Python numbers.
    offsets = np.cumsum([0, *map(len, waveforms)])
    arrays = pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), pa.array(np.concatenate(waveforms)))
    rates = pa.array([SAMPLING_RATE] * len(texts), pa.int32())
    audio = pa.StructArray.from_arrays([arrays, rates], ["array", "sampling_rate"])
    table = pa.table({"audio": audio, "text": pa.array(texts)})
    return Dataset(table.replace_schema_metadata(FEATURES.arrow_schema.metadata))
