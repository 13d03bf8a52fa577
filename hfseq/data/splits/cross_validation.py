"""New splits of all examples of a data set: folds of a cross-validation, and random splits."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from datasets import Dataset, DatasetDict, concatenate_datasets

from hfseq.data.splits.completion import complete_splits
from hfseq.data.splits.groups import groups_by_class, row_groups
from hfseq.data.splits.names import SPLITS
from hfseq.errors import HfseqError


@dataclass(frozen=True)
class SplitRules:
    """What new splits must respect.

    Attributes:
        text_columns (`list[str]`): columns of the inputs. Rows with equal inputs stay in the same split.
        label_column (`str`, *optional*): column of the class. Each split gets the same proportions of the classes.
        group_column (`str`, *optional*): rows with the same value in this column stay in the same split.
        seed (`int`): random seed of the splits.
    """

    text_columns: list[str]
    label_column: str | None
    group_column: str | None
    seed: int

    def described(self) -> str:
        """The rules in words."""
        stratified = "stratified by label, " if self.label_column else ""
        grouped = f"grouped by {self.group_column}, " if self.group_column else ""
        return f"{stratified}{grouped}seed {self.seed}"


def fold_splits(splits: DatasetDict, num_folds: int, fold: int, rules: SplitRules) -> tuple[DatasetDict, list[str]]:
    """The splits of one fold of a K-fold cross-validation over all examples.

    Over all folds, each example is in exactly one test split and in exactly one validation split.

    Args:
        splits (`datasets.DatasetDict`): the splits of the data set; their examples are pooled.
        num_folds (`int`): number of folds, at least 3.
        fold (`int`): the fold that is the test split, from 1. The next fold is the validation split.
        rules (`SplitRules`): what the folds respect.

    Returns:
        `tuple[datasets.DatasetDict, list[str]]`: the three splits, and a note on them.

    Raises:
        HfseqError: there are fewer groups of examples than folds, or the splits have different columns.
    """
    pooled = _pooled(splits)
    groups = row_groups(pooled, rules.text_columns, rules.group_column)
    if len(groups) < num_folds:
        what = f"values of {rules.group_column}" if rules.group_column else "distinct examples"
        raise HfseqError(f"{num_folds} folds need at least {num_folds} {what}, but there are {len(groups)}")
    classes = groups_by_class(pooled, groups, rules.label_column)
    folds = _deal(groups, classes, num_folds, np.random.default_rng(rules.seed))
    test, validation = fold - 1, fold % num_folds
    rows = {
        "train": [row for number, part in enumerate(folds) if number not in (test, validation) for row in part],
        "validation": folds[validation],
        "test": folds[test],
    }
    note = f"fold {fold} of {num_folds} over all {len(pooled):,} examples, {rules.described()}"
    return DatasetDict({name: pooled.select(sorted(part)) for name, part in rows.items()}), [note]


def redraw_splits(
    splits: DatasetDict, fractions: dict[str, float], rules: SplitRules
) -> tuple[DatasetDict, list[str]]:
    """New random splits of all examples.

    Args:
        splits (`datasets.DatasetDict`): the splits of the data set; their examples are pooled. A new split is as
            large as the one that the data set has.
        fractions (`dict[str, float]`): shares of `validation` and `test` where the data set has no such split.
        rules (`SplitRules`): what the splits respect.

    Returns:
        `tuple[datasets.DatasetDict, list[str]]`: the three splits, and a note on them.

    Raises:
        HfseqError: there are too few examples, or the splits have different columns.
    """
    pooled = _pooled(splits)
    shares = {name: len(splits[name]) / len(pooled) if name in splits else fractions[name] for name in SPLITS[1:]}
    drawn, _ = complete_splits(
        DatasetDict({"train": pooled}),
        label_column=rules.label_column,
        text_columns=rules.text_columns,
        stratify=rules.label_column is not None,
        validation_fraction=shares["validation"],
        test_fraction=shares["test"],
        seed=rules.seed,
        group_column=rules.group_column,
    )
    sizes = " / ".join(f"{len(drawn[name]):,}" for name in SPLITS)
    note = f"all {len(pooled):,} examples were split anew into {sizes} (training, validation, test)"
    return drawn, [f"{note}, {rules.described()}"]


def _pooled(splits: DatasetDict) -> Dataset:
    parts = [splits[name] for name in SPLITS if name in splits]
    columns = parts[0].column_names
    for part in parts:
        if set(part.column_names) != set(columns):
            raise HfseqError("the splits of this data set have different columns, so they cannot be pooled")
    try:
        return concatenate_datasets(parts) if len(parts) > 1 else parts[0]
    except (ValueError, TypeError) as error:
        raise HfseqError(f"the splits of this data set cannot be pooled: {error}") from error


def _deal(
    groups: list[list[int]], classes: dict[Any, list[int]], num_folds: int, rng: np.random.Generator
) -> list[list[int]]:
    """Deals the groups of each class to the fold that has the fewest rows of this class so far, the largest first."""
    folds: list[list[int]] = [[] for _ in range(num_folds)]
    for members in classes.values():
        counts = [0] * num_folds
        shuffled = [members[i] for i in rng.permutation(len(members))]
        for group in sorted(shuffled, key=lambda number: -len(groups[number])):
            fold = min(range(num_folds), key=lambda number: (counts[number], len(folds[number])))
            counts[fold] += len(groups[group])
            folds[fold] += groups[group]
    return folds
