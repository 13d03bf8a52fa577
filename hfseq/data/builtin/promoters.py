"""`builtin:promoters`: predict whether a DNA sequence contains a bacterial promoter. Synthetic.

A promoter contains the two boxes to which sigma factor 70 of Escherichia coli binds: TTGACA, 16 to 18 letters, TATAAT.
Harley and Reynolds (Nucleic Acids Research 15, 1987) found this arrangement in known promoters.
"""

import numpy as np
from datasets import ClassLabel, Dataset, DatasetDict, Features, Value

NAMES = ("background", "promoter")
BOX_35, BOX_10 = "TTGACA", "TATAAT"
SPACINGS = (16, 17, 18)

_SIZES = {"train": 1400, "validation": 300, "test": 300}
_LENGTHS = (60, 80)
# Probability that a letter of a box is replaced.
_MUTATION = 0.12
# Minimum number of letters before the -35 box, and range of its position.
_MIN_OFFSET, _OFFSET_RANGE = 6, 10
_SEED = 35_10


def load(cache_dir: str | None = None) -> DatasetDict:
    """Generates the sequences. They are the same each time, and half of them contain a promoter.

    Args:
        cache_dir (`str`, *optional*): not used.

    Returns:
        `datasets.DatasetDict`: train, validation and test with the columns `sequence` and `label`.
    """
    # RandomState returns the same numbers in every release of numpy; newer generators may not.
    rng = np.random.RandomState(_SEED)
    features = Features({"sequence": Value("string"), "label": ClassLabel(names=list(NAMES))})
    splits = {}
    for split, size in _SIZES.items():
        labels = rng.permutation(np.arange(size) % 2)
        sequences = [_promoter(rng) if label else _background(rng) for label in labels]
        splits[split] = Dataset.from_dict({"sequence": sequences, "label": labels.tolist()}, features=features)
    return DatasetDict(splits)


def describe() -> str:
    """Describes the data set."""
    return (
        f"builtin:promoters, {sum(_SIZES.values()):,} synthetic DNA sequences of {_LENGTHS[0]} to {_LENGTHS[1]} "
        f"letters: half of them contain {BOX_35} and {BOX_10} at a distance of {SPACINGS[0]} to {SPACINGS[-1]} "
        f"letters (with {_MUTATION:.0%} of the letters of both mutated), the other half are shuffled"
    )


def _promoter(rng: np.random.RandomState) -> str:
    letters = rng.choice(list("ACGT"), rng.randint(_LENGTHS[0], _LENGTHS[1] + 1))
    start = _MIN_OFFSET + rng.randint(_OFFSET_RANGE + 1)
    letters[start : start + len(BOX_35)] = _mutate(BOX_35, rng)
    start += len(BOX_35) + rng.choice(SPACINGS)
    letters[start : start + len(BOX_10)] = _mutate(BOX_10, rng)
    return "".join(letters)


def _mutate(box: str, rng: np.random.RandomState) -> list[str]:
    return [rng.choice(list("ACGT".replace(letter, ""))) if rng.rand() < _MUTATION else letter for letter in box]


def _background(rng: np.random.RandomState) -> str:
    """A promoter with shuffled letters, so that the frequencies of the letters do not reveal the label."""
    return "".join(rng.permutation(list(_promoter(rng))))
