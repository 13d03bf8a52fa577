"""Metrics of token classification, from the names of the tags."""

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
from hfseq.span_tags import Notation, find_notation

_SPAN_TAG = re.compile("O|[BIES](-.+)?")

TagRows = list[list[str]]


def tags_mark_spans(tags: Iterable[str]) -> bool:
    """Whether tags mark spans, in any notation that [`find_notation`] knows: ``B-PER``, ``PER-B``, BILOU, BMES, ...

    The bare letters ``B``, ``I``, ``E`` and ``S`` (spans of one type) count too, where a ``B`` or ``S``, with which a
    span begins, is among them.

    Args:
        tags (`Iterable[str]`): the names of all tags of a data set.
    """
    return find_notation(tags) is not None


def compute_token_metrics(
    predictions: Any, references: Any, tag_names: Iterable[str] | None = None
) -> dict[str, float]:
    """Every metric of a token classifier, from the names of predicted and true tags.

    Where the tags mark spans (see [`tags_mark_spans`]): `f1`, `precision` and `recall` of whole spans, right where
    both the bounds and the type are (micro averages, as the CoNLL-2000 script counts, which takes a span that begins
    with ``I-`` for one; Tjong Kim Sang & Buchholz 2000), and `accuracy` of tokens. They are left out where neither
    side holds a span. Otherwise: `accuracy`, and `f1_macro` over the tags that occur on either side.

    Args:
        predictions (`list[list[str]]`): for each sequence a tag a token, without padding.
        references (`list[list[str]]`): likewise.
        tag_names (`Iterable[str]`, *optional*): all tags of the data set. Without it the kind of tags is seen from
            the given ones, and a split without any span is not known for one of spans.

    Returns:
        `dict[str, float]`: plain numbers, ready for JSON.

    Raises:
        HfseqError: where tags are not strings, or the two sides do not agree in number, naming the sequence; or
            where seqeval is not installed.
    """
    guess, truth = as_tags(predictions, references)
    notation = find_notation(chain.from_iterable([*guess, *truth]) if tag_names is None else tag_names)
    flat_truth, flat_guess = _tokens(truth), _tokens(guess)
    accuracy = classification.accuracy(flat_truth, flat_guess)
    if notation is None:
        return {"accuracy": accuracy, "f1_macro": classification.f1(flat_truth, flat_guess, "macro")}
    return {**span_scores(_standard(truth, notation), _standard(guess, notation)), "accuracy": accuracy}


def span_scores(references: TagRows, predictions: TagRows) -> dict[str, float]:
    """`f1`, `precision` and `recall` of whole spans, micro averages, through seqeval's default mode.

    Nothing where neither side holds a span: the three are undefined there. Otherwise a zero denominator gives 0.

    Args:
        references (`list[list[str]]`): for each sequence a tag a token.
        predictions (`list[list[str]]`): likewise.

    Raises:
        HfseqError: where a tag does not mark a span, naming sequence and token, or seqeval is not installed.
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
    """`f1`, `precision`, `recall` and `support` (the number of true spans) of each type of span.

    Args:
        references (`list[list[str]]`): for each sequence a tag a token.
        predictions (`list[list[str]]`): likewise.
    """
    seqeval = _seqeval()
    types = sorted({kind for rows in (references, predictions) for kind, _, _ in seqeval.get_entities(rows)})
    columns = seqeval.precision_recall_fscore_support(references, predictions, average=None, zero_division=0)
    return {
        kind: {"f1": float(f1), "precision": float(precision), "recall": float(recall), "support": int(support)}
        for kind, precision, recall, f1, support in zip(types, *columns, strict=True)
    }


def count_spans(predictions: list[str], references: list[str]) -> tuple[int, int, int]:
    """Of one sequence: the spans that are right, those that were predicted, and those that there are.

    Sums of them over sequences give what [`span_scores`] does.

    Args:
        predictions (`list[str]`): a tag a token.
        references (`list[str]`): likewise.
    """
    seqeval = _seqeval()
    guess, truth = set(seqeval.get_entities(predictions)), set(seqeval.get_entities(references))
    return len(guess & truth), len(guess), len(truth)


def _standard(rows: TagRows, notation: Notation | None) -> TagRows:
    """Tags as seqeval reads them: `B-PER`, with the letters of BIOES."""
    return rows if notation is None else [list(map(notation.standard, tags)) for tags in rows]


def _tokens(rows: TagRows) -> np.ndarray:
    tags = np.array(list(chain.from_iterable(rows)))  # (tokens,)
    if not tags.size:
        raise HfseqError("the sequences hold no tag at all; give at least one token.")
    return tags


def _seqeval() -> ModuleType:
    return require("seqeval.metrics", "metrics").sequence_labeling


def _check_span_tags(rows: TagRows, name: str) -> None:
    for row, tags in enumerate(rows):
        for place, tag in enumerate(tags):
            if not _SPAN_TAG.fullmatch(tag):
                raise HfseqError(
                    f"{name}: tag {place} of sequence {row} is {tag!r}, which marks no span; tags of spans are 'O' "
                    "and those that begin with 'B-', 'I-', 'E-' or 'S-'. For other tags take accuracy and f1_macro."
                )


class SpanF1(TextMetric):
    """F1, precision and recall of whole spans, overall and for each type, from IOB, BIOES, BILOU or BMES tags.

    As the CoNLL-2000 script counts, through seqeval's default mode. `predictions` and `references` are lists of tags.
    Result: ``f1``, ``precision``, ``recall`` (micro averages; left out where neither side holds a span),
    ``accuracy`` (of tokens), and ``per_type``, with ``f1``, ``precision``, ``recall`` and ``support`` of each type.
    """

    # evaluate would name it after the class.
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
