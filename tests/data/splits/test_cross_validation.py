"""Folds, new random splits, and nested training subsets."""

from collections import Counter
from dataclasses import replace

import pytest
from datasets import Dataset, DatasetDict

from hfseq.data.arguments import DataArguments
from hfseq.data.splits.completion import complete_splits
from hfseq.data.splits.cross_validation import SplitRules, fold_splits, redraw_splits
from hfseq.data.splits.groups import row_groups
from hfseq.data.splits.subsets import nested_subset
from hfseq.errors import HfseqError
from hfseq.registry import get_task


def table(count, start=0, classes=3):
    numbers = range(start, start + count)
    return Dataset.from_dict(
        {
            "text": [f"text {number}" for number in numbers],
            "label": [0 if number % 6 < classes else 1 for number in numbers],
            "patient": [number // 4 for number in numbers],
        }
    )


def rules(**given):
    return SplitRules(**{"text_columns": ["text"], "label_column": "label", "group_column": None, "seed": 0} | given)


SPLITS = DatasetDict({"train": table(60), "test": table(30, start=60)})


def test_each_example_is_tested_and_validated_once_over_the_folds():
    tested, validated = Counter(), Counter()
    for fold in range(1, 6):
        splits, notes = fold_splits(SPLITS, 5, fold, rules())
        parts = [set(splits[name]["text"]) for name in ("train", "validation", "test")]
        assert [len(part) for part in parts] == [54, 18, 18] and not set.intersection(*parts)
        assert all(Counter(split["label"])[0] == len(split) / 2 for split in splits.values())
        tested.update(splits["test"]["text"])
        validated.update(splits["validation"]["text"])
    assert tested == validated == Counter(SPLITS["train"]["text"][:] + SPLITS["test"]["text"][:])
    assert notes == ["fold 5 of 5 over all 90 examples, stratified by label, seed 0"]


def test_folds_depend_on_the_split_seed_only():
    first, again = (fold_splits(SPLITS, 3, 1, rules())[0]["test"]["text"][:] for _ in range(2))
    assert first == again != fold_splits(SPLITS, 3, 1, rules(seed=1))[0]["test"]["text"][:]


def test_groups_and_equal_texts_stay_in_one_fold():
    splits = DatasetDict({"train": table(60)})
    for fold in range(1, 4):
        parts, _ = fold_splits(splits, 3, fold, rules(group_column="patient"))
        patients = [set(split["patient"]) for split in parts.values()]
        assert not any(one & other for one in patients for other in patients if one is not other)
    with pytest.raises(HfseqError, match="20 folds need at least 20 values of patient, but there are 15"):
        fold_splits(splits, 20, 1, rules(group_column="patient"))
    with pytest.raises(HfseqError, match="group_column 'person' is not in the data"):
        fold_splits(splits, 3, 1, rules(group_column="person"))


def test_row_groups_join_equal_texts_and_equal_values():
    rows = Dataset.from_dict({"text": ["a", "b", "b ", "c", "d"], "group": [1, 2, 1, 3, 3]})
    assert row_groups(rows, ["text"]) == [[0], [1, 2], [3], [4]]
    assert row_groups(rows, ["text"], "group") == [[0, 1, 2], [3, 4]]


def test_missing_splits_respect_the_groups():
    splits, _ = complete_splits(
        DatasetDict({"train": table(60)}),
        label_column="label", text_columns=["text"], stratify=False, group_column="patient",
    )  # fmt: skip
    assert not set(splits["train"]["patient"]) & set(splits["test"]["patient"])


def test_redrawn_splits_keep_the_sizes_of_the_data_set():
    fractions = {"validation": 0.1, "test": 0.5}
    first, notes = redraw_splits(SPLITS, fractions, rules())
    second, _ = redraw_splits(SPLITS, fractions, rules(seed=1))
    assert {name: len(split) for name, split in first.items()} == {"train": 51, "validation": 9, "test": 30}
    assert set(first["test"]["text"]) != set(second["test"]["text"]) != set(SPLITS["test"]["text"])
    assert notes == [
        "all 90 examples were split anew into 51 / 9 / 30 (training, validation, test), stratified by label, seed 0"
    ]
    with pytest.raises(HfseqError, match="different columns"):
        redraw_splits(DatasetDict({"train": table(9), "test": table(9).remove_columns("label")}), fractions, rules())


def test_training_subsets_are_nested_and_stratified():
    train = Dataset.from_dict({"text": list(map(str, range(200))), "label": [0] * 150 + [1] * 40 + [2] * 10})
    subsets = {size: nested_subset(train, size, "label", 0) for size in (3, 20, 100, 200)}
    assert set(subsets[3]["label"]) == {0, 1, 2}
    assert Counter(subsets[20]["label"]) == {0: 15, 1: 4, 2: 1} and Counter(subsets[100]["label"])[0] == 75
    for small, large in ((3, 20), (20, 100), (100, 200)):
        assert set(subsets[small]["text"]) < set(subsets[large]["text"])
    assert subsets[200]["text"][:] == train["text"][:]
    assert nested_subset(train, 20, "label", 1)["text"][:] != subsets[20]["text"][:]
    plain = [set(nested_subset(train, size, None, 0)["text"]) for size in (20, 100)]
    assert plain[0] < plain[1]
    with pytest.raises(HfseqError, match="train_size is 201, but the training split has 200 examples"):
        nested_subset(train, 201, None, 0)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"num_folds": 5}, "num_folds and fold belong together"),
        ({"num_folds": 5, "fold": 6}, "fold 6 does not exist: there are 5 folds"),
        ({"num_folds": 5, "fold": 1, "resplit": True}, "both make new splits"),
        ({"num_folds": 2, "fold": 1}, "num_folds must be at least 3"),
        ({"train_size": 0}, "train_size must be at least 1"),
    ],
)
def test_settings_of_splits_are_checked(given, message):
    with pytest.raises(HfseqError, match=message):
        DataArguments(**given)


def write_reviews(path):
    lines = [f"{'good' if number % 3 else 'bad'} film {number},{int(number % 3 > 0)}" for number in range(90)]
    path.write_text("text,label\n" + "\n".join(lines) + "\n")
    return DataArguments(dataset=str(path), cache_dir=str(path.parent / "cache"))


def test_tasks_load_folds_and_subsets(tmp_path):
    arguments = write_reviews(tmp_path / "reviews.csv")
    load = get_task("sequence_classification").load
    fold = load(replace(arguments, num_folds=3, fold=2))
    assert {name: len(split) for name, split in fold.splits.items()} == {"train": 30, "validation": 30, "test": 30}
    assert "fold 2 of 3 over all 90 examples, stratified by label, seed 0" in fold.notes
    subset = load(replace(arguments, train_size=12))
    assert Counter(subset.splits["train"]["label"]) == {"1": 8, "0": 4} and len(subset.splits["test"]) == 9
    redrawn = [load(replace(arguments, resplit=True, split_seed=seed)) for seed in (1, 2)]
    assert redrawn[0].fingerprint != redrawn[1].fingerprint
    assert any("were split anew into 72 / 9 / 9" in note for note in redrawn[0].notes)


def test_a_single_document_is_not_distributed_over_folds(tmp_path):
    (tmp_path / "book.txt").write_text("a long story about two cats. " * 100)
    arguments = DataArguments(dataset=str(tmp_path / "book.txt"), task="causal_lm", cache_dir=str(tmp_path / "cache"))
    load = get_task("causal_lm").load
    assert len(load(replace(arguments, train_size=3)).splits["train"][0]["text"]) == 3 * 256
    with pytest.raises(HfseqError, match="num_folds distributes documents over the splits"):
        load(replace(arguments, num_folds=3, fold=1))
