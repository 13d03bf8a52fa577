"""Texts that stand in more than one place: the commonest way for a test score to be too good."""

import hashlib
import marshal
from collections.abc import Iterator
from typing import Any

import numpy as np
from datasets import Dataset, DatasetDict

_BATCH = 1000


def text_keys(dataset: Dataset, text_columns: list[str]) -> Iterator[tuple[str, ...]]:
    """Each row's texts with runs of white space made one space; the case is kept.

    Args:
        dataset (`datasets.Dataset`): the rows.
        text_columns (`list[str]`): the columns that make up the text.
    """
    for batch in dataset.select_columns(text_columns).with_format(None).iter(batch_size=_BATCH):
        for texts in zip(*(batch[column] for column in text_columns), strict=True):
            yield tuple(map(content_key, texts))


def count_overlap(train: Dataset, other: Dataset, text_columns: list[str]) -> int:
    """How many rows of a split have a text that stands in the training split, too.

    Args:
        train (`datasets.Dataset`): the training split.
        other (`datasets.Dataset`): another split.
        text_columns (`list[str]`): the columns that make up the text.

    Returns:
        `int`: a number of rows of `other`.
    """
    seen = set(text_keys(train, text_columns))
    return sum(key in seen for key in text_keys(other, text_columns))


def overlap_notes(splits: DatasetDict, text_columns: list[str], noun: str = "text") -> list[str]:
    """Warnings about texts shared between training and the other splits, and repeated within training.

    Args:
        splits (`datasets.DatasetDict`): the splits, `train` among them.
        text_columns (`list[str]`): the columns that make up the text.
        noun (`str`, *optional*, defaults to `"text"`): what the columns hold.

    Returns:
        `list[str]`: one sentence a finding; none where all is well.
    """
    train = splits["train"]
    seen = set(text_keys(train, text_columns))
    notes = []
    for name in ("test", "validation"):
        if name in splits:
            shared = sum(key in seen for key in text_keys(splits[name], text_columns))
            if shared:
                verb = "stands" if shared == 1 else "stand"
                notes.append(
                    f"{_share(shared, len(splits[name]))} {name} examples {verb} in the training split as well: "
                    f"the {name} score is too good by what was memorised"
                )
    repeated = len(train) - len(seen)
    if repeated:
        verb = "repeats" if repeated == 1 else "repeat"
        notes.append(f"{_share(repeated, len(train))} training examples {verb} the {noun} of an earlier one")
    return notes


def _share(count: int, total: int) -> str:
    return f"{count:,} of {total:,} ({100 * count / total:.1f} %)"


def content_key(value: Any) -> str:
    """The same for two examples if they are: a text with runs of white space made one space, or a digest of more."""
    if value is None:
        return ""
    if isinstance(value, dict) and value.get("digest"):
        return str(value["digest"])  # a file's, wherever it lies
    if isinstance(value, dict) and isinstance(value.get("bytes"), bytes):
        return hashlib.sha256(value["bytes"]).hexdigest()  # likewise
    if isinstance(value, (list, dict)):
        try:
            content = marshal.dumps(value, 2)  # this version writes no references: equal values give equal bytes
        except ValueError:  # dates and the like
            content = repr(value).encode()
        return hashlib.sha256(content).hexdigest()
    if is_decoded(value):
        pixels = np.asarray(value)
        return hashlib.sha256(f"{pixels.shape} {pixels.dtype} ".encode() + pixels.tobytes()).hexdigest()
    return " ".join(str(value).split())


def is_decoded(value: Any) -> bool:
    """Whether a value is an image as `datasets` decodes it, of which `str` tells the address and not the content."""
    return hasattr(value, "__array_interface__")
