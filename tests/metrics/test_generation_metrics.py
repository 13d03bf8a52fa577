"""Metrics of generated text, against sacrebleu and the formula of BLEU."""

import math
import sys
from collections import Counter

import numpy as np
import pytest
import sacrebleu

from hfseq.errors import HfseqError
from hfseq.metrics import (
    TASK_METRICS,
    compute_caption_metrics,
    compute_generation_metrics,
    compute_text_scores,
    generation_signatures,
    load,
)
from hfseq.metrics.generation import caption_words

GUESS = ["The cat sat on a mat.", "It's raining today", "hello"]
TRUTH = [
    ["The cat sat on the mat.", "A cat was sitting on a mat."],
    ["It is raining today!"],
    ["hello", "hello there", "hi"],
]


def bleu_by_formula(guess: list[str], truth: list[list[str]], order: int) -> float:
    """Papineni et al. 2002, section 2.3, with the length of the nearest reference (the shorter one of two)."""
    hits, totals, length, wanted = [0] * order, [0] * order, 0, 0
    for text, references in zip(guess, truth, strict=True):
        words, others = text.split(), [reference.split() for reference in references]
        length += len(words)
        wanted += min((abs(len(other) - len(words)), len(other)) for other in others)[1]
        for n in range(1, order + 1):
            found = grams(words, n)
            most = Counter()
            for other in others:
                most |= grams(other, n)
            hits[n - 1] += sum((found & most).values())
            totals[n - 1] += sum(found.values())
    if not all(hits):
        return 0.0
    brevity = min(1.0, math.exp(1 - wanted / length))
    return 100 * brevity * math.exp(sum(math.log(h / t) for h, t in zip(hits, totals, strict=True)) / order)


def grams(words: list[str], n: int) -> Counter:
    return Counter(tuple(words[start : start + n]) for start in range(len(words) - n + 1))


def test_generation_metrics_equal_sacrebleu():
    result = compute_generation_metrics(GUESS, TRUTH)
    streams = [[row[index] if index < len(row) else None for row in TRUTH] for index in range(3)]
    assert result == {
        "bleu": pytest.approx(sacrebleu.corpus_bleu(GUESS, streams).score),
        "chrf": pytest.approx(sacrebleu.corpus_chrf(GUESS, streams).score),
        "exact_match": pytest.approx(1 / 3),
    }
    assert 0 < result["bleu"] < 100
    assert set(result) == set(TASK_METRICS["sequence_to_sequence"])


def test_generation_metrics_accept_single_references():
    one = [row[0] for row in TRUTH]
    assert compute_generation_metrics(GUESS, one) == compute_generation_metrics(GUESS, [[text] for text in one])
    assert compute_generation_metrics([" 2024-03-05\n"], ["2024-03-05"])["exact_match"] == 1.0


def test_bleu_is_left_out_for_references_below_four_tokens():
    assert set(compute_generation_metrics(["one two"], ["one two"])) == {"chrf", "exact_match"}
    assert compute_generation_metrics(["one"], ["one two three four"])["bleu"] == 0.0


@pytest.mark.parametrize("order", [1, 2, 3, 4])
def test_caption_metrics_equal_the_formula(order):
    guess = ["a black dog runs over the green pond", "two children play with a ball", "a dog"]
    truth = [
        ["a black dog is running over a green field", "the dog runs over the green grass"],
        ["two children play with a red ball", "two kids with a ball", "children playing"],
        ["a dog sleeps"],
    ]
    expected = bleu_by_formula(guess, truth, order)
    assert 0 < expected < 100
    # Case and punctuation are ignored.
    loud = [text.upper() + " ." for text in guess]
    result = compute_caption_metrics(loud, [[text.capitalize() + "!" for text in row] for row in truth])
    assert result[f"bleu_{order}"] == pytest.approx(expected)
    assert set(result) == set(TASK_METRICS["captioning"])


def test_caption_metrics_without_matches_and_without_words():
    assert compute_caption_metrics(["a cat sat"], ["a dog lay"]) == pytest.approx(
        {"bleu_1": 100 / 3, "bleu_2": 0.0, "bleu_3": 0.0}
    )
    assert compute_caption_metrics([""], ["a dog"]) == {"bleu_1": 0.0, "bleu_2": 0.0}
    assert caption_words("A man's well-known, red_hat -- 2 dogs.") == "a man's well-known red hat 2 dogs"


def test_generation_signatures_are_those_of_sacrebleu():
    signatures = generation_signatures(TRUTH)
    assert signatures["bleu"].startswith("nrefs:var|case:mixed|eff:no|tok:13a|smooth:exp|version:")
    assert signatures["chrf"].startswith("nrefs:var|case:mixed|eff:yes|nc:6|nw:0")


def test_generation_metric_classes_accept_options():
    one = [row[0] for row in TRUTH]
    expected = compute_generation_metrics(GUESS, one)
    metrics = [load(name) for name in expected]
    for guess, truth in zip(GUESS, one, strict=True):
        for metric in metrics:
            metric.add(prediction=guess, reference=truth)
    assert {name: value for metric in metrics for name, value in metric.compute().items()} == expected
    several = load("bleu").compute(predictions=GUESS, references=TRUTH, lowercase=True, tokenize="intl")
    streams = [[row[index] if index < len(row) else None for row in TRUTH] for index in range(3)]
    assert several["bleu"] == sacrebleu.corpus_bleu(GUESS, streams, lowercase=True, tokenize="intl").score
    plus = load("chrf").compute(predictions=GUESS, references=one, word_order=2)
    assert plus["chrf"] == sacrebleu.corpus_chrf(GUESS, [one], word_order=2).score
    with pytest.raises(HfseqError, match=r"tokenize='13b' is not known; did you mean '13a'\?"):
        load("bleu").compute(predictions=GUESS, references=one, tokenize="13b")
    with pytest.raises(HfseqError, match=r"smooth_method='add' is not known; did you mean 'add-k'\?"):
        load("bleu").compute(predictions=GUESS, references=one, smooth_method="add")
    with pytest.raises(HfseqError, match="max_ngram_order must be at least 1, not 0"):
        load("bleu").compute(predictions=GUESS, references=one, max_ngram_order=0)


@pytest.mark.parametrize(
    ("guess", "truth", "message"),
    [
        (["a"], ["a", "b"], "there are 1 predictions but 2 references"),
        (["a", 7], ["a", "b"], "predictions must be strings, but row 1 is 7; decode token ids first"),
        (["a", "b"], ["a", []], r"one or more strings per prediction, but row 1 is \[\]"),
        (["a"], [None], "one or more strings per prediction, but row 0 is None"),
        ("abc", ["a"], "predictions must be a list of strings, not str"),
        ([], [], "predictions is empty"),
    ],
)
def test_generation_metrics_reject_invalid_input(guess, truth, message):
    with pytest.raises(HfseqError, match=message):
        compute_generation_metrics(guess, truth)
    if guess:
        with pytest.raises(HfseqError, match=message):
            load("chrf").compute(predictions=guess, references=truth)


def test_generation_metrics_require_sacrebleu(monkeypatch):
    monkeypatch.setitem(sys.modules, "sacrebleu", None)
    for compute in (compute_generation_metrics, compute_caption_metrics):
        with pytest.raises(
            HfseqError, match=r'^sacrebleu is needed for BLEU and chrF: pip install "hfseq\[metrics\]"$'
        ):
            compute(GUESS, TRUTH)


@pytest.mark.parametrize("metric", ["bleu", "chrf", "exact_match", "bleu_1", "bleu_2", "bleu_3", "bleu_4"])
def test_text_scores_equal_leave_one_out_scores(metric):
    compute = compute_caption_metrics if "_" in metric and metric != "exact_match" else compute_generation_metrics
    guess, truth = GUESS * 3 + ["a dog ran to the old cat"], TRUTH * 3 + [["a dog ran to the old man"]]
    whole, count = compute(guess, truth)[metric], len(guess)
    without = [
        compute(guess[:index] + guess[index + 1 :], truth[:index] + truth[index + 1 :])[metric]
        for index in range(count)
    ]
    pseudo = np.array([count * whole - (count - 1) * rest for rest in without])
    scores = compute_text_scores(metric, guess, truth)
    assert scores.shape == (count,)
    assert scores.mean() == pytest.approx(whole)
    assert np.ptp(scores) > 0
    np.testing.assert_allclose(scores, pseudo - pseudo.mean() + whole, atol=1e-8)


@pytest.mark.slow
def test_standard_error_of_text_scores_equals_bootstrap():
    source = np.random.default_rng(0)
    words = np.array(["the", "a", "cat", "dog", "man", "saw", "ran", "to", "from", "old", "new", "house"])
    truth = [" ".join(source.choice(words, size=9)) for _ in range(300)]
    guess = [
        " ".join(word if source.random() < 0.8 else source.choice(words) for word in text.split()) for text in truth
    ]
    rows = np.array([guess, truth])
    resampled = []
    for _ in range(200):
        drawn = rows[:, source.integers(len(guess), size=len(guess))]
        resampled.append(compute_generation_metrics(list(drawn[0]), list(drawn[1]))["bleu"])
    error = compute_text_scores("bleu", guess, truth).std(ddof=1) / math.sqrt(len(guess))
    assert error == pytest.approx(np.std(resampled), rel=0.15)


def test_text_scores_reject_an_unknown_metric():
    with pytest.raises(HfseqError, match="there is no text metric 'bleu_5'"):
        compute_text_scores("bleu_5", GUESS, TRUTH)


def test_text_scores_of_an_undefined_metric_are_none():
    assert compute_text_scores("bleu_2", ["a dog", "a cat"], ["dog", "cat"]) is None
    assert compute_text_scores("bleu_1", ["a dog", "a cat"], ["dog", "cat"]).mean() == pytest.approx(50.0)
