import subprocess
import sys
from collections import Counter

import pytest
from datasets import ClassLabel, Dataset, DatasetDict

from hfseq.data.splits.completion import complete_splits, count_overlap, fingerprint_splits, limit_split, overlap_notes
from hfseq.errors import HfseqError


def rows(texts, labels=None):
    return Dataset.from_dict({"text": texts, "label": [0] * len(texts) if labels is None else labels})


def complete(splits, **kwargs):
    kwargs = {"label_column": "label", "text_columns": ["text"], "stratify": True} | kwargs
    return complete_splits(DatasetDict(splits), **kwargs)


def test_complete_splits_creates_stratified_splits():
    train = rows([f"text {i}" for i in range(1000)], [int(i % 10 < 3) for i in range(1000)])
    splits, notes = complete({"train": train})
    assert {name: len(split) for name, split in splits.items()} == {"train": 800, "validation": 100, "test": 100}
    assert all(Counter(splits[name]["label"]) == {0: 70, 1: 30} for name in ("validation", "test"))
    assert sorted(text for split in splits.values() for text in split["text"]) == sorted(train["text"])
    assert notes == [
        f"no {name} split: 10 % of the training examples (100 of 1,000) were set aside, stratified by label, seed 0"
        for name in ("test", "validation")
    ]


def test_complete_splits_depends_on_the_seed():
    train = {"train": rows([f"text {i}" for i in range(100)])}
    first, again, other = (complete(train, seed=seed)[0]["test"]["text"][:] for seed in (1, 1, 2))
    assert first == again != other


def test_equal_texts_are_in_the_same_split():
    texts = [f"text  {i % 60}" if i % 2 else f"text {i % 60} " for i in range(300)]
    splits, _ = complete({"train": rows(texts)}, stratify=False)
    for name in ("validation", "test"):
        assert len(splits[name])
        assert count_overlap(splits["train"], splits[name], ["text"]) == 0
    assert count_overlap(splits["validation"], splits["test"], ["text"]) == 0


def test_complete_splits_creates_only_the_missing_split():
    validation = rows(["v"])
    splits, notes = complete({"train": rows([str(i) for i in range(20)]), "validation": validation}, stratify=False)
    assert splits["validation"]["text"][:] == ["v"] and len(splits["test"]) == 2 and len(splits["train"]) == 18
    assert notes == ["no test split: 10 % of the training examples (2 of 20) were set aside, seed 0"]
    full = DatasetDict({"train": validation, "validation": validation, "test": validation})
    assert complete(full) == (full, [])


def test_small_classes_keep_a_training_example():
    labels = ["many"] * 50 + ["once"] + [f"pair {i // 2}" for i in range(20)]
    splits, notes = complete({"train": rows([str(i) for i in range(71)], labels)}, test_fraction=0.3)
    assert set(splits["train"]["label"]) == set(labels)
    assert any("missing in the test split" in note for note in notes)
    features = rows(["a"]).features.copy()
    features["label"] = ClassLabel(names=["big", "tiny"])
    named = rows([str(i) for i in range(41)], [0] * 40 + [1]).cast(features)
    assert (
        "1 class has too few examples to be stratified and is missing in the test split: 'tiny'"
        in complete({"train": named})[1]
    )


def test_complete_splits_without_stratification():
    labels = [[i % 2] for i in range(20)]
    assert len(complete({"train": rows([str(i) for i in range(20)], labels)}, stratify=False)[0]["test"]) == 2
    assert len(complete({"train": rows([str(i) for i in range(20)], labels)})[0]["test"]) == 2


def test_complete_splits_rejects_invalid_input():
    with pytest.raises(
        HfseqError, match="too small to create a test split from it: 5 rows, 1 distinct texts in 1 class"
    ):
        complete({"train": rows(["same"] * 5)})
    with pytest.raises(HfseqError, match="too small to create a validation split"):
        complete({"train": rows(["a", "b"])}, stratify=False)
    with pytest.raises(HfseqError, match="no training split, only test"):
        complete({"test": rows(["a"])})
    with pytest.raises(HfseqError, match="their sum below 1"):
        complete({"train": rows(["a", "b"])}, test_fraction=0.9)


def test_overlap_notes_count_shared_texts():
    train = rows(["a  b", "A b", "c", "c "])
    test = rows(["a b", "a\nb", "C", None])
    assert count_overlap(train, test, ["text"]) == 2
    notes = overlap_notes(DatasetDict({"train": train, "test": test, "validation": rows(["c"])}), ["text"])
    assert [note.split(":")[0] for note in notes] == [
        "2 of 4 (50.0 %) test examples also occur in the training split",
        "1 of 1 (100.0 %) validation examples also occurs in the training split",
        "1 of 4 (25.0 %) training examples repeats the text of an earlier one",
    ]
    assert overlap_notes(DatasetDict({"train": rows(["a", "b"]), "test": rows(["c"])}), ["text"]) == []


def test_overlap_of_pairs_compares_both_texts():
    train = Dataset.from_dict({"a": ["x", "y"], "b": ["1", "2"]})
    assert count_overlap(train, Dataset.from_dict({"a": ["x", "x"], "b": ["1", "2"]}), ["a", "b"]) == 1


def test_limit_split_draws_a_random_subset():
    split = rows([str(i) for i in range(50)])
    assert limit_split(split, None, 0) is split and limit_split(split, 60, 0) is split
    chosen = limit_split(split, 10, 3)["text"][:]
    assert len(set(chosen)) == 10 and chosen == limit_split(split, 10, 3)["text"][:]
    assert chosen != limit_split(split, 10, 4)["text"][:]
    assert set(chosen) <= set(limit_split(split, 20, 3)["text"])
    with pytest.raises(HfseqError, match="at least 1, got 0"):
        limit_split(split, 0, 0)


def test_fingerprint_depends_on_the_content():
    splits = DatasetDict({"train": rows(["a", "b"]), "test": rows(["ä"])})
    found = fingerprint_splits(splits, ["text", "label"])
    assert found == fingerprint_splits(DatasetDict(reversed(splits.items())), ["text", "label"])
    assert found == fingerprint_splits(splits.map(lambda row: row), ["text", "label"])
    assert found != fingerprint_splits(splits, ["text"])
    assert found != fingerprint_splits(DatasetDict(splits | {"train": rows(["b", "a"])}), ["text", "label"])
    assert found != fingerprint_splits(DatasetDict(splits | {"train": rows(["a", "b"], [0, 1])}), ["text", "label"])
    with pytest.raises(HfseqError, match="split 'test' has no column 'x'"):
        fingerprint_splits(splits, ["x"])


def test_fingerprint_is_equal_in_another_process():
    code = (
        "from datasets import Dataset, DatasetDict; from hfseq.data.splits.completion import fingerprint_splits;"
        "print(fingerprint_splits(DatasetDict({'train': Dataset.from_dict({'text': ['a', None]})}), ['text']))"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    here = fingerprint_splits(DatasetDict({"train": Dataset.from_dict({"text": ["a", None]})}), ["text"])
    assert result.stdout.strip() == here
