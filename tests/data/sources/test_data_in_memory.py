"""Data sets in memory: which forms are read, with which values, and how they are named."""

import datetime
import json

import numpy as np
import pandas as pd
import pytest
from datasets import Dataset, DatasetDict
from small import TINY

from hfseq.data.arguments import DataArguments
from hfseq.data.sources import memory
from hfseq.data.sources.cells import check_readable
from hfseq.data.sources.loading import load_source
from hfseq.data.sources.memory import load_memory, memory_fingerprint, name_memory, save_memory
from hfseq.errors import HfseqError
from hfseq.inference.predictor import Predictor
from hfseq.modalities import find_modality
from hfseq.training.run import run_training

ROWS = [{"text": f"row {i}", "label": "ab"[i % 2], "page": i} for i in range(60)]
DAYS = pd.date_range("2024-01-01", periods=60, freq="D")


def rows_of(data) -> list[dict]:
    return load_source(data)["train"].to_list()


def column(values, **options) -> list:
    """The values of one column of a data frame, as they are read."""
    return [row["x"] for row in rows_of(pd.DataFrame({"x": pd.Series(values, **options)}))]


def test_the_same_content_has_the_same_name_in_every_form():
    frame = pd.DataFrame(ROWS)
    columns = {name: [row[name] for row in ROWS] for name in ROWS[0]}
    forms = [
        frame, frame.set_index(frame.index + 100), frame.convert_dtypes(), frame.astype({"label": "category"}),
        Dataset.from_list(ROWS), ROWS, columns, {**columns, "page": np.arange(60)}, {**columns, "text": frame["text"]},
        DatasetDict({"train": Dataset.from_list(ROWS)}), {"train": frame}, {"train": ROWS},
    ]  # fmt: skip
    names = [name_memory(form) for form in forms]
    assert names[0].startswith("memory:") and set(names) == {names[0]}
    assert all(rows_of(form) == ROWS for form in forms)
    others = [frame.iloc[1:], frame.assign(page=0), frame.rename(columns={"page": "n"}), frame[::-1]]
    assert len({names[0], *map(name_memory, others)}) == 5
    assert name_memory("reviews.csv") == "reviews.csv" and name_memory(None) is None


@pytest.mark.parametrize(
    ("values", "options", "expected"),
    [
        ([1, None, 3], {"dtype": "Int64"}, [1, None, 3]),
        ([True, None], {"dtype": "boolean"}, [True, None]),
        (["a", None], {"dtype": "string"}, ["a", None]),
        ([1.5, float("nan")], {}, [1.5, None]),
        (["a", float("nan"), None], {"dtype": object}, ["a", None, None]),
        (["b", "a", "b", None], {"dtype": "category"}, ["b", "a", "b", None]),
        ([3, 1, None], {"dtype": "category"}, [3, 1, None]),
        ([np.array([1, 2]), np.array([3])], {}, [[1, 2], [3]]),
        ([np.ones((2, 1)), np.zeros((1, 3))], {}, [[[1.0], [1.0]], [[0.0, 0.0, 0.0]]]),
        ([np.array([1.0, np.nan])], {}, [[1.0, None]]),
        ([["a", "b"], []], {}, [["a", "b"], []]),
        (DAYS[:1], {}, [datetime.datetime(2024, 1, 1)]),
        ([datetime.date(2024, 1, 1), pd.NaT], {}, [datetime.date(2024, 1, 1), None]),
        (DAYS[:1].to_period("M"), {}, [datetime.datetime(2024, 1, 1)]),
        (pd.arrays.SparseArray([0, 2]), {}, [0, 2]),
        ([{"path": "a.wav"}], {}, [{"path": "a.wav"}]),
    ],
)
def test_columns_of_a_data_frame_keep_their_values(values, options, expected):
    assert column(values, **options) == expected


def test_nested_arrays_of_three_dimensions_keep_their_values():
    videos = [np.arange(24).reshape(2, 3, 4), np.arange(12).reshape(1, 3, 4)]
    assert rows_of({"video": videos}) == [{"video": one.tolist()} for one in videos]
    stacked = np.arange(24, dtype=np.float16).reshape(2, 3, 4)
    assert rows_of({"series": stacked}) == [{"series": one.tolist()} for one in stacked]


def test_an_index_of_times_becomes_a_column():
    frame = pd.DataFrame({"x": [1.0, 2.0]}, index=DAYS[:2])
    assert [row["time"] for row in rows_of(frame)] == [day.to_pydatetime() for day in DAYS[:2]]
    assert list(rows_of(frame.rename_axis("day"))[0]) == ["day", "x"]
    several = pd.DataFrame({"x": [1, 2]}, index=pd.MultiIndex.from_tuples([("a", 1), ("b", 2)], names=["id", "step"]))
    assert rows_of(several) == [{"id": "a", "step": 1, "x": 1}, {"id": "b", "step": 2, "x": 2}]
    assert rows_of(pd.DataFrame({"x": [1, 2]}, index=["a", "b"])) == [{"x": 1}, {"x": 2}]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), "the data set in memory has more than one column 'a'"),
        (pd.DataFrame({("a", "b"): [1]}), "has columns with 2 levels; join their names"),
        (pd.DataFrame({"x": [1]}, index=pd.MultiIndex.from_tuples([(1, 2)])), "levels that have no name"),
        (pd.DataFrame({"x": [1, "a"]}), "cannot be read: .* Give each column values of one type"),
        (pd.DataFrame({"x": [1 + 2j]}), "column 'x' cannot be read"),
        (pd.DataFrame({"x": [np.ones(2), np.ones((2, 2))]}), "cannot be read: arrays have 1 and 2 dimensions"),
        (pd.DataFrame({"x": []}), "the data set in memory has no rows"),
        ([], "the data set in memory has no rows"),
        ({"a": [1, 2], "b": [1]}, "column 'a' has 2 rows, but column 'b' has 1"),
        ({"text": "one text"}, "column 'text' is one text, not a list of texts"),
        (["a", "b"], "is a list; dataset takes the path of a file or folder"),
        (5, "is a int; dataset takes the path"),
        (np.array(["a"]), "is a ndarray; dataset takes"),
        ((["a", "b"], ["x"]), "column 'text' has 2 rows, but column 'label' has 1"),
        ({"dev": pd.DataFrame(ROWS)}, "has no training split, only dev"),
        ({"left": Dataset.from_list(ROWS), "right": Dataset.from_list(ROWS)}, "has no split for training"),
        (DatasetDict({"dev": Dataset.from_list(ROWS), "test": Dataset.from_list(ROWS)}), "has no training split"),
    ],
)  # fmt: skip
def test_wrong_data_in_memory_is_rejected(data, message):
    with pytest.raises(HfseqError, match=message):
        name_memory(data)


def test_splits_in_memory_keep_their_names():
    parts = {"train": ROWS[:40], "dev": pd.DataFrame(ROWS[40:50]), "test": Dataset.from_list(ROWS[50:])}
    splits = load_source(parts)
    assert {name: split.to_list() for name, split in splits.items()} == {
        "train": ROWS[:40], "validation": ROWS[40:50], "test": ROWS[50:]
    }  # fmt: skip
    matched = DatasetDict(
        {"train": Dataset.from_list(ROWS), "validation_mismatched": Dataset.from_list(ROWS[:1]),
         "validation": Dataset.from_list(ROWS[:2])}
    )  # fmt: skip
    assert len(load_source(matched)["validation"]) == 2
    # A dict of columns may have a column that is called as a split.
    assert rows_of({"train": [1, 2], "test": ["a", "b"]}) == [{"train": 1, "test": "a"}, {"train": 2, "test": "b"}]


def test_splits_in_memory_need_not_have_the_same_columns():
    rows = Dataset.from_list(ROWS)
    splits = load_source(DatasetDict({"train": rows, "dev": rows.remove_columns("page")}))
    assert splits["validation"]["text"][:] == rows["text"][:]
    with pytest.raises(HfseqError, match=r"split 'validation' \(in memory\) has no column 'page'"):
        check_readable(splits["validation"], ["page"])


def test_arrays_become_series():
    values = np.arange(24.0).reshape(2, 3, 4)
    labelled = rows_of((values, ["a", "b"]))
    assert labelled == [{"series": values[0].tolist(), "label": "a"}, {"series": values[1].tolist(), "label": "b"}]
    assert rows_of((values[..., 0], [0, 1]))[0]["series"] == values[0, :, :1].tolist()
    assert rows_of(([values[0, :, 0], values[1, :2, 0]], [0, 1]))[1]["series"] == values[1, :2, :1].tolist()
    assert rows_of((["a b", "c"], [0, 1])) == [{"text": "a b", "label": 0}, {"text": "c", "label": 1}]
    assert rows_of(values[0])[0] == {"0": 0.0, "1": 1.0, "2": 2.0, "3": 3.0}
    assert rows_of(values[0, :, 0]) == [{"0": 0.0}, {"0": 4.0}, {"0": 8.0}]
    assert rows_of(values) == [{"series": one.tolist()} for one in values]


@pytest.mark.parametrize(
    ("data", "modality"),
    [
        (ROWS, "text"),
        ((np.zeros((2, 3)), [0, 1]), "series"),
        ({"values": [[1, 2], [3]], "label": [0, 1]}, "series"),
        ({"values": [[1, 2], [3]], "text": ["a", "b"], "label": [0, 1]}, "text"),
        ({"tokens": [["a"], ["b"]], "tags": [[1], [0]]}, "text"),
    ],
)
def test_modality_of_data_in_memory_is_found(data, modality, tmp_path):
    name = name_memory(data)
    assert find_modality(DataArguments(dataset=name)).name == modality
    saved = save_memory(name, tmp_path)
    assert find_modality(DataArguments(dataset=str(saved))).name == modality


def test_data_in_memory_is_saved_once(tmp_path, monkeypatch):
    name = name_memory(ROWS)
    path = save_memory(name, tmp_path)
    assert path.name == name.replace(":", "-") and load_source(str(path))["train"].to_list() == ROWS
    assert memory_fingerprint(str(path)) == memory_fingerprint(name) == name.removeprefix("memory:")
    assert memory_fingerprint("reviews.csv") is None and memory_fingerprint("memory-notes") is None
    before = {file: file.stat().st_mtime_ns for file in path.rglob("*")}
    assert save_memory(name, tmp_path) == path
    assert {file: file.stat().st_mtime_ns for file in path.rglob("*")} == before
    monkeypatch.setattr(memory, "_known", {})  # as in another process
    with pytest.raises(HfseqError, match=r"is not available here\. Save the data .* pass the path with --dataset"):
        load_memory(name)


def test_training_on_data_in_memory_is_resumed_and_evaluated(tmp_path, monkeypatch):
    frame = pd.DataFrame(ROWS)[["text", "label"]]
    settings = {**TINY, "max_steps": 2, "output_dir": str(tmp_path / "run")}
    record = run_training({**settings, "dataset": frame})
    fingerprint = name_memory(frame).removeprefix("memory:")
    assert record.status == "finished" and record.data["dataset"] == f"memory:{fingerprint}"
    assert record.data["description"].startswith(f"in-memory data (fingerprint {fingerprint}): ")
    again = run_training({**settings, "dataset": Dataset.from_pandas(frame)})
    assert again.finished_at == record.finished_at
    with pytest.raises(HfseqError, match=r"other settings|another run|dataset"):
        run_training({**settings, "dataset": frame.iloc[1:]})
    predictor = Predictor.load(str(tmp_path / "run"), device="cpu")
    # The test split that was cut from the frame, whichever way the frame is given.
    expected = pytest.approx({name: value for name, value in record.metrics["test"].items() if name != "loss"})
    assert predictor.evaluate() == expected and predictor.evaluate(frame) == expected
    assert predictor.evaluate(ROWS[:10], "train")["accuracy"] <= 1
    monkeypatch.setattr(memory, "_known", {})  # as in another process
    with pytest.raises(HfseqError, match=r"is not available here\. Save the data"):
        predictor.evaluate()
    assert predictor.evaluate(frame) == expected
    assert json.loads((tmp_path / "run" / "run.json").read_text())["data"]["dataset"] == f"memory:{fingerprint}"


@pytest.mark.parametrize("form", ["frame with times", "array"])
def test_forecasting_of_data_in_memory(form, tmp_path):
    values = np.stack([np.sin(np.arange(60)), np.arange(60) % 7], 1)
    frame = pd.DataFrame(values, columns=["a", "b"], index=DAYS)
    data = frame if form == "frame with times" else values
    settings = {"task": "forecasting", "context_length": 8, "prediction_length": 2, "max_steps": 2, "use_cpu": True,
                "disable_tqdm": True, "model": "lstm", "config_overrides": "hidden_size=8"}  # fmt: skip
    record = run_training({**settings, "dataset": data, "output_dir": str(tmp_path / "run")})
    assert record.data["channels"] == (["a", "b"] if data is frame else ["0", "1"])
    predictor = Predictor.load(str(tmp_path / "run"), device="cpu")
    (found,) = predictor(data)
    assert np.shape(found.values) == (2, 2)
    table = predictor(data).to_pandas()
    assert list(table) == ["example", "step", *(["time"] if data is frame else []), *record.data["channels"]]
    if data is frame:
        assert [time[:10] for time in table["time"]] == ["2024-03-01", "2024-03-02"]
    else:
        np.testing.assert_allclose(predictor([values, values[-8:]])[1].values, found.values, atol=1e-6)
