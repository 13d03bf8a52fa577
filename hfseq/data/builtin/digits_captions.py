"""`builtin:digits-captions`: what stands where in this picture?

The scenes are put together, the digits in them are real: people wrote them.
"""

import importlib.metadata

import numpy as np
import pyarrow as pa
from datasets import Dataset, DatasetDict, Features, List, Value

from hfseq.data.builtin.digit_images import NAMES, SIZE, DigitImages, nested_column

CANVAS = 24
ROWS = {"train": 1500, "validation": 200, "test": 200}

# A third of the canvas each way, from the upper left; a digit fills one.
_PLACES = (
    ("in the upper left corner", "at the top", "in the upper right corner"),
    ("on the left", "in the middle", "on the right"),
    ("in the lower left corner", "at the bottom", "in the lower right corner"),
)
# A relation, and what it is called from the other's point of view.
_RELATIONS = (("above", "below"), ("to the left of", "to the right of"))
_FEATURES = Features({"image": List(List(Value("uint8"))), "captions": List(Value("string"))})


def load(cache_dir: str | None = None) -> DatasetDict:
    """The scenes; made anew each time, which takes a moment.

    Args:
        cache_dir (`str`, *optional*): not used.

    Returns:
        `datasets.DatasetDict`: train, validation and test with the columns `image`, 24 by 24 pixels in 0..255, and
            `captions`, three sentences that say the same.
    """
    return DatasetDict({split: _scenes(split, count, seed) for seed, (split, count) in enumerate(ROWS.items())})


def describe() -> str:
    """What the set is, with the version that it was made from."""
    return (
        "builtin:digits-captions, made-up scenes of one or two of the handwritten digits in scikit-learn "
        f"{importlib.metadata.version('scikit-learn')} (8 by 8 pixels, real), with made-up sentences"
    )


def _scenes(split: str, count: int, seed: int) -> Dataset:
    random = np.random.RandomState(seed)
    images = np.zeros((count, CANVAS, CANVAS), dtype=np.uint8)
    values = random.randint(len(NAMES), size=(count, 2))
    digits = DigitImages(split)
    first, second = digits.draw(values[:, 0], random), digits.draw(values[:, 1], random)
    captions = []
    for scene in range(count):
        names = [_with_article(NAMES[value]) for value in values[scene]]
        if scene % 2:
            places, sentences = _pair(names, random)
            _put(images[scene], second[scene], places[1])
        else:
            places, sentences = _single(names[0], random)
        _put(images[scene], first[scene], places[0])
        captions.append(sentences)
    table = pa.table({"image": nested_column(images), "captions": captions})
    return Dataset(table.cast(_FEATURES.arrow_schema))


def _single(name: str, random: np.random.RandomState) -> tuple[list[tuple[int, int]], list[str]]:
    """Where one digit stands, and what there is to say of it."""
    row, column = (int(third) for third in random.randint(3, size=2))
    place = _PLACES[row][column]
    sentences = [f"{name} {place}", f"there is {name} {place}", f"{place} there is {name}"]
    return [(_shifted(row, random), _shifted(column, random))], sentences


def _pair(names: list[str], random: np.random.RandomState) -> tuple[list[tuple[int, int]], list[str]]:
    """Where two digits stand, and what there is to say of them."""
    axis = int(random.randint(2))
    relation, converse = _RELATIONS[axis]
    # Two of the three thirds along the axis, the first digit before the second; across it, the same third.
    before, after = sorted(random.choice(3, size=2, replace=False))
    across = _shifted(int(random.randint(3)), random)
    places = [(_shifted(int(along), random), across) for along in (before, after)]
    if axis:
        places = [(row, column) for column, row in places]
    one, other = names
    sentences = [f"{one} {relation} {other}", f"{other} {converse} {one}", f"there is {one} {relation} {other}"]
    return places, sentences


def _shifted(third: int, random: np.random.RandomState) -> int:
    """The first pixel of a third, give or take one."""
    return int(np.clip(third * SIZE + random.randint(-1, 2), 0, CANVAS - SIZE))


def _put(canvas: np.ndarray, digit: np.ndarray, place: tuple[int, int]) -> None:
    row, column = place
    area = canvas[row : row + SIZE, column : column + SIZE]
    # Neighbours may touch.
    np.maximum(area, digit, out=area)


def _with_article(name: str) -> str:
    return f"an {name}" if name == "eight" else f"a {name}"
