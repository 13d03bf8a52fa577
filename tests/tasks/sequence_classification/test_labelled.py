import json

import pytest

from hfseq.data.arguments import DataArguments
from hfseq.data.labels.columns import Columns
from hfseq.errors import HfseqError
from hfseq.tasks.sequence_classification.data import load_labelled


@pytest.fixture
def load(tmp_path):
    """Writes each split as rows of JSON, and loads the folder."""

    def write_and_load(splits, **options):
        folder = tmp_path / "data"
        folder.mkdir()
        for name, rows in splits.items():
            (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        return load_labelled(DataArguments(dataset=str(folder), cache_dir=str(tmp_path / "cache"), **options))

    return write_and_load


def rows(number, labels=("no", "yes"), word="text"):
    return [{"text": f"{word} {i}", "label": labels[i % len(labels)]} for i in range(number)]


def test_load_creates_missing_splits_and_encodes_labels(load):
    data = load({"train": rows(100)})
    assert {name: len(split) for name, split in data.splits.items()} == {"train": 80, "validation": 10, "test": 10}
    assert data.columns == Columns("text", None, "label")
    assert (data.labels.problem_type, data.labels.names) == ("single_label_classification", ("no", "yes"))
    for name, split in data.splits.items():
        assert data.encoded_labels[name] == [int(label == "yes") for label in split["label"]]
        assert data.encoded_labels[name].count(1) == len(split) // 2
    assert data.notes == [
        f"no {name} split: 10 % of the training examples (10 of 100) were set aside, stratified by label, seed 0"
        for name in ("test", "validation")
    ]
    assert data.description.endswith("data: 2 classes")


def test_split_fractions_and_limits_are_respected(load, tmp_path):
    fractions = {"validation_fraction": 0.2, "test_fraction": 0.3}
    data = load({"train": rows(100)}, **fractions, split_seed=1)
    assert [len(split) for split in data.splits.values()] == [50, 20, 30]
    place = {"dataset": str(tmp_path / "data"), "cache_dir": str(tmp_path / "cache")}
    again, other = (load_labelled(DataArguments(**place, **fractions, split_seed=seed)) for seed in (1, 2))
    assert data.fingerprint == again.fingerprint != other.fingerprint
    assert data.splits["test"]["text"][:] == again.splits["test"]["text"][:]


def test_load_keeps_given_splits(load):
    data = load({"train": rows(20), "dev": rows(6, word="dev"), "test": rows(4, word="test")})
    assert [len(split) for split in data.splits.values()] == [20, 6, 4] and data.notes == []
    assert data.splits["validation"]["text"][0] == "dev 0"


@pytest.mark.parametrize("secret", [-1, None])
def test_load_replaces_unlabelled_test_split(load, secret):
    hidden = [{"text": f"secret {i}", "label": secret} for i in range(7)]
    data = load({"train": rows(40, labels=(0, 1)), "validation": rows(6, (0, 1), "dev"), "test": hidden})
    assert data.notes[0] == "the test split of 7 examples has no labels and is not used"
    assert "no test split: 10 %" in data.notes[1]
    assert len(data.splits["test"]) == 4 and data.splits["test"]["text"][0].startswith("text")
    assert len(data.encoded_labels["test"]) == 4


def test_load_notes_overlap_of_splits(load):
    data = load({"train": rows(20), "validation": rows(6, word="dev"), "test": rows(4)})
    assert data.notes == [
        "4 of 4 (100.0 %) test examples also occur in the training split: the test score is too optimistic, because "
        "the model may have memorised them"
    ]


def test_load_limits_number_of_examples(load):
    data = load({"train": rows(100)}, max_train_samples=12, max_eval_samples=3)
    assert [len(split) for split in data.splits.values()] == [12, 3, 10]
    assert [len(labels) for labels in data.encoded_labels.values()] == [12, 3, 10]
    assert data.labels.num_labels == 2


def test_load_detects_regression(load):
    data = load({"train": rows(30, labels=(0.5, 1.5, 4.0))})
    assert data.labels.problem_type == "regression" and data.description.endswith("data: a number to predict")
    assert data.encoded_labels["train"] == data.splits["train"]["label"][:]
    assert "stratified" not in data.notes[0]


def test_load_notes_skewed_regression_targets(load):
    prices = [{"text": f"house {i}", "label": 200_000.5 + 1000 * (i % 2)} for i in range(100)]
    note = load({"train": prices}).notes[-1]
    assert note.startswith("the targets have a standard deviation of 500. With usual learning rates")
    assert note.endswith("divide the label column by the standard deviation")


def test_load_detects_multi_label_data(load):
    data = load({"train": rows(30, labels=(["a"], [], ["b", "a"]))})
    assert data.labels.problem_type == "multi_label_classification" and data.labels.names == ("a", "b")
    assert data.description.endswith("data: any of 2 labels")
    targets = {"['a']": [1.0, 0.0], "[]": [0.0, 0.0], "['b', 'a']": [1.0, 1.0]}
    assert data.encoded_labels["test"] == [targets[str(label)] for label in data.splits["test"]["label"]]


def test_load_uses_given_columns_and_problem_type(load):
    stars = [{"a": f"one {i}", "b": f"two {i}", "stars": i % 5, "gold": i % 2} for i in range(40)]
    data = load(
        {"train": stars}, text_column="a", text_pair_column="b", label_column="stars", problem_type="regression"
    )
    assert data.columns == Columns("a", "b", "stars")
    assert data.labels.num_labels == 1 and set(data.encoded_labels["train"]) == {0.0, 1.0, 2.0, 3.0, 4.0}


@pytest.mark.parametrize(
    ("splits", "options", "message"),
    [
        ({"test": rows(4)}, {}, r"data' has no training split, only test"),
        ({"train": [{"a": "x", "label": 0}]}, {}, "no column looks like the text among 'a', 'label'"),
        ({"train": rows(9)}, {"label_column": "lable"}, r"no column 'lable', did you mean 'label'\?"),
        (
            {"train": rows(9, labels=("same",))},
            {},
            r"split 'train' of '.*data', label column 'label': .*only one class",
        ),
        (
            {"train": rows(9), "test": rows(3, ("no", "yess"))},
            {},
            r"split 'test' of '.*data', row 1: label 'yess' was not",
        ),
        ({"train": [*rows(8), {"text": "x", "label": None}]}, {}, "label column 'label', row 8: the label is missing"),
        (
            {"train": rows(30)},
            {"test_fraction": 0.5, "validation_fraction": 0.5},
            r"test_fraction=0\.5: fractions must be between 0 and 1, and their sum below 1",
        ),
    ],
)
def test_load_reports_invalid_data(load, splits, options, message):
    with pytest.raises(HfseqError, match=message):
        load(splits, **options)
