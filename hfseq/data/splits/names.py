"""The names of splits, however a data set calls them."""

import re

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
    """The split that a file's stem or a Hub split's name stands for.

    Args:
        name (`str`): for example `dev`, `reviews-train` or `en_ewt-ud-dev`.

    Returns:
        `str` or `None`: `train`, `validation`, `test`, or `None` where no part of the name is a split's word. Where
        several are, the last one counts.
    """
    words = [SPLIT_WORDS[part] for part in re.split(r"[-_.]", name.lower()) if part in SPLIT_WORDS]
    return words[-1] if words else None
