import math

import numpy as np
import pytest
import torch
from torch.nn import functional as F
from transformers import AutoModelForSequenceClassification, EvalPrediction
from transformers.modeling_outputs import SequenceClassifierOutput

from hfseq.data.labels.inference import LabelSchema
from hfseq.errors import HfseqError
from hfseq.metrics import compute_classification_metrics
from hfseq.registry import get_task
from hfseq.tasks import SequenceClassification, balanced_class_weights

SINGLE = LabelSchema("single_label_classification", ("bad", "fine", "good"))
MULTI = LabelSchema("multi_label_classification", ("cat", "dog"))
NUMBER = LabelSchema("regression")
LOGITS = torch.tensor([[2.0, 0.5, -1.0], [0.0, 0.0, 0.0], [-3.0, 1.0, 1.5], [0.1, 0.2, 0.3]])


def test_sequence_classification_is_registered():
    assert get_task("sequence_classification") is SequenceClassification
    task = SequenceClassification(SINGLE)
    assert task.auto_class is AutoModelForSequenceClassification and task.pipeline_tag == "text-classification"


@pytest.mark.parametrize(
    ("labels", "num_labels", "names", "metric"),
    [
        (SINGLE, 3, {0: "bad", 1: "fine", 2: "good"}, "accuracy"),
        (MULTI, 2, {0: "cat", 1: "dog"}, "f1_micro"),
        (NUMBER, 1, {0: "LABEL_0"}, "mse"),
    ],
)
def test_config_values_describe_labels(labels, num_labels, names, metric):
    task = SequenceClassification(labels)
    assert task.config_values() == {
        "problem_type": labels.problem_type,
        "num_labels": num_labels,
        "id2label": names,
        "label2id": {name: number for number, name in names.items()},
    }
    assert task.default_metric == metric


@pytest.mark.parametrize(
    ("labels", "settings", "message"),
    [
        (
            SINGLE,
            {"class_weights": (1.0, 2.0)},
            "class_weights has 2 values, but the data has 3 labels: bad, fine, good",
        ),
        (NUMBER, {"class_weights": (1.0, 2.0)}, "class_weights has 2 values, but the data has 1 labels: a number"),
        (NUMBER, {"class_weights": (1.0,)}, "class_weights and label_smoothing_factor are for classification, not"),
        (NUMBER, {"label_smoothing": 0.1}, "class_weights and label_smoothing_factor are for classification, not"),
    ],
)
def test_sequence_classification_rejects_invalid_loss_settings(labels, settings, message):
    with pytest.raises(HfseqError, match=message):
        SequenceClassification(labels, **settings)


@pytest.mark.parametrize(
    ("task", "logits", "labels", "reference"),
    [
        (SequenceClassification(SINGLE), LOGITS, torch.tensor([0, 2, 1, 1]), F.cross_entropy),
        (
            SequenceClassification(SINGLE, (0.5, 1.0, 2.0), 0.1),
            LOGITS,
            torch.tensor([0, 2, 1, 1]),
            lambda logits, labels: (
                F.cross_entropy(logits, labels, reduction="none", label_smoothing=0.1)
                * torch.tensor([0.5, 1.0, 2.0])[labels]
            ).mean(),
        ),
        (
            SequenceClassification(MULTI, (1.0, 3.0)),
            LOGITS[:, :2],
            torch.tensor([[1.0, 0.0], [0.0, 0.0], [1.0, 1.0], [0.0, 1.0]]),
            lambda logits, labels: F.binary_cross_entropy_with_logits(
                logits, labels, pos_weight=torch.tensor([1.0, 3.0])
            ),
        ),
        (
            SequenceClassification(NUMBER),
            LOGITS[:, :1],
            torch.tensor([0.5, -1.0, 2.0, 0.0]),
            lambda logits, labels: F.mse_loss(logits[:, 0], labels),
        ),
    ],
    ids=["single", "weighted and smoothed", "multi", "regression"],
)
def test_loss_matches_reference(task, logits, labels, reference):
    expected = reference(logits, labels)
    found = task.loss(SequenceClassifierOutput(logits=logits), {"labels": labels})
    torch.testing.assert_close(found, expected)
    parts = [
        task.loss({"logits": logits[part]}, {"labels": labels[part]}, torch.tensor(labels.numel()))
        for part in (slice(0, 1), slice(1, 4))
    ]
    torch.testing.assert_close(sum(parts), expected)


def test_compute_metrics_by_problem_type():
    task = SequenceClassification(SINGLE)
    labels = np.array([0, 2, 1, 2])
    found = task.compute_metrics(EvalPrediction(LOGITS.numpy(), labels))
    assert found["accuracy"] == 0.5 and found["log_loss"] == pytest.approx(
        F.cross_entropy(LOGITS, torch.from_numpy(labels)).item(), rel=1e-5
    )
    numbers = SequenceClassification(NUMBER).compute_metrics(
        EvalPrediction(np.array([[1.0], [3.0]]), np.array([1.0, 1.0]))
    )
    assert numbers["mse"] == 2.0


@pytest.mark.parametrize(
    ("labels", "logits", "expected"),
    [
        (SINGLE, LOGITS, LOGITS.softmax(-1)),
        (MULTI, LOGITS[:, :2], LOGITS[:, :2].sigmoid()),
        (NUMBER, LOGITS[:, :1], None),
    ],
    ids=["single", "multi", "regression"],
)
def test_scores_are_probabilities_or_values(labels, logits, expected):
    expected = logits if expected is None else expected
    found = SequenceClassification(labels).scores(logits.numpy().astype(np.float64))
    np.testing.assert_allclose(found, expected.numpy(), rtol=1e-6)
    assert found.dtype == np.float32


def test_balanced_weights_compensate_class_frequencies():
    encoded = [0] * 6 + [1] * 3 + [2]
    weights = balanced_class_weights(encoded, SINGLE)
    assert weights == pytest.approx((10 / 18, 10 / 9, 10 / 3))
    assert np.mean([weights[label] for label in encoded]) == pytest.approx(1)
    # A class without training examples counts as if it had one.
    assert balanced_class_weights([0, 0, 1], SINGLE) == pytest.approx((0.5, 1.0, 1.0))
    assert SequenceClassification(SINGLE, weights).class_weights == weights


def test_balanced_weights_of_multi_label_data_are_negative_to_positive_ratio():
    encoded = [[1.0, 0.0], [1.0, 0.0], [0.0, 0.0], [1.0, 1.0]]
    assert balanced_class_weights(encoded, MULTI) == pytest.approx((1 / 3, 3.0))
    # A label without positive examples counts as if it had one.
    assert balanced_class_weights([[1.0, 0.0], [0.0, 0.0]] * 2, MULTI) == pytest.approx((1.0, 3.0))


def test_balanced_weights_reject_regression():
    with pytest.raises(HfseqError, match="class_weights are for classification, not for regression"):
        balanced_class_weights([0.5, 1.0], NUMBER)


def test_example_scores_average_to_micro_f1():
    generator = np.random.default_rng(0)
    logits, labels = generator.normal(size=(200, 4)), (generator.random((200, 4)) < 0.3).astype(float)
    task = SequenceClassification(LabelSchema("multi_label_classification", ("a", "b", "c", "d")))
    scores = task.example_scores(logits, labels)
    found = compute_classification_metrics(logits, labels, "multi_label_classification")["f1_micro"]
    assert scores.mean() == pytest.approx(found)
    # The variance of the scores predicts the spread of the metric over bootstrap samples of the test split.
    rows = generator.integers(0, 200, size=(150, 200))
    drawn = [
        compute_classification_metrics(logits[row], labels[row], "multi_label_classification")["f1_micro"]
        for row in rows
    ]
    assert np.std(drawn) == pytest.approx(math.sqrt(scores.var() / 200), rel=0.2)


def test_example_scores_of_single_label_and_regression():
    logits, labels = LOGITS.numpy(), np.array([0, 2, 1, 2])
    assert SequenceClassification(SINGLE).example_scores(logits, labels).tolist() == [1, 0, 0, 1]
    squares = SequenceClassification(NUMBER).example_scores(np.array([[1.0], [3.0]]), np.array([1.0, 1.0]))
    assert squares.tolist() == [0, 4]


def test_example_scores_are_none_if_micro_f1_is_undefined():
    nothing = np.zeros((3, 2))
    assert SequenceClassification(MULTI).example_scores(nothing - 1, nothing) is None


def test_regression_target_of_minus_100_is_not_padding():
    """-100 marks a class to ignore; in regression it is an ordinary number."""
    labels = {"labels": torch.tensor([-100.0, -100.0, 3.0])}
    assert SequenceClassification(LabelSchema("regression")).count_items(labels) == 3
    assert SequenceClassification(SINGLE).count_items({"labels": torch.tensor([-100, 1, 0])}) == 2
