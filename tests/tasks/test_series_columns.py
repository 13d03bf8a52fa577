"""Which columns of a table a model of series reads, when it is trained and when it is used."""

import csv

import numpy as np
import pytest
from small import TINY

from hfseq import run_training
from hfseq.training.predictor import Predictor

LONG = {"id_column": "id", "time_column": "time"}


def write(path, header, rows):
    """A table, its columns picked from rows of cells by name."""
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows([row[name] for name in header] for row in rows)
    return path


def long_rows(channels, count=20, steps=4):
    """A row a step of series whose first channel rises or falls; the others are noise around 5, 6, ..."""
    source = np.random.default_rng(0)
    rows = []
    for number in range(count):
        for step in range(steps):
            values = [(step if number % 2 else -step), *(5 + np.arange(len(channels) - 1))]
            noisy = np.round(values + source.normal(0, 0.1, len(channels)), 3)
            row = {"id": f"s{number}", "time": step, "label": ("down", "up")[number % 2]}
            rows.append({**row, **dict(zip(channels, noisy, strict=True))})
    return rows


def wide_rows(steps, count=20):
    """A row a series that rises or falls."""
    source = np.random.default_rng(0)
    rows = []
    for number in range(count):
        values = np.arange(len(steps)) * (1 if number % 2 else -1) + source.normal(0, 0.1, len(steps))
        row = {"id": number, "label": ("down", "up")[number % 2]}
        rows.append({**row, **dict(zip(steps, np.round(values, 3), strict=True))})
    return rows


@pytest.fixture
def train(tmp_path, monkeypatch):
    """Trains a tiny model on a table of series, and gives what predicts with it."""
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", str(tmp_path / "datasets-cache"))

    def run(dataset, **settings):
        overrides = "hidden_size=8,dropout=0.0,classifier_dropout=0.0"
        given = {**TINY, "config_overrides": overrides, "modality": "series", "dataset": str(dataset), **settings}
        folder = tmp_path / f"run-{dataset.stem}"
        run_training({**given, "output_dir": str(folder), "cache_dir": str(tmp_path / "cache")})
        return Predictor.load(str(folder), device="cpu")

    return run


def series_of(predictor, path):
    rows, columns = predictor.read_rows(str(path))
    return rows[columns.text][:]


# --- labels


def test_a_channel_or_step_called_like_a_label_is_read(tmp_path, train):
    """What was trained on as the label is none of the series; a usual name of labels makes no column one."""
    rows = long_rows(("x", "y"))
    predictor = train(write(tmp_path / "long.csv", ["id", "time", "x", "y", "label"], rows), **LONG)
    bare = write(tmp_path / "bare.csv", ["id", "time", "x", "y"], rows)
    wanted = [[[row["x"], row["y"]] for row in rows[start : start + 4]] for start in range(0, len(rows), 4)]
    assert series_of(predictor, tmp_path / "long.csv") == series_of(predictor, bare) == wanted

    steps = ["w", "score", "y"]
    rows = wide_rows(steps)
    predictor = train(write(tmp_path / "wide.csv", [*steps, "label"], rows), label_column="Label")
    bare = write(tmp_path / "bare.csv", steps, rows)
    wanted = [[[row[name]] for name in steps] for row in rows]
    assert series_of(predictor, tmp_path / "wide.csv") == series_of(predictor, bare) == wanted
