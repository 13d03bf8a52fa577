"""Sequences with their labels: for classification and regression."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from datasets import DatasetDict

from hfseq.data.arguments import DataArguments
from hfseq.data.labels.inference import MULTI_LABEL, REGRESSION, SINGLE_LABEL, LabelSchema, infer_label_schema
from hfseq.data.labels.lists import splits_with_label_lists
from hfseq.data.labels.notes import label_notes, spread_notes
from hfseq.data.labels.types import check_label_types
from hfseq.data.sources.cells import is_written, label_values
from hfseq.data.splits.completion import fingerprint_splits
from hfseq.data.splits.overlap import overlap_notes
from hfseq.modalities import find_modality
from hfseq.modalities.rows import load_rows
from hfseq.modalities.series.table_roles import roles_of
from hfseq.tasks.task_data import TaskData, cut_splits, describe_source


@dataclass
class LabelledData(TaskData):
    """Raw splits with their labels encoded.

    Attributes:
        labels (`LabelSchema`): the kind of label, and the names.
        encoded_labels (`dict[str, list]`): the targets of each split.
    """

    labels: LabelSchema = field(default_factory=lambda: LabelSchema(REGRESSION))
    encoded_labels: dict[str, list[Any]] = field(default_factory=dict)


def load_labelled(arguments: DataArguments) -> LabelledData:
    """Loads a data set of labelled sequences and makes sure that it can be trained and tested on.

    Args:
        arguments (`DataArguments`): which, and how it is read and cut.

    Raises:
        HfseqError: where the data is missing, damaged, or not fit to train on; the message names file, column or row.
    """
    dataset, modality = arguments.dataset, find_modality(arguments)
    splits = load_rows(arguments, modality)
    columns = modality.resolve(splits["train"].column_names, arguments)
    for name, split in splits.items():
        splits[name] = modality.check(split, columns, where=f"split {name!r} of {dataset!r}")
    path, roles = Path(dataset).expanduser(), roles_of(splits["train"])
    notes = [*(roles.notes if roles else ()), *(modality.notes_on(path, arguments) if path.exists() else ())]
    notes += _drop_unlabelled_test(splits, columns.label)
    splits = splits_with_label_lists(splits, str(columns.label), arguments)
    labels, found = understand_labels(splits, str(columns.label), arguments)
    notes += found
    splits, cuts = cut_splits(splits, columns, arguments, stratify=labels.problem_type == SINGLE_LABEL)
    notes += cuts + overlap_notes(splits, columns.texts, modality.content)
    fingerprint = fingerprint_splits(splits, [*columns.texts, str(columns.label)])
    splits["train"] = modality.augment(splits["train"], columns, arguments)
    encoded = {
        name: labels.encode(
            label_values(split, str(columns.label), labels.problem_type),
            where=f"split {name!r} of {dataset!r}",
            feature=split.features[columns.label],
        )
        for name, split in splits.items()
    }
    return LabelledData(
        splits,
        modality,
        columns,
        fingerprint=fingerprint,
        description=_describe(dataset, labels),
        notes=[*notes, *spread_notes(encoded["train"], labels)],
        labels=labels,
        encoded_labels=encoded,
    )


def understand_labels(splits: DatasetDict, column: str, arguments: DataArguments) -> tuple[LabelSchema, list[str]]:
    """The label schema of the training split, and notes on how the labels were read.

    Args:
        splits (`datasets.DatasetDict`): the splits, `train` among them.
        column (`str`): the label column.
        arguments (`DataArguments`): `problem_type` and the name of the data set.

    Raises:
        HfseqError: see [`infer_label_schema`]; or the labels of another split are of another type.
    """
    train, given = splits["train"], arguments.problem_type
    feature, where = train.features[column], f"split 'train' of {arguments.dataset!r}"
    values = label_values(train, column, given)
    labels = infer_label_schema(values, feature, problem_type=given, where=where, column=column)
    if labels.problem_type == SINGLE_LABEL and any(isinstance(value, float) for value in values):
        # Classes of a table are named as they are written: 1.0 stays "1.0".
        written = label_values(train, column, SINGLE_LABEL)
        labels = infer_label_schema(written, feature, problem_type=SINGLE_LABEL, where=where, column=column)
    if given is None:
        check_label_types(splits, column, labels, arguments.dataset)
    return labels, label_notes(values, column, feature, labels, given)


def _drop_unlabelled_test(splits: DatasetDict, label_column: str | None) -> list[str]:
    """Benchmarks that keep their test labels to themselves publish -1 instead; such a split tests nothing."""
    test = splits.get("test")
    if test is None or label_column not in test.column_names:
        return []
    # Only class numbers are withheld in this way.
    hidden = "-1" if is_written(test.features[label_column]) else -1
    if hidden == -1 and not getattr(test.features[label_column], "dtype", "").startswith("int"):
        return []
    if hidden in splits["train"].unique(label_column) or set(test.unique(label_column)) - {hidden, None}:
        return []
    del splits["test"]
    return [f"the test split of {len(test):,} examples has no labels and is not used"]


def _describe(dataset: str, labels: LabelSchema) -> str:
    kinds = {
        SINGLE_LABEL: f"{labels.num_labels} classes",
        MULTI_LABEL: f"any of {labels.num_labels} labels",
        REGRESSION: "a number to predict",
    }
    return describe_source(dataset, kinds[labels.problem_type])
