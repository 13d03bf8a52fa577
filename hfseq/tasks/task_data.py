"""A data set ready for a task: its splits complete, its columns found, its labels understood."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from datasets import DatasetDict

from hfseq.data.arguments import DataArguments
from hfseq.data.builtin import describe_builtin
from hfseq.data.sources.cells import is_written, label_values
from hfseq.data.labels.columns import Columns
from hfseq.modalities.series.table_roles import roles_of
from hfseq.data.labels.lists import splits_with_label_lists
from hfseq.data.labels.notes import label_notes, spread_notes
from hfseq.data.labels.types import check_label_types
from hfseq.modalities import Modality, find_modality
from hfseq.data.splits.overlap import overlap_notes
from hfseq.modalities.rows import load_rows, reading_notes
from hfseq.data.labels.inference import MULTI_LABEL, REGRESSION, SINGLE_LABEL, LabelSchema, infer_label_schema
from hfseq.data.sources.loading import BUILTIN_PREFIX
from hfseq.data.splits.completion import complete_splits, fingerprint_splits, limit_split


@dataclass
class TaskData:
    """Raw splits, ready for a task.

    Attributes:
        splits (`datasets.DatasetDict`): `train`, `validation` and `test`, raw columns.
        modality (`Modality`): what an example is.
        columns (`Columns`): where input, label and target stand.
        fingerprint (`str`): hash of the contents.
        description (`str`): what the data is, for a report.
        notes (`list[str]`): what a reader of the results has to know: cuts, overlaps.
    """

    splits: DatasetDict
    modality: Modality
    columns: Columns
    fingerprint: str
    description: str
    notes: list[str] = field(default_factory=list)


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
    noun = "text" if modality.name == "text" else "content"
    notes += cuts + overlap_notes(splits, columns.texts, noun)
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


def cut_splits(
    splits: DatasetDict, columns: Columns, arguments: DataArguments, stratify: bool = False
) -> tuple[DatasetDict, list[str]]:
    """The three splits, those that are missing cut from the training split, and each at most as large as wanted.

    Args:
        splits (`datasets.DatasetDict`): the splits, `train` among them.
        columns (`Columns`): where the inputs stand; the same input goes to the same side.
        arguments (`DataArguments`): fractions, seed, and the most examples of each split.
        stratify (`bool`, *optional*, defaults to `False`): whether each class gives its share.

    Returns:
        `tuple[datasets.DatasetDict, list[str]]`: the splits, and a sentence on each cut.
    """
    splits, cuts = complete_splits(
        splits,
        label_column=columns.label,
        text_columns=columns.texts,
        stratify=stratify,
        validation_fraction=arguments.validation_fraction,
        test_fraction=arguments.test_fraction,
        seed=arguments.split_seed,
    )
    limits = {
        "train": arguments.max_train_samples,
        "validation": arguments.max_eval_samples,
        "test": arguments.max_predict_samples,
    }
    for name, limit in limits.items():
        splits[name] = limit_split(splits[name], limit, arguments.split_seed)
    return splits, [*reading_notes(splits), *cuts]


def describe_source(dataset: str, content: str) -> str:
    """A sentence on a data set: a built-in one's own, else its name and what is in it."""
    if dataset.startswith(BUILTIN_PREFIX):
        return describe_builtin(dataset.removeprefix(BUILTIN_PREFIX))
    return f"{dataset}: {content}"


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
