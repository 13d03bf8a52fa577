"""Metrics of transcripts, computed with jiwer."""

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
from datasets import Features

from hfseq.errors import HfseqError
from hfseq.extras import require
from hfseq.metrics.example_sums import total_and_count
from hfseq.metrics.generation import exact_match
from hfseq.metrics.texts import TEXT_TO_TEXT, TextMetric, as_references, as_texts
from hfseq.registry import register_metric


def compute_speech_metrics(predictions: Any, references: Any) -> dict[str, float]:
    """Computes all metrics of transcripts: `cer`, `wer` and `exact_match`.

    The error rates are computed over the whole corpus: the minimum number of substitutions, deletions and insertions
    that turn the references into the predictions, divided by the number of words (or characters) of all references.
    They may exceed 1. If a reference is empty, its whole prediction counts as insertions. If all references are empty,
    the error rates are left out. Consecutive white space counts as one space, and `cer` counts a space as a character.
    Case and punctuation are not normalised.

    Args:
        predictions (`list[str]`): predicted transcripts.
        references (`list[str]`): correct transcripts.

    Returns:
        `dict[str, float]`: numbers that can be written as JSON.

    Raises:
        HfseqError: a value is not a string (the message names its row), the numbers of predictions and references
            differ, or jiwer is not installed.
    """
    guess = as_texts(predictions, "predictions")
    truth = single_references(as_references(references, guess))
    scores = {
        "cer": character_error_rate(truth, guess),
        "wer": word_error_rate(truth, guess),
        "exact_match": exact_match([[text] for text in truth], guess),
    }
    return {name: value for name, value in scores.items() if value is not None}


def character_edits(references: Sequence[str], predictions: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """Number of character edits and number of reference characters of each transcript.

    The sum of the edits divided by the sum of the characters is `cer`.

    Args:
        references (`list[str]`): correct transcripts.
        predictions (`list[str]`): predicted transcripts.

    Returns:
        `tuple[np.ndarray, np.ndarray]`: edits and characters, two arrays of shape `(examples,)`.
    """
    return _edits("process_characters", *(list(map(_characters, texts)) for texts in (references, predictions)))


def speech_sums(predictions: Sequence[str], references: Sequence[str]) -> dict[str, np.ndarray]:
    """The sums of each transcript, from which [`metric_from_sums`] computes the metrics of any set of transcripts.

    Args:
        predictions (`list[str]`): predicted transcripts.
        references (`list[str]`): correct transcripts.

    Returns:
        `dict[str, np.ndarray]`: for `cer` and `wer`, edits and reference length of shape `(transcripts, 2)`; for
        `exact_match`, hits and count.
    """
    words = _edits("process_words", *([text.split() for text in texts] for texts in (references, predictions)))
    hits = [truth.strip() == guess.strip() for truth, guess in zip(references, predictions, strict=True)]
    return {
        "cer": total_and_count(*character_edits(references, predictions)),
        "wer": total_and_count(*words),
        "exact_match": total_and_count(np.array(hits)),
    }


def _edits(
    function: str, references: Sequence[list[str]], predictions: Sequence[list[str]]
) -> tuple[np.ndarray, np.ndarray]:
    """Number of edits and length of the reference of each transcript."""
    lengths = np.array([len(truth) for truth in references], dtype=float)
    rates = (_error_rate(function, [truth], [guess]) for truth, guess in zip(references, predictions, strict=True))
    # For an empty reference, everything that was predicted is an insertion.
    edits = [
        float(len(guess)) if rate is None else round(rate * length)
        for rate, length, guess in zip(rates, lengths, predictions, strict=True)
    ]
    return np.array(edits, dtype=float), lengths


def _characters(text: str) -> list[str]:
    return list(" ".join(text.split()))


def word_error_rate(references: Sequence[str], predictions: Sequence[str]) -> float | None:
    """Word error rate of a corpus, or `None` if the references contain no words; see [`Wer`]."""
    return _error_rate("process_words", [text.split() for text in references], [text.split() for text in predictions])


def character_error_rate(references: Sequence[str], predictions: Sequence[str]) -> float | None:
    """Character error rate of a corpus, or `None` if all references are empty; see [`Cer`]."""
    truth, guess = (list(map(_characters, texts)) for texts in (references, predictions))
    return _error_rate("process_characters", truth, guess)


def single_references(references: Sequence[Sequence[str]]) -> list[str]:
    """The single reference of each row.

    Raises:
        HfseqError: a row has several references. The message names the row.
    """
    for row, texts in enumerate(references):
        if len(texts) > 1:
            raise HfseqError(f"an error rate needs one reference per prediction, but row {row} has {len(texts)}.")
    return [texts[0] for texts in references]


def _error_rate(function: str, references: list[list[str]], predictions: list[list[str]]) -> float | None:
    process = getattr(require("jiwer", "metrics"), function)
    total = sum(map(len, references))
    if total == 0:
        return None
    # Empty references are handled here, because releases of jiwer handle them differently.
    inserted = sum(len(guess) for truth, guess in zip(references, predictions, strict=True) if not truth)
    separator = " " if function == "process_words" else ""
    pairs = [(separator.join(t), separator.join(g)) for t, g in zip(references, predictions, strict=True) if t]
    edits = process([truth for truth, _ in pairs], [guess for _, guess in pairs])
    return (edits.substitutions + edits.deletions + edits.insertions + inserted) / total


class _ErrorRate(TextMetric):
    input_kinds: ClassVar[list[Features]] = [TEXT_TO_TEXT]

    def _checked(self, predictions: Any, references: Any) -> tuple[Any, Any]:
        truth, guess = super()._checked(predictions, references)
        return single_references(truth), guess


@register_metric("wer", greater_is_better=False)
class Wer(_ErrorRate):
    """Word error rate of a corpus: number of word edits divided by the number of words of all references.

    If a reference is empty, its whole prediction counts as insertions. Result: ``wer``, left out if all references are
    empty.
    """

    citation_text = (
        "Morris, A., Maier, V. and Green, P. (2004). From WER and RIL to MER and WIL: improved evaluation measures "
        "for connected speech recognition. Interspeech."
    )

    def score(self, references: Sequence[str], predictions: Sequence[str]) -> dict[str, Any]:
        return {"wer": word_error_rate(references, predictions)}


@register_metric("cer", greater_is_better=False)
class Cer(_ErrorRate):
    """Character error rate of a corpus: number of character edits divided by the number of reference characters.

    Consecutive white space counts as one character. If a reference is empty, its whole prediction counts as
    insertions. Result: ``cer``, left out if all references are empty.
    """

    citation_text = Wer.citation_text

    def score(self, references: Sequence[str], predictions: Sequence[str]) -> dict[str, Any]:
        return {"cer": character_error_rate(references, predictions)}
