"""Checked and complete raw splits of a task."""

from dataclasses import dataclass, field

from datasets import DatasetDict

from hfseq.data.arguments import DataArguments
from hfseq.data.builtin import describe_builtin
from hfseq.data.labels.columns import Columns
from hfseq.data.sources.dataset_names import BUILTIN_PREFIX
from hfseq.data.sources.memory import memory_fingerprint
from hfseq.data.splits.completion import complete_splits, limit_split
from hfseq.data.splits.cross_validation import SplitRules, fold_splits, redraw_splits
from hfseq.data.splits.subsets import nested_subset
from hfseq.modalities import Modality
from hfseq.modalities.rows import reading_notes


@dataclass
class TaskData:
    """Checked and complete raw splits of a task.

    Attributes:
        splits (`datasets.DatasetDict`): `train`, `validation` and `test`, with raw columns.
        modality (`Modality`): kind of the examples.
        columns (`Columns`): columns of inputs, label and target.
        fingerprint (`str`): hash of the contents.
        description (`str`): description of the data for the reports.
        notes (`list[str]`): notes for the reports, such as how splits were made or how many examples overlap.
    """

    splits: DatasetDict
    modality: Modality
    columns: Columns
    fingerprint: str
    description: str
    notes: list[str] = field(default_factory=list)


def cut_splits(
    splits: DatasetDict, columns: Columns, arguments: DataArguments, stratify: bool = False
) -> tuple[DatasetDict, list[str]]:
    """Takes missing splits from the training split, or makes new splits, and limits the number of examples of each.

    Args:
        splits (`datasets.DatasetDict`): the splits, with at least `train`.
        columns (`Columns`): the input columns. Examples with equal inputs stay in the same split.
        arguments (`DataArguments`): fractions, seed, and the maximum number of examples of each split.
        stratify (`bool`, *optional*, defaults to `False`): whether to keep the class proportions.

    Returns:
        `tuple[datasets.DatasetDict, list[str]]`: the three splits, and a note on each split that was made.
    """
    by_label = columns.label if stratify else None
    rules = SplitRules(columns.texts, by_label, arguments.group_column, arguments.split_seed)
    fractions = {"validation": arguments.validation_fraction, "test": arguments.test_fraction}
    if arguments.num_folds is not None and arguments.fold is not None:
        splits, cuts = fold_splits(splits, arguments.num_folds, arguments.fold, rules)
    elif arguments.resplit:
        splits, cuts = redraw_splits(splits, fractions, rules)
    else:
        splits, cuts = complete_splits(
            splits,
            label_column=columns.label,
            text_columns=columns.texts,
            stratify=stratify,
            validation_fraction=arguments.validation_fraction,
            test_fraction=arguments.test_fraction,
            seed=arguments.split_seed,
            group_column=arguments.group_column,
        )
    limits = {
        "train": arguments.max_train_samples,
        "validation": arguments.max_eval_samples,
        "test": arguments.max_predict_samples,
    }
    for name, limit in limits.items():
        splits[name] = limit_split(splits[name], limit, arguments.split_seed)
    if arguments.train_size is not None:
        splits["train"] = nested_subset(splits["train"], arguments.train_size, by_label, arguments.split_seed)
    return splits, [*reading_notes(splits), *cuts]


def describe_source(dataset: str, content: str) -> str:
    """Description of a data set: its own one if it is built-in, otherwise its name and its content. Data in memory has
    a fingerprint in place of a name, also in the folder in which a comparison keeps it."""
    if dataset.startswith(BUILTIN_PREFIX):
        return describe_builtin(dataset.removeprefix(BUILTIN_PREFIX))
    if (fingerprint := memory_fingerprint(dataset)) is not None:
        return f"in-memory data (fingerprint {fingerprint}): {content}"
    return f"{dataset}: {content}"
