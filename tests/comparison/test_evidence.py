"""Evidence for a model from the predictions of its runs."""

from dataclasses import replace

import numpy as np

from hfseq.comparison.evidence import load_evidence
from hfseq.metrics.sums import metric_from_sums
from hfseq.training.saved_predictions import predictions_name


def test_evidence_has_the_sums_of_all_seeds(make_result):
    results = [make_result("a", 0, right=[True, False, True]), make_result("a", 2, right=[True, True, True])]
    found = load_evidence(results, "test")
    assert found.seeds == (0, 2) and found.size == 3 and found.groups is None and not found.deterministic
    assert metric_from_sums("accuracy", found.sums["accuracy"].sum(1)).tolist() == [2 / 3, 1.0]
    assert found.sums["f1_macro"] is found.sums["matthews_correlation"]
    assert load_evidence(results, "validation").sums["accuracy"].shape == (2, 3, 2)


def test_failed_runs_are_no_evidence(make_result):
    results = [make_result("a", 0, right=[True, False]), make_result("a", 1, error="out of memory")]
    assert load_evidence(results, "test").seeds == (0,)


def test_missing_and_damaged_files_are_no_evidence(make_result, caplog):
    results = [make_result("a", seed, right=[True, False]) for seed in (0, 1)]
    (results[1].folder / predictions_name("test")).write_bytes(b"no archive")
    assert load_evidence(results, "test") is None
    assert "is damaged" in caplog.text and "no statistics of a: no test predictions in" in caplog.text
    assert load_evidence([make_result("b", accuracy=0.5)], "test") is None
    assert load_evidence([], "test") is None


def test_runs_on_different_examples_are_no_evidence(make_result, caplog):
    results = [make_result("a", 0, right=[True, False]), make_result("a", 1, right=[True])]
    assert load_evidence(results, "test") is None
    assert "its runs have different test examples" in caplog.text


def test_runs_of_earlier_versions_are_no_evidence(make_result):
    result = make_result("a", 0, right=[True, False])
    np.savez(result.folder / predictions_name("test"), scores=np.ones(2))
    assert load_evidence([result], "test") is None


def test_examples_of_folds_are_pooled(make_result):
    rights = {1: ([True, False], [True, True]), 2: ([False, False, True], [True, False, True])}
    results = [
        replace(make_result(f"a{fold}", seed, right=right), name="a", variant={"fold": fold})
        for fold, by_seed in rights.items()
        for seed, right in enumerate(by_seed)
    ]
    found = load_evidence(results, "test")
    assert found.size == 5 and found.seeds == (0, 1) and found.variants == ({"fold": 1}, {"fold": 2})
    assert found.variant_of.tolist() == [0, 0, 1, 1, 1] and found.groups is None
    assert metric_from_sums("accuracy", found.sums["accuracy"].sum(1)).tolist() == [2 / 5, 4 / 5]
    assert load_evidence(results[:2], "test").variant_of is None


def test_folds_with_different_seeds_are_no_evidence(make_result, caplog):
    results = [
        replace(make_result(f"a{fold}", seed, right=[True, False]), name="a", variant={"fold": fold})
        for fold, seed in ((1, 0), (1, 1), (2, 0))
    ]
    assert load_evidence(results, "test") is None and "different seeds or metrics" in caplog.text


def test_evidence_is_that_of_the_largest_training_split(make_result):
    results = [
        replace(make_result(f"a{size}", right=[True] * size), name="a", variant={"train_size": size})
        for size in (2, 3)
    ]
    assert load_evidence(results, "test").size == 3
