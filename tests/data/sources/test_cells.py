"""Columns of csv files: strings, which are converted if a column is used as numbers."""

import random

import pyarrow as pa
import pytest
from datasets import Dataset, Features, Value

from hfseq.data.arguments import DataArguments
from hfseq.data.sources.cells import CELL, convert_numbers, is_plain_number, label_values, number_type, to_numbers
from hfseq.modalities.rows import load_rows
from hfseq.modalities.series.history import NAME, series_arrays
from hfseq.registry import get_modality, get_task
from hfseq.tasks.forecasting.data import load_series
from hfseq.tasks.sequence_classification.data import load_labelled
from hfseq.tasks.text_generation.data import load_pairs

BIG = 9007199254740993001  # as float64, it is equal to the integers next to it


def written(**columns):
    return Dataset.from_dict(columns, features=Features(dict.fromkeys(columns, CELL)))


@pytest.mark.parametrize(
    ("cells", "kind"),
    [
        (["1", " -2 ", None], pa.int64()),
        ([str(BIG)], pa.int64()),
        (["1", "100000000000000000000"], pa.float64()),
        (["+1", "-1"], pa.float64()),
        (["1", "2.50", ".5", "3.", "1E-3"], pa.float64()),
        (["1", "007"], pa.string()),
        (["1", "00.5"], pa.string()),
        (["1", "1_000"], pa.string()),
        (["1", "nan"], pa.string()),
        (["0x10"], pa.string()),
        (["1\n2"], pa.string()),
        ([None, None], pa.null()),
    ],
)
def test_number_type_of_cells(cells, kind):
    column = pa.chunked_array([cells], type=pa.string())
    assert number_type(column) == kind == to_numbers(column).type
    numbers = to_numbers(column).to_pylist()
    convert = {pa.int64(): int, pa.float64(): float}.get(kind, str)
    assert numbers == [None if cell is None else convert(cell) for cell in cells]
    assert all(map(is_plain_number, filter(None, cells))) == (kind != pa.string())


def test_convert_numbers_converts_only_cells():
    mixed = Dataset.from_dict(
        {"cell": ["1", "2"], "id": ["3", "4"], "text": ["5", "6"]},
        features=Features({"cell": CELL, "id": CELL, "text": Value("string")}),
    )
    found = convert_numbers(mixed.select([1]), keep=("id",))
    assert found.to_list() == [{"cell": 2, "id": "4", "text": "6"}]
    assert found.features == Features({"cell": Value("int64"), "id": CELL, "text": Value("string")})


def test_label_values_depend_on_the_problem_type():
    assert label_values(written(y=["1", " 0"]), "y") == [1, 0]
    assert label_values(written(y=["4.50", "3"]), "y") == [4.5, 3.0]
    assert label_values(written(y=["4.50", "3"]), "y", "regression") == [4.5, 3.0]
    assert label_values(written(y=["4.50", "3"]), "y", "single_label_classification") == ["4.50", "3"]
    big = ["100000000000000000001", "100000000000000000002"]
    assert label_values(written(y=big), "y") == big
    strings = Dataset.from_dict({"y": ["1.0", "2.0"]})
    assert label_values(strings, "y") == ["1.0", "2.0"]


@pytest.fixture
def load(tmp_path):
    """Factory: writes a csv file and loads it for a task."""

    def load_task(loader, header, rows, **settings):
        path = tmp_path / "a.csv"
        path.write_text("\n".join(",".join(map(str, row)) for row in [header, *rows]) + "\n")
        return loader(DataArguments(dataset=str(path), cache_dir=str(tmp_path / "cache"), **settings))

    return load_task


def test_texts_and_targets_are_the_characters_of_the_file(load):
    rows = [(f"{i}.50", f"{i}.500") for i in range(60)]
    pairs = load(
        lambda arguments: load_pairs(arguments, get_modality("text"), ("target",)), ("source", "target"), rows
    )
    found = [(row["source"], row["target"]) for split in pairs.splits.values() for row in split]
    assert sorted(found) == sorted(rows)


@pytest.mark.parametrize(
    ("labels", "names", "problem_type"),
    [
        (["1", "0"], ("0", "1"), "single_label_classification"),
        (["10", "9"], ("9", "10"), "single_label_classification"),
        (["007", "8"], ("007", "8"), "single_label_classification"),
        (["4.5", "3"], (), "regression"),
        ([f"{BIG}", f"{BIG + 2}"], (f"{BIG}", f"{BIG + 2}"), "single_label_classification"),
        (["1" * 20 + "1", "1" * 20 + "2"], ("1" * 20 + "1", "1" * 20 + "2"), "single_label_classification"),
    ],
)
def test_labels_of_csv_files_are_inferred(load, labels, names, problem_type):
    data = load(load_labelled, ("text", "label"), [(f"text {i}", labels[i % 2]) for i in range(60)])
    assert (data.labels.problem_type, data.labels.names) == (problem_type, names)
    for name, split in data.splits.items():
        expected = [float(x) if not names else names.index(x) for x in split["label"]]
        assert data.encoded_labels[name] == expected


def test_classes_that_look_like_fractions_keep_their_names(load):
    rows = [(f"text {i}", ("1.50", "2.0")[i % 2]) for i in range(60)]
    data = load(load_labelled, ("text", "label"), rows, problem_type="single_label_classification")
    assert data.labels.names == ("1.50", "2.0")


def test_long_identifiers_remain_distinct(load):
    random.seed(0)
    rows = [(BIG + 2 * (i // 10), i % 10, f"{random.random():.3f}", "ab"[i // 50]) for i in range(100)]
    settings = {"modality": "series", "id_column": "id", "ignore_columns": ["t"]}
    data = load(load_labelled, ("id", "t", "x", "label"), rows, **settings)
    assert sum(map(len, data.splits.values())) == 10
    names = {name for split in data.splits.values() for name in split["series_id"]}
    assert names == {str(BIG + 2 * i) for i in range(10)}


def test_codes_in_a_wide_table_are_names_and_not_steps(load):
    rows = [(f"{10**20 + i}", i, i + 1, "ab"[i % 2]) for i in range(60)]
    data = load(load_labelled, ("id", "s0", "s1", "label"), rows, modality="series")
    train = data.splits["train"]
    assert {len(series) for series in train["series"]} == {2}
    assert set(train["series_id"]) < {row[0] for row in rows}


def test_forecasting_accepts_long_identifiers(load):
    rows = [(10**20 + i // 40, i % 40, f"{i}.50") for i in range(80)]
    settings = {"task": "forecasting", "context_length": 4, "prediction_length": 2}
    data = load(load_series, ("unique_id", "ds", "y"), rows, **settings)
    assert sorted(data.splits["train"][NAME]) == [str(10**20), str(10**20 + 1)]
    assert data.channels == ["y"]
    first = series_arrays(data.splits["train"])[0]
    assert first[:3, 0].tolist() == [0.5, 1.5, 2.5]


def test_csv_file_with_hidden_test_labels_is_not_used(tmp_path):
    (tmp_path / "train.csv").write_text("text,label\n" + "".join(f"text {i},{i % 2}\n" for i in range(60)))
    (tmp_path / "test.csv").write_text("text,label\n" + "".join(f"hidden {i},-1\n" for i in range(5)))
    arguments = DataArguments(dataset=str(tmp_path), cache_dir=str(tmp_path / "cache"))
    assert len(load_rows(arguments, get_task("sequence_classification").load(arguments).modality)["test"]) == 5
    data = load_labelled(arguments)
    assert any("has no labels and is not used" in note for note in data.notes)
    assert not any(text.startswith("hidden") for text in data.splits["test"]["text"])


@pytest.mark.parametrize(
    ("cells", "numbers"),
    [
        (["988", "995", "1.002"], [988, 995, 1002]),
        (["900,50", "1.234,25"], [900.5, 1234.25]),
        (["1.234.567", "1.000"], [1234567, 1000]),
        (["10.5", "7", "3.125"], [10.5, 7.0, 3.125]),
        (["1.5", "2,5"], [1.5, 2.5]),
        (["1.234", "2.345"], [1.234, 2.345]),
    ],
)
def test_points_are_thousands_separators_with_decimal_commas(cells, numbers):
    column = pa.chunked_array([[None, *cells]], type=pa.string())
    assert to_numbers(column, ",").to_pylist() == [None, *numbers]
