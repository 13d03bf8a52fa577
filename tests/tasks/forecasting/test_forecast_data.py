"""Data of forecasting: tables, splits in time and windows."""

import json
from dataclasses import replace

import numpy as np
import pytest
from datasets import Dataset, DatasetDict
from series_tables import SIZES, write_table

from hfseq.data.arguments import DataArguments
from hfseq.errors import HfseqError
from hfseq.modalities.series.step_table import histories_from_steps
from hfseq.modalities.series.windows import Windows, window_starts
from hfseq.tasks import Forecasting
from hfseq.tasks.forecasting.data import unit_note
from hfseq.tasks.forecasting.time_splits import cut_in_time


def test_read_table_of_steps():
    columns = {
        "v": [3.0, 1.0, None, 20.0, 10.0],
        "date": ["2024-01-03", "2024-01-01", "2024-01-02", "2024-01-02", "2024-01-01"],
        "id": ["p", "p", "p", "q", "q"],
        "w": [1, 2, 3, 4, 5],
    }
    found = histories_from_steps(Dataset.from_dict(columns), where="x.csv")
    # The columns of times and series are detected, and rows are sorted.
    assert found["series"][:] == [[[1, 2], [None, 3], [3, 1]], [[10, 5], [20, 4]]]
    assert found["name"][:] == ["p", "q"] and found["channels"][0] == ["v", "w"]
    one = histories_from_steps(Dataset.from_dict({"day": ["2024-01-02", "2024-01-01"], "v": [5, 6]}), where="x.csv")
    assert one["series"][:] == [[[6], [5]]]
    some = histories_from_steps(Dataset.from_dict(columns), channel_columns=["w"], where="x.csv")
    assert some["series"][:] == [[[2], [3], [1]], [[5], [4]]]


def test_numeric_time_column_orders_steps_and_is_not_a_channel():
    """The column that orders the steps is not a channel. A measurement is a channel, and does not order the rows."""

    def histories(**columns):
        return histories_from_steps(Dataset.from_dict(columns), where="x.csv")

    assert histories(step=[3, 4, 5], v=[5, 6, 7])["channels"][0] == ["v"]
    assert histories(time=[0.0, 10.0, 20.0], v=[5, 6, 7])["channels"][0] == ["v"]
    assert histories(id=["p", "p", "q", "q"], step=[1, 2, 1, 2], v=[5, 6, 7, 8])["channels"][0] == ["v"]
    # Steps may be missing, and may be in descending order.
    assert histories(index=[1, 2, 4], v=[5, 6, 7])["series"][0] == [[5], [6], [7]]
    assert histories(index=[2, 1, 0], v=[5, 6, 7])["series"][0] == [[7], [6], [5]]
    for values in ([100.1, 101.2, 99.3], [1.5, 2.5, 3.5], [1, 1, 1], [1, None, 3], [3, 1, 5]):
        table = histories(index=values, v=[5, 6, 7])
        assert table["channels"][0] == ["index", "v"]
        assert table["series"][0] == [[value, other] for value, other in zip(values, (5, 6, 7), strict=True)]


@pytest.mark.parametrize(
    ("columns", "settings", "message"),
    [
        ({"v": ["1", "two"]}, {}, "column 'v' holds string and not numbers, such as 'two' in row 1"),
        (
            {"v": [1, 2], "d": ["2024-01-01"] * 2},
            {},
            "row 1: the time '2024-01-01' of 'the table' is already in row 0",
        ),
        (
            {"v": [1, 2], "d": ["2024-01-01", "soon"]},
            {"time_column": "d"},
            "row 1: 'soon' is neither a number nor an ISO",
        ),
        ({"v": [1, 2]}, {"channel_columns": ["w"]}, "there is no column 'w'"),
        ({"d": ["2024-01-01", "2024-01-02"]}, {}, "no column of numbers is left to forecast among 'd'"),
        ({"v": []}, {}, "x.csv has no rows"),
    ],
)
def test_load_rejects_invalid_tables(columns, settings, message):
    with pytest.raises(HfseqError, match=message):
        histories_from_steps(Dataset.from_dict(columns), where="x.csv", **settings)


def test_load_notes_gaps_in_time(tmp_path):
    lines = write_table(tmp_path / "sales.csv").read_text().splitlines()
    wanted = (
        "gaps in time: 'north' goes from 2024-02-18 directly to 2024-03-05, although its steps are usually 1 day "
        "apart; 1 of 2 series have gaps. Models treat steps as equally spaced: add rows with empty cells for missing "
        "steps"
    )
    for name, kept, notes in (("whole", lines, []), ("cut", [*lines[:50], *lines[65:]], [wanted])):
        path = tmp_path / f"{name}.csv"
        path.write_text("\n".join(kept) + "\n")
        arguments = DataArguments(dataset=str(path), cache_dir=str(tmp_path / "cache"), id_column="shop", **SIZES)
        assert [note for note in Forecasting.load(arguments).notes if "gaps" in note] == notes


def test_cut_in_time_returns_bounds_of_splits():
    arguments = DataArguments(context_length=4, prediction_length=3, validation_fraction=0.2, test_fraction=0.01)
    # Each part is at least as long as a forecast.
    assert cut_in_time(30, ["validation", "test"], arguments, "x") == {
        "train": (0, 21),
        "validation": (21, 27),
        "test": (27, 30),
    }
    arguments = replace(arguments, time_splits="10,4,5")
    assert cut_in_time(30, ["validation", "test"], arguments, "x")["test"] == (14, 19)
    with pytest.raises(HfseqError, match="x has 18 steps, but time_splits 10,4,5 need 19"):
        cut_in_time(18, ["validation", "test"], arguments, "x")
    arguments = replace(arguments, time_splits="10,4,2")
    with pytest.raises(HfseqError, match=r"the test part of 2 steps is shorter than prediction_length \(3\)"):
        cut_in_time(18, ["validation", "test"], arguments, "x")
    arguments = replace(arguments, time_splits="10,4")
    with pytest.raises(HfseqError, match="time_splits must be three numbers of steps"):
        cut_in_time(18, ["validation", "test"], arguments, "x")
    with pytest.raises(HfseqError, match="quantiles must be ascending numbers between 0 and 1"):
        DataArguments(quantiles="0.5,0.1")


def test_folds_of_forecasting_move_the_test_part_through_time(tmp_path):
    arguments = DataArguments(context_length=4, prediction_length=2, validation_fraction=0.1, test_fraction=0.1)
    arguments = replace(arguments, num_folds=3, fold=1)
    bounds = [cut_in_time(40, ["validation", "test"], replace(arguments, fold=fold), "x") for fold in (1, 2, 3)]
    assert [found["test"] for found in bounds] == [(28, 32), (32, 36), (36, 40)]
    assert all(found["train"] == (0, found["validation"][0]) for found in bounds)
    assert all(found["validation"][1] == found["test"][0] for found in bounds)
    with pytest.raises(HfseqError, match="so 2 are left to train on"):
        cut_in_time(18, ["validation", "test"], replace(arguments, num_folds=7), "x")
    path = write_table(tmp_path / "sales.csv")
    arguments = DataArguments(dataset=str(path), cache_dir=str(tmp_path / "cache"), id_column="shop", **SIZES)
    folds = [Forecasting.load(replace(arguments, num_folds=3, fold=fold)) for fold in (1, 2)]
    assert folds[0].fingerprint != folds[1].fingerprint
    assert any("fold 1 of 3" in note for note in folds[0].notes)
    sized = [Forecasting.load(replace(arguments, train_size=size)).splits["train"]["starts"] for size in (5, 9)]
    assert [sum(map(len, starts)) for starts in sized] == [5, 9]
    assert all(set(few) <= set(more) for few, more in zip(*sized, strict=True))
    for changed, message in (
        ({"resplit": True}, "resplit draws random splits"),
        ({"num_folds": 3, "fold": 1, "time_splits": "20,5,5"}, "time_splits fixes one test part"),
    ):
        with pytest.raises(HfseqError, match=message):
            Forecasting.load(replace(arguments, **changed))


def test_windows_of_series():
    values = np.arange(10.0)[:, None]
    assert window_starts(values, 3, 2).tolist() == [3, 4, 5, 6, 7, 8]
    assert window_starts(values, 3, 2, stride=3).tolist() == [5, 8]  # the last ends with the series
    values[4:7] = np.nan
    assert window_starts(values, 3, 2).tolist() == [3, 6, 7, 8]  # not those without an observed target
    windows = Windows([values, values + 10], [[3, 8], [5]], np.array([[2.0], [np.nan]]), 3, 2)
    dataset = windows.dataset()
    assert list(dataset["length"]) == [3, 3, 3] and len(dataset) == 3
    row = dataset[1]
    assert row["past_values"][:, 0].tolist() == [0, 0, 7] and row["past_observed_mask"][:, 0].tolist() == [0, 0, 1]
    assert row["labels"][:, 0].tolist() == [8, 9] and row["mase_scale"].tolist() == [2]
    assert dataset[2]["past_values"][:, 0].tolist() == [12, 13, 0]


def test_load_rejects_part_without_observed_targets(tmp_path):
    rows = {"series": [[[float(step % 4)] if step < 40 else [None] for step in range(60)]]}
    (tmp_path / "gone.jsonl").write_text(json.dumps({"series": rows["series"][0]}) + "\n")
    arguments = DataArguments(
        dataset=str(tmp_path / "gone.jsonl"), cache_dir=str(tmp_path / "cache"), time_splits="30,10,20", **SIZES
    )
    with pytest.raises(HfseqError, match=r"the test part of .* has no value to forecast: all values after the first"):
        Forecasting.load(arguments)


def test_load_keeps_given_splits(tmp_path):
    rows = [{"series": [[float(step % 4), 1.0 * step] for step in range(length)]} for length in (40, 30)]
    folder = tmp_path / "data"
    folder.mkdir()
    for split in ("train", "test"):
        (folder / f"{split}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    data = Forecasting.load(DataArguments(dataset=str(folder), cache_dir=str(tmp_path / "cache"), **SIZES))
    assert isinstance(data.splits, DatasetDict) and data.channels == ["0", "1"]
    # Test windows start after the first context; validation windows start after the training part.
    assert [starts[0] for starts in data.splits["test"]["starts"]] == [8, 8]
    assert [len(starts) for starts in data.splits["validation"]["starts"]] == [1, 1]
    assert data.notes == [
        "split in time: the end of each series is held out, 10 % as validation split (at least one forecast)",
        unit_note(standardised=True),
    ]
