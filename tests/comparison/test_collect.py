import dataclasses
import json
import math

import numpy as np
import pytest

from hfseq.comparison.collect import collect, refresh
from hfseq.comparison.entries import RUN_COSTS
from hfseq.training.saved_predictions import SavedPredictions, save_predictions

MODEL_KEYS = {
    "kind",
    "status",
    "metrics",
    "validation_metrics",
    "costs",
    "cost_intervals",
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
    "pairs",
    "checks",
    "protocol",
}


def save_right(result, split, right):
    sums = np.stack([right, np.ones_like(right)], axis=-1).astype(float)
    save_predictions(result.folder, split, SavedPredictions(sums={"accuracy": sums}))


def test_collect_returns_the_documented_keys_as_valid_json(make_result):
    results = [make_result("lstm", seed, accuracy=0.8 + seed / 10) for seed in (0, 1)]
    comparison = collect(results, notes=["a first look"])
    assert json.loads(json.dumps(comparison, allow_nan=False)).keys() == TOP_KEYS
    assert comparison["format_version"] == 2
    assert comparison["data"]["description"] == "reviews.csv: 2 classes"
    assert (comparison["primary_metric"], comparison["greater_is_better"]) == ("accuracy", True)
    assert comparison["seeds"] == [0, 1]
    assert comparison["notes"] == ["a first look"]
    assert comparison["environment"]["device"] == "cpu"
    assert comparison["recommendation"].keys() == {
        *("model", "decided", "provisional", "sentence", "split", "metric", "margin", "prefer", "best"),
        *("baseline", "candidates", "needs"),
    }

    model = comparison["models"]["lstm"]
    assert model.keys() == MODEL_KEYS
    assert model["status"] == "finished"
    assert model["metrics"]["accuracy"]["mean"] == pytest.approx(0.85)
    assert model["metrics"]["accuracy"]["std"] == pytest.approx(math.sqrt(0.005))
    assert model["metrics"]["accuracy"]["values"] == pytest.approx((0.8, 0.9))
    assert model["validation_metrics"]["accuracy"]["mean"] == pytest.approx(0.86)
    assert model["costs"].keys() == set(RUN_COSTS) - {"energy_joules"}  # not every machine measures it
    assert model["costs"]["parameters"] == 1000
    assert isinstance(model["costs"]["parameters"], int)
    assert model["config"] == {"model": "lstm", "max_length": 64}
    folder = str(results[1].folder)
    assert model["runs"][1] == {"seed": 1, "folder": folder, "status": "finished", "error": None, "variant": {}}


def test_collect_of_one_seed_has_no_standard_deviation(make_result):
    metric = collect([make_result("lstm")])["models"]["lstm"]["metrics"]["accuracy"]
    assert metric == {"mean": 0.5, "std": None, "values": (0.5,), "interval": None}


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
        "validation_metrics": {},
        "costs": {},
        "cost_intervals": {},
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


def test_recommendation_rests_on_the_validation_split(make_result):
    costs = {"a": {"size_on_disk_bytes": 2e6}, "b": {"size_on_disk_bytes": 1e6}}
    results = [make_result(name, accuracy=0.9, costs=costs[name]) for name in costs]
    for result, (validation, test) in zip(results, ((950, 700), (700, 950)), strict=True):
        save_right(result, "validation", np.arange(1000) < validation)
        save_right(result, "test", np.arange(1000) < test)
    recommendation = collect(results)["recommendation"]
    assert (recommendation["model"], recommendation["split"]) == ("a", "validation")
    assert recommendation["decided"]
    assert recommendation["provisional"]  # one seed
    assert "Test accuracy: a 0.700" in recommendation["sentence"]


def test_collect_gives_intervals_and_pairs_of_both_splits(make_result):
    results = [make_result(name, seed, accuracy=0.8) for name in ("a", "b") for seed in (0, 1)]
    for number, result in enumerate(results):
        for split in ("validation", "test"):
            save_right(result, split, (np.arange(200) + 7 * number) % 5 > 0)
    comparison = collect(results)
    for metrics in ("metrics", "validation_metrics"):
        summary = comparison["models"]["a"][metrics]["accuracy"]
        assert summary["mean"] == pytest.approx(0.8, abs=0.011)
        low, high = summary["interval"]
        assert 0.7 < low < 0.8 < high < 0.9
    assert [(pair["a"], pair["b"], pair["split"]) for pair in comparison["pairs"]] == [
        ("a", "b", "validation"),
        ("a", "b", "test"),
    ]
    pair = comparison["pairs"][1]
    assert pair["low"] < pair["difference"] < pair["high"]
    assert pair["test"] == "crossed t test over seeds and examples"
    json.dumps(comparison, allow_nan=False)


def test_recommendation_uses_the_test_scores_of_earlier_versions(make_result):
    """They saved no sums, and only the predictions for the test split."""
    results = [
        make_result(name, accuracy=value, data={"metric": "accuracy"}) for name, value in {"a": 0.9, "b": 0.82}.items()
    ]
    for result, right in zip(results, (900, 820), strict=True):
        save_predictions(result.folder, "test", SavedPredictions(scores=(np.arange(1000) < right).astype(float)))
    recommendation = collect(results)["recommendation"]
    assert (recommendation["model"], recommendation["split"]) == ("a", "test")
    assert recommendation["provisional"]
    assert "this verdict rests on the test split" in recommendation["sentence"]


def test_recommendation_without_predictions_has_the_seeds_only(make_result):
    results = [
        make_result(name, seed, accuracy=level + seed / 1000)
        for name, level in (("a", 0.5), ("b", 0.9))
        for seed in (0, 1)
    ]
    recommendation = collect(results)["recommendation"]
    assert (recommendation["model"], recommendation["decided"], recommendation["split"]) == ("b", True, "validation")
    assert "the error over the examples is unknown" in recommendation["sentence"]
    single = collect([result for result in results if result.seed == 0])["recommendation"]
    assert (single["model"], single["decided"]) == ("b", False)


def test_recommendation_follows_the_protocol(make_result):
    results = [
        make_result(
            name, seed, accuracy=level + seed / 1000, costs={"size_on_disk_bytes": size, "train_seconds": 1 / size}
        )
        for name, level, size in (("a", 0.85, 1.0), ("b", 0.9, 2.0))
        for seed in (0, 1, 2)
    ]
    assert collect(results)["recommendation"]["model"] == "b"
    assert collect(results, protocol={"margin": 0.1})["recommendation"]["model"] == "a"
    assert collect(results, protocol={"margin": 0.1, "prefer": "training"})["recommendation"]["model"] == "b"


def test_recommendation_uses_costs_that_are_added_later(make_result):
    results = [make_result(name, seed, accuracy=0.9 + seed / 10_000) for name in ("a", "b") for seed in (0, 1, 2)]
    comparison = collect(results, protocol={"prefer": "latency"})
    assert "The time per example of some models is not known." in comparison["recommendation"]["sentence"]
    for name, latency in {"a": 90.0, "b": 3.0}.items():
        comparison["models"][name]["costs"]["latency_p50_ms"] = latency
    refresh(comparison, results)
    assert comparison["recommendation"]["model"] == "b"


def test_baseline_is_never_recommended(make_result):
    results = [make_result("lstm", seed, accuracy=0.8 + seed / 100) for seed in (0, 1)]
    baseline = dataclasses.replace(make_result("bag_of_words", accuracy=0.9), is_baseline=True)
    baseline.record.model["deterministic"] = True
    comparison = collect([*results, baseline])
    assert comparison["models"]["bag_of_words"]["kind"] == "baseline"
    assert comparison["recommendation"]["model"] is None
    assert comparison["recommendation"]["sentence"].startswith("None of these beats the baseline bag_of_words")


def test_collect_notes_different_data(make_result):
    results = [make_result(name, data={"fingerprint": name, "examples": {"test": 4}}) for name in ("a", "b")]
    comparison = collect(results)
    assert comparison["notes"] == []
    check = comparison["checks"][0]
    assert (check["code"], check["severity"]) == ("HFS011", "error")
    assert "not all trained and tested on the same data" in check["message"]


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


def test_repeated_splits_are_paired(make_result):
    """They share examples, which the corrected t test takes into account."""
    results = []
    for name, level in (("a", 0.8), ("b", 0.7)):
        for repeat in (1, 2, 3):
            for seed in (0, 1):
                run = make_result(name, seed, accuracy=level + repeat / 20 + seed / 1000)
                results.append(dataclasses.replace(run, variant={"repeat": repeat}))
    comparison = collect(results)
    (pair,) = [pair for pair in comparison["pairs"] if pair["split"] == "test"]
    assert pair["test"] == "corrected t test over random splits"
    assert (pair["low"], pair["high"]) == pytest.approx((0.1, 0.1))  # the splits differ, the models do not
    assert comparison["recommendation"]["decided"] and not comparison["recommendation"]["provisional"]
    low, high = comparison["models"]["a"]["metrics"]["accuracy"]["interval"]
    half = 4.303 * 0.05 * math.sqrt(1 / 3 + 100 / 800)
    assert high == 1.0 and low == pytest.approx(0.9005 - half, abs=1e-4)


def test_pairs_with_the_baseline_that_is_best_on_the_split_of_the_verdict(make_result):
    results = [make_result("lstm", accuracy=0.8)]
    for name, validation, test in (("words", 0.6, 0.75), ("characters", 0.7, 0.65)):
        baseline = dataclasses.replace(make_result(name, accuracy=test), is_baseline=True)
        baseline.record.metrics["validation"] = {"accuracy": validation}
        results.append(baseline)
    results[0].record.metrics["validation"] = {"accuracy": 0.8}
    comparison = collect(results)
    assert comparison["recommendation"]["split"] == "validation"
    assert comparison["recommendation"]["baseline"] == "characters"
    assert {(pair["a"], pair["b"], pair["split"]) for pair in comparison["pairs"]} == {
        ("lstm", "characters", "validation"),
        ("lstm", "characters", "test"),
    }
