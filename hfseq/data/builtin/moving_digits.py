"""`builtin:moving-digits`: predict the direction in which a digit moves.

The digits are real handwritten digits; the movements are synthetic. A video that is played backwards has the opposite
label, and both directions are equally likely. Only the order of the frames determines the label.
"""

import importlib.metadata

import numpy as np
import pyarrow as pa
from datasets import ClassLabel, Dataset, DatasetDict, Features, List, Value

from hfseq.data.builtin.digit_images import NAMES, SIZE, DigitImages, nested_column

CANVAS = 16
MIN_FRAMES, MAX_FRAMES = 6, 12
ROWS = {"train": 1200, "validation": 200, "test": 200}
# Steps (down, right) per direction. The opposite of a direction is four entries later.
DIRECTIONS = {
    "right": (0, 1),
    "down right": (1, 1),
    "down": (1, 0),
    "down left": (1, -1),
    "left": (0, -1),
    "up left": (-1, -1),
    "up": (-1, 0),
    "up right": (-1, 1),
}

_FEATURES = Features({"video": List(List(List(Value("uint8")))), "label": ClassLabel(names=list(DIRECTIONS))})
# Distance that a digit moves in a video, in pixels.
_MIN_DISTANCE, _MAX_DISTANCE = 4, CANVAS - SIZE


def load(cache_dir: str | None = None) -> DatasetDict:
    """Generates the videos. They are the same each time.

    Args:
        cache_dir (`str`, *optional*): not used.

    Returns:
        `datasets.DatasetDict`: train, validation and test with the columns `video`, 6 to 12 frames of 16 by 16 pixels
        from 0 to 255, and `label`, one of 8 directions.
    """
    return DatasetDict({split: _videos(split, count, seed) for seed, (split, count) in enumerate(ROWS.items())})


def describe() -> str:
    """Describes the data set, with the version of scikit-learn that it was made from."""
    return (
        "builtin:moving-digits, synthetic videos of real handwritten digits (8 by 8 pixels, from scikit-learn "
        f"{importlib.metadata.version('scikit-learn')}), each moving in one of 8 directions"
    )


def _videos(split: str, count: int, seed: int) -> Dataset:
    rng = np.random.RandomState(seed)
    digits = DigitImages(split).draw(rng.randint(len(NAMES), size=count), rng)
    # All directions are equally frequent, up to the remainder.
    labels = rng.permutation(np.arange(count) % len(DIRECTIONS))
    videos = [_video(digit, int(label), rng) for digit, label in zip(digits, labels, strict=True)]
    table = pa.table({"video": nested_column(videos), "label": labels})
    return Dataset(table.cast(_FEATURES.arrow_schema))


def _video(digit: np.ndarray, label: int, rng: np.random.RandomState) -> np.ndarray:
    """Frames of a moving digit, `(frames, height, width)`."""
    half = len(DIRECTIONS) // 2
    path = _path(np.array(list(DIRECTIONS.values())[label % half]), rng)
    # Opposite directions use the same paths in reverse, so that a single frame does not reveal the direction.
    if label >= half:
        path = path[::-1]
    frames = np.zeros((len(path), CANVAS, CANVAS), dtype=np.uint8)
    for frame, (row, column) in zip(frames, path, strict=True):
        frame[row : row + SIZE, column : column + SIZE] = digit
    return frames


def _path(direction: np.ndarray, rng: np.random.RandomState) -> np.ndarray:
    """Upper left corner of the digit in each frame, `(frames, 2)`, on a straight line inside the canvas."""
    frames = rng.randint(MIN_FRAMES, MAX_FRAMES + 1)
    distance = rng.randint(_MIN_DISTANCE, _MAX_DISTANCE + 1)
    steps = np.linspace(0, distance, frames).round().astype(int)[:, None] * direction  # (frames, 2)
    low, high = -steps.min(axis=0), CANVAS - SIZE - steps.max(axis=0)
    return steps + rng.randint(low, high + 1)
