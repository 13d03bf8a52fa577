from types import SimpleNamespace

import numpy as np
import pytest
from datasets import ClassLabel, List, Value
from transformers import BertConfig

from hfseq.data.labels.inference import Columns, LabelSchema, infer_label_schema, resolve_columns
from hfseq.errors import HfseqError

WHERE = "split 'train' of reviews.csv"


def infer(values, feature=None, **kwargs):
    return infer_label_schema(values, feature, where=WHERE, **kwargs)


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["idx", "Text", "LABEL"], Columns("Text", None, "LABEL")),
        (["question", "sentence", "label"], Columns("question", "sentence", "label")),
        (["label", "hypothesis", "premise"], Columns("premise", "hypothesis", "label")),
        (["sentence1", "sentence2", "score"], Columns("sentence1", "sentence2", "score")),
        (["title", "content", "stars"], Columns("content", None, "stars")),
        (["question", "answer", "y"], Columns("question", None, "y")),
    ],
)
def test_resolve_columns_finds_common_names(names, expected):
    assert resolve_columns(names) == expected


def test_resolve_columns_uses_given_names():
    names = ["premise", "hypothesis", "gold", "label"]
    assert resolve_columns(names, text_column="hypothesis") == Columns("hypothesis", None, "label")
    assert resolve_columns(names, label_column="gold") == Columns("premise", "hypothesis", "gold")
    assert resolve_columns(["a", "b"], text_column="A", text_pair_column="b", require_label=False).texts == ["a", "b"]
    assert resolve_columns(["text", "review"], label_column="text") == Columns("review", None, "text")


@pytest.mark.parametrize(
    ("names", "given", "message"),
    [
        (["text", "label"], {"text_column": "txt"}, r"--text_column: there is no column 'txt', did you mean 'text'\?"),
        (["a", "label"], {}, r"looks like the text among 'a', 'label'.*--text_column.*--label_column"),
        (["text", "b"], {}, r"looks like the label among 'text', 'b'.*--label_column"),
        (["text", "b"], {"text_column": "b", "label_column": "b"}, "column 'b' cannot be both text and label"),
    ],
)
def test_resolve_columns_rejects_invalid_columns(names, given, message):
    with pytest.raises(HfseqError, match=message):
        resolve_columns(names, **given)


@pytest.mark.parametrize(
    ("values", "feature", "problem_type", "expected", "names", "encoded"),
    [
        (["b", "a", "b"], None, None, "single_label_classification", ("a", "b"), [1, 0, 1]),
        ([10, 9, 10], None, None, "single_label_classification", ("9", "10"), [1, 0, 1]),
        ([True, False], None, None, "single_label_classification", ("false", "true"), [1, 0]),
        ([1.0, 0.0, 1.0, 0.0], None, None, "single_label_classification", ("0", "1"), [1, 0, 1, 0]),
        ([1.0, 0.0, 1.0, 0.0], None, "regression", "regression", (), [1.0, 0.0, 1.0, 0.0]),
        ([1.0, 0.5] * 9, None, None, "regression", (), [1.0, 0.5] * 9),
        ([float(i) for i in range(21)] * 9, None, None, "regression", (), None),
        ([0, 1], ClassLabel(names=["z", "a", "b"]), None, "single_label_classification", ("z", "a", "b"), [0, 1]),
        ([0, 2], ClassLabel(names=["3", "2", "1"]), None, "single_label_classification", ("3", "2", "1"), [0, 2]),
        ([1.0, 2.0], None, None, "regression", (), [1.0, 2.0]),
        ([1.0, 2.0], None, "single_label_classification", "single_label_classification", ("1", "2"), [0, 1]),
        ([1, 5], None, "regression", "regression", (), [1.0, 5.0]),
        (["1.5", " 2"], None, "regression", "regression", (), [1.5, 2.0]),
        (["0.5", "none"], None, "single_label_classification", "single_label_classification", ("0.5", "none"), [0, 1]),
        (["3", "NA", "5"], None, None, "single_label_classification", ("3", "5", "NA"), [0, 2, 1]),
        (["2.5", "main", "a", "2"], None, None, "single_label_classification", ("2", "2.5", "a", "main"), None),
        ([["b"], [], None, ["a", "b"]], None, None, "multi_label_classification", ("a", "b"), None),
        ([[1], [0]], List(ClassLabel(names=["x", "y"])), None, "multi_label_classification", ("x", "y"), None),
        (np.array([3, 4]), Value("int64"), None, "single_label_classification", ("3", "4"), [0, 1]),
    ],
)
def test_label_schema_is_inferred_and_encodes_labels(values, feature, problem_type, expected, names, encoded):
    schema = infer(values, feature, problem_type=problem_type)
    assert (schema.problem_type, schema.names) == (expected, names)
    if encoded is not None:
        result = schema.encode(values, where=WHERE)
        assert result == encoded
        assert [type(value) for value in result] == [type(value) for value in encoded]


def test_multi_hot_labels_are_encoded():
    schema = infer([["b"], None, ["a", "c"]])
    assert schema.encode([["c", "a"], [], None], where=WHERE) == [[1.0, 0.0, 1.0], [0.0] * 3, [0.0] * 3]
    assert infer([[1], [0]], List(ClassLabel(names=["x", "y"]))).encode([[1], [0, 1]], where=WHERE) == [
        [0.0, 1.0],
        [1.0, 1.0],
    ]


@pytest.mark.parametrize("one", [1, 1.0, True, "1", "1.0", "True", "true"])
@pytest.mark.parametrize("rows", [[(1, 0), (0, 1)], [(0, 1, 1), (1, 0, 0)], [(0, 0), (1, 1), None]])
def test_lists_of_zeros_and_ones_are_multi_hot(one, rows):
    zero = {1: 0, "1": "0", "1.0": "0.0", "True": "False", "true": "false"}[one]
    zero = type(one)(zero)
    values = [row and [one if bit else zero for bit in row] for row in rows]
    with pytest.raises(HfseqError, match=r"look multi-hot \(each has .* zeros and ones\). Add --problem_type multi_"):
        infer(values)
    schema = infer(values, problem_type="multi_label_classification")
    width = len(rows[0])
    assert schema == LabelSchema("multi_label_classification", tuple(f"LABEL_{i}" for i in range(width)))
    assert schema.encode(values, where=WHERE) == [list(map(float, row or (0,) * width)) for row in rows]
    # These lists contain only zeros and ones, but they are lists of class ids.
    assert infer([[0], [1], [0, 1]]).names == ("0", "1")
    assert infer([[0, 1], [1], [0]]).encode([[0, 1], [1, 0]], where=WHERE) == [[1.0, 1.0]] * 2


@pytest.mark.parametrize(
    ("values", "kwargs", "message"),
    [
        (["a", "a"], {}, "only one class, 'a'; at least two are needed"),
        ([], {}, "there are no labels"),
        ([None, None], {}, "there are no labels"),
        (["a", None, "b"], {}, "row 1: the label is missing"),
        ([1.0, None], {}, "row 1: the target is missing"),
        ([1.0, float("nan")], {}, "row 1: the target is nan, which is not a finite"),
        (["1", "two"], {"problem_type": "regression"}, "row 1: 'two' is not a number"),
        ([0.5, 1.0], {"problem_type": "single_label_classification"}, "0.5 is not a class"),
        ([float(i) for i in range(30)], {"problem_type": "single_label_classification"}, "30 distinct floating"),
        (["a", "b"], {"problem_type": "multi_label_classification"}, "row 0: 'a' is not a list"),
        ([["a"], ["b"]], {"problem_type": "single_label_classification"}, r"row 0: \['a'\] \(list\) is not a class"),
        ([[0, 1, 1], [1, 0]], {}, r"look multi-hot, which needs the same number .* but they have 2, 3 elements"),
        ([[True], [True, False]], {}, "look multi-hot"),
        ([[1.0], [0.0]], {}, "look multi-hot"),
        ([["x", "y"], ["y", "x"], ["x", "y"]], {}, r"every row has the same labels, \['x', 'y'\]"),
        ([[1, 0], [1, 0]], {}, "every row has the same labels"),
        ([[], []], {}, "every row has the same labels"),
        ([[1, 0], [0, 1]], {"feature": List(ClassLabel(names=["x", "y"]))}, "every row has the same labels"),
        ([[1, 1], [0, 1]], {"feature": List(ClassLabel(names=["x", "y"]))}, "look multi-hot"),
        (
            ["0.5", "NaN", "1", "2"],
            {},
            r"row 1: 'NaN' is not a number, but most .* as '0.5'.* \(1 of 4\).*'single_label",
        ),
        (["1", "-2.5", "0.3e-1"], {}, "the labels are texts of numbers with a fraction, such as '-2.5'.*'regression'"),
        (["a", "b"], {"problem_type": "single_label"}, r"did you mean 'single_label_classification'\?"),
        ([f"text {i}" for i in range(150)], {"column": "body"}, "column 'body': 150 distinct texts in 150 rows look"),
    ],
)
def test_infer_label_schema_rejects_invalid_labels(values, kwargs, message):
    with pytest.raises(HfseqError, match=message):
        infer(values, **kwargs)


def test_hidden_labels_are_rejected():
    with pytest.raises(
        HfseqError, match=r"row 1: label -1 is not one of the 2 classes \(-1 usually means a hidden label"
    ):
        infer([0, -1], ClassLabel(names=["a", "b"]))


@pytest.mark.parametrize(
    ("schema", "values", "message"),
    [
        (LabelSchema("single_label_classification", ("good", "bad")), ["bad", "god"], "row 1: label 'god' .*'good'"),
        (LabelSchema("single_label_classification", ("1", "2")), [3], "row 0: label '3' was not seen in training"),
        (LabelSchema("single_label_classification", ("a", "b")), [2], "row 0: label 2 is not one of the 2 classes"),
        (LabelSchema("multi_label_classification", ("a", "b")), [["c"]], "row 0: label 'c' was not seen"),
        (LabelSchema("regression"), [1, float("inf")], "row 1: the target is inf"),
        (LabelSchema("regression"), ["x"], "row 0: 'x' is not a number"),
    ],
)
def test_encode_rejects_invalid_labels(schema, values, message):
    with pytest.raises(HfseqError, match=f"split 'test' of reviews.csv, {message}"):
        schema.encode(values, where="split 'test' of reviews.csv")


def test_feature_determines_whether_integers_are_ids():
    schema = LabelSchema("single_label_classification", ("3", "2", "1"))
    assert schema.encode([1], where=WHERE) == [2]
    assert schema.encode([1], where=WHERE, feature=ClassLabel(names=["1", "2", "3"])) == [1]
    assert LabelSchema("single_label_classification", ("neg", "pos")).encode([1, "neg"], where=WHERE) == [1, 0]
    # Earlier versions used the names "0" and "1" for booleans.
    assert LabelSchema("single_label_classification", ("0", "1")).encode([True, False], where=WHERE) == [1, 0]
    assert LabelSchema("single_label_classification", ("false", "true")).encode([True, "false"], where=WHERE) == [1, 0]


@pytest.mark.parametrize("values", [["b", "a"], [["b"], ["a"]], [1.5, 2.5], [f"{i:02}" for i in range(12)] * 2])
def test_label_schema_is_restored_from_a_config(values, tmp_path):
    schema = infer(values)
    config = BertConfig(problem_type=schema.problem_type, id2label=schema.id2label, label2id=schema.label2id)
    config.save_pretrained(tmp_path)
    loaded = BertConfig.from_pretrained(tmp_path)
    assert loaded.num_labels == schema.num_labels
    assert LabelSchema.from_config(loaded) == schema


def test_label_schema_of_a_config_without_problem_type():
    one = SimpleNamespace(problem_type=None, num_labels=1, id2label={0: "LABEL_0"})
    assert LabelSchema.from_config(one) == LabelSchema("regression")
    two = SimpleNamespace(problem_type=None, num_labels=2, id2label={"1": "b", "0": "a"})
    assert LabelSchema.from_config(two) == LabelSchema("single_label_classification", ("a", "b"))
