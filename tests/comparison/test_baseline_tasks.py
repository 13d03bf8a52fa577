"""The baselines of each task, from data to saved predictions."""

import json
from itertools import product

import numpy as np
import pytest
from small import write_csv

from hfseq.comparison.baselines.run import run_baseline
from hfseq.comparison.baselines.saved import load_baseline
from hfseq.metrics.sums import metric_from_sums
from hfseq.registry import baselines, get_baseline
from hfseq.training.preparation import load_data, make_task
from hfseq.training.record import RunRecord
from hfseq.training.saved_predictions import SavedPredictions, load_predictions
from hfseq.training.settings import resolve


def run_on(name, data, tmp_path, **settings) -> tuple[RunRecord, list, SavedPredictions]:
    """Runs a baseline. Gives its record, its predictions for the raw test rows, and the saved ones."""
    given = {"model": "lstm", "dataset": str(data), "cache_dir": str(tmp_path / "cache"), "use_cpu": True, "seed": 0}
    arguments = resolve({**given, "output_dir": str(tmp_path / name), **settings})
    record = run_baseline(name, arguments)
    loaded, saved = load_data(arguments.data), load_predictions(arguments.folder, "test")
    assert get_baseline(name).matches(make_task(arguments, loaded), loaded)
    predictions = load_baseline(arguments.folder).predict_rows(loaded.splits["test"][:], loaded.columns)
    metric = record.data["metric"]
    whole = metric_from_sums(metric, saved.sums[metric].sum(0, dtype=float))
    assert whole == pytest.approx(record.metrics["test"][metric], rel=1e-4)
    assert record.costs["parameters"] >= 0 and record.model["summary"]
    return record, predictions, saved


def test_names_of_baselines():
    assert {
        "majority", "mean", "tfidf_words", "tfidf_characters", "kmers", "minirocket", "mean_features", "last_value",
        "seasonal_naive", "linear", "commonest_tag", "unigram", "ngram", "nearest_example", "commonest_transcript",
    } <= set(baselines())  # fmt: skip


FORECAST = {"task": "forecasting", "context_length": 12, "prediction_length": 4, "seasonality": 6, "max_length": None}


@pytest.fixture(scope="module")
def waves(tmp_path_factory):
    """A series of period 6 with a little noise."""
    steps = np.arange(240)
    values = np.sin(steps * np.pi / 3) + np.random.default_rng(0).normal(size=240) * 0.05
    rows = [{"value": f"{value:.4f}"} for value in values]
    return write_csv(tmp_path_factory.mktemp("waves") / "waves.csv", rows)


def test_forecasts_of_a_wave(waves, tmp_path):
    found = {name: run_on(name, waves, tmp_path, **FORECAST) for name in ("last_value", "seasonal_naive", "linear")}
    errors = {name: record.metrics["test"]["mse"] for name, (record, _, _) in found.items()}
    assert errors["linear"] < errors["seasonal_naive"] < 0.05 < errors["last_value"]
    for record, predictions, saved in found.values():
        assert np.array(predictions[0].values).shape == (4, 1)
        assert saved.groups is not None and record.details["test"]["channels"][0]["channel"] == "value"
        assert "baselines" not in record.data
    seasonal = found["seasonal_naive"][1][0].values
    rows = [float(line) for line in waves.read_text().split()[1:]]
    assert np.array(seasonal)[:, 0] == pytest.approx(rows[-6:-2], abs=1e-3)


def test_forecasts_of_quantiles(waves, tmp_path):
    record, predictions, _ = run_on("linear", waves, tmp_path, **FORECAST, quantiles="0.1,0.5,0.9")
    assert record.metrics["test"]["coverage_error"] < 0.2 and record.metrics["test"]["pinball"] < 0.05
    values = np.array(predictions[0].values)
    assert values.shape == (4, 1, 3) and (np.diff(values) > 0).all()
    assert "quantiles of its training errors" in record.model["summary"]


def test_seasonal_naive_needs_a_season(waves, tmp_path):
    arguments = resolve({**FORECAST, "model": "lstm", "dataset": str(waves), "seasonality": 1, "output_dir": "unused",
                         "cache_dir": str(tmp_path)})  # fmt: skip
    data = load_data(arguments.data)
    assert not get_baseline("seasonal_naive").matches(make_task(arguments, data), data)


def test_commonest_tag(tmp_path):
    words = {"the": "DET", "dog": "NOUN", "cat": "NOUN", "runs": "VERB", "sees": "VERB"}
    rng = np.random.default_rng(0)
    lines = []
    for _ in range(60):
        sentence = [str(word) for word in rng.choice(list(words), size=rng.integers(2, 6))]
        lines.append(json.dumps({"tokens": sentence, "tags": [words[word] for word in sentence]}))
    data = tmp_path / "tags.jsonl"
    data.write_text("\n".join(lines))
    record, predictions, saved = run_on("commonest_tag", data, tmp_path, task="token_classification", max_length=8)
    assert record.metrics["test"]["accuracy"] == 1.0
    assert saved.predictions[0].shape == saved.labels[0].shape
    assert set(predictions[0].labels) <= set(words.values())


def test_ngram_is_better_than_unigram(tmp_path):
    rng = np.random.default_rng(0)
    sentences = [" ".join(["the", str(rng.choice(["cat", "dog"])), "sat", "on", "the", "mat"]) for _ in range(200)]
    (tmp_path / "text.txt").write_text("\n".join(sentences))
    settings = {"task": "causal_lm", "max_length": 16, "tokenizer_name": "word"}
    found = {name: run_on(name, tmp_path / "text.txt", tmp_path, **settings)[0] for name in ("unigram", "ngram")}
    metrics = {name: record.metrics["test"] for name, record in found.items()}
    assert metrics["ngram"]["bits_per_character"] < 0.5 * metrics["unigram"]["bits_per_character"]
    assert metrics["ngram"]["accuracy"] > 0.8 > metrics["unigram"]["accuracy"]
    assert found["ngram"].model["description"]["n"] > 1 and found["unigram"].model["trivial"]


def test_nearest_source_text(tmp_path):
    pairs = {"red house": "rotes haus", "blue sky": "blauer himmel", "green tree": "gruener baum"}
    others = ["the", "one", "my", "that", "old"]
    rows = [
        {"source": f"{before} {text} {after}", "target": target}
        for before, after in product(others, others)
        for text, target in pairs.items()
    ]
    data = write_csv(tmp_path / "pairs.csv", rows)
    record, predictions, saved = run_on("nearest_example", data, tmp_path, task="sequence_to_sequence")
    assert record.metrics["test"]["chrf"] == pytest.approx(100) and "accuracy" not in record.metrics["test"]
    assert saved.texts == [one.text for one in predictions]
    assert [[text] for text in saved.texts] == saved.references


def make_images(folder):
    """Dark and light images with their captions."""
    from PIL import Image

    rng, rows = np.random.default_rng(0), []
    for number in range(40):
        word = ("dark", "light")[number % 2]
        pixels = rng.integers(40, size=(14, 13, 3)) + 180 * (number % 2)
        Image.fromarray(pixels.astype(np.uint8)).save(folder / f"{number}.png")
        rows.append({"file_name": f"{number}.png", "caption": f"here is a {word} picture", "label": word})
    return rows


def test_nearest_image(tmp_path):
    folder = tmp_path / "images"
    folder.mkdir()
    rows = [{key: row[key] for key in ("file_name", "caption")} for row in make_images(folder)]
    write_csv(folder / "metadata.csv", rows)
    record, predictions, saved = run_on("nearest_example", folder, tmp_path, task="captioning", image_size=16)
    assert record.metrics["test"]["bleu_1"] == pytest.approx(100)
    assert (
        {one.text for one in predictions} == {"here is a dark picture", "here is a light picture"} == set(saved.texts)
    )


def test_mean_features_of_images(tmp_path):
    folder = tmp_path / "images"
    folder.mkdir()
    rows = [{"image": row["file_name"], "label": row["label"]} for row in make_images(folder)]
    data = write_csv(folder / "images.csv", rows)
    record, predictions, _ = run_on("mean_features", data, tmp_path, modality="image", image_size=16)
    assert record.metrics["test"]["accuracy"] == 1.0
    assert {one.labels[0] for one in predictions} == {"dark", "light"}


def test_commonest_transcript(tmp_path):
    pytest.importorskip("jiwer")
    rows = []
    for number in range(40):
        text = "no" if number % 4 == 0 else "yes"
        rows.append({"series": [[float(number % 5)]] * 12, "text": text})
    data = tmp_path / "songs.jsonl"
    data.write_text("\n".join(map(json.dumps, rows)))
    record, predictions, _ = run_on("commonest_transcript", data, tmp_path, task="ctc", modality="series")
    assert {one.text for one in predictions} == {"yes"}
    assert 0 < record.metrics["test"]["cer"] < 1
