"""Checks that the labels of all splits have the same type."""

from typing import Any

from datasets import Dataset, DatasetDict, List, Value

from hfseq.data.labels.schema import REGRESSION, LabelSchema
from hfseq.data.sources.cells import is_cell, is_unreadable, label_values
from hfseq.errors import HfseqError

# A smaller split of a regression may contain only integers by chance.
_MIN_ROWS = 20


def type_family(feature: Any) -> str | None:
    """Family of the type of a column: `"texts"`, `"numbers"`, `"booleans"` or `"lists"`.

    It is `None` for cells of csv and tsv files, unreadable columns, and other types.
    """
    if isinstance(feature, List):
        return "lists"
    if not isinstance(feature, Value) or is_cell(feature) or is_unreadable(feature):
        return None  # for example ClassLabel, whose values may be names or ids
    if feature.dtype.startswith(("int", "uint", "float")):
        return "numbers"
    return {"string": "texts", "large_string": "texts", "bool": "booleans"}.get(feature.dtype)


def check_label_types(splits: DatasetDict, column: str, labels: LabelSchema, dataset: str) -> None:
    """Checks that the labels of all splits have the type of the training labels.

    Args:
        splits (`datasets.DatasetDict`): the splits, including `train`.
        column (`str`): the label column.
        labels (`LabelSchema`): schema of the training labels.
        dataset (`str`): name of the data set, for error messages.

    Raises:
        HfseqError: the types differ, or the training labels are measurements and another split has classes.
    """
    trained = type_family(splits["train"].features[column])
    for name in [name for name in splits if name != "train"]:
        found, where = type_family(splits[name].features[column]), f"split {name!r} of {dataset!r}"
        if trained is not None and found is not None and trained != found:
            raise HfseqError(
                f"{where}: label column {column!r} contains {found}, but {trained} in the training split. Use the "
                "same type in both."
            )
        if labels.problem_type != REGRESSION or len(splits[name]) < _MIN_ROWS:
            continue
        if _whole_share(splits[name], column) == 1 and _whole_share(splits["train"], column) < 0.5:
            raise HfseqError(
                f"{where}: label column {column!r} contains only integers, but most training labels have a fraction. "
                f"If both are measurements, add --problem_type {REGRESSION}."
            )


def _whole_share(split: Dataset, column: str) -> float:
    values = label_values(split, column)
    return sum(isinstance(value, (int, float)) and float(value).is_integer() for value in values) / len(values)
