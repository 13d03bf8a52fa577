"""`builtin:promoters`: does this stretch of DNA hold a bacterial promoter? Synthetic.

The boxes are those that sigma 70 of Escherichia coli binds, in the arrangement that Harley and Reynolds (Nucleic Acids
Research 15, 1987) found in known promoters: TTGACA, 16 to 18 letters, TATAAT.
"""

import numpy as np
from datasets import ClassLabel, Dataset, DatasetDict, Features, Value

NAMES = ("background", "promoter")
BOX_35, BOX_10 = "TTGACA", "TATAAT"
SPACINGS = (16, 17, 18)

_SIZES = {"train": 1400, "validation": 300, "test": 300}
_LENGTHS = (60, 80)
# How often a letter of a box is another one.
_MUTATION = 0.12
# Letters before the -35 box at the least, and how much its place varies.
_FLANK, _JITTER = 6, 10
_SEED = 35_10


def load(cache_dir: str | None = None) -> DatasetDict:
    """Makes the sequences: the same ones each time, half of them with a promoter.

    Args:
        cache_dir (`str`, *optional*): not used, since making them takes less time than reading them.

    Returns:
        `datasets.DatasetDict`: train, validation and test with the columns `sequence` and `label`.
    """
    # Unlike the newer generators, RandomState gives the same numbers in every release of numpy.
    source = np.random.RandomState(_SEED)
    features = Features({"sequence": Value("string"), "label": ClassLabel(names=list(NAMES))})
    splits = {}
    for split, size in _SIZES.items():
        labels = source.permutation(np.arange(size) % 2)
        sequences = [_promoter(source) if label else _background(source) for label in labels]
        splits[split] = Dataset.from_dict({"sequence": sequences, "label": labels.tolist()}, features=features)
    return DatasetDict(splits)


def describe() -> str:
    """What the set is."""
    return (
        f"builtin:promoters, {sum(_SIZES.values()):,} synthetic DNA sequences of {_LENGTHS[0]} to {_LENGTHS[1]} "
        f"letters, half of them with a planted {BOX_35} and {BOX_10} that are {SPACINGS[0]} to {SPACINGS[-1]} letters "
        f"apart ({_MUTATION:.0%} of their letters mutated), half of them with the same letters shuffled"
    )


def _promoter(source: np.random.RandomState) -> str:
    letters = source.choice(list("ACGT"), source.randint(_LENGTHS[0], _LENGTHS[1] + 1))
    start = _FLANK + source.randint(_JITTER + 1)
    letters[start : start + len(BOX_35)] = _mutated(BOX_35, source)
    start += len(BOX_35) + source.choice(SPACINGS)
    letters[start : start + len(BOX_10)] = _mutated(BOX_10, source)
    return "".join(letters)


def _mutated(box: str, source: np.random.RandomState) -> list[str]:
    return [source.choice(list("ACGT".replace(one, ""))) if source.rand() < _MUTATION else one for one in box]


def _background(source: np.random.RandomState) -> str:
    """A promoter's letters in another order, so that counting them tells nothing."""
    return "".join(source.permutation(list(_promoter(source))))
