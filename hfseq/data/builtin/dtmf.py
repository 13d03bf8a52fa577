"""`builtin:dtmf`: which keys were pressed? Synthetic telephone keypad tones, to be transcribed.

The frequencies are those of ITU-T Recommendation Q.23; lengths, gaps, loudness and noise are drawn at random.
"""

import numpy as np
import pyarrow as pa
from datasets import Dataset, DatasetDict, Features, List, Value

from hfseq.data.builtin.storage import kept

KEYS = "0123456789*#"
SAMPLING_RATE = 8000
# Rows by split.
SIZES = {"train": 600, "validation": 100, "test": 100}

FEATURES = Features(
    {
        "audio": {"array": List(Value("float32")), "sampling_rate": Value("int32")},
        "text": Value("string"),
    }
)

# Part of the cache's key: raise it whenever the rows would come out differently.
_LAYOUT = 2
_LOW, _HIGH = (697, 770, 852, 941), (1209, 1336, 1477)
# The keypad, row by row.
_FREQUENCIES = {key: (_LOW[i // 3], _HIGH[i % 3]) for i, key in enumerate("123456789*0#")}
_FEWEST_KEYS, _MOST_KEYS = 3, 8
_TONE_SECONDS, _GAP_SECONDS = (0.06, 0.1), (0.04, 0.08)
_FADE_SECONDS = 0.003
_LOUDNESS = (0.05, 0.4)
# Signal to noise in decibels, and how far a frequency may be off (Recommendation Q.24 asks for 1.5 % to be heard).
_SNR, _MISTUNING = (0.0, 30.0), 0.015


def load(cache_dir: str | None = None) -> DatasetDict:
    """The utterances, from the cache where they were made before.

    Args:
        cache_dir (`str`, *optional*): folder to keep them in, by default the cache folder of `datasets`.

    Returns:
        `datasets.DatasetDict`: train, validation and test with the columns `audio` (`array` and `sampling_rate`) and
        `text`, the keys.
    """
    return kept("dtmf", f"v{_LAYOUT}", build, cache_dir)


def describe() -> str:
    """What the set is."""
    return (
        f"builtin:dtmf, synthetic: telephone keypad tones (ITU-T Q.23) at {SAMPLING_RATE} Hz with noise, "
        f"{_FEWEST_KEYS} to {_MOST_KEYS} keys a number"
    )


def build() -> DatasetDict:
    """Makes the splits; the rows are the same each time."""
    splits = {}
    for number, (split, size) in enumerate(SIZES.items()):
        # Unlike the newer generators, RandomState gives the same numbers in every release of numpy.
        random = np.random.RandomState([20, number])
        texts = ["".join(random.choice(list(KEYS), random.randint(_FEWEST_KEYS, _MOST_KEYS + 1))) for _ in range(size)]
        splits[split] = _dataset(texts, [utterance(text, random) for text in texts])
    return DatasetDict(splits)


def utterance(keys: str, random: np.random.RandomState) -> np.ndarray:
    """The sound of some keys, pressed one after the other.

    Args:
        keys (`str`): of `0123456789*#`.
        random (`np.random.RandomState`): where lengths, loudness and noise come from.

    Returns:
        `np.ndarray`: the samples, float32 in -1..1.
    """
    parts = [_silence(random)]
    for key in keys:
        parts += [_tone(key, random), _silence(random)]
    clean = np.concatenate(parts)
    # Measured where there is a tone: the power of two sines of amplitude 1 is 1.
    noise = random.standard_normal(len(clean)) * 10 ** (-random.uniform(*_SNR) / 20)
    return np.clip(random.uniform(*_LOUDNESS) * (clean + noise), -1, 1).astype(np.float32)


def _tone(key: str, random: np.random.RandomState) -> np.ndarray:
    time = np.arange(int(SAMPLING_RATE * random.uniform(*_TONE_SECONDS))) / SAMPLING_RATE
    tone = np.zeros(len(time))
    for frequency in _FREQUENCIES[key]:
        played = frequency * (1 + random.uniform(-_MISTUNING, _MISTUNING))
        tone += np.sin(2 * np.pi * (played * time + random.uniform()))
    fade = np.minimum(time, time[::-1]) / _FADE_SECONDS
    return tone * np.minimum(fade, 1)


def _silence(random: np.random.RandomState) -> np.ndarray:
    return np.zeros(int(SAMPLING_RATE * random.uniform(*_GAP_SECONDS)))


def _dataset(texts: list[str], waveforms: list[np.ndarray]) -> Dataset:
    # By hand, because datasets would go through Python numbers, millions of them.
    offsets = np.cumsum([0, *map(len, waveforms)])
    arrays = pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), pa.array(np.concatenate(waveforms)))
    rates = pa.array([SAMPLING_RATE] * len(texts), pa.int32())
    audio = pa.StructArray.from_arrays([arrays, rates], ["array", "sampling_rate"])
    table = pa.table({"audio": audio, "text": pa.array(texts)})
    return Dataset(table.replace_schema_metadata(FEATURES.arrow_schema.metadata))
