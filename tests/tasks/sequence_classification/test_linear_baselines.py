"""Linear models of the baselines, and their features."""

import numpy as np
import pytest
from scipy import sparse
from sklearn.linear_model import LogisticRegression, RidgeClassifierCV
from transformers import EvalPrediction

from hfseq.data.labels.columns import Columns
from hfseq.data.labels.schema import LabelSchema
from hfseq.errors import HfseqError
from hfseq.modalities.dna.kmers import KmerFeatures
from hfseq.modalities.dna.tokenization_dna import reverse_complement
from hfseq.tasks.mean_features import mean_features
from hfseq.tasks.sequence_classification.baselines.bag_of_words import task_score
from hfseq.tasks.sequence_classification.baselines.linear import fit_logistic, fit_ridge
from hfseq.tasks.sequence_classification.task import SequenceClassification
from hfseq.tasks.tfidf import TextFeatures

TWO = LabelSchema("single_label_classification", ("a", "b"))
THREE = LabelSchema("single_label_classification", ("a", "b", "c"))


def blobs(classes, size=60, seed=0):
    """Points around one centre per class."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(classes, size=size)
    return (rng.normal(size=(size, 6)) + 1.5 * np.eye(6)[labels]).astype(np.float32), labels


def score_of(labels):
    return task_score(SequenceClassification(labels))


@pytest.mark.parametrize("schema", [TWO, THREE])
@pytest.mark.parametrize("form", [np.asarray, sparse.csr_matrix])
def test_logistic_regression_has_the_probabilities_of_sklearn(schema, form):
    train, validation = blobs(schema.num_labels), blobs(schema.num_labels, seed=1)
    model, score = fit_logistic(
        (form(train[0]), train[1]), (form(validation[0]), validation[1]), schema, score_of(schema)
    )
    reference = LogisticRegression(C=model.penalty, max_iter=1000).fit(*train)
    logits = model(form(validation[0]))
    probabilities = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    assert probabilities == pytest.approx(reference.predict_proba(validation[0]), abs=0.05)
    assert score == np.mean(logits.argmax(1) == validation[1])


def test_class_without_training_examples_is_never_predicted():
    train, validation = blobs(2), blobs(2, seed=1)
    logits = fit_logistic(train, validation, THREE, score_of(THREE))[0](validation[0])
    assert logits.shape == (60, 3) and set(logits.argmax(1)) == {0, 1}
    single = fit_logistic((train[0], np.full(60, 2)), validation, THREE, score_of(THREE))[0]
    assert set(single(train[0]).argmax(1)) == {2}


def test_several_labels_have_one_model_each():
    features, classes = blobs(3)
    labels = np.stack([classes == 0, classes != 2, np.zeros(60)], axis=1).astype(float)
    schema = LabelSchema("multi_label_classification", ("a", "b", "c"))
    model, _ = fit_logistic((features, labels), (features, labels), schema, score_of(schema))
    predicted = model(features) > 0
    assert np.mean(predicted[:, :2] == labels[:, :2]) > 0.8
    assert not predicted[:, 2].any()


def test_numbers_have_a_ridge_regression():
    features, _ = blobs(2)
    targets = features @ np.arange(6.0) + 5
    schema = LabelSchema("regression")
    model, _ = fit_logistic((features, targets), (features, targets), schema, score_of(schema))
    assert model(features)[:, 0] == pytest.approx(targets, abs=0.05)
    ridge = fit_ridge((features, targets), (features, targets), schema)
    assert ridge(features)[:, 0] == pytest.approx(targets, abs=0.05)


@pytest.mark.parametrize("schema", [TWO, THREE])
def test_ridge_classifier_predicts_as_that_of_sklearn(schema):
    train, validation = blobs(schema.num_labels), blobs(schema.num_labels, seed=1)
    model = fit_ridge(train, validation, schema)
    reference = RidgeClassifierCV(alphas=np.logspace(-3, 3, 10)).fit(*train)
    assert np.array_equal(model(validation[0]).argmax(1), reference.predict(validation[0]))
    # Its outputs are logits: their log loss is below that of the uniform distribution.
    task = SequenceClassification(schema)
    metrics = task.compute_metrics(EvalPrediction(model(validation[0]), validation[1]))
    assert metrics["log_loss"] < 0.8 * np.log(schema.num_labels)


def test_tfidf_features_of_pairs_are_separate():
    columns, rows = Columns("a", "b"), {"a": ["red fox", "red"], "b": ["red", "blue sky"]}
    features = TextFeatures("words").fit(rows, columns)
    found = features(rows, columns).toarray()
    assert features.size == found.shape[1] == 3 + 4  # red, fox, red fox; red, blue, sky, blue sky
    assert np.linalg.norm(found, axis=1) == pytest.approx(np.sqrt(2))
    assert features({"a": ["green"], "b": ["cat"]}, columns).nnz == 0


def test_number_of_tfidf_features_is_limited():
    columns, rows = Columns("a"), {"a": ["one two three four five six"] * 2}
    assert TextFeatures("characters", 7).fit(rows, columns).size == 7
    with pytest.raises(HfseqError, match="the texts of column 'a' have no words"):
        TextFeatures("words").fit({"a": ["!!", "?"]}, columns)


def test_kmers_of_both_strands_are_the_same_for_the_reverse_complement():
    sequences, columns = ["ACGTTGCA", "AAAACCCG"], Columns("s")
    one = KmerFeatures(2, both_strands=False).fit(sequences)
    both = KmerFeatures(2, both_strands=True).fit(sequences)
    other = [reverse_complement(sequence) for sequence in sequences]
    assert both({"s": sequences}, columns).toarray() == pytest.approx(both({"s": other}, columns).toarray())
    # AAAACCCG: AA 3, AC 1, CC 2, CG 1.
    counts = np.log1p([3, 1, 2, 1])
    found = one({"s": ["aaaacccg"]}, columns).toarray()
    assert np.sort(found[found > 0]) == pytest.approx(np.sort(counts / np.linalg.norm(counts)))


def test_mean_features_of_steps_and_of_pixels():
    steps = [np.array([[1.0, 2.0], [3.0, 2.0]]), np.ones((5, 2))]
    assert mean_features({"input_features": steps}).tolist() == [[2, 2, 1, 0], [1, 1, 0, 0]]
    pixels = np.arange(3 * 30 * 25, dtype=float).reshape(3, 30, 25)
    found = mean_features({"pixel_values": [pixels]})
    assert found.shape == (1, 3 * 12 * 12)
    # The first cell has the rows 0 and 1 and the columns 0 and 1.
    assert found[0, 0] == pytest.approx(pixels[0, :2, :2].mean())
    assert mean_features({"pixel_values": [np.ones((1, 5, 4))]}).shape == (1, 20)
