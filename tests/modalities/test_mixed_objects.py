"""Columns of published data sets that are not read may hold objects without a common type."""

import json
import re

import pytest

from hfseq.data.arguments import DataArguments
from hfseq.data.sources.cells import check_readable
from hfseq.data.sources.loading import load_source
from hfseq.data.yaml_files import load_yaml
from hfseq.errors import HfseqError
from hfseq.tasks.sequence_classification.data import load_labelled


def write(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def test_objects_without_a_common_type_are_kept_as_json(tmp_path):
    mixed = [{"text": "a", "slots": {"at": "noon"}}, {"text": "b", "slots": {"at": {"hour": 12}}}, {"text": "c"}]
    write(tmp_path / "train.jsonl", mixed)
    write(tmp_path / "test.jsonl", mixed[:1])
    splits = load_source(str(tmp_path), cache_dir=str(tmp_path / "cache"))
    assert splits["train"]["slots"][:] == ['{"at": "noon"}', '{"at": {"hour": 12}}', None]
    assert splits["test"]["slots"][:] == ['{"at": "noon"}']


ROWS = [{"text": f"text {i}", "label": "ab"[i % 2], "other": i} for i in range(60)]


@pytest.mark.parametrize(
    ("row", "value", "found"),
    [
        (57, "x", "row 57 is 'x' (str)"),
        (5, True, "row 5 is 'True' (bool)"),
        (7, {"a": 1}, "row 7 is \"{'a': 1}\" (dict)"),
        (9, [1, "x"], "row 9 is \"[1, 'x']\" (list)"),
    ],
)
@pytest.mark.parametrize("batch", [4, 10_000])
def test_mixed_column_is_only_an_error_if_it_is_used(tmp_path, monkeypatch, row, value, found, batch):
    monkeypatch.setattr("hfseq.data.sources.column_types._ROWS_PER_BATCH", batch)
    rows = [dict(one) for one in ROWS]
    rows[row]["other"] = value
    write(tmp_path / "a.jsonl", rows)
    settings = {"dataset": str(tmp_path / "a.jsonl"), "cache_dir": str(tmp_path / "cache")}
    data = load_labelled(DataArguments(**settings))
    assert sum(map(len, data.splits.values())) == 60
    message = re.escape(f"column 'other' has values without a common type: row 0 is '0' (int), {found}.")
    for role in ("label_column", "text_column"):
        with pytest.raises(HfseqError, match=message):
            load_labelled(DataArguments(**settings, **{role: "other"}))


def test_column_of_objects_and_texts_is_rejected_as_text(tmp_path):
    write(tmp_path / "a.jsonl", [{"text": "a", "slots": {"at": "noon"}}, {"text": "b", "slots": "noon"}])
    split = load_source(str(tmp_path / "a.jsonl"), cache_dir=str(tmp_path / "cache"))["train"]
    with pytest.raises(
        HfseqError, match=r"column 'slots' has values without a common type: row 0 is .* row 1 is 'noon'"
    ):
        check_readable(split, ["slots"])


@pytest.mark.parametrize("name", ["a.json", "a.jsonl"])
def test_deep_nesting_is_rejected(tmp_path, name):
    (tmp_path / name).write_text('{"text": ' + "[" * 100_000 + "]" * 100_000 + "}\n")
    with pytest.raises(HfseqError, match="has too deeply nested lists or objects"):
        load_labelled(DataArguments(dataset=str(tmp_path / name)))


@pytest.mark.parametrize("batch", [2, 10_000])
def test_large_integers_keep_their_digits(tmp_path, monkeypatch, batch):
    monkeypatch.setattr("hfseq.data.sources.column_types._ROWS_PER_BATCH", batch)
    big = 9007199254740993001
    rows = [{"a": big + i, "b": 10**20 + i, "c": big + i if i % 2 else i / 2} for i in range(6)]
    write(tmp_path / "a.jsonl", rows)
    split = load_source(str(tmp_path / "a.jsonl"), cache_dir=str(tmp_path / "cache"))["train"]
    assert split["a"][:] == [big + i for i in range(6)]
    assert split["b"][:] == [str(10**20 + i) for i in range(6)]
    assert split["c"][:] == [str(big + i) if i % 2 else str(i / 2) for i in range(6)]


def test_column_of_a_single_split_is_only_an_error_if_it_is_used(tmp_path):
    write(tmp_path / "train.jsonl", ROWS)
    write(tmp_path / "test.jsonl", [{"text": f"test {i}", "label": "ab"[i % 2], "page": i} for i in range(8)])
    settings = {"dataset": str(tmp_path), "cache_dir": str(tmp_path / "cache")}
    assert len(load_labelled(DataArguments(**settings)).splits["test"]) == 8
    for column, split in (("other", "test"), ("page", "train")):
        with pytest.raises(HfseqError, match=f"split '{split}' .* has no column '{column}', but split"):
            load_labelled(DataArguments(**settings, text_column=column))


@pytest.mark.parametrize(
    "text",
    [
        "a0: &a0 [x, x]\n" + "".join(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 12)),
        f"a: &a {'x' * 100_000}\nb: [{', '.join(['*a'] * 100)}]\n",
    ],
)
def test_load_yaml_rejects_expansion_of_aliases(text):
    with pytest.raises(HfseqError, match=r"x\.yaml has more than 5,000,000 values"):
        load_yaml(text, "x.yaml")
    assert load_yaml("a: &a [1, 2]\nb: *a\n") == {"a": [1, 2], "b": [1, 2]}
