"""The handwritten digits of scikit-learn, divided into splits, and columns of arrays of pixels."""

from collections.abc import Iterable

import numpy as np
import pyarrow as pa

NAMES = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
SIZE = 8

_SHARES = {"train": 0.7, "validation": 0.15, "test": 0.15}


class DigitImages:
    """The digit images of one split, by digit. Each image belongs to only one split.

    Args:
        split (`str`): `"train"`, `"validation"` or `"test"`.
    """

    def __init__(self, split: str):
        # Imported here because the import takes a second, and other data sets do not need it.
        from sklearn.datasets import load_digits

        digits = load_digits()
        # The original images have 17 levels of brightness.
        images = (digits.images * (255 / 16)).round().astype(np.uint8)  # (1797, 8, 8)
        # RandomState returns the same numbers in every release of numpy; newer generators may not.
        mixed = np.random.RandomState(0).permutation(len(images))
        ends = (np.cumsum(list(_SHARES.values())) * len(images)).round().astype(int)
        last = list(_SHARES).index(split)
        chosen = mixed[ends[last - 1] if last else 0 : ends[last]]
        self._images = [images[chosen[digits.target[chosen] == value]] for value in range(len(NAMES))]

    def draw(self, values: np.ndarray, rng: np.random.RandomState) -> np.ndarray:
        """Draws a random image for each of these digits, of shape `(number, 8, 8)`, with values from 0 to 255."""
        of_value = (self._images[value] for value in values)
        return np.stack([images[rng.randint(len(images))] for images in of_value])


def nested_column(arrays: Iterable[np.ndarray]) -> pa.Array:
    """Converts arrays of pixels to a column of nested lists.

    Args:
        arrays (`Iterable[np.ndarray]`): arrays of `uint8` with the same shape, except for the first dimension.
    """
    arrays = list(arrays)
    column: pa.Array = pa.array(np.concatenate([array.ravel() for array in arrays]))
    for length in reversed(arrays[0].shape[1:]):
        column = pa.ListArray.from_arrays(np.arange(0, len(column) + 1, length, dtype=np.int32), column)
    offsets = np.cumsum([0, *(len(array) for array in arrays)], dtype=np.int32)
    return pa.ListArray.from_arrays(offsets, column)
