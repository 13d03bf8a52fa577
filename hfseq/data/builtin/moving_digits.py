"""`builtin:moving-digits`: which way does the digit move?

The digits are real: people wrote them. A video played backwards has the opposite label, and both are equally likely:
nothing but the order of the frames tells the two apart.
"""

import importlib.metadata

import numpy as np
import pyarrow as pa
from datasets import ClassLabel, Dataset, DatasetDict, Features, List, Value

from hfseq.data.builtin.digit_images import NAMES, SIZE, DigitImages, nested_column

CANVAS = 16
SHORTEST, LONGEST = 6, 12
ROWS = {"train": 1200, "validation": 200, "test": 200}
# Steps down and to the right; each opposite stands four places on.
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
# How far a digit moves in a video, in pixels.
_NEAREST, _FARTHEST = 4, CANVAS - SIZE


def load(cache_dir: str | None = None) -> DatasetDict:
    """The videos; made anew each time, which takes a moment.

    Args:
        cache_dir (`str`, *optional*): not used.

    Returns:
        `datasets.DatasetDict`: train, validation and test with the columns `video`, 6 to 12 frames of 16 by 16 pixels
            in 0..255, and `label`, one of 8 directions.
    """
    return DatasetDict({split: _videos(split, count, seed) for seed, (split, count) in enumerate(ROWS.items())})


def describe() -> str:
    """What the set is, with the version that it was made from."""
    return (
        "builtin:moving-digits, made-up videos of the handwritten digits in scikit-learn "
        f"{importlib.metadata.version('scikit-learn')} (8 by 8 pixels, real), each moving in one of 8 directions"
    )


def _videos(split: str, count: int, seed: int) -> Dataset:
    random = np.random.RandomState(seed)
    digits = DigitImages(split).draw(random.randint(len(NAMES), size=count), random)
    # Every direction equally often, up to a rest.
    labels = random.permutation(np.arange(count) % len(DIRECTIONS))
    videos = [_video(digit, int(label), random) for digit, label in zip(digits, labels, strict=True)]
    table = pa.table({"video": nested_column(videos), "label": labels})
    return Dataset(table.cast(_FEATURES.arrow_schema))


def _video(digit: np.ndarray, label: int, random: np.random.RandomState) -> np.ndarray:
    """A digit on its way, `(frames, height, width)`."""
    half = len(DIRECTIONS) // 2
    path = _path(np.array(list(DIRECTIONS.values())[label % half]), random)
    # The way there and the way back are drawn alike, so that no frame betrays which of the two it belongs to.
    if label >= half:
        path = path[::-1]
    frames = np.zeros((len(path), CANVAS, CANVAS), dtype=np.uint8)
    for frame, (row, column) in zip(frames, path, strict=True):
        frame[row : row + SIZE, column : column + SIZE] = digit
    return frames


def _path(direction: np.ndarray, random: np.random.RandomState) -> np.ndarray:
    """The upper left pixel of the digit in each frame, `(frames, 2)`, on a straight line inside the canvas."""
    frames = random.randint(SHORTEST, LONGEST + 1)
    distance = random.randint(_NEAREST, _FARTHEST + 1)
    steps = np.linspace(0, distance, frames).round().astype(int)[:, None] * direction  # (frames, 2)
    low, high = -steps.min(axis=0), CANVAS - SIZE - steps.max(axis=0)
    return steps + random.randint(low, high + 1)
