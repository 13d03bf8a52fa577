"""The data of the report, computed from what runs saved."""

import base64
import json

import numpy as np
import pytest

from hfseq.comparison.collect import collect
from hfseq.comparison.comparison import Comparison
from hfseq.comparison.report.html.data import report_data
from hfseq.comparison.report.html.page import render_html
from hfseq.comparison.report.html.sources.calibration import Logits, fit_temperature
from hfseq.comparison.run_result import RunResult
from hfseq.metrics import compute_classification_metrics, compute_forecasting_metrics, compute_generation_metrics
from hfseq.metrics.example_sums import classification_sums, total_and_count
from hfseq.metrics.forecasting import forecast_sums
from hfseq.metrics.generation import text_sums
from hfseq.metrics.speech import speech_sums
from hfseq.tasks.token_classification.scoring import named_tags, tag_sums
from hfseq.training.record import RunRecord
from hfseq.training.saved_predictions import SavedPredictions, save_examples, save_predictions

HISTORY = [
    {"loss": 0.7, "epoch": 0.5, "step": 1},
    {"loss": 0.5, "epoch": 1.0, "step": 2},
    {"eval_loss": 0.6, "eval_accuracy": 0.5, "epoch": 1.0, "step": 2},
    {"loss": 0.3, "epoch": 2.0, "step": 4},
    {"eval_loss": 0.4, "eval_accuracy": 0.75, "epoch": 2.0, "step": 4},
]


@pytest.fixture
def leave(tmp_path):
    """Writes the files of a finished run, and returns its result."""

    def write(name, saved, metrics, *, seed=0, task="sequence_classification", data=None, examples=None, **fields):
        folder = tmp_path / name / f"seed-{seed}"
        size = len(next(iter(saved.sums.values())))
        known = {
            "dataset": "data/reviews.csv", "description": "reviews.csv: 2 classes", "fingerprint": "f",
            "examples": {"train": 80, "validation": size, "test": size}, "modality": "text", **(data or {}),
        }  # fmt: skip
        costs = {"parameters": 1000, "train_seconds": 2.0, "best_epoch": 2.0}
        machine = {"device": "cpu", "processor": "some processor", "num_threads": 1, "versions": {"torch": "2.9"}}
        record = RunRecord(
            name, task, seed, {"model": name, "learning_rate": 0.01}, "0", "finished",
            {"model_type": "hfseq_recurrent"}, known, {"test": metrics, "validation": metrics}, costs, machine,
            finished_at="2026-01-02T03:04:05+00:00", **fields,
        )  # fmt: skip
        record.save(folder)
        for split in ("validation", "test"):
            save_predictions(folder, split, saved)
        save_examples(folder, examples or {})
        return RunResult(name, seed, folder, RunRecord.load(folder), None)

    return write


def made_of(results, tmp_path):
    """The data of the only data set; it renders as a page, and is valid JSON."""
    data = report_data([Comparison(collect(results), tmp_path, results)])
    assert json.loads(json.dumps(data, allow_nan=False)) == data
    assert "<html" in render_html(data)
    (dataset,) = data["datasets"]
    return dataset


def classifier(leave, name, logits, labels, seed=0, names=("bad", "good"), **more):
    sums = classification_sums(logits, labels, "single_label_classification")
    saved = SavedPredictions(
        (logits,), (labels,), sums, (logits.argmax(1) == labels) * 1.0, np.arange(len(labels)) + 3
    )
    metrics = compute_classification_metrics(logits, labels, "single_label_classification")
    examples = {row: {"text": f"text {row}"} for row in range(len(labels))}
    directions = {"accuracy": True, "f1_macro": True, "loss": False}
    data = {"labels": list(names), "problem_type": "single_label_classification", "directions": directions}
    return leave(name, saved, metrics, seed=seed, data=data, examples=examples, history=HISTORY, **more)


def test_classification_has_all_sections(leave, tmp_path):
    source = np.random.default_rng(0)
    labels = source.integers(0, 2, 80)
    results = []
    for name, strength in (("lstm", 1.0), ("gru", 3.0)):
        for seed in (0, 1):
            logits = source.normal(size=(80, 2))
            logits[np.arange(80), labels] += strength
            results.append(classifier(leave, name, logits, labels, seed))
    found = made_of(results, tmp_path)
    assert (found["id"], found["name"], found["task"]) == ("reviews", "reviews", "sequence_classification")
    assert [model["name"] for model in found["models"]] == ["lstm", "gru"]
    quality = found["models"][0]["quality"]
    assert quality["value"] == pytest.approx(np.mean(quality["values"])) and len(quality["values"]) == 2
    # Learning curves.
    loss, accuracy = found["epochs"]["panels"]
    assert [(line["model"], line["split"]) for line in loss["lines"]] == [
        ("lstm", "train"), ("gru", "train"), ("lstm", "validation"), ("gru", "validation"),
    ]  # fmt: skip
    assert (loss["lines"][0]["x"], loss["lines"][0]["y"]) == ([0.5, 1.0, 2.0], [0.7, 0.5, 0.3])
    assert accuracy["key"] == "accuracy" and accuracy["lines"][0] == {
        "model": "lstm", "split": "validation", "x": [1.0, 2.0], "y": [0.5, 0.75], "low": [0.5, 0.75],
        "high": [0.5, 0.75], "best": 2.0,
    }  # fmt: skip
    # Lengths 3 to 82 in four bins of 20.
    assert [(one["low"], one["high"], one["examples"]) for one in found["by_length"]["bins"]] == [
        (3, 22, 20), (23, 42, 20), (43, 62, 20), (63, 82, 20),
    ]  # fmt: skip
    point = found["by_length"]["lines"][0]["points"][0]
    hits = [run.record and np.load(run.folder / "_test_predictions.npz")["scores"][:20].mean() for run in results[:2]]
    assert point["value"] == pytest.approx(np.mean(hits)) and point["low"] < point["value"] < point["high"]
    # Classes.
    matrix = np.array(found["confusion"]["models"][0]["matrix"])
    assert matrix.sum() == 160 and matrix.sum(1).tolist() == (2 * np.bincount(labels)).tolist()
    scores = found["class_scores"]
    assert scores["support"] == np.bincount(labels).tolist()
    runs = [run.record.metrics["test"]["f1_macro"] for run in results[:2]]
    assert np.mean(scores["models"][0]["f1"]) == pytest.approx(np.mean(runs))
    # Probabilities.
    calibrated = found["reliability"]["models"][0]
    errors = [run.record.metrics["test"]["expected_calibration_error"] for run in results[:2]]
    assert calibrated["ece"] == pytest.approx(np.mean(errors), rel=1e-5)
    assert sum(one["examples"] for one in calibrated["bins"]) == 160
    # Validation and test are the same here, so the scaled log loss is at most that of the temperature 1.
    assert calibrated["scaled_nll"] <= calibrated["nll"] and calibrated["temperature"] > 0
    curve = found["precision_recall"]["models"][1]
    assert found["precision_recall"]["label"] == "good" and curve["recall"][-1] == 1.0
    assert 0.9 < curve["average_precision"] <= 1
    # Examples.
    assert found["outputs"]["kind"] == "classification"
    worst, disagreement = found["outputs"]["groups"]
    assert (worst["key"], disagreement["key"]) == ("worst", "disagreement")
    item = worst["items"][0]
    assert item["input"] == f"text {item['id']}" and item["truth"] == ("bad", "good")[labels[item["id"]]]
    assert [row["model"] for row in item["predictions"]] == ["lstm", "gru"]
    assert not item["predictions"][0]["correct"] and 0.5 <= item["predictions"][0]["confidence"] <= 1
    # How it was done.
    titles = [fact["title"] for fact in found["method"]["facts"]]
    assert titles == ["Data", "Protocol", "Versions", "Machine"]
    assert found["method"]["settings"][0] == {"model": "lstm", "rows": [["learning rate", "0.01"]]}


def test_many_classes_list_the_most_confused_pairs(leave, tmp_path):
    labels = np.repeat(np.arange(25), 2)
    logits = np.eye(25)[np.where(np.arange(50) < 4, (labels + 1) % 25, labels)]
    found = made_of([classifier(leave, "a", logits, labels, names=[f"c{i}" for i in range(25)])], tmp_path)
    assert found["confusion"]["models"][0]["pairs"] == [
        {"true": "c0", "predicted": "c1", "count": 2, "of": 2},
        {"true": "c1", "predicted": "c2", "count": 2, "of": 2},
    ]
    assert found["precision_recall"]["label"] is None


def test_temperature_of_logits_that_are_too_large():
    source = np.random.default_rng(0)
    values = source.normal(size=(4000, 3))
    probs = np.exp(values) / np.exp(values).sum(1, keepdims=True)
    labels = np.array([source.choice(3, p=row) for row in probs])
    assert fit_temperature(Logits(4 * values, labels)) == pytest.approx(4, rel=0.1)
    several = (source.random(values.shape) < 1 / (1 + np.exp(-values))).astype(int)
    assert fit_temperature(Logits(2 * values, several)) == pytest.approx(2, rel=0.1)


def test_several_labels_and_numbers(leave, tmp_path):
    truth = np.array([[1, 0], [0, 1], [1, 1], [0, 0]] * 5).astype(float)
    logits = np.where(truth > 0, 2.0, -2.0)
    logits[0] *= -1
    saved = SavedPredictions((logits,), (truth,), classification_sums(logits, truth, "multi_label_classification"))
    metrics = compute_classification_metrics(logits, truth, "multi_label_classification")
    data = {"labels": ["x", "y"], "problem_type": "multi_label_classification", "metric": "f1_micro"}
    examples = {row: {"text": "t"} for row in range(20)}
    found = made_of([leave("a", saved, metrics, data=data, examples=examples)], tmp_path)
    item = found["outputs"]["groups"][0]["items"][0]
    assert (item["id"], item["truth"]) == (0, "x") and item["predictions"][0]["value"] == "y"
    assert "confusion" not in found and found["reliability"]["models"][0]["ece"] > 0

    numbers = np.arange(20.0)
    guess = numbers + np.where(numbers == 7, 5, 1)
    saved = SavedPredictions((guess[:, None],), (numbers,), classification_sums(guess, numbers, "regression"))
    metrics = compute_classification_metrics(guess, numbers, "regression")
    data = {"labels": [], "problem_type": "regression", "metric": "mse"}
    found = made_of([leave("b", saved, metrics, data=data, examples=examples)], tmp_path)
    item = found["outputs"]["groups"][0]["items"][0]
    assert (found["outputs"]["kind"], item["id"], item["truth"], item["predictions"][0]["value"]) == (
        "regression", 7, 7.0, 12.0,
    )  # fmt: skip
    assert "reliability" not in found


def test_tags_are_shown_beside_the_true_ones(leave, tmp_path):
    tags = ("O", "B-P", "I-P")
    true = np.array([[1, 2, 0, -100], [0, 1, 0, 0]])
    guess = np.array([[1, 0, 0, -100], [0, 1, 0, -100]])  # the last word was cut off
    named = named_tags(guess, true, tags, True)
    saved = SavedPredictions((guess,), (true,), tag_sums(*named, tags), lengths=np.array([3, 4]))
    examples = {0: {"tokens": ["Ann", "Lee", "ran"]}, 1: {"tokens": ["to", "Bob", "now", "!"]}}
    metrics = {"f1": 0.5, "precision": 0.5, "recall": 0.5, "accuracy": 0.8}
    data = {"labels": list(tags), "metric": "f1"}
    run = leave("a", saved, metrics, task="token_classification", data=data, examples=examples)
    found = made_of([run], tmp_path)
    item = found["outputs"]["groups"][0]["items"][0]
    assert found["outputs"]["kind"] == "tags" and item["tokens"] == ["Ann", "Lee", "ran"]
    assert item["truth"] == ["B-P", "I-P", "O"]
    assert item["predictions"] == [{"model": "a", "value": ["B-P", "O", "O"], "correct": False, "score": 0.0}]
    assert np.array(found["confusion"]["models"][0]["matrix"]).sum() == 6  # without the word that was cut off


def test_texts_captions_and_transcripts(leave, tmp_path):
    truth = [["a dog runs"], ["two cats sleep here"], ["it rains"]]
    results = []
    for name, guess in (("a", ["a dog runs", "cats", "it rains"]), ("b", ["the sun", "two cats sleep", "it rains"])):
        sums = text_sums(["chrf", "exact_match"], guess, truth)
        saved = SavedPredictions(sums=sums, texts=guess, references=truth, lengths=np.array([3, 4, 2]))
        metrics = compute_generation_metrics(guess, truth)
        data = {"metric": "chrf"}
        examples = {row: {"text": f"source {row}"} for row in range(3)}
        results.append(leave(name, saved, metrics, task="sequence_to_sequence", data=data, examples=examples))
    outputs = made_of(results, tmp_path)["outputs"]
    assert outputs["kind"] == "text" and outputs["score_name"] == "chrF"
    assert outputs["groups"][0]["items"][-1]["id"] == 2  # both are right
    item = outputs["groups"][1]["items"][0]
    assert (item["id"], item["input"], item["truth"]) == (0, "source 0", "a dog runs")
    assert [row["value"] for row in item["predictions"]] == ["a dog runs", "the sun"]

    saved = SavedPredictions(
        sums={"bleu_1": sums["chrf"][:, :4]}, texts=guess, references=[*truth[:2], ["it", "rain"]]
    )
    pictures = {row: {"image": "data:image/png;base64,AAAA"} for row in range(3)}
    run = leave("c", saved, {"bleu_1": 40.0}, task="captioning", data={"metric": "bleu_1"}, examples=pictures)
    item = made_of([run], tmp_path)["outputs"]["groups"][0]["items"][0]
    assert item["image"].startswith("data:image/png") and isinstance(item["truth"], list)

    saved = SavedPredictions(
        (np.zeros((3, 4), int),), (np.zeros((3, 4), int),), speech_sums(guess, [one for (one,) in truth]),
        texts=guess, references=truth,
    )  # fmt: skip
    run = leave("d", saved, {"cer": 0.4}, task="ctc", data={"metric": "cer"}, examples={0: {"description": "a.wav"}})
    outputs = made_of([run], tmp_path)["outputs"]
    assert outputs["groups"][0]["items"][0]["input"] == "a.wav" and outputs["score_name"] == "CER"


def test_forecasts_are_drawn_in_the_units_of_the_data(leave, tmp_path):
    source = np.random.default_rng(0)
    targets = source.normal(size=(12, 4, 2))
    targets[2, 1, 0] = np.nan
    errors = {"mae": 1.0, "rmse": 1.0, "mae_standardized": 0.5, "mse_standardized": 0.3}
    rows = [{"channel": name, "mean": 10.0, "std": 2.0, **errors} for name in ("load", "oil")]
    results = []
    for name, error in (("a", 0.1), ("b", 0.5)):
        forecasts = targets + error
        forecasts[5] += 3
        forecasts = np.nan_to_num(forecasts).astype(np.float32)
        sums = forecast_sums(forecasts, targets, forecasts, targets, np.ones((12, 2)))
        groups = np.arange(12) // 3
        lengths = np.full(12, 8)
        saved = SavedPredictions((forecasts,), (targets, np.ones((12, 2))), sums, None, lengths, groups)
        metrics = compute_forecasting_metrics(forecasts, targets)
        data = {"metric": "mse", "channels": ["load", "oil"], "modality": "series"}
        examples = {row: {"series": [[1.0, 2.0], [3.0, None]], "channels": ["load", "oil"]} for row in range(12)}
        more = {"task": "forecasting", "details": {"test": {"channels": rows}}}
        results.append(leave(name, saved, metrics, data=data, examples=examples, **more))
    found = made_of(results, tmp_path)
    assert found["channels"]["rows"][1]["cells"]["a"]["rmse"] == 1.0
    assert "by_length" not in found and "confusion" not in found
    worst = found["outputs"]["groups"][0]["items"]
    assert worst[0]["id"] == 5 and len({item["id"] // 3 for item in worst}) == len(worst) == 4
    item = worst[0]
    assert item["channels"] == ["load", "oil"] and item["history"] == [[1.0, 2.0], [3.0, None]]
    np.testing.assert_allclose(item["truth"], (targets[5] * 2 + 10).T, rtol=1e-3)
    np.testing.assert_allclose(item["predictions"][0]["value"], ((targets[5] + 3.1) * 2 + 10).T, rtol=1e-3)


def test_failed_models_and_runs_without_files_are_shown_too(make_result, tmp_path):
    results = [make_result("a", accuracy=0.9), make_result("b", error="out of memory", record=False)]
    found = made_of(results, tmp_path)
    assert [model["status"] for model in found["models"]] == ["finished", "failed"]
    assert "quality" not in found["models"][1] and found["models"][1]["reason"] == "seed 0: out of memory"
    for key in ("by_length", "confusion", "reliability", "outputs", "epochs", "pairs"):
        assert key not in found
    assert found["table"]["rows"][1] == {"model": "b", "cells": {}}


def test_comparisons_without_finished_runs_have_a_page(make_result, tmp_path):
    found = made_of([make_result("a", error="no", record=False)], tmp_path)
    assert found["verdict"]["status"] == "none" and "No model finished" in found["verdict"]["sentence"]


def test_training_times_of_different_machines_are_not_ranked(make_result, tmp_path):
    results = [make_result("a"), make_result("b", machine={"processor": "another"})]
    found = made_of(results, tmp_path)
    columns = {column["key"]: column["better"] for column in found["table"]["columns"]}
    assert columns["train_seconds"] is None and columns["size_on_disk_bytes"] == "lower"
    assert any("different machines" in note for note in found["table"]["notes"])
    noted = {cost["key"] for cost in found["costs"] if cost.get("note")}
    assert "train_seconds" in noted and "size_on_disk_bytes" not in noted


def test_several_data_sets_have_a_summary_with_ranks(leave, tmp_path):
    comparisons = []
    source = np.random.default_rng(0)
    for number in range(3):
        labels = source.integers(0, 2, 40)
        results = []
        for name, strength in (("lstm", 0.5), ("gru", 3.0)):
            logits = source.normal(size=(40, 2))
            logits[np.arange(40), labels] += strength
            run = classifier(leave, f"{name}{number}", logits, labels)
            results.append(RunResult(name, 0, run.folder, run.record, None))
        comparisons.append(Comparison(collect(results), tmp_path / str(number), results))
    data = report_data(comparisons)
    assert [dataset["id"] for dataset in data["datasets"]] == ["reviews", "reviews-2", "reviews-3"]
    assert data["title"] == "Comparison on 3 data sets"
    summary = data["summary"]
    assert summary["ranks"] == {"gru": 1.0, "lstm": 2.0} and summary["test"]["datasets"] == 3
    assert "<html" in render_html(data)


def test_series_have_thumbnails(leave, tmp_path):
    logits, labels = np.eye(2), np.array([1, 0])
    run = classifier(leave, "a", logits, labels)
    save_examples(run.folder, {0: {"series": [[1.0, 2.0, None, 3.0, 1.0]]}, 1: {"series": [[1.0]]}})
    first, second = made_of([run], tmp_path)["outputs"]["groups"][0]["items"]
    picture = base64.b64decode(first["image"].removeprefix("data:image/svg+xml;base64,")).decode()
    assert picture.count("<polyline") == 2 and "image" not in second


def test_a_metric_of_a_plug_in_is_shown(leave, tmp_path):
    saved = SavedPredictions((np.eye(2),), (np.array([0, 1]),), {"level_error": total_and_count(np.array([0.0, 1.0]))})
    data = {"metric": "level_error", "greater_is_better": False, "labels": ["low", "high"]}
    found = made_of([leave("a", saved, {"level_error": 0.5}, task="ordinal", data=data)], tmp_path)
    assert found["metric"]["name"] == "level error" and found["table"]["columns"][0]["better"] == "lower"
