"""Scores of predicted tags."""

from typing import Any

import numpy as np

from hfseq.data.batching.padding import LABEL_FILL as UNTAGGED
from hfseq.metrics.example_sums import class_counts, total_and_count
from hfseq.metrics.token_classification import count_spans
from hfseq.span_tags import OUTSIDE, find_notation
from hfseq.tasks.example_scores import ratio_scores


def outside_tag(tags: tuple[str, ...]) -> str | None:
    """The tag of words in no span, in upper or lower case; `None` if there is none."""
    return next((tag for tag in (OUTSIDE, OUTSIDE.lower()) if tag in tags), None)


def named_tags(
    predictions: Any, labels: Any, tags: tuple[str, ...], with_spans: bool
) -> tuple[list[list[str]], list[list[str]]]:
    """Predicted and true tags of all words, by name.

    Words that were cut off have no predicted tag. If the tags mark spans, such a word gets the outside tag; otherwise
    it gets a wrong tag.

    Args:
        predictions (array of shape `(sentences, length)`): ids of the predicted tags; -100 if there is none.
        labels (array of shape `(sentences, length)`): ids of the true tags; -100 at positions that are not words.
        tags (`tuple[str, ...]`): names of the tags.
        with_spans (`bool`): whether the tags mark spans.

    Returns:
        `tuple[list, list]`: predicted and true tags of each sentence.
    """
    outside = outside_tag(tags) if with_spans else None

    def name(predicted: int, true: int) -> str:
        if predicted != UNTAGGED:
            return tags[predicted]
        return outside or tags[0 if true else 1]

    predicted_tags, true_tags = [], []
    for predicted, true in zip(np.asarray(predictions), np.asarray(labels), strict=True):
        words = true != UNTAGGED
        true_tags.append([tags[number] for number in true[words]])
        predicted_tags.append([name(*pair) for pair in zip(predicted[words], true[words], strict=True)])
    return predicted_tags, true_tags


def span_scores(predicted: list[list[str]], true: list[list[str]], tags: tuple[str, ...]) -> np.ndarray | None:
    """The [`ratio_scores`] of the F1 of spans, which is 2 TP / (predicted spans + true spans)."""
    counts = span_counts(predicted, true, tags)
    return ratio_scores(2 * counts[:, 0], counts[:, 1] + counts[:, 2])


def tag_sums(predicted: list[list[str]], true: list[list[str]], tags: tuple[str, ...]) -> dict[str, np.ndarray]:
    """The sums of each sentence, from which [`metric_from_sums`] computes the metrics of any set of sentences.

    Args:
        predicted, true (`list[list[str]]`): predicted and true tags of each sentence; see [`named_tags`].
        tags (`tuple[str, ...]`): names of all tags.

    Returns:
        `dict[str, np.ndarray]`: by metric of [`compute_token_metrics`], an array of shape `(sentences, k)`.
    """
    correct = np.array([sum(map(str.__eq__, *pair)) for pair in zip(predicted, true, strict=True)])
    sums = {"accuracy": total_and_count(correct, np.array(list(map(len, true))))}
    if find_notation(tags) is not None:
        spans = span_counts(predicted, true, tags)
        return {**(dict.fromkeys(("f1", "precision", "recall"), spans) if spans[:, 1:].any() else {}), **sums}
    numbers = {tag: number for number, tag in enumerate(tags)}
    counts = np.zeros((3, len(true), len(tags)), dtype=np.int32)  # correct, predicted, true
    for row, (guesses, wanted) in enumerate(zip(predicted, true, strict=True)):
        for guess, want in zip(guesses, wanted, strict=True):
            counts[0, row, numbers[want]] += guess == want
            counts[1, row, numbers[guess]] += 1
            counts[2, row, numbers[want]] += 1
    return {**sums, "f1_macro": class_counts(*counts)}


def span_counts(predicted: list[list[str]], true: list[list[str]], tags: tuple[str, ...]) -> np.ndarray:
    """Numbers of correct, predicted and true spans of each sentence, `(sentences, 3)`."""
    notation = find_notation(tags)
    assert notation is not None  # the tags mark spans
    pairs = [[list(map(notation.to_standard, row)) for row in pair] for pair in zip(predicted, true, strict=True)]
    return np.array([count_spans(*pair) for pair in pairs], dtype=float).reshape(-1, 3)


def accuracy_scores(predicted: list[list[str]], true: list[list[str]]) -> np.ndarray | None:
    """The [`ratio_scores`] of the accuracy of tags."""
    correct = [sum(map(str.__eq__, *pair)) for pair in zip(predicted, true, strict=True)]
    return ratio_scores(np.array(correct, dtype=float), np.array(list(map(len, true)), dtype=float))
