"""Checks of texts and tags, and the base class of text metrics."""

from collections.abc import Sequence
from typing import Any, ClassVar

from datasets import Features, Value
from datasets import Sequence as ListOf

from hfseq.errors import HfseqError
from hfseq.metrics.base import OfflineMetric

_TEXT = Value("string")
_TEXTS = ListOf(Value("string"))

# Per row: a text with one reference, a text with several references, or the predicted and true tags of the tokens.
TEXT_TO_TEXT = Features({"predictions": _TEXT, "references": _TEXT})
TEXT_TO_TEXTS = Features({"predictions": _TEXT, "references": _TEXTS})
TAGS_TO_TAGS = Features({"predictions": _TEXTS, "references": _TEXTS})


def as_texts(values: Any, name: str) -> list[str]:
    """Converts values to a non-empty list of strings.

    Args:
        values (`Any`): a list, tuple or array of strings.
        name (`str`): name of the values in error messages.

    Raises:
        HfseqError: a value is not a string (the message names its row), or there are no values.
    """
    texts = _rows(values, name, "strings")
    for row, text in enumerate(texts):
        if not isinstance(text, str):
            raise HfseqError(f"{name} must be strings, but row {row} is {text!r}; decode token ids first.")
    return texts


def as_references(values: Any, predictions: Sequence[str]) -> list[list[str]]:
    """Converts references to a non-empty list of strings per prediction.

    Args:
        values (`Any`): one string, or a list of strings, per prediction.
        predictions (`Sequence[str]`): the predictions.

    Raises:
        HfseqError: a row has no reference, or a reference that is not a string (the message names the row), or the
            numbers of predictions and references differ.
    """
    rows = []
    for row, given in enumerate(_rows(values, "references", "strings, or lists of strings")):
        several = [given] if isinstance(given, str) else given
        wrong = isinstance(several, dict) or not hasattr(several, "__iter__")
        references = [] if wrong else list(several)
        if not references or not all(isinstance(reference, str) for reference in references):
            raise HfseqError(f"references must be one or more strings per prediction, but row {row} is {given!r}.")
        rows.append(references)
    _same_number(predictions, rows)
    return rows


def as_tags(predictions: Any, references: Any) -> tuple[list[list[str]], list[list[str]]]:
    """Checks predicted and true tags, with one predicted and one true tag per token.

    Args:
        predictions (`Any`): one list of tag names per sequence.
        references (`Any`): one list of tag names per sequence.

    Raises:
        HfseqError: a tag is not a string, or a sequence has different numbers of predicted and true tags. The message
            names the sequence.
    """
    guess, truth = _tag_rows(predictions, "predictions"), _tag_rows(references, "references")
    _same_number(guess, truth)
    for row, (guessed, true) in enumerate(zip(guess, truth, strict=True)):
        if len(guessed) != len(true):
            raise HfseqError(
                f"sequence {row} has {len(guessed)} predicted tags and {len(true)} reference tags; "
                "each token must have one predicted and one reference tag."
            )
    return guess, truth


def _tag_rows(values: Any, name: str) -> list[list[str]]:
    rows = []
    for row, tags in enumerate(_rows(values, name, "lists of tags")):
        if isinstance(tags, str) or not hasattr(tags, "__iter__"):
            raise HfseqError(f"{name} must be one list of tags per sequence, but sequence {row} is {tags!r}.")
        rows.append(list(tags))
        for index, tag in enumerate(rows[-1]):
            if not isinstance(tag, str):
                raise HfseqError(
                    f"{name} must be names of tags, but tag {index} of sequence {row} is {tag!r}; "
                    "convert ids to names with id2label, and remove padding."
                )
    return rows


def _rows(values: Any, name: str, kind: str) -> list[Any]:
    if isinstance(values, str | dict) or not hasattr(values, "__iter__"):
        raise HfseqError(f"{name} must be a list of {kind}, not {type(values).__name__}.")
    rows = list(values)
    if not rows:
        raise HfseqError(f"{name} is empty; pass at least one row.")
    return rows


def _same_number(predictions: Sequence[Any], references: Sequence[Any]) -> None:
    if len(predictions) != len(references):
        raise HfseqError(
            f"there are {len(predictions)} predictions but {len(references)} references; "
            "pass one reference, or one list of references, per prediction."
        )


class TextMetric(OfflineMetric):
    """An [`OfflineMetric`] of texts with one or several references each.

    `score` receives `references` as a list of lists of strings, and `predictions` as a list of strings.
    """

    input_kinds: ClassVar[list[Features]] = [TEXT_TO_TEXT, TEXT_TO_TEXTS]

    def _checked(self, predictions: Any, references: Any) -> tuple[Any, Any]:
        guess = as_texts(predictions, "predictions")
        return as_references(references, guess), guess

    def _infer_feature_from_batch(self, batch: dict[str, Any]) -> Features:
        # evaluate checks only the first row, and its error message does not name the invalid row.
        self._checked(batch["predictions"], batch["references"])
        return super()._infer_feature_from_batch(batch)
