"""Raw splits that are ready for a task."""

from dataclasses import dataclass, field

from datasets import DatasetDict

from hfseq.data.arguments import DataArguments
from hfseq.data.builtin import describe_builtin
from hfseq.data.labels.columns import Columns
from hfseq.data.sources.places import BUILTIN_PREFIX
from hfseq.data.splits.completion import complete_splits, limit_split
from hfseq.modalities import Modality
from hfseq.modalities.rows import reading_notes


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
