"""The sums over all examples give exactly the metrics that a run reports."""

import numpy as np
import pytest

from hfseq.errors import HfseqError
from hfseq.metrics import (
    TASK_METRICS,
    compute_caption_metrics,
    compute_classification_metrics,
    compute_forecasting_metrics,
    compute_generation_metrics,
    compute_language_metrics,
    compute_speech_metrics,
)
from hfseq.metrics.calibration import expected_calibration_error
from hfseq.metrics.example_sums import (
    calibration_sums,
    classification_sums,
    language_sums,
    single_label_sums,
    total_and_count,
)
from hfseq.metrics.forecasting import forecast_sums
from hfseq.metrics.generation import text_sums
from hfseq.metrics.speech import speech_sums
from hfseq.metrics.sums import has_formula, metric_from_sums

WITHOUT_SUMS = {"roc_auc", "spearman"}


def assert_sums_give(metrics, sums):
    """Every reported metric but those of ranks has sums, and their total gives its value."""
    assert set(sums) <= set(metrics) and set(metrics) - set(sums) <= WITHOUT_SUMS
    for name, rows in sums.items():
        assert float(metric_from_sums(name, rows.sum(0))) == pytest.approx(metrics[name], rel=1e-9, abs=1e-12), name


@pytest.mark.parametrize("classes", [2, 5])
@pytest.mark.parametrize("rows", [1, 40])
def test_sums_of_single_labels_give_all_metrics(classes, rows):
    source = np.random.default_rng(classes)
    logits, labels = 3 * source.normal(size=(rows, classes)), source.integers(0, max(classes - 1, 2), rows)
    metrics = compute_classification_metrics(logits, labels, "single_label_classification")
    assert_sums_give(metrics, classification_sums(logits, labels, "single_label_classification"))


def test_sums_of_one_predicted_class_give_a_correlation_of_zero():
    logits, labels = np.tile([1.0, 0.0], (6, 1)), np.array([0, 1, 0, 1, 1, 1])
    metrics = compute_classification_metrics(logits, labels, "single_label_classification")
    sums = classification_sums(logits, labels, "single_label_classification")
    assert metrics["matthews_correlation"] == 0.0
    assert_sums_give(metrics, sums)


@pytest.mark.parametrize("labels", [1, 4])
def test_sums_of_several_labels_give_all_metrics(labels):
    source = np.random.default_rng(labels)
    logits, true = source.normal(size=(30, labels)), (source.random((30, labels)) < 0.3).astype(float)
    true[:, -1] = 0  # a label without examples
    logits[:, -1] = -1  # that is never predicted
    metrics = compute_classification_metrics(logits, true, "multi_label_classification")
    assert_sums_give(metrics, classification_sums(logits, true, "multi_label_classification"))


def test_sums_of_numbers_give_all_metrics():
    source = np.random.default_rng(0)
    true = 1e6 + source.normal(size=50)
    guess = (true + source.normal(size=50))[:, None]
    metrics = compute_classification_metrics(guess, true, "regression")
    sums = classification_sums(guess, true, "regression")
    assert metrics.keys() - sums.keys() == {"spearman"}
    for name, rows in sums.items():
        assert float(metric_from_sums(name, rows.sum(0))) == pytest.approx(metrics[name], rel=1e-8), name


def test_correlations_of_constant_numbers_are_undefined():
    sums = classification_sums(np.full(4, 0.1), np.arange(4.0), "regression")
    assert np.isnan(metric_from_sums("pearson", sums["pearson"].sum(0)))
    sums = classification_sums(np.arange(4.0), np.full(4, 0.1), "regression")
    assert np.isnan(metric_from_sums("r2", sums["r2"].sum(0)))


def test_sums_of_language_models_give_all_metrics():
    nll, tokens, characters = np.array([3.0, 5.0, 0.5]), np.array([4.0, 6.0, 1.0]), np.array([11.0, 17.0, 3.0])
    metrics = compute_language_metrics(nll.sum(), int(tokens.sum()), int(characters.sum()))
    assert_sums_give(metrics, language_sums(nll, tokens, {"bits_per_character": characters}))


def test_weighted_sums_give_the_metric_of_repeated_examples():
    source = np.random.default_rng(1)
    logits, labels = source.normal(size=(20, 3)), source.integers(0, 3, 20)
    drawn = source.integers(0, 20, (7, 20))
    weights = np.stack([np.bincount(rows, minlength=20) for rows in drawn])  # (samples, examples)
    for name, rows in single_label_sums(logits, labels).items():
        values = metric_from_sums(name, weights @ rows)
        assert values.shape == (7,)
        for value, chosen in zip(values, drawn, strict=True):
            metrics = compute_classification_metrics(logits[chosen], labels[chosen], "single_label_classification")
            assert value == pytest.approx(metrics[name], rel=1e-9, abs=1e-12)


def test_class_counts_of_very_many_classes_are_left_out(monkeypatch):
    monkeypatch.setattr("hfseq.metrics.example_sums.MOST_CLASS_COUNTS", 100)
    logits, labels = np.eye(10), np.zeros(10, dtype=int)
    sums = single_label_sums(logits, labels)
    assert set(sums) == {"accuracy", "f1_micro", "expected_calibration_error", "log_loss"}
    assert metric_from_sums("f1_micro", sums["f1_micro"].sum(0)) == pytest.approx(0.1)


def test_a_metric_of_a_plug_in_is_a_total_and_a_count():
    sums = total_and_count(np.array([1.0, 2.0, 3.0]))
    assert metric_from_sums("level_error", sums.sum(0)) == 2
    with pytest.raises(HfseqError, match="level_error is no function of 3 sums"):
        metric_from_sums("level_error", np.ones(3))
    assert has_formula("level_error", 2) and not has_formula("level_error", 3)


WORDS = ["the", "cat", "sat", "on", "a", "mat", "while", "rain", "fell", "outside"]


def texts(source, rows, longest=9):
    return [" ".join(source.choice(WORDS, size=source.integers(1, longest))) for _ in range(rows)]


@pytest.mark.parametrize("seed", range(3))
def test_sums_of_generated_texts_give_all_metrics(seed):
    source = np.random.default_rng(seed)
    guess, truth = texts(source, 12), [texts(source, source.integers(1, 4)) for _ in range(12)]
    guess[0] = truth[0][0]
    assert_sums_give(
        compute_generation_metrics(guess, truth), text_sums(TASK_METRICS["sequence_to_sequence"], guess, truth)
    )
    assert_sums_give(compute_caption_metrics(guess, truth), text_sums(TASK_METRICS["captioning"], guess, truth))


@pytest.mark.parametrize("guess", ["a b c d", "x y z w", "", "a", "a b"])
def test_sums_of_one_text_give_the_smoothed_score(guess):
    truth = [["a b d c e"]]
    assert_sums_give(
        compute_generation_metrics([guess], truth), text_sums(["chrf", "bleu", "exact_match"], [guess], truth)
    )


def test_sums_of_texts_leave_out_undefined_metrics():
    assert set(text_sums(["chrf", "bleu", "bleu_1"], ["a b"], [["a b"]])) == {"chrf", "bleu_1"}


def test_sums_of_transcripts_give_all_metrics():
    truth, guess = ["the cat sat", "", "rain", " on  a mat "], ["the bat sat down", "noise", "rain", "on mat"]
    assert_sums_give(compute_speech_metrics(guess, truth), speech_sums(guess, truth))


@pytest.mark.parametrize("quantiles", [None, (0.1, 0.5, 0.9), (0.1, 0.25, 0.75, 0.9)])
def test_sums_of_forecasts_give_all_metrics(quantiles):
    source = np.random.default_rng(0)
    targets = source.normal(size=(6, 4, 3))
    targets[0, 1, 2] = targets[3, :, 0] = np.nan
    targets[5] = np.nan
    shape = targets.shape if quantiles is None else (*targets.shape, len(quantiles))
    forecasts, scale = source.normal(size=shape), source.uniform(0.5, 2, (6, 3))
    scale[1, 1] = np.nan
    metrics = compute_forecasting_metrics(forecasts, targets, quantiles=quantiles, scale=scale)
    raw = compute_forecasting_metrics(3 * forecasts + 1, 3 * targets + 1, quantiles=quantiles, scale=scale)
    metrics |= {name: raw[name] for name in ("smape", "mase") if name in raw}
    sums = forecast_sums(forecasts, targets, 3 * forecasts + 1, 3 * targets + 1, scale, quantiles)
    assert_sums_give(metrics, sums)


def test_calibration_error_of_sure_and_correct_predictions_is_zero():
    # A softmax gives probabilities such as 1 - 2**-53.
    probs = np.tile([1 - 2.0**-53, 2.0**-53], (21, 1))
    labels = np.zeros(21, int)
    assert expected_calibration_error(labels, probs) == 0.0
    sums = calibration_sums(probs[:, :1], np.ones((21, 1), bool)).sum(0)
    assert metric_from_sums("expected_calibration_error", sums) == 0.0
