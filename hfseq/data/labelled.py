"""A data set ready for a task: its splits complete, its columns found, its labels understood."""

from dataclasses import dataclass, field
from typing import Any

from datasets import DatasetDict

from hfseq.data.builtin import describe_builtin
from hfseq.data.columns import Columns, resolve_columns
from hfseq.data.encoding import with_texts
from hfseq.data.overlap import overlap_notes
from hfseq.data.schema import MULTI_LABEL, REGRESSION, SINGLE_LABEL, LabelSchema, infer_label_schema
from hfseq.data.sources import BUILTIN_PREFIX, load_source
from hfseq.data.splits import complete_splits, fingerprint_splits, limit_split
from hfseq.errors import HfseqError


@dataclass
class LabelledData:
    """Raw splits with their labels encoded.

    Attributes:
        splits (`datasets.DatasetDict`): `train`, `validation` and `test`, raw columns.
        columns (`Columns`): where text and label stand.
        labels (`LabelSchema`): the kind of label, and the names.
        encoded_labels (`dict[str, list]`): the targets of each split.
        fingerprint (`str`): hash of the contents.
        description (`str`): what the data is, for a report.
        notes (`list[str]`): what a reader of the results has to know: cuts, overlaps.
    """

    splits: DatasetDict
    columns: Columns
    labels: LabelSchema
    encoded_labels: dict[str, list[Any]]
    fingerprint: str
    description: str
    notes: list[str] = field(default_factory=list)


def load_labelled(
    dataset: str,
    *,
    dataset_config_name: str | None = None,
    revision: str | None = None,
    text_column: str | None = None,
    text_pair_column: str | None = None,
    label_column: str | None = None,
    problem_type: str | None = None,
    validation_fraction: float = 0.1,
    test_fraction: float = 0.1,
    split_seed: int = 0,
    max_samples: dict[str, int | None] | None = None,
    cache_dir: str | None = None,
) -> LabelledData:
    """Loads a data set and makes sure that it can be trained and tested on.

    Args:
        dataset, dataset_config_name, revision, cache_dir: see [`load_source`].
        text_column, text_pair_column, label_column: see [`resolve_columns`].
        problem_type (`str`, *optional*): see [`infer_label_schema`].
        validation_fraction, test_fraction, split_seed: see [`complete_splits`].
        max_samples (`dict[str, int]`, *optional*): the most examples of each split.

    Raises:
        HfseqError: where the data is missing, damaged, or not fit to train on; the message names file, column or row.
    """
    splits = load_source(dataset, dataset_config_name=dataset_config_name, revision=revision, cache_dir=cache_dir)
    if "train" not in splits:
        raise HfseqError(f"{dataset!r} has no training split, only {', '.join(splits)}")
    columns = resolve_columns(
        splits["train"].column_names,
        text_column=text_column,
        text_pair_column=text_pair_column,
        label_column=label_column,
    )
    for name, split in splits.items():
        splits[name] = with_texts(split, columns, where=f"split {name!r} of {dataset!r}")
    notes = _drop_unlabelled_test(splits, columns.label)
    feature = splits["train"].features[columns.label]
    labels = infer_label_schema(
        splits["train"][columns.label],
        feature,
        problem_type=problem_type,
        where=f"split 'train' of {dataset!r}",
        column=columns.label,
    )
    splits, cuts = complete_splits(
        splits,
        label_column=columns.label,
        text_columns=columns.texts,
        stratify=labels.problem_type == SINGLE_LABEL,
        validation_fraction=validation_fraction,
        test_fraction=test_fraction,
        seed=split_seed,
    )
    for name, limit in (max_samples or {}).items():
        splits[name] = limit_split(splits[name], limit, split_seed)
    notes += cuts + overlap_notes(splits, columns.texts)
    encoded = {
        name: labels.encode(
            split[columns.label], where=f"split {name!r} of {dataset!r}", feature=split.features[columns.label]
        )
        for name, split in splits.items()
    }
    return LabelledData(
        splits,
        columns,
        labels,
        encoded,
        fingerprint=fingerprint_splits(splits, [*columns.texts, str(columns.label)]),
        description=_describe(dataset, labels),
        notes=notes,
    )


def _drop_unlabelled_test(splits: DatasetDict, label_column: str | None) -> list[str]:
    """Benchmarks that keep their test labels to themselves publish -1 instead; such a split tests nothing."""
    test = splits.get("test")
    if test is None or label_column not in test.column_names:
        return []
    if not getattr(test.features[label_column], "dtype", "").startswith("int"):
        return []  # only class numbers are withheld in this way
    if -1 in splits["train"].unique(label_column) or set(test.unique(label_column)) - {-1, None}:
        return []
    del splits["test"]
    return [f"the test split of {len(test):,} examples has no labels and is not used"]


def _describe(dataset: str, labels: LabelSchema) -> str:
    if dataset.startswith(BUILTIN_PREFIX):
        return describe_builtin(dataset.removeprefix(BUILTIN_PREFIX))
    kinds = {
        SINGLE_LABEL: f"{labels.num_labels} classes",
        MULTI_LABEL: f"any of {labels.num_labels} labels",
        REGRESSION: "a number to predict",
    }
    return f"{dataset}: {kinds[labels.problem_type]}"
