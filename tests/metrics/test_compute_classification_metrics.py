"""All metrics of a model from its logits, for the three problem types."""

import json
import time

import numpy as np
import pytest
from scipy.special import expit, softmax

from hfseq.errors import HfseqError
from hfseq.metrics import compute_classification_metrics, load
from hfseq.registry import metric_directions

pytestmark = pytest.mark.filterwarnings("error")


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def test_single_label_metrics_equal_the_metric_classes(rng):
    logits = rng.normal(size=(60, 4)).astype(np.float32)
    labels = rng.integers(0, 4, 60)
    result = compute_classification_metrics(logits, labels, "single_label_classification")
    guess, probs = logits.argmax(axis=1), softmax(logits.astype(np.float64), axis=1)
    expected = {
        "accuracy": load("accuracy").compute(predictions=guess, references=labels)["accuracy"],
        "f1_micro": load("f1").compute(predictions=guess, references=labels, average="micro")["f1"],
        "roc_auc": load("roc_auc").compute(predictions=probs, references=labels)["roc_auc"],
        "log_loss": load("log_loss").compute(predictions=probs, references=labels)["log_loss"],
    }
    for name in ("f1", "precision", "recall"):
        expected[f"{name}_macro"] = load(name).compute(predictions=guess, references=labels, average="macro")[name]
    mcc = load("matthews_correlation").compute(predictions=guess, references=labels)
    calibration = load("expected_calibration_error").compute(predictions=probs, references=labels)
    assert result == pytest.approx(expected | mcc | calibration)


def test_multi_label_metrics_equal_hand_computed_values():
    logits = np.array([[2.0, -1.0], [0.1, 3.0], [-2.0, -0.1]])
    labels = np.array([[1.0, 0.0], [0.0, 1.0], [0.0, 1.0]])
    result = compute_classification_metrics(logits, labels, "multi_label_classification")
    # Predicted: (1, 0), (1, 1), (0, 0): two true positives, one false positive, one false negative.
    probs, truth = expit(logits).ravel(), labels.ravel()
    calibration = load("expected_calibration_error").compute(predictions=probs, references=truth)
    expected = {
        "accuracy": 1 / 3,
        "hamming_accuracy": 4 / 6,
        "f1_micro": 2 / 3,
        "f1_macro": 2 / 3,
        "precision_micro": 2 / 3,
        "recall_micro": 2 / 3,
        "roc_auc": 1.0,
    }
    assert result == pytest.approx(expected | calibration)


def test_multi_label_threshold_excludes_one_half():
    result = compute_classification_metrics([[0.0, 1e-6]], [[0, 1]], "multi_label_classification")
    assert result["accuracy"] == 1.0


def test_multi_label_roc_auc_is_correct_for_saturated_sigmoids():
    result = compute_classification_metrics([[50.0], [60.0]], [[0], [1]], "multi_label_classification")
    assert result["roc_auc"] == 1.0


@pytest.mark.parametrize("column", [False, True])
def test_regression_metrics_accept_one_or_two_dimensions(column):
    logits = np.array([1.0, 2.0, 4.0], dtype=np.float32)
    result = compute_classification_metrics(logits[:, None] if column else logits, np.array([1.0, 2, 3]), "regression")
    assert result == pytest.approx(
        {"mse": 1 / 3, "rmse": 3**-0.5, "mae": 1 / 3, "pearson": 0.981981, "spearman": 1.0, "r2": 0.5}, abs=1e-6
    )


def test_constant_regression_outputs_have_no_correlations():
    result = compute_classification_metrics(np.full((3, 1), 0.1), np.array([1.0, 2, 3]), "regression")
    assert sorted(result) == ["mae", "mse", "r2", "rmse"]


def test_labels_of_one_class_have_no_roc_auc():
    result = compute_classification_metrics([[2.0, 1.0, 0.0]] * 4, [0] * 4, "single_label_classification")
    assert "roc_auc" not in result
    assert result["accuracy"] == 1.0
    # The macro average is taken over class 0 only, because no other class occurs.
    assert result["f1_macro"] == 1.0
    none = compute_classification_metrics([[-1.0, -1.0]] * 2, [[0, 0]] * 2, "multi_label_classification")
    assert "roc_auc" not in none
    assert none["f1_micro"] == 0.0


def test_classification_metrics_are_floats_with_a_known_direction(rng):
    logits = rng.normal(size=(20, 3)).astype(np.float16)
    results = [
        compute_classification_metrics(logits, rng.integers(0, 3, 20), "single_label_classification"),
        compute_classification_metrics(logits, rng.integers(0, 2, (20, 3)), "multi_label_classification"),
        compute_classification_metrics(logits[:, 0], logits[:, 1], "regression"),
    ]
    for result in results:
        assert all(type(value) is float for value in result.values())
        assert set(result) <= set(metric_directions())
        json.dumps(result, allow_nan=False)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_classification_metrics_reject_outputs_that_are_not_finite(bad):
    logits = np.zeros((5, 2))
    logits[[2, 4], 1] = bad
    with pytest.raises(HfseqError, match=r"not finite: 2 of 5 rows .* first row 2. Training diverged: lower the"):
        compute_classification_metrics(logits, np.zeros(5), "single_label_classification")


@pytest.mark.parametrize(
    ("logits", "labels", "problem", "message"),
    [
        ([[1, 2]], [0], "single_label", r"'single_label' is not known; did you mean 'single_label_classification'\?"),
        ([[1]], [0], "single_label_classification", r"needs logits \(rows, 2 or more classes\) .* got \(1, 1\)"),
        ([[1, 2]], [0, 1], "single_label_classification", r"but got \(1, 2\) and \(2,\); check problem_type"),
        ([[1, 2]], [2], "single_label_classification", r"class ids from 0 to 1 \(2 classes\), but row 0 is 2"),
        ([[1, 2]], [-100], "single_label_classification", "but row 0 is -100"),
        ([[1, 2]], [0.5], "single_label_classification", "integers"),
        ([[1, 2]], [1], "multi_label_classification", r"labels \(rows, labels\), but got \(1, 2\) and \(1,\)"),
        ([[1, 2]], [[0, 0.5]], "multi_label_classification", r"labels must be 0 or 1, but row 0 is \[0.  0.5\]"),
        ([[1, 2]], [1], "regression", r"regression needs logits \(rows,\) or \(rows, 1\)"),
        ([1, 2], [1, np.nan], "regression", "labels must be finite, but row 1 is nan"),
        (np.zeros((0, 2)), [], "single_label_classification", r"logits is empty \(shape \(0, 2\)\)"),
        (np.zeros((1, 2, 2)), [0], "single_label_classification", r"not \(1, 2, 2\)"),
    ],
)
def test_classification_metrics_reject_invalid_input(logits, labels, problem, message):
    with pytest.raises(HfseqError, match=message):
        compute_classification_metrics(np.array(logits), np.array(labels), problem)


def test_classification_metrics_of_ten_thousand_rows_are_fast(rng):
    logits, labels = rng.normal(size=(10_000, 5)), rng.integers(0, 5, 10_000)
    start = time.perf_counter()
    compute_classification_metrics(logits, labels, "single_label_classification")
    assert time.perf_counter() - start < 1.0
