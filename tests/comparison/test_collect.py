import json
import math

import numpy as np
import pytest

from hfseq.comparison.collect import RUN_COSTS, choose, collect
from hfseq.training.saved_predictions import SavedPredictions, save_predictions

MODEL_KEYS = {
    "kind",
    "status",
    "metrics",
    "validation_metrics",
    "costs",
    "runs",
    "truncated_share",
    "model",
    "config",
}
TOP_KEYS = {
    "directions",
    "format_version",
    "data",
    "primary_metric",
    "greater_is_better",
    "seeds",
    "models",
    "notes",
    "environment",
    "recommendation",
}


def test_collect_returns_the_documented_keys_as_valid_json(make_result):
    results = [make_result("lstm", seed, accuracy=0.8 + seed / 10) for seed in (0, 1)]
    comparison = collect(results, notes=["a first look"])
    assert json.loads(json.dumps(comparison, allow_nan=False)).keys() == TOP_KEYS
    assert comparison["format_version"] == 1
    assert comparison["data"]["description"] == "reviews.csv: 2 classes"
    assert (comparison["primary_metric"], comparison["greater_is_better"]) == ("accuracy", True)
    assert comparison["seeds"] == [0, 1]
    assert comparison["notes"] == ["a first look"]
    assert comparison["environment"]["device"] == "cpu"
    assert comparison["recommendation"].keys() == {"model", "sentence"}

    model = comparison["models"]["lstm"]
    assert model.keys() == MODEL_KEYS
    assert model["status"] == "finished"
    assert model["metrics"]["accuracy"]["mean"] == pytest.approx(0.85)
    assert model["metrics"]["accuracy"]["std"] == pytest.approx(math.sqrt(0.005))
    assert model["metrics"]["accuracy"]["values"] == pytest.approx((0.8, 0.9))
    assert model["validation_metrics"]["accuracy"]["mean"] == pytest.approx(0.86)
    assert model["costs"].keys() == set(RUN_COSTS)
    assert model["costs"]["parameters"] == 1000
    assert isinstance(model["costs"]["parameters"], int)
    assert model["config"] == {"model": "lstm", "max_length": 64}
    folder = str(results[1].folder)
    assert model["runs"][1] == {"seed": 1, "folder": folder, "status": "finished", "error": None, "variant": {}}


def test_collect_of_one_seed_has_no_standard_deviation(make_result):
    metric = collect([make_result("lstm")])["models"]["lstm"]["metrics"]["accuracy"]
    assert metric == {"mean": 0.5, "std": None, "values": (0.5,)}


def test_collect_averages_costs_over_the_seeds_that_measured_them(make_result):
    runs = [
        make_result("lstm", 0, costs={"train_seconds": 1.0, "parameters": 7}),
        make_result("lstm", 1, costs={"train_seconds": 2.0, "parameters": 8, "tokens_per_second": None}),
        make_result("lstm", 2, costs={"epochs": 4.0}),
    ]
    costs = collect(runs)["models"]["lstm"]["costs"]
    assert costs == {"train_seconds": 1.5, "parameters": 7.5, "epochs": 4.0}


def test_collect_reports_partial_failed_and_unavailable_models(make_result):
    results = [
        make_result("gru", 0, error="the training process was terminated by signal 11", record=False),
        make_result("gru", 1, error="RuntimeError: broken"),
        make_result("lstm", 0, accuracy=0.8),
        make_result("lstm", 1, error="out of memory"),
    ]
    comparison = collect(results, {"minilm": "pip install it"})
    models = comparison["models"]
    assert {name: model["status"] for name, model in models.items()} == {
        "gru": "failed",
        "lstm": "partial",
        "minilm": "unavailable",
    }
    reason = "seed 0: the training process was terminated by signal 11; seed 1: RuntimeError: broken"
    assert models["gru"]["reason"] == reason
    assert models["gru"]["metrics"] == models["gru"]["costs"] == models["gru"]["model"] == {}
    assert [run["status"] for run in models["gru"]["runs"]] == ["failed", "failed"]
    assert models["lstm"]["reason"] == "seed 1: out of memory"
    assert models["lstm"]["metrics"]["accuracy"]["values"] == (0.8,)
    assert models["minilm"] == {
        "kind": "model",
        "status": "unavailable",
        "reason": "pip install it",
        "metrics": {},
        "costs": {},
        "runs": [],
    }
    assert comparison["recommendation"]["sentence"].startswith("lstm is the only model that finished")
    json.dumps(comparison, allow_nan=False)


def test_collect_without_finished_runs_has_no_recommendation(make_result):
    comparison = collect([make_result("lstm", error="no", record=False)])
    assert comparison["recommendation"] is None
    assert comparison["data"] == comparison["environment"] == {}
    assert comparison.keys() == TOP_KEYS


def test_collect_counts_a_running_record_as_failed(make_result):
    result = make_result("lstm")
    result.record.status = "running"
    assert collect([result])["models"]["lstm"]["status"] == "failed"


def test_recommendation_compares_paired_predictions_if_available(make_result):
    rows = np.arange(100)
    expensive = {"size_on_disk_bytes": 100_000_000}
    cheap = {"size_on_disk_bytes": 1_000_000}
    paired = [make_result("a", right=rows < 90, costs=expensive), make_result("b", right=rows < 82, costs=cheap)]
    assert collect(paired)["recommendation"]["model"] == "a"
    # Without predictions, the same accuracies are a tie, and the cheaper model is chosen.
    unpaired = [make_result("c", accuracy=0.9, costs=expensive), make_result("d", accuracy=0.82, costs=cheap)]
    assert collect(unpaired)["recommendation"]["model"] == "d"


def test_recommendation_averages_scores_over_the_seeds(make_result):
    results = [make_result("a", seed, right=np.arange(4) != seed) for seed in (0, 1)]
    results += [make_result("b", seed, right=[False, False, False, False]) for seed in (0, 1)]
    # Averages 0.5, 0.5, 1, 1 against 0: variance 1/12 over 4 examples, no variance over the seeds.
    error = 2 * math.sqrt(1 / 12 / 4)
    assert f"0.750 better than b (margin of error: {error:.3f})" in collect(results)["recommendation"]["sentence"]


def test_recommendation_compares_squared_errors_of_regression(make_result):
    data = {"problem_type": "regression", "labels": [], "examples": {"train": 8, "validation": 2, "test": 4}}
    labels = np.zeros(4)
    results = []
    for name, predicted in {"a": [1.0, 1.0, 1.0, 1.0], "b": [2.0, 2.0, 2.0, 4.0]}.items():
        mse = float(np.mean(np.square(predicted)))
        results.append(make_result(name, data=data, metrics={"mse": mse, "mae": 1.0}))
        scores = np.square(predicted)
        saved = SavedPredictions((np.array(predicted)[:, None],), (labels,), scores=scores)
        save_predictions(results[-1].folder, "test", saved)
    comparison = collect(results)
    assert (comparison["primary_metric"], comparison["greater_is_better"]) == ("mse", False)
    # Differences 3, 3, 3, 15: variance 36 over 4 examples, so 2 * 3.
    assert "its test mse (1.000) is the best" in comparison["recommendation"]["sentence"]
    assert "within the margin of error (6.000)" in comparison["recommendation"]["sentence"]


def test_recommendation_uses_costs_that_are_added_later(make_result):
    results = [make_result("a", accuracy=0.9), make_result("b", accuracy=0.89)]
    comparison = collect(results)
    assert comparison["recommendation"]["model"] == "a"
    for name, latency in {"a": 90.0, "b": 3.0}.items():
        comparison["models"][name]["costs"]["latency_p50_ms"] = latency
    chosen = choose(comparison, results)
    assert chosen["model"] == "b"
    assert chosen["sentence"].endswith("b needs 1/30 of the time per example.")


def test_recommendation_says_if_the_margin_of_error_is_unknown(make_result):
    data = {"metric": "bleu", "examples": {"train": 8, "validation": 2, "test": 4}}
    results = [make_result(name, data=data, metrics={"bleu": value}) for name, value in (("a", 30.0), ("b", 30.01))]
    sentence = collect(results)["recommendation"]["sentence"]
    assert "0.010 better than a (margin of error: unknown with one seed; use several with --seeds)" in sentence


def test_recommendation_ignores_scores_of_another_metric(make_result):
    data = {"metric": "bleu_4", "examples": {"train": 8, "validation": 2, "test": 4}}
    results = [
        make_result(name, data=data, metrics={"accuracy": 0.5, "bleu_3": value}, right=[True, False, True, True])
        for name, value in (("a", 30.0), ("b", 31.0))
    ]
    for result in results:
        result.record.task = "captioning"
    comparison = collect(results)
    # The metrics of the generated text come before token accuracy.
    assert comparison["primary_metric"] == "bleu_3"
    assert "margin of error: unknown with one seed" in comparison["recommendation"]["sentence"]


def test_recommendation_does_not_pair_scores_of_different_lengths(make_result):
    results = [make_result("a", right=[True] * 4), make_result("b", right=[True, False, False])]
    assert collect(results)["recommendation"]["model"] == "a"


def test_collect_notes_different_data(make_result):
    results = [make_result(name, data={"fingerprint": name, "examples": {"test": 4}}) for name in ("a", "b")]
    (note,) = collect(results)["notes"]
    assert "not all trained and tested on the same data" in note


def test_collect_replaces_an_undefined_metric(make_result):
    data = {"metric": "bleu_4", "examples": {"train": 8, "validation": 2, "test": 4}}
    results = [make_result(name, data=data, metrics={"loss": 1.0, "bleu_1": 40.0}) for name in ("a", "b")]
    comparison = collect(results)
    assert comparison["primary_metric"] == "bleu_1"
    assert comparison["notes"] == ["bleu_4 is not defined on this test split: the models are ranked by bleu_1"]


def test_collect_adds_the_notes_of_single_models(make_result):
    common, own = "no test split", "12.0 % of the tokens of the test split are unknown to the tokenizer"
    results = [make_result("lstm", seed, data={"notes": [common, own]}) for seed in (0, 1)]
    results.append(make_result("minilm", data={"notes": [common]}))
    assert collect(results, notes=[common])["notes"] == [common, f"lstm: {own}"]
