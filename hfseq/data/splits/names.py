"""Canonical names of splits."""

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
    """Finds the split that is meant by the name of a file or of a split on the Hub.

    Args:
        name (`str`): for example `dev`, `reviews-train` or `en_ewt-ud-dev`.

    Returns:
        `str` or `None`: `train`, `validation` or `test`; `None` if no part of the name is a word for a split. If
        several parts are, the last one is used.
    """
    words = [SPLIT_WORDS[part] for part in re.split(r"[-_.]", name.lower()) if part in SPLIT_WORDS]
    return words[-1] if words else None
