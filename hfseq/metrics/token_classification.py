"""Metrics of token classification, computed from tag names."""

import re
from collections.abc import Iterable
from itertools import chain
from types import ModuleType
from typing import Any, ClassVar

import numpy as np
from datasets import Features

from hfseq.errors import HfseqError
from hfseq.extras import require
from hfseq.metrics import classification
from hfseq.metrics.texts import TAGS_TO_TAGS, TextMetric, as_tags
from hfseq.registry import register_metric
from hfseq.span_tags import Notation, find_notation

_SPAN_TAG = re.compile("O|[BIES](-.+)?")

TagRows = list[list[str]]


def tags_mark_spans(tags: Iterable[str]) -> bool:
    """Whether tags mark spans, in a notation supported by [`find_notation`]: ``B-PER``, ``PER-B``, BILOU, BMES, ...

    The letters ``B``, ``I``, ``E`` and ``S`` without a type also mark spans, if the tags include ``B`` or ``S``, which
    start a span.

    Args:
        tags (`Iterable[str]`): names of all tags of a data set.
    """
    return find_notation(tags) is not None


def compute_token_metrics(
    predictions: Any, references: Any, tag_names: Iterable[str] | None = None
) -> dict[str, float]:
    """Computes all metrics of token classification from the names of predicted and true tags.

    If the tags mark spans (see [`tags_mark_spans`]), the metrics are `f1`, `precision` and `recall` of spans, and
    `accuracy` of tokens. A span is correct if its bounds and its type are correct. The averages are micro averages, as
    in the CoNLL-2000 script, which also accepts spans that start with ``I-`` (Tjong Kim Sang & Buchholz 2000). The
    metrics of spans are left out if neither predictions nor references contain a span. If the tags do not mark spans,
    the metrics are `accuracy`, and `f1_macro` over the tags that occur in predictions or references.

    Args:
        predictions (`list[list[str]]`): one list of tags per sequence, with one tag per token, without padding.
        references (`list[list[str]]`): true tags in the same form.
        tag_names (`Iterable[str]`, *optional*, defaults to the tags of `predictions` and `references`): all tags of
            the data set. They decide whether the tags mark spans, so that a split without spans is recognised too.

    Returns:
        `dict[str, float]`: numbers that can be written as JSON.

    Raises:
        HfseqError: a tag is not a string, or the numbers of predicted and true tags differ (the message names the
            sequence), or seqeval is not installed.
    """
    guess, truth = as_tags(predictions, references)
    notation = find_notation(chain.from_iterable([*guess, *truth]) if tag_names is None else tag_names)
    flat_truth, flat_guess = _tokens(truth), _tokens(guess)
    accuracy = classification.accuracy(flat_truth, flat_guess)
    if notation is None:
        return {"accuracy": accuracy, "f1_macro": classification.f1(flat_truth, flat_guess, "macro")}
    return {**span_scores(_standard(truth, notation), _standard(guess, notation)), "accuracy": accuracy}


def span_scores(references: TagRows, predictions: TagRows) -> dict[str, float]:
    """Computes `f1`, `precision` and `recall` of spans (micro averages) with the default mode of seqeval.

    The result is empty if neither predictions nor references contain a span, because the metrics are undefined then.
    Otherwise, a zero denominator gives 0.

    Args:
        references (`list[list[str]]`): one list of tags per sequence, with one tag per token.
        predictions (`list[list[str]]`): predicted tags in the same form.

    Raises:
        HfseqError: a tag does not mark a span (the message names sequence and token), or seqeval is not installed.
    """
    seqeval = _seqeval()
    _check_span_tags(references, "references")
    _check_span_tags(predictions, "predictions")
    if all(tag == "O" for tag in chain.from_iterable([*references, *predictions])):
        return {}
    precision, recall, f1, _ = seqeval.precision_recall_fscore_support(
        references, predictions, average="micro", zero_division=0
    )
    return {"f1": float(f1), "precision": float(precision), "recall": float(recall)}


def span_scores_by_type(references: TagRows, predictions: TagRows) -> dict[str, dict[str, float]]:
    """Computes `f1`, `precision`, `recall` and `support` (the number of true spans) of each type of span.

    Args:
        references (`list[list[str]]`): one list of tags per sequence, with one tag per token.
        predictions (`list[list[str]]`): predicted tags in the same form.
    """
    seqeval = _seqeval()
    types = sorted({kind for rows in (references, predictions) for kind, _, _ in seqeval.get_entities(rows)})
    columns = seqeval.precision_recall_fscore_support(references, predictions, average=None, zero_division=0)
    return {
        kind: {"f1": float(f1), "precision": float(precision), "recall": float(recall), "support": int(support)}
        for kind, precision, recall, f1, support in zip(types, *columns, strict=True)
    }


def count_spans(predictions: list[str], references: list[str]) -> tuple[int, int, int]:
    """Numbers of correct spans, predicted spans and true spans of one sequence.

    The result of [`span_scores`] can be computed from their sums over all sequences.

    Args:
        predictions (`list[str]`): one tag per token.
        references (`list[str]`): one tag per token.
    """
    seqeval = _seqeval()
    guess, truth = set(seqeval.get_entities(predictions)), set(seqeval.get_entities(references))
    return len(guess & truth), len(guess), len(truth)


def _standard(rows: TagRows, notation: Notation | None) -> TagRows:
    """Converts tags to the notation of seqeval: `B-PER`, with the letters of BIOES."""
    return rows if notation is None else [list(map(notation.to_standard, tags)) for tags in rows]


def _tokens(rows: TagRows) -> np.ndarray:
    tags = np.array(list(chain.from_iterable(rows)))  # (tokens,)
    if not tags.size:
        raise HfseqError("the sequences contain no tags; pass at least one token.")
    return tags


def _seqeval() -> ModuleType:
    return require("seqeval.metrics", "metrics").sequence_labeling


def _check_span_tags(rows: TagRows, name: str) -> None:
    for row, tags in enumerate(rows):
        for index, tag in enumerate(tags):
            if not _SPAN_TAG.fullmatch(tag):
                raise HfseqError(
                    f"{name}: tag {index} of sequence {row} is {tag!r}, which does not mark a span. Tags of spans are "
                    "'O' and tags that start with 'B-', 'I-', 'E-' or 'S-'. For other tags, use accuracy and f1_macro."
                )


@register_metric("seqeval")
class SpanF1(TextMetric):
    """F1, precision and recall of spans, overall and per type, from IOB, BIOES, BILOU or BMES tags.

    Spans are counted as in the CoNLL-2000 script, with the default mode of seqeval. Each row of `predictions` and
    `references` is a list of tags. Result: ``f1``, ``precision``, ``recall`` (micro averages; left out if neither
    predictions nor references contain a span), ``accuracy`` of tokens, and ``per_type``, with ``f1``, ``precision``,
    ``recall`` and ``support`` of each type.
    """

    # Without it, evaluate would use the name of the class.
    name = "seqeval"
    input_kinds: ClassVar[list[Features]] = [TAGS_TO_TAGS]
    citation_text = (
        "Tjong Kim Sang, E. F. and Buchholz, S. (2000). Introduction to the CoNLL-2000 shared task: chunking. CoNLL."
    )

    def score(self, references: TagRows, predictions: TagRows) -> dict[str, Any]:
        notation = find_notation(chain.from_iterable([*references, *predictions]))
        references, predictions = _standard(references, notation), _standard(predictions, notation)
        scores = span_scores(references, predictions)
        accuracy = classification.accuracy(_tokens(references), _tokens(predictions))
        return {**scores, "accuracy": accuracy, "per_type": span_scores_by_type(references, predictions)}

    def _checked(self, predictions: Any, references: Any) -> tuple[Any, Any]:
        guess, truth = as_tags(predictions, references)
        return truth, guess
