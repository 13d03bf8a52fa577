"""Metrics on texts and tags: the checks on them, and what their `evaluate.Metric` classes share."""

from collections.abc import Sequence
from typing import Any, ClassVar

from datasets import Features, Value
from datasets import Sequence as ListOf

from hfseq.errors import HfseqError
from hfseq.metrics.base import OfflineMetric

_TEXT = Value("string")
_TEXTS = ListOf(Value("string"))

# One reference a text; several references a text; a tag for each token on both sides.
TEXT_TO_TEXT = Features({"predictions": _TEXT, "references": _TEXT})
TEXT_TO_TEXTS = Features({"predictions": _TEXT, "references": _TEXTS})
TAGS_TO_TAGS = Features({"predictions": _TEXTS, "references": _TEXTS})


def as_texts(values: Any, name: str) -> list[str]:
    """A non-empty list of strings.

    Args:
        values (`Any`): a list, tuple or array of strings.
        name (`str`): what the values are called in a message.

    Raises:
        HfseqError: naming the first row that is not a string.
    """
    texts = _rows(values, name, "strings")
    for row, text in enumerate(texts):
        if not isinstance(text, str):
            raise HfseqError(f"{name} must be strings, but row {row} is {text!r}; decode token ids first.")
    return texts


def as_references(values: Any, predictions: Sequence[str]) -> list[list[str]]:
    """The references of each prediction, at least one of each.

    Args:
        values (`Any`): for each prediction a string, or a list of strings.
        predictions (`Sequence[str]`): what they are the references of.

    Raises:
        HfseqError: naming the first row that has no reference, or one that is not a string.
    """
    rows = []
    for row, given in enumerate(_rows(values, "references", "strings, or lists of strings")):
        several = [given] if isinstance(given, str) else given
        wrong = isinstance(several, dict) or not hasattr(several, "__iter__")
        references = [] if wrong else list(several)
        if not references or not all(isinstance(reference, str) for reference in references):
            raise HfseqError(
                f"references must be one or more strings for each prediction, but row {row} is {given!r}."
            )
        rows.append(references)
    _same_number(predictions, rows)
    return rows


def as_tags(predictions: Any, references: Any) -> tuple[list[list[str]], list[list[str]]]:
    """Predicted and true tags, (sequences) of (tokens), one of each for every token.

    Args:
        predictions (`Any`): for each sequence a list of the tags' names.
        references (`Any`): likewise.

    Raises:
        HfseqError: naming the first sequence whose tags are no strings or differ in number.
    """
    guess, truth = _tag_rows(predictions, "predictions"), _tag_rows(references, "references")
    _same_number(guess, truth)
    for row, (guessed, true) in enumerate(zip(guess, truth, strict=True)):
        if len(guessed) != len(true):
            raise HfseqError(
                f"sequence {row} has {len(guessed)} predicted tags and {len(true)} references; "
                "each token must have one of each."
            )
    return guess, truth


def _tag_rows(values: Any, name: str) -> list[list[str]]:
    rows = []
    for row, tags in enumerate(_rows(values, name, "lists of tags")):
        if isinstance(tags, str) or not hasattr(tags, "__iter__"):
            raise HfseqError(f"{name} must be a list of tags for each sequence, but sequence {row} is {tags!r}.")
        rows.append(list(tags))
        for place, tag in enumerate(rows[-1]):
            if not isinstance(tag, str):
                raise HfseqError(
                    f"{name} must be names of tags, but tag {place} of sequence {row} is {tag!r}; "
                    "turn ids into names with id2label, and leave padding out."
                )
    return rows


def _rows(values: Any, name: str, kind: str) -> list[Any]:
    if isinstance(values, str | dict) or not hasattr(values, "__iter__"):
        raise HfseqError(f"{name} must be a list of {kind}, not {type(values).__name__}.")
    rows = list(values)
    if not rows:
        raise HfseqError(f"{name} is empty; give at least one row.")
    return rows


def _same_number(predictions: Sequence[Any], references: Sequence[Any]) -> None:
    if len(predictions) != len(references):
        raise HfseqError(
            f"there are {len(predictions)} predictions and {len(references)} references; "
            "each prediction must have its own, and several references of one stand in a list."
        )


class TextMetric(OfflineMetric):
    """An [`OfflineMetric`] on texts, with one reference each or several.

    `score` gets `references` as a list of lists of strings, and `predictions` as a list of strings.
    """

    input_kinds: ClassVar[list[Features]] = [TEXT_TO_TEXT, TEXT_TO_TEXTS]

    def _checked(self, predictions: Any, references: Any) -> tuple[Any, Any]:
        guess = as_texts(predictions, "predictions")
        return as_references(references, guess), guess

    def _infer_feature_from_batch(self, batch: dict[str, Any]) -> Features:
        # evaluate judges by the first row alone, and does not say which row is wrong.
        self._checked(batch["predictions"], batch["references"])
        return super()._infer_feature_from_batch(batch)
