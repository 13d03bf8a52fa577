"""`builtin:digits-captions`: describe the positions of the digits in an image.

The scenes are synthetic. The digits in them are real handwritten digits.
"""

import importlib.metadata

import numpy as np
import pyarrow as pa
from datasets import Dataset, DatasetDict, Features, List, Value

from hfseq.data.builtin.digit_images import NAMES, SIZE, DigitImages, nested_column

CANVAS = 24
ROWS = {"train": 1500, "validation": 200, "test": 200}

# Names of the 3 x 3 parts of the canvas, from the upper left. A digit fills one part.
_POSITIONS = (
    ("in the upper left corner", "at the top", "in the upper right corner"),
    ("on the left", "in the middle", "on the right"),
    ("in the lower left corner", "at the bottom", "in the lower right corner"),
)
# Relations between the first and the second digit, each with its inverse.
_RELATIONS = (("above", "below"), ("to the left of", "to the right of"))
_FEATURES = Features({"image": List(List(Value("uint8"))), "captions": List(Value("string"))})


def load(cache_dir: str | None = None) -> DatasetDict:
    """Generates the scenes. They are the same each time.

    Args:
        cache_dir (`str`, *optional*): not used.

    Returns:
        `datasets.DatasetDict`: train, validation and test with the columns `image`, 24 by 24 pixels from 0 to 255, and
        `captions`, three sentences with the same meaning.
    """
    return DatasetDict({split: _scenes(split, count, seed) for seed, (split, count) in enumerate(ROWS.items())})


def describe() -> str:
    """Describes the data set, with the version of scikit-learn that it was made from."""
    return (
        "builtin:digits-captions, synthetic scenes of one or two real handwritten digits (8 by 8 pixels, from "
        f"scikit-learn {importlib.metadata.version('scikit-learn')}), with synthetic captions"
    )


def _scenes(split: str, count: int, seed: int) -> Dataset:
    rng = np.random.RandomState(seed)
    images = np.zeros((count, CANVAS, CANVAS), dtype=np.uint8)
    values = rng.randint(len(NAMES), size=(count, 2))
    digits = DigitImages(split)
    first, second = digits.draw(values[:, 0], rng), digits.draw(values[:, 1], rng)
    captions = []
    for scene in range(count):
        names = [_with_article(NAMES[value]) for value in values[scene]]
        if scene % 2:
            corners, sentences = _pair(names, rng)
            _draw(images[scene], second[scene], corners[1])
        else:
            corners, sentences = _single(names[0], rng)
        _draw(images[scene], first[scene], corners[0])
        captions.append(sentences)
    table = pa.table({"image": nested_column(images), "captions": captions})
    return Dataset(table.cast(_FEATURES.arrow_schema))


def _single(name: str, rng: np.random.RandomState) -> tuple[list[tuple[int, int]], list[str]]:
    """Upper left corner of one digit, and sentences about its position."""
    row, column = (int(third) for third in rng.randint(3, size=2))
    position = _POSITIONS[row][column]
    sentences = [f"{name} {position}", f"there is {name} {position}", f"{position} there is {name}"]
    return [(_random_start(row, rng), _random_start(column, rng))], sentences


def _pair(names: list[str], rng: np.random.RandomState) -> tuple[list[tuple[int, int]], list[str]]:
    """Upper left corners of two digits, and sentences about their relative position."""
    axis = int(rng.randint(2))
    relation, inverse = _RELATIONS[axis]
    # Along the axis, the digits are in two different thirds of the canvas; across the axis, in the same third.
    before, after = sorted(rng.choice(3, size=2, replace=False))
    across = _random_start(int(rng.randint(3)), rng)
    corners = [(_random_start(int(along), rng), across) for along in (before, after)]
    if axis:
        corners = [(row, column) for column, row in corners]
    one, other = names
    sentences = [f"{one} {relation} {other}", f"{other} {inverse} {one}", f"there is {one} {relation} {other}"]
    return corners, sentences


def _random_start(third: int, rng: np.random.RandomState) -> int:
    """First pixel of a digit in a third of the canvas, shifted by -1, 0 or 1."""
    return int(np.clip(third * SIZE + rng.randint(-1, 2), 0, CANVAS - SIZE))


def _draw(canvas: np.ndarray, digit: np.ndarray, corner: tuple[int, int]) -> None:
    row, column = corner
    area = canvas[row : row + SIZE, column : column + SIZE]
    # The maximum, because neighbouring digits may overlap by a pixel.
    np.maximum(area, digit, out=area)


def _with_article(name: str) -> str:
    return f"an {name}" if name == "eight" else f"a {name}"
