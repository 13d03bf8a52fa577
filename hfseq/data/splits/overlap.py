"""Texts that occur in several splits, which make test scores too optimistic."""

import hashlib
import marshal
from collections.abc import Iterator
from typing import Any

import numpy as np
from datasets import Dataset, DatasetDict

from hfseq.data.findings import TRAIN_OVERLAP, FindingNote

_BATCH = 1000


def text_keys(dataset: Dataset, text_columns: list[str]) -> Iterator[tuple[str, ...]]:
    """Yields the texts of each row with normalised white space. The case is not changed.

    Args:
        dataset (`datasets.Dataset`): the rows.
        text_columns (`list[str]`): columns of the text.
    """
    for batch in dataset.select_columns(text_columns).with_format(None).iter(batch_size=_BATCH):
        for texts in zip(*(batch[column] for column in text_columns), strict=True):
            yield tuple(map(content_key, texts))


def count_overlap(train: Dataset, other: Dataset, text_columns: list[str]) -> int:
    """Counts the rows of a split whose text also occurs in the training split.

    Args:
        train (`datasets.Dataset`): the training split.
        other (`datasets.Dataset`): another split.
        text_columns (`list[str]`): columns of the text.

    Returns:
        `int`: number of rows of `other`.
    """
    seen = set(text_keys(train, text_columns))
    return sum(key in seen for key in text_keys(other, text_columns))


def overlap_notes(splits: DatasetDict, text_columns: list[str], noun: str = "text") -> list[str]:
    """Notes about texts that occur in the training split and another split, or several times in the training split.

    Args:
        splits (`datasets.DatasetDict`): the splits, including `train`.
        text_columns (`list[str]`): columns of the text.
        noun (`str`, *optional*, defaults to `"text"`): word for the content of the columns.

    Returns:
        `list[str]`: one note per finding.
    """
    train = splits["train"]
    seen = set(text_keys(train, text_columns))
    notes: list[str] = []
    for name in ("test", "validation"):
        if name in splits:
            shared = sum(key in seen for key in text_keys(splits[name], text_columns))
            if shared:
                verb = "occurs" if shared == 1 else "occur"
                notes.append(
                    FindingNote(
                        f"{_share(shared, len(splits[name]))} {name} examples also {verb} in the training split: "
                        f"the {name} score is too optimistic, because the model may have memorised them",
                        TRAIN_OVERLAP,
                        split=name,
                        count=shared,
                        of=len(splits[name]),
                    )
                )
    repeated = len(train) - len(seen)
    if repeated:
        verb = "repeats" if repeated == 1 else "repeat"
        notes.append(f"{_share(repeated, len(train))} training examples {verb} the {noun} of an earlier one")
    return notes


def _share(count: int, total: int) -> str:
    return f"{count:,} of {total:,} ({100 * count / total:.1f} %)"


def content_key(value: Any) -> str:
    """Key that is equal for equal examples: a text with normalised white space, or a digest of other values."""
    if value is None:
        return ""
    if isinstance(value, dict) and value.get("digest"):
        return str(value["digest"])  # the digest of a file does not depend on its path
    if isinstance(value, dict) and isinstance(value.get("bytes"), bytes):
        return hashlib.sha256(value["bytes"]).hexdigest()
    if isinstance(value, (list, dict)):
        try:
            content = marshal.dumps(value, 2)  # version 2 writes no references, so equal values have equal bytes
        except ValueError:  # types that marshal does not support, such as dates
            content = repr(value).encode()
        return hashlib.sha256(content).hexdigest()
    if is_decoded(value):
        pixels = np.asarray(value)
        return hashlib.sha256(f"{pixels.shape} {pixels.dtype} ".encode() + pixels.tobytes()).hexdigest()
    return " ".join(str(value).split())


def is_decoded(value: Any) -> bool:
    """Whether a value is a decoded image of `datasets`. Its `str` contains the address and not the content."""
    return hasattr(value, "__array_interface__")
