"""Error rates of transcripts, against hand-computed values and jiwer."""

import sys

import jiwer
import pytest

from hfseq.errors import HfseqError
from hfseq.metrics import TASK_METRICS, compute_speech_metrics, load


def test_error_rates_equal_hand_computed_values():
    # Row 1: one word substituted, one inserted. Row 2: one word deleted. Row 3: correct. Six words in total.
    guess, truth = ["one too three four", "five", "six"], ["one two three", "five six", "six"]
    result = compute_speech_metrics(guess, truth)
    # One character substituted, five inserted (" four"), four deleted (" six"). 24 characters in total.
    assert result == pytest.approx({"wer": 3 / 6, "cer": 10 / 24, "exact_match": 1 / 3})
    assert tuple(result) == TASK_METRICS["ctc"]


def test_error_rates_equal_jiwer():
    guess, truth = (
        ["the  quick brwn fox", "jumps ower lazy dog", ""],
        ["the quick brown fox", "jumps over the lazy dog", "x"],
    )
    result = compute_speech_metrics(guess, truth)
    assert result["wer"] == pytest.approx(jiwer.wer(truth, guess))
    assert result["cer"] == pytest.approx(jiwer.cer(truth, ["the quick brwn fox", *guess[1:]]))


def test_predictions_for_empty_references_are_insertions():
    assert compute_speech_metrics(["a b", "x y"], ["a b", " "]) == {"wer": 1.0, "cer": 1.0, "exact_match": 0.5}
    assert compute_speech_metrics(["", ""], ["a b", ""]) == {"wer": 1.0, "cer": 1.0, "exact_match": 0.5}
    # If all references are empty, the error rates are undefined.
    assert compute_speech_metrics(["a"], [""]) == {"exact_match": 0.0}


def test_error_rate_classes_sum_the_rows():
    guess, truth = ["one too", "", "six"], ["one two", "five", ""]
    expected = compute_speech_metrics(guess, truth)
    for name in ("wer", "cer"):
        metric = load(name)
        for row in zip(guess, truth, strict=True):
            metric.add_batch(predictions=[row[0]], references=[row[1]])
        assert metric.compute() == {name: expected[name]}


def test_speech_metrics_reject_invalid_input():
    with pytest.raises(HfseqError, match="needs one reference per prediction, but row 1 has 2"):
        compute_speech_metrics(["a", "b"], [["a"], ["b", "c"]])
    with pytest.raises(HfseqError, match="there are 1 predictions but 2 references"):
        load("wer").compute(predictions=["a"], references=["a", "b"])
    with pytest.raises(HfseqError, match="predictions must be strings, but row 0 is 1"):
        compute_speech_metrics([1], ["a"])


def test_speech_metrics_require_jiwer(monkeypatch):
    monkeypatch.setitem(sys.modules, "jiwer", None)
    with pytest.raises(HfseqError, match=r'^jiwer is needed for the word error rate: pip install "hfseq\[metrics\]"$'):
        compute_speech_metrics(["a"], ["a"])
