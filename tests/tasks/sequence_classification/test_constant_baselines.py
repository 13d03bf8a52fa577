"""Baselines that ignore the inputs."""

import numpy as np
import pytest

from hfseq.data.labels.schema import LabelSchema
from hfseq.tasks.sequence_classification.baselines.majority import constant_logits


def test_majority_has_the_class_shares_as_probabilities():
    logits = constant_logits(np.array([0, 1, 1, 1]), LabelSchema("single_label_classification", ("a", "b", "c")))
    assert np.exp(logits) == pytest.approx(np.array([1.5, 3.5, 0.5]) / 5.5)


def test_majority_of_several_labels_predicts_the_commonest_at_least():
    labels = LabelSchema("multi_label_classification", ("a", "b"))
    rows = np.array([[1, 0], [0, 1], [0, 1], [0, 0], [0, 0]])
    assert (constant_logits(rows, labels) > 0).tolist() == [False, True]
    often = np.array([[1, 1], [1, 1], [0, 1]])
    logits = constant_logits(often, labels)
    assert (logits > 0).tolist() == [True, True]
    assert 1 / (1 + np.exp(-logits)) == pytest.approx([2.5 / 4, 3.5 / 4])


def test_mean_of_numbers():
    assert constant_logits(np.array([1.0, 2.0, 6.0]), LabelSchema("regression")).tolist() == [3.0]
