"""Evidence for a model from the predictions of its runs."""

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
