"""scikit-learn's handwritten digits, shared out to the splits, and arrays of them as columns."""

from collections.abc import Iterable

import numpy as np
import pyarrow as pa

NAMES = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
SIZE = 8

_SHARES = {"train": 0.7, "validation": 0.15, "test": 0.15}


class DigitImages:
    """The digits of one split, by what they show; no image belongs to two splits.

    Args:
        split (`str`): `"train"`, `"validation"` or `"test"`.
    """

    def __init__(self, split: str):
        # Importing it takes a second, which other data sets need not pay.
        from sklearn.datasets import load_digits

        digits = load_digits()
        # Written with 17 shades.
        images = (digits.images * (255 / 16)).round().astype(np.uint8)  # (1797, 8, 8)
        # Unlike the newer generators, RandomState gives the same numbers in every release of numpy.
        mixed = np.random.RandomState(0).permutation(len(images))
        ends = (np.cumsum(list(_SHARES.values())) * len(images)).round().astype(int)
        last = list(_SHARES).index(split)
        chosen = mixed[ends[last - 1] if last else 0 : ends[last]]
        self._images = [images[chosen[digits.target[chosen] == value]] for value in range(len(NAMES))]

    def draw(self, values: np.ndarray, random: np.random.RandomState) -> np.ndarray:
        """An image for each of these digits, `(number, 8, 8)`, in 0..255."""
        of_value = (self._images[value] for value in values)
        return np.stack([images[random.randint(len(images))] for images in of_value])


def nested_column(arrays: Iterable[np.ndarray]) -> pa.Array:
    """Arrays of pixels as a column of nested lists; their first dimension may differ in length.

    Args:
        arrays (`Iterable[np.ndarray]`): arrays of `uint8` with the same dimensions but for the first.
    """
    arrays = list(arrays)
    column: pa.Array = pa.array(np.concatenate([array.ravel() for array in arrays]))
    for length in reversed(arrays[0].shape[1:]):
        column = pa.ListArray.from_arrays(np.arange(0, len(column) + 1, length, dtype=np.int32), column)
    offsets = np.cumsum([0, *(len(array) for array in arrays)], dtype=np.int32)
    return pa.ListArray.from_arrays(offsets, column)
