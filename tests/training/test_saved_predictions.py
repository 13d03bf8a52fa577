"""Predictions and previews that a run leaves for statistics and reports."""

import numpy as np
import pytest

from hfseq.training.saved_predictions import (
    EXAMPLES_NAME,
    SavedPredictions,
    load_examples,
    load_predictions,
    load_scores,
    predictions_name,
    save_examples,
    save_predictions,
)


def test_saved_predictions_are_loaded_as_they_were(tmp_path):
    counts, errors = np.array([[1.0, 2.0], [0.0, 300.0]]), np.array([[0.1, 1.0], [0.2, 1.0]])
    saved = SavedPredictions(
        (np.eye(2), np.ones((2, 3))),
        (np.array([0, 1]),),
        {"accuracy": counts, "f1": counts, "mse": errors},
        np.array([0.5, 1.0]),
        np.array([3, 4]),
        np.array([0, 0]),
        ["a longer text", "\u00e4"],
        [["one", "two"], ["three"]],
    )
    save_predictions(tmp_path, "test", saved)
    found = load_predictions(tmp_path, "test")
    for name in ("predictions", "labels"):
        for given, loaded in zip(getattr(saved, name), getattr(found, name), strict=True):
            np.testing.assert_array_equal(given, loaded)
    assert {name: rows.tolist() for name, rows in found.sums.items()} == {
        name: rows.tolist() for name, rows in saved.sums.items()
    }
    assert found.sums["f1"] is found.sums["accuracy"] and found.sums["accuracy"].dtype == np.uint16
    assert load_scores(tmp_path).tolist() == [0.5, 1.0]
    assert (found.lengths.tolist(), found.groups.tolist()) == ([3, 4], [0, 0])
    assert (found.texts, found.references) == (saved.texts, saved.references)
    assert load_predictions(tmp_path, "validation") is None
    some = load_predictions(tmp_path, "test", only_sums=True, metrics=["f1"])
    assert set(some.sums) == {"accuracy", "f1"} and some.predictions == () and some.texts is None
    assert set(load_predictions(tmp_path, "test", metrics=["mse"]).sums) == {"mse"}
    assert load_predictions(tmp_path, "test", metrics=()).sums == {}


def test_negative_counts_and_large_numbers_are_kept(tmp_path):
    sums = {"a": np.array([[-200.0, 70000.0]]), "b": np.array([[2.0**40, 1.0]])}
    save_predictions(tmp_path, "validation", SavedPredictions(sums=sums))
    found = load_predictions(tmp_path, "validation")
    assert found.sums["a"].tolist() == [[-200, 70000]] and found.sums["b"].tolist() == [[2.0**40, 1]]


def test_very_large_predictions_are_left_out(tmp_path, monkeypatch):
    monkeypatch.setattr("hfseq.training.saved_predictions._MOST_BYTES", {"test": 100})
    save_predictions(
        tmp_path, "test", SavedPredictions((np.ones((50, 2)),), (np.ones(50),), {"mse": np.ones((50, 2))})
    )
    found = load_predictions(tmp_path, "test")
    assert found.predictions == () and found.sums["mse"].shape == (50, 2)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 cut", b"no archive"])
def test_damaged_predictions_are_ignored_with_a_warning(tmp_path, content, caplog):
    (tmp_path / predictions_name("test")).write_bytes(content)
    assert load_predictions(tmp_path, "test") is None
    assert "is damaged, and no statistics are made of it" in caplog.text


def test_predictions_of_earlier_versions_are_loaded(tmp_path):
    np.savez(tmp_path / predictions_name("test"), predictions=np.eye(2), labels=np.arange(2), scores=np.ones(2))
    found = load_predictions(tmp_path, "test")
    assert found.scores.tolist() == [1, 1] and not found.sums and found.predictions[0].shape == (2, 2)


def test_previews_are_limited_in_size(tmp_path, monkeypatch):
    monkeypatch.setattr("hfseq.training.saved_predictions._MOST_EXAMPLE_BYTES", 100)
    save_examples(tmp_path, {7: {"text": "x" * 30}, 3: {"text": "y" * 30}, 1: {"text": "z" * 30}})
    assert load_examples(tmp_path) == {7: {"text": "x" * 30}}
    assert (tmp_path / EXAMPLES_NAME).stat().st_size < 100


@pytest.mark.parametrize("content", ["", "[]", '{"examples": {"a": {}}}', '{"examples": [1]}'])
def test_damaged_previews_are_ignored_with_a_warning(tmp_path, content, caplog):
    (tmp_path / EXAMPLES_NAME).write_text(content)
    assert load_examples(tmp_path) == {}
    assert "is damaged" in caplog.text
