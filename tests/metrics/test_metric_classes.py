"""Each metric class against scikit-learn or a hand-computed value, and with undefined and invalid input."""

import numpy as np
import pytest
from scipy import stats
from sklearn import metrics as sk

from hfseq.errors import HfseqError
from hfseq.metrics import load
from hfseq.registry import metrics


def test_each_metric_class_has_the_name_in_the_registry():
    assert metrics()
    for name in metrics():
        metric = load(name)
        assert metric.name == name
        assert metric.description


def test_load_suggests_the_nearest_metric():
    with pytest.raises(HfseqError, match=r"no metric 'acuracy'; did you mean 'accuracy'\?"):
        load("acuracy")


def test_accuracy_of_class_ids_and_of_label_rows():
    assert load("accuracy").compute(predictions=[0, 1, 1, 2], references=[0, 1, 2, 2]) == {"accuracy": 0.75}
    assert load("accuracy").compute(predictions=[0, 1], references=[0, 0], normalize=False) == {"accuracy": 1.0}
    rows = load("accuracy").compute(predictions=[[1, 0], [1, 1]], references=[[1, 0], [0, 1]])
    assert rows == {"accuracy": 0.5}


@pytest.mark.parametrize("name", ["precision", "recall", "f1"])
@pytest.mark.parametrize("average", ["macro", "micro", "weighted"])
@pytest.mark.filterwarnings("error")
def test_averages_equal_scikit_learn(name, average):
    truth, guess = [0, 1, 2, 2, 1, 3], [0, 2, 2, 2, 1, 0]
    score = {"precision": sk.precision_score, "recall": sk.recall_score, "f1": sk.f1_score}[name]
    expected = score(truth, guess, average=average, zero_division=0)
    assert load(name).compute(predictions=guess, references=truth, average=average) == {name: pytest.approx(expected)}


def test_f1_default_is_binary_and_none_returns_one_value_per_class():
    assert load("f1").compute(predictions=[1, 0, 1], references=[1, 1, 1]) == {"f1": pytest.approx(0.8)}
    assert load("f1").compute(predictions=[1, 0, 1], references=[1, 1, 1], pos_label=0) == {"f1": 0.0}
    assert load("f1").compute(predictions=[1, 0], references=[1, 1], average=None)["f1"] == [0.0, pytest.approx(2 / 3)]


def test_one_label_column_ignores_the_absence_of_the_label():
    result = load("f1").compute(predictions=[[1], [0], [0]], references=[[1], [1], [0]], average="micro")
    assert result == {"f1": pytest.approx(2 / 3)}


def test_invalid_averages_are_rejected():
    with pytest.raises(HfseqError, match=r"average='macr' is not known; did you mean 'macro'\?"):
        load("f1").compute(predictions=[0, 1], references=[0, 1], average="macr")
    with pytest.raises(HfseqError, match=r"Target is multiclass but average='binary'.*'macro', .* with more classes"):
        load("f1").compute(predictions=[0, 1, 2], references=[0, 1, 2])


@pytest.mark.filterwarnings("error")
def test_matthews_correlation_of_opposite_and_constant_classes():
    compute = load("matthews_correlation").compute
    assert compute(predictions=[0, 1, 1, 0], references=[1, 0, 0, 1])["matthews_correlation"] == pytest.approx(-1.0)
    assert compute(predictions=[1, 1], references=[1, 1]) == {"matthews_correlation": 0.0}
    assert compute(predictions=[1, 1, 1], references=[0, 1, 2]) == {"matthews_correlation": 0.0}


@pytest.mark.filterwarnings("error")
def test_roc_auc_accepts_three_forms_of_predictions():
    compute = load("roc_auc").compute
    assert compute(predictions=[0.1, 0.4, 0.35, 0.8], references=[0, 0, 1, 1]) == {"roc_auc": 0.75}
    two_columns = [[0.9, 0.1], [0.6, 0.4], [0.65, 0.35], [0.2, 0.8]]
    assert compute(predictions=two_columns, references=[0, 0, 1, 1]) == {"roc_auc": 0.75}
    rng = np.random.default_rng(0)
    probs, truth = rng.dirichlet([1, 1, 1], size=30), rng.integers(0, 3, 30)
    expected = sk.roc_auc_score(truth, probs, multi_class="ovr", average="macro")
    assert compute(predictions=probs, references=truth)["roc_auc"] == pytest.approx(expected)
    labels = rng.integers(0, 2, (30, 3))
    expected = sk.roc_auc_score(labels, probs, average="macro")
    assert compute(predictions=probs, references=labels)["roc_auc"] == pytest.approx(expected)


@pytest.mark.filterwarnings("error")
def test_roc_auc_ignores_undefined_classes_and_labels():
    compute = load("roc_auc").compute
    assert compute(predictions=[0.1, 0.4], references=[1, 1]) == {}
    # Class 2 does not occur: the mean is over classes 0 and 1. Label 1 is always present: only label 0 counts.
    classes = compute(predictions=[[0.5, 0.3, 0.2], [0.2, 0.6, 0.2], [0.6, 0.3, 0.1]], references=[0, 1, 0])
    assert classes == {"roc_auc": 1.0}
    assert compute(predictions=[[0.1, 0.9], [0.2, 0.1]], references=[[0, 1], [1, 1]]) == {"roc_auc": 1.0}


def test_expected_calibration_error_equals_hand_computed_value():
    # Two of the 15 bins are used: confidences 0.62 and 0.64 (one correct), and 0.95 (correct).
    probs = [[0.62, 0.38], [0.36, 0.64], [0.05, 0.95]]
    expected = (abs(1 - (0.62 + 0.64)) + abs(1 - 0.95)) / 3
    result = load("expected_calibration_error").compute(predictions=probs, references=[0, 0, 1])
    assert result == {"expected_calibration_error": pytest.approx(expected)}


def test_expected_calibration_error_bins_include_their_upper_edge():
    # With two bins, 0.5 and 0.4 are both in the lower bin, where their differences (-0.5 and +0.6) partly cancel.
    compute = load("expected_calibration_error").compute
    result = compute(predictions=[0.5, 0.4], references=[0, 1], num_bins=2)
    assert result["expected_calibration_error"] == pytest.approx(0.05)
    assert compute(predictions=[0.0, 1.0], references=[0, 1]) == {"expected_calibration_error": 0.0}
    rows = compute(predictions=[[0.5, 0.4]], references=[[0, 1]], num_bins=2)
    assert rows["expected_calibration_error"] == pytest.approx(0.05)
    with pytest.raises(HfseqError, match="num_bins must be at least 1, not 0"):
        compute(predictions=[0.5], references=[1], num_bins=0)


def test_brier_score_and_log_loss_equal_hand_computed_values():
    one = load("brier_score").compute(predictions=[0.2, 0.9], references=[0, 1])
    assert one == {"brier_score": pytest.approx(0.025)}
    three = load("brier_score").compute(predictions=[[0.5, 0.5, 0.0]], references=[0])
    assert three["brier_score"] == pytest.approx(0.5)
    two = load("log_loss").compute(predictions=[[0.2, 0.8], [0.5, 0.5]], references=[1, 1])
    assert two["log_loss"] == pytest.approx(-(np.log(0.8) + np.log(0.5)) / 2)
    assert load("log_loss").compute(predictions=[0.8, 0.5], references=[1, 1]) == pytest.approx(two)


@pytest.mark.filterwarnings("error")
def test_log_loss_accepts_float32_and_absent_classes():
    probs = np.random.default_rng(0).dirichlet([1.0] * 7, size=20).astype(np.float32)
    result = load("log_loss").compute(predictions=probs, references=[3] * 20)
    assert result["log_loss"] == pytest.approx(-np.log(probs[:, 3]).mean(), rel=1e-5)


def test_regression_metrics_equal_reference_values():
    rng = np.random.default_rng(0)
    truth = rng.normal(size=20)
    guess = (truth + rng.normal(size=20)).round(1)
    expected = {
        "mse": np.mean((truth - guess) ** 2),
        "rmse": np.sqrt(np.mean((truth - guess) ** 2)),
        "mae": np.mean(np.abs(truth - guess)),
        "r2": 1 - np.sum((truth - guess) ** 2) / np.sum((truth - truth.mean()) ** 2),
        "pearson": np.corrcoef(truth, guess)[0, 1],
        "spearman": stats.spearmanr(truth, guess).statistic,
    }
    for name, value in expected.items():
        result = load(name).compute(predictions=guess, references=truth)
        assert result == {name: pytest.approx(value)}
        assert type(result[name]) is float


@pytest.mark.parametrize(
    ("name", "guess", "truth"),
    [
        ("pearson", [1.0, 1.0], [0, 1]),
        ("pearson", [0, 1], [2, 2]),
        ("pearson", [1e15, 1e15 + 0.125], [0, 1]),
        ("spearman", [1, 1], [0, 1]),
        ("spearman", [1], [1]),
        ("r2", [0, 1], [2, 2]),
    ],
)
@pytest.mark.filterwarnings("error")
def test_metrics_of_constant_values_are_left_out(name, guess, truth):
    assert load(name).compute(predictions=guess, references=truth) == {}


@pytest.mark.parametrize(
    ("name", "guess", "truth", "message"),
    [
        ("accuracy", [1, 0.7], [1, 1], r"predictions must be class ids \(integers\), but row 1 is 0.7; .*argmax"),
        ("accuracy", [[0, 2]], [[0, 1]], r"predictions must be 0 or 1, but row 0 is \[0. 2.\]"),
        ("accuracy", [[0, 1]], [[0, 1, 1]], r"references \(1, 3\) and predictions \(1, 2\) must have the same shape"),
        ("accuracy", [], [], "accuracy: predictions is empty"),
        ("mse", [1.0, float("nan")], [1, 1], "predictions must be finite, but row 1 is nan"),
        ("log_loss", [[2.0, -1.0]], [0], "must be probabilities between 0 and 1, but row 0 is .* softmax"),
        ("log_loss", [[0.5, 0.5], [0.7, 0.7]], [0, 1], "each row of predictions must sum to 1, but row 1 sums to 1.4"),
        ("log_loss", [[0.5, 0.5]], [2], r"references must be class ids from 0 to 1 \(2 classes\), but row 0 is 2"),
        ("brier_score", [0.5], [2], "references must be 0 or 1, but row 0 is 2"),
        ("roc_auc", [[0.5, 0.5], [0.1]], [0, 1], "predictions must be numbers, with the same number of values"),
    ],
)
def test_metric_classes_reject_invalid_input(name, guess, truth, message):
    with pytest.raises(HfseqError, match=message):
        load(name).compute(predictions=guess, references=truth)


def test_one_column_of_predictions_is_one_number_per_row():
    metric = load("roc_auc")
    assert metric.compute(predictions=np.array([[0.1], [0.9]]), references=[0, 1]) == {"roc_auc": 1.0}
