"""Canonical names of splits."""

import re
from collections.abc import Iterable

from hfseq.errors import HfseqError

SPLITS = ("train", "validation", "test")
SPLIT_WORDS = {
    "train": "train",
    "training": "train",
    "dev": "validation",
    "devel": "validation",
    "val": "validation",
    "valid": "validation",
    "validation": "validation",
    "test": "test",
    "testing": "test",
}


def canonical_split(name: str) -> str | None:
    """Finds the split that is meant by the name of a file or of a split on the Hub.

    Args:
        name (`str`): for example `dev`, `reviews-train` or `en_ewt-ud-dev`.

    Returns:
        `str` or `None`: `train`, `validation` or `test`; `None` if no part of the name is a word for a split. If
        several parts are, the last one is used.
    """
    words = [SPLIT_WORDS[part] for part in re.split(r"[-_.]", name.lower()) if part in SPLIT_WORDS]
    return words[-1] if words else None


def choose_splits(names: Iterable[str], where: str) -> dict[str, str]:
    """The splits of a data set that are used. A data set with a single split uses it for training.

    Args:
        names (`Iterable[str]`): the names of all splits.
        where (`str`): what an error calls the data set.

    Returns:
        `dict[str, str]`: the name of the split that is used as `train`, `validation` and `test`, as far as it exists.

    Raises:
        HfseqError: no split is for training, validation or test.
    """
    found: dict[str, str] = {}
    # An exact name goes before one that only contains it: GLUE's MNLI has validation_matched, other sets train_extra.
    names = sorted(names, key=lambda name: (name.lower() not in SPLIT_WORDS, name))
    for name in names:
        split = canonical_split(name)
        if split is not None:
            found.setdefault(split, name)
    if not found and len(names) == 1:
        found["train"] = names[0]
    if not found:
        raise HfseqError(f"{where} has no split for training, validation or test, only {', '.join(names)}.")
    return {split: found[split] for split in SPLITS if split in found}
