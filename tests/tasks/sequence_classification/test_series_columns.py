"""Columns of tables of series in training and in prediction."""

import csv
import datetime
import json

import numpy as np
import pytest
from small import TINY

from hfseq import run_training
from hfseq.commands import main
from hfseq.data.arguments import DataArguments
from hfseq.errors import HfseqError
from hfseq.inference.predictor import Predictor
from hfseq.modalities.series.row_names import shown_name
from hfseq.tasks.sequence_classification.data import load_labelled

LONG = {"id_column": "id", "time_column": "time"}


def write(path, header, rows):
    """Writes a table with the named columns of the rows."""
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows([row[name] for name in header] for row in rows)
    return path


def long_rows(channels, count=20, steps=4):
    """One row per step. The first channel of a series rises or falls; the others are noise around 5, 6, ..."""
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
    """One row per series that rises or falls."""
    source = np.random.default_rng(0)
    rows = []
    for number in range(count):
        values = np.arange(len(steps)) * (1 if number % 2 else -1) + source.normal(0, 0.1, len(steps))
        row = {"id": number, "label": ("down", "up")[number % 2]}
        rows.append({**row, **dict(zip(steps, np.round(values, 3), strict=True))})
    return rows


@pytest.fixture
def train(tmp_path, monkeypatch):
    """Trains a tiny model on a table of series, and returns its predictor."""
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


def test_predict_reads_channel_with_usual_label_name(tmp_path, train):
    """The label of the training data is not a channel. Another column with a usual name of labels is a channel."""
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


# --- their names


def test_predict_matches_channels_by_name(tmp_path, train):
    rows = long_rows(("a", "b"))
    table = write(tmp_path / "long.csv", ["id", "time", "a", "b", "label"], rows)
    other = write(tmp_path / "other.csv", ["label", "b", "time", "a", "id"], rows)
    predictor = train(table, **LONG)
    assert predictor.processor.column_names == ["a", "b"]
    assert series_of(predictor, other) == series_of(predictor, table)
    copy = write(tmp_path / "copy.csv", ["id", "time", "a", "b", "label"], rows)
    assert predictor.evaluate(str(other)) == predictor.evaluate(str(copy))

    for header, message in (
        (["id", "time", "a"], r"other columns than the model was trained on; there is no column 'b' \(add it, with"),
        (["id", "time", "a", "b", "c"], r"on; it knows no column 'c' \(--ignore_columns c\)"),
        (["id", "time", "a", "c"], r"there is no column 'b' .*, and it knows no column 'c' "),
    ):
        write(tmp_path / "wrong.csv", header, [{**row, "c": 1} for row in rows])
        with pytest.raises(HfseqError, match=message):
            series_of(predictor, tmp_path / "wrong.csv")


def test_predict_matches_steps_by_name(tmp_path, train):
    steps = ["s2", "s10", "score"]
    rows = wide_rows(steps)
    table = write(tmp_path / "wide.csv", [*steps, "label"], rows)
    predictor = train(table)
    other = write(tmp_path / "other.csv", ["label", *reversed(steps)], rows)
    assert series_of(predictor, other) == series_of(predictor, table)
    assert predictor.evaluate(str(other)) == predictor.evaluate(
        str(write(tmp_path / "copy.csv", [*steps, "label"], rows))
    )
    # A step is not a label, and the label is required.
    with pytest.raises(HfseqError, match="no column looks like the label: name it"):
        predictor.evaluate(str(write(tmp_path / "bare.csv", steps, rows)))
    with pytest.raises(HfseqError, match=r"there is no column 's2' and 1 more \(add it, with empty cells"):
        series_of(predictor, write(tmp_path / "short.csv", ["score"], rows))
    # The steps of lists have no names.
    (tmp_path / "lists.jsonl").write_text('{"series": [1, 2]}\n')
    assert series_of(predictor, tmp_path / "lists.jsonl") == [[[1.0], [2.0]]]


def test_predict_matches_columns_by_position_without_saved_names(tmp_path, train):
    rows = wide_rows(["u", "v"])
    table = write(tmp_path / "wide.csv", ["u", "v", "label"], rows)
    train(table)
    path = tmp_path / "run-wide" / "preprocessor_config.json"
    settings = json.loads(path.read_text())
    assert settings.pop("column_names") == ["u", "v"]
    path.write_text(json.dumps(settings))
    predictor = Predictor.load(str(tmp_path / "run-wide"), device="cpu")
    assert series_of(predictor, write(tmp_path / "other.csv", ["v", "u"], rows))[0] == [[rows[0]["v"]], [rows[0]["u"]]]


# --- rows that are steps, and rows that are series


def test_predict_rejects_table_of_steps_without_id(tmp_path, train):
    rows = [{**row, "id": int(row["id"][1:])} for row in long_rows(("a", "b"))]
    table = write(tmp_path / "long.csv", ["id", "time", "a", "b", "label"], rows)
    message = r"'0' is in column 'id' in row 0 and again in row 1.*set --id_column id --time_column time. If each"
    with pytest.raises(HfseqError, match=message):
        train(table)
    # Each row is a visit of a person, and a person can have several visits.
    predictor = train(table, ignore_columns=["id", "time"])
    assert predictor.processor.column_names == ["a", "b"]


def test_row_numbers_are_not_read_as_a_step(tmp_path, train):
    steps = ["t0", "t1", "t2"]
    rows = [{"Unnamed: 0": 7 + number, **row} for number, row in enumerate(wide_rows(steps))]
    predictor = train(write(tmp_path / "wide.csv", ["Unnamed: 0", "id", *steps, "label"], rows))
    assert predictor.processor.column_names == steps
    wanted = [[[row[name]] for name in steps] for row in rows[:2]]
    # When the steps are known, a name may occur several times.
    again = [{**row, "id": 3} for row in rows[:2]]
    assert series_of(predictor, write(tmp_path / "again.csv", ["id", *steps], again)) == wanted
    # Measurements with this name are steps.
    with_index = [{**row, "index": float(row["t0"])} for row in rows]
    predictor = train(write(tmp_path / "level.csv", ["index", *steps, "label"], with_index))
    assert predictor.processor.column_names == ["index", *steps]


def load(tmp_path, dataset, **settings):
    return load_labelled(
        DataArguments(modality="series", dataset=str(dataset), cache_dir=str(tmp_path / "cache"), **settings)
    )


def test_row_numbers_are_removed_from_all_splits(tmp_path):
    """The column is detected in the training split. The few rows of another split may have any numbers."""
    steps, source = ["t0", "t1"], np.random.default_rng(0)
    rows = [{**row, "nr": nr} for row, nr in zip(wide_rows(steps, 60), source.permutation(60).tolist(), strict=True)]
    (tmp_path / "data").mkdir()
    for split, part in (("train", rows), ("test", [{**row, "nr": 7} for row in rows[:4]])):
        write(tmp_path / "data" / f"{split}.csv", ["t0", "nr", "t1", "label"], part)
    data = load(tmp_path, tmp_path / "data")
    assert "left out: 'nr', since it only numbers the rows" in data.notes
    assert data.splits["test"]["series"][:] == [[[row["t0"]], [row["t1"]]] for row in rows[:4]]
    # Ranks also number the rows in each column, but they are data.
    ranks = {name: source.permutation(60).tolist() for name in ("a", "b")}
    ranked = [
        {"a": a, "b": b, "t0": row["t0"], "label": row["label"]}
        for row, a, b in zip(rows, *ranks.values(), strict=True)
    ]
    found = load(tmp_path, write(tmp_path / "ranks.csv", ["a", "b", "t0", "label"], ranked))
    assert len(found.splits["train"]["series"][0]) == 3 and not any("left out" in note for note in found.notes)


def test_steps_are_sorted_by_detected_time(tmp_path):
    rows = [{**row, "t": row["time"], "Unnamed: 0": number} for number, row in enumerate(long_rows(("x",), 20))]
    mixed = [rows[number] for number in np.random.default_rng(0).permutation(len(rows))]
    data = load(tmp_path, write(tmp_path / "long.csv", ["Unnamed: 0", "id", "t", "x", "label"], mixed), id_column="id")
    wanted = {tuple(row["x"] for row in rows[start : start + 4]) for start in range(0, len(rows), 4)}
    found = {tuple(step[0] for step in series) for split in data.splits.values() for series in split["series"]}
    assert found == wanted
    assert [note.split(" (")[0] for note in data.notes[:2]] == [
        "time column: 't'; the rows were not in its order, and were sorted by it",
        "left out: a column without a name, since it only numbers the rows",
    ]


def test_table_of_steps_without_id_is_rejected(tmp_path):
    rows = [{**row, "subject": int(row["id"][1:]), "t": row["time"]} for row in long_rows(("x",))]
    table = write(tmp_path / "long.csv", ["subject", "t", "x", "label"], rows)
    with pytest.raises(HfseqError, match=r"'subject' occurs with the same times.*--id_column subject --time_column t"):
        load(tmp_path, table)
    assert len(load(tmp_path, table, id_column="subject").splits["train"]) == 16
    assert len(load(tmp_path, table, ignore_columns=["t"]).splits["train"]) == 64


# --- what they are called


def test_predictions_contain_row_names(tmp_path, train, capsys):
    def shown(run, source):
        capsys.readouterr()
        assert main(["predict", str(tmp_path / run), "--input", str(source), "--format", "jsonl"]) == 0
        return [json.loads(line)["input"] for line in capsys.readouterr().out.splitlines()]

    rows = long_rows(("a", "b"))
    table = write(tmp_path / "long.csv", ["id", "time", "a", "b", "label"], rows)
    train(table, **LONG)
    shuffled = sorted(rows, key=lambda row: (row["time"], row["id"]))
    assert shown("run-long", write(tmp_path / "shuffled.csv", ["id", "time", "a", "b"], shuffled)) == sorted(
        {row["id"] for row in rows}
    )

    rows = wide_rows(["u", "v"])
    train(write(tmp_path / "wide.csv", ["id", "u", "v", "label"], rows), ignore_columns=["id"])
    few = [{**row, "id": 70 + number} for number, row in enumerate(rows[:2])]
    assert shown("run-wide", write(tmp_path / "few.csv", ["v", "u", "id"], few)) == ["70", "71"]
    assert shown("run-wide", write(tmp_path / "bare.csv", ["v", "u"], few)) == [0, 1]
    (tmp_path / "lists.jsonl").write_text(
        '{"series": [[1], [2]], "name": "p"}\n{"series": [[1], [2]], "name": null}\n'
    )
    assert shown("run-wide", tmp_path / "lists.jsonl") == ["p", 1]


def test_row_names_of_tables():
    assert shown_name({"frames": [[60]], "file": "b/tune.mid"}, ["frames"]) == "b/tune.mid"
    assert shown_name({"series": [[1]], "ID": 0, "file": "x"}, ["series"]) == 0
    assert shown_name({"id": datetime.date(2024, 1, 2)}) == "2024-01-02"
    assert shown_name({"name": "good", "text": "x"}, ["name"]) is None and shown_name({"id": None, "path": "p"}) == "p"
