"""Metrics of transcripts, through jiwer."""

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
from datasets import Features

from hfseq.errors import HfseqError
from hfseq.extras import require
from hfseq.metrics.generation import exact_match
from hfseq.metrics.texts import TEXT_TO_TEXT, TextMetric, as_references, as_texts


def compute_speech_metrics(predictions: Any, references: Any) -> dict[str, float]:
    """Every metric of transcripts: `cer`, `wer` and `exact_match`.

    The error rates are those of the corpus: the fewest substitutions, deletions and insertions that turn the
    references into the predictions, divided by the number of words (or characters) of all references; so they may
    exceed 1. Where a reference is empty, all that was predicted for it is inserted. They are left out where all
    references are empty. A run of white space counts as one space, which `cer` counts as a character; case and
    punctuation count as they stand.

    Args:
        predictions (`list[str]`): the transcripts.
        references (`list[str]`): what was said.

    Returns:
        `dict[str, float]`: plain numbers, ready for JSON.

    Raises:
        HfseqError: where something is not a string, or the numbers do not agree, naming the row; or where jiwer is
            not installed.
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
    """Of each transcript, the characters that are wrong, and those that there are: their sums make up `cer`.

    Args:
        references (`list[str]`): what was said.
        predictions (`list[str]`): the transcripts.

    Returns:
        `tuple[np.ndarray, np.ndarray]`: two arrays of shape `(examples,)`.
    """
    lengths = np.array([len(" ".join(text.split())) for text in references], dtype=float)
    rates = (character_error_rate([truth], [guess]) for truth, guess in zip(references, predictions, strict=True))
    # Where there is nothing to be said, all that was is wrong.
    inserted = [float(len(" ".join(text.split()))) for text in predictions]
    edits = [
        extra if rate is None else rate * length for rate, length, extra in zip(rates, lengths, inserted, strict=True)
    ]
    return np.array(edits), lengths


def word_error_rate(references: Sequence[str], predictions: Sequence[str]) -> float | None:
    """The word error rate of a corpus, or `None` where the references hold no word; see [`Wer`]."""
    return _error_rate("process_words", [text.split() for text in references], [text.split() for text in predictions])


def character_error_rate(references: Sequence[str], predictions: Sequence[str]) -> float | None:
    """The character error rate of a corpus, or `None` where the references are all empty; see [`Cer`]."""
    truth, guess = ([list(" ".join(text.split())) for text in texts] for texts in (references, predictions))
    return _error_rate("process_characters", truth, guess)


def single_references(references: Sequence[Sequence[str]]) -> list[str]:
    """The one reference of each row.

    Raises:
        HfseqError: naming the first row that has several.
    """
    for row, texts in enumerate(references):
        if len(texts) > 1:
            raise HfseqError(f"an error rate takes one reference a prediction, but row {row} has {len(texts)}.")
    return [texts[0] for texts in references]


def _error_rate(function: str, references: list[list[str]], predictions: list[list[str]]) -> float | None:
    process = getattr(require("jiwer", "metrics"), function)
    total = sum(map(len, references))
    if total == 0:
        return None
    # Releases of jiwer differ in whether they take an empty reference, and what they make of it.
    inserted = sum(len(guess) for truth, guess in zip(references, predictions, strict=True) if not truth)
    between = " " if function == "process_words" else ""
    kept = [(between.join(t), between.join(g)) for t, g in zip(references, predictions, strict=True) if t]
    found = process([truth for truth, _ in kept], [guess for _, guess in kept])
    return (found.substitutions + found.deletions + found.insertions + inserted) / total


class _ErrorRate(TextMetric):
    input_kinds: ClassVar[list[Features]] = [TEXT_TO_TEXT]

    def _checked(self, predictions: Any, references: Any) -> tuple[Any, Any]:
        truth, guess = super()._checked(predictions, references)
        return single_references(truth), guess


class Wer(_ErrorRate):
    """The word error rate of a corpus: word edits divided by the number of words of all references.

    What is predicted for an empty reference counts as inserted. Result: ``wer``, left out where all references are
    empty.
    """

    citation_text = (
        "Morris, A., Maier, V. and Green, P. (2004). From WER and RIL to MER and WIL: improved evaluation measures "
        "for connected speech recognition. Interspeech."
    )

    def score(self, references: Sequence[str], predictions: Sequence[str]) -> dict[str, Any]:
        return {"wer": word_error_rate(references, predictions)}


class Cer(_ErrorRate):
    """The character error rate of a corpus: character edits divided by the number of characters of all references.

    A run of white space counts as one character. What is predicted for an empty reference counts as inserted.
    Result: ``cer``, left out where all references are empty.
    """

    citation_text = Wer.citation_text

    def score(self, references: Sequence[str], predictions: Sequence[str]) -> dict[str, Any]:
        return {"cer": character_error_rate(references, predictions)}
