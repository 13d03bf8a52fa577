"""Metrics of tags: spans against hand-computed values, other tags against scikit-learn."""

import json
import sys

import pytest
from sklearn.metrics import f1_score

from hfseq.errors import HfseqError
from hfseq.metrics import TASK_METRICS, compute_token_metrics, load, tags_mark_spans

pytestmark = pytest.mark.filterwarnings("error")

TRUTH = [["B-PER", "I-PER", "O", "B-LOC"], ["O", "B-PER"], []]
# The first person is correct, the location is predicted as an organisation, the second person is missed.
GUESS = [["B-PER", "I-PER", "O", "B-ORG"], ["O", "O"], []]


def test_span_metrics_equal_hand_computed_values():
    result = compute_token_metrics(GUESS, TRUTH)
    assert tuple(result) == TASK_METRICS["span_classification"]
    assert result == pytest.approx(
        {"f1": 2 * (1 / 2) * (1 / 3) / (5 / 6), "precision": 1 / 2, "recall": 1 / 3, "accuracy": 4 / 6}
    )
    json.dumps(result, allow_nan=False)


def test_span_is_correct_only_with_correct_bounds():
    cut = compute_token_metrics([["B-A", "I-A", "O"]], [["B-A", "I-A", "I-A"]])
    assert (cut["f1"], cut["accuracy"]) == (0.0, pytest.approx(2 / 3))
    # As in the CoNLL script, I- after O starts a span.
    assert compute_token_metrics([["O", "I-A", "I-A"]], [["O", "B-A", "I-A"]])["f1"] == 1.0
    iobes = compute_token_metrics([["B-A", "I-A", "E-A", "S-B"]], [["B-A", "I-A", "E-A", "O"]])
    assert (iobes["precision"], iobes["recall"]) == (0.5, 1.0)


def test_seqeval_class_has_metrics_per_type():
    metric = load("seqeval")
    # The empty sequence comes first, because evaluate infers the features from the first row.
    for guess, truth in zip(GUESS[::-1], TRUTH[::-1], strict=True):
        metric.add_batch(predictions=[guess], references=[truth])
    result = metric.compute()
    per_type = result.pop("per_type")
    assert result == compute_token_metrics(GUESS, TRUTH)
    assert per_type == {
        "LOC": {"f1": 0.0, "precision": 0.0, "recall": 0.0, "support": 1},
        "ORG": {"f1": 0.0, "precision": 0.0, "recall": 0.0, "support": 0},
        "PER": {"f1": pytest.approx(2 / 3), "precision": 1.0, "recall": 0.5, "support": 2},
    }


def test_tags_without_spans_use_the_macro_average():
    truth, guess = [["NOUN", "VERB"], ["NOUN", "O"]], [["NOUN", "NOUN"], ["NOUN", "O"]]
    result = compute_token_metrics(guess, truth)
    expected = f1_score(["NOUN", "VERB", "NOUN", "O"], ["NOUN", "NOUN", "NOUN", "O"], average="macro", zero_division=0)
    assert result == {"accuracy": 0.75, "f1_macro": pytest.approx(expected)}
    assert tuple(result) == TASK_METRICS["token_classification"]


def test_span_metrics_are_left_out_without_spans():
    nothing = [["O", "O"]]
    assert compute_token_metrics(nothing, nothing, tag_names=["O", "B-A", "I-A"]) == {"accuracy": 1.0}
    assert load("seqeval").compute(predictions=nothing, references=nothing) == {"accuracy": 1.0, "per_type": {}}
    missed = compute_token_metrics(nothing, [["B-A", "O"]])
    assert (missed["f1"], missed["precision"], missed["recall"]) == (0.0, 0.0, 0.0)


@pytest.mark.parametrize(
    ("tags", "spans"),
    [
        (["O", "B-PER", "I-PER"], True),
        (["O", "I-PER"], True),
        (["B", "I", "O"], True),
        (["I", "O"], False),
        (["O"], False),
        (["O", "B-PER", "NOUN"], False),
        (["H", "E", "B", "S"], False),
    ],
)
def test_tags_mark_spans_in_each_notation(tags, spans):
    assert tags_mark_spans(tags) is spans


@pytest.mark.parametrize(
    ("guess", "truth", "message"),
    [
        ([["O"]], [["O"], ["O"]], "there are 1 predictions but 2 references"),
        ([["O"], ["O"]], [["O"], ["O", "O"]], "sequence 1 has 1 predicted tags and 2 reference tags"),
        ([["O"], [3]], [["O"], ["O"]], "predictions must be names of tags, but tag 0 of sequence 1 is 3; .* id2label"),
        (["O"], [["O"]], "predictions must be one list of tags per sequence, but sequence 0 is 'O'"),
        ("O", [["O"]], "predictions must be a list of lists of tags, not str"),
        ([], [], "predictions is empty"),
        ([[]], [[]], "the sequences contain no tags"),
    ],
)
def test_token_metrics_reject_invalid_input(guess, truth, message):
    with pytest.raises(HfseqError, match=message):
        compute_token_metrics(guess, truth)


def test_span_metrics_reject_tags_that_mark_no_span():
    with pytest.raises(HfseqError, match=r"references: tag 1 of sequence 0 is 'NOUN', which does not mark a span"):
        load("seqeval").compute(predictions=[["O", "O"]], references=[["O", "NOUN"]])


def test_token_metrics_require_seqeval(monkeypatch):
    monkeypatch.setitem(sys.modules, "seqeval.metrics", None)
    with pytest.raises(
        HfseqError, match=r'^seqeval is needed for scoring spans of tags: pip install "hfseq\[metrics\]"$'
    ):
        compute_token_metrics(GUESS, TRUTH)
