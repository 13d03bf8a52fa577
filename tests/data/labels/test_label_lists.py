"""Several labels per row in text tables, and notes about labels."""

import json

import pytest
from datasets import Dataset
from small import write_csv

from hfseq.data.arguments import DataArguments
from hfseq.data.labels.inference import LabelSchema, infer_label_schema
from hfseq.data.labels.notes import label_notes
from hfseq.errors import HfseqError
from hfseq.tasks import SequenceClassification
from hfseq.tasks.sequence_classification.data import load_labelled

MULTI = "multi_label_classification"


def write_jsonl(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def load(path, **settings):
    return load_labelled(DataArguments(dataset=str(path), cache_dir=str(path.parent / "cache"), **settings))


def write_labels(path, cells, write=write_csv):
    write(path, [{"text": f"text {row}", "label": cells[row % len(cells)]} for row in range(10 * len(cells))])
    return path


@pytest.mark.parametrize(
    ("cells", "settings", "names", "encoded"),
    [
        (["['joy', 'anger']", "['calm']", "[]"], {}, ("anger", "calm", "joy"), [[1, 0, 1], [0, 1, 0], [0, 0, 0]]),
        (['["joy", "anger"]', '["calm"]', ""], {}, ("anger", "calm", "joy"), [[1, 0, 1], [0, 1, 0], [0, 0, 0]]),
        (["['joy' 'anger']", "['calm']"], {"problem_type": MULTI}, ("anger", "calm", "joy"), [[1, 0, 1], [0, 1, 0]]),
        (["[0, 2]", "[1]"], {}, ("0", "1", "2"), [[1, 0, 1], [0, 1, 0]]),
        (["[1, 0]", "[0, 1]"], {"problem_type": MULTI}, ("LABEL_0", "LABEL_1"), [[1, 0], [0, 1]]),
        (["[1. 0.]", "[0. 1.]"], {"problem_type": MULTI}, ("LABEL_0", "LABEL_1"), [[1, 0], [0, 1]]),
        (["[ True False]", "[False  True]"], {"problem_type": MULTI}, ("LABEL_0", "LABEL_1"), [[1, 0], [0, 1]]),
        (["joy|anger", "calm", "joy"], {"label_separator": "|"}, ("anger", "calm", "joy"),
         [[1, 0, 1], [0, 1, 0], [0, 0, 1]]),
        (["joy, anger,", "calm", ""], {"label_separator": ",", "problem_type": MULTI}, ("anger", "calm", "joy"),
         [[1, 0, 1], [0, 1, 0], [0, 0, 0]]),
        (["0;2", "1"], {"label_separator": ";"}, ("0", "1", "2"), [[1, 0, 1], [0, 1, 0]]),
    ],
)  # fmt: skip
def test_label_lists_in_cells_are_parsed(tmp_path, cells, settings, names, encoded):
    data = load(write_labels(tmp_path / "t.csv", cells), **settings)
    assert data.labels == LabelSchema(MULTI, names)
    rows = [int(text.split()[1]) % len(cells) for text in data.splits["train"]["text"]]
    assert data.encoded_labels["train"] == [list(map(float, encoded[row])) for row in rows]
    # Evaluation data is read in the same way, even if each row has only one label.
    one = Dataset.from_dict({"text": ["a"], "label": [cells[1]]})
    task = SequenceClassification(data.labels)
    arguments = DataArguments(**settings)
    assert task.read_split(one, arguments, "here").encoded_labels["test"] == [list(map(float, encoded[1]))]
    # The splits of the training are read in the same way; their labels are already lists.
    again = task.read_split(data.splits["train"], arguments, "here")
    assert again.encoded_labels["test"] == data.encoded_labels["train"]


@pytest.mark.parametrize(
    ("cells", "settings", "message"),
    [
        (["['joy', 'anger']", "calm"], {}, r"column 'label', row 1: 'calm' cannot be read as a list, but other"),
        (["['joy']", "['joy']"], {}, r"label column 'label': every row has the same labels, \['joy'\]"),
        (["[1, 0]", "[0, 1]"], {}, "the lists look multi-hot .each has 2 zeros and ones"),
        (["joy|anger", "joy", "anger"], {}, r"'joy\|anger' is a combination .*--label_separator '\|'.*single_label"),
        (["joy, anger", "joy, calm", "anger, calm"], {}, "is a combination of labels .*--label_separator ','"),
        (["joy|anger", "calm"], {"problem_type": MULTI}, r"'joy\|anger' are texts, .*--label_separator '\|'"),
        (["joy", "calm"], {"problem_type": MULTI}, "row 0: 'joy' is not a list, .*--label_separator"),
        (
            ["joy|anger", "calm"],
            {"label_separator": ";"},
            "label_separator ';' does not occur in label column 'label'",
        ),
        (["joy|anger", "calm"], {"label_separator": ""}, "label_separator is empty"),
        (["a", "b"], {"label_separator": "|", "problem_type": "regression"}, "label_separator is for multi_label"),
        (["a|b", "c"], {"label_separator": "|", "problem_type": "single_label_classification"}, "is for multi_label"),
    ],
)
def test_invalid_label_lists_are_rejected(tmp_path, cells, settings, message):
    with pytest.raises(HfseqError, match=message):
        load(write_labels(tmp_path / "t.csv", cells), **settings)


def test_label_separator_is_rejected_for_lists(tmp_path):
    path = write_labels(tmp_path / "t.jsonl", [["a"], ["b"]], write_jsonl)
    with pytest.raises(
        HfseqError, match="label_separator is for cells of text, but label column 'label' contains lists"
    ):
        load(path, label_separator="|")


def test_texts_with_separators_can_be_classes(tmp_path):
    kept = load(
        write_labels(tmp_path / "t.csv", ["joy|anger", "joy", "anger"]), problem_type="single_label_classification"
    )
    assert kept.labels.names == ("anger", "joy", "joy|anger")
    places = load(write_labels(tmp_path / "u.csv", ["Paris, France", "Rome, Italy"]))
    assert places.labels.names == ("Paris, France", "Rome, Italy")
    apart = load(write_labels(tmp_path / "v.csv", ["joy|anger", "calm"]))
    assert any(
        "classes contain '|', such as 'joy|anger'" in note and "--label_separator" in note for note in apart.notes
    )


def notes_on(values, problem_type=None):
    feature = Dataset.from_dict({"label": values}).features["label"]
    schema = infer_label_schema(values, feature, problem_type=problem_type, where="train")
    return label_notes(values, "label", feature, schema, problem_type)


def test_label_notes_explain_how_labels_were_read():
    assert notes_on(["a", "b"]) == notes_on([0, 1]) == notes_on([0.5, 1.5]) == notes_on([["a"], ["b"]]) == []
    assert notes_on([0.0, 1.0] * 5, "single_label_classification") == notes_on([0.0, 1.0] * 5, "regression") == []
    (found,) = notes_on([0.0, 1.0] * 5)
    assert "2 distinct integers stored as floats, which were read as classes: add --problem_type reg" in found
    (found,) = notes_on([float(i) for i in range(30)])
    assert "30 distinct integers stored as floats, which were read as regression targets: add" in found
    (found,) = notes_on(["pos", "pos ", "neg"])
    assert found.startswith("labels 'pos' and 'pos ' differ only in case or white space")
    (found,) = notes_on([["a", "A"], ["\uff42", "b"], ["ü", "u\u0308"], ["x", "X"]])[-1:]
    assert found == "in total, 4 groups of labels differ only in case or white space"
    (found,) = notes_on([[1, 0], [0, 1]], MULTI)
    assert "were read as multi-hot: 2 zeros and ones per row, one per label, named LABEL_0 to LABEL_1" in found


def test_json_booleans_keep_their_names(tmp_path):
    data = load(write_labels(tmp_path / "t.jsonl", [True, False], write_jsonl))
    assert data.labels.names == ("false", "true")


def write_splits(folder, train, test, write=write_csv):
    for name, labels in (("train", train), ("test", test)):
        rows = [{"text": f"{name} {row}", "label": labels[row % len(labels)]} for row in range(40)]
        write(folder / f"{name}.{'csv' if write is write_csv else 'jsonl'}", rows)
    return folder


def test_floats_in_a_table_are_classes_with_their_original_names(tmp_path):
    (tmp_path / "a").mkdir()
    data = load(write_splits(tmp_path / "a", ["10.0", "9.0"], ["9.0"]))
    assert data.labels == LabelSchema("single_label_classification", ("9.0", "10.0"))
    assert set(data.encoded_labels["test"]) == {0} and set(data.encoded_labels["train"]) == {0, 1}
    assert any("2 distinct integers stored as floats" in note for note in data.notes)
    numbers = load(tmp_path / "a", problem_type="regression")
    assert set(numbers.encoded_labels["train"]) == {9.0, 10.0}


@pytest.mark.parametrize(
    ("train", "test", "write", "message"),
    [
        (["1", "0"], ["1.0", "0.0"], write_csv, "split 'test' of .*, row 0: label '1.0' was not seen in training"),
        (["0.0", "1.0"], ["0.37"], write_csv, "label '0.37' was not seen"),
        (["0.5", "1.25"], ["0", "1"], write_csv, "'test' of .*'label' contains only integers, but most training"),
        (["0.5", "1.25"], ["x"], write_csv, "row 0: 'x' is not a number"),
        ([0, 1], [0.37], write_jsonl, "row 0: 0.37 .float. is not a class"),
    ],
)
def test_different_label_types_in_splits_are_rejected(tmp_path, train, test, write, message):
    with pytest.raises(HfseqError, match=message):
        load(write_splits(tmp_path, train, test, write))


def test_texts_in_another_split_are_not_converted_to_numbers(tmp_path):
    texts = [f"text {row}" for row in range(20)]
    splits = {"train": [0, 1] * 10, "test": ["0", "1"] * 10}
    saved = {name: Dataset.from_dict({"text": texts, "label": labels}) for name, labels in splits.items()}
    for name, split in saved.items():
        split.to_parquet(tmp_path / f"{name}.parquet")
    with pytest.raises(HfseqError, match=r"'test' of .*'label' contains texts, but numbers in the training split"):
        load(tmp_path)
