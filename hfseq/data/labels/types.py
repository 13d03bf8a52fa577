"""Whether the labels of all splits are of one type."""

from typing import Any

from datasets import Dataset, DatasetDict, List, Value

from hfseq.data.labels.schema import REGRESSION, LabelSchema
from hfseq.data.sources.cells import is_cell, is_unreadable, label_values
from hfseq.errors import HfseqError

# A smaller split of a regression may hold whole numbers alone by chance.
_LEAST_ROWS = 20


def type_family(feature: Any) -> str | None:
    """`"texts"`, `"numbers"`, `"truth values"` or `"lists"`; `None` for cells of csv and tsv files, columns without a
    type, and others."""
    if isinstance(feature, List):
        return "lists"
    if not isinstance(feature, Value) or is_cell(feature) or is_unreadable(feature):
        return None  # class labels can be given as names or as ids
    if feature.dtype.startswith(("int", "uint", "float")):
        return "numbers"
    return {"string": "texts", "large_string": "texts", "bool": "truth values"}.get(feature.dtype)


def check_label_types(splits: DatasetDict, column: str, labels: LabelSchema, dataset: str) -> None:
    """Refuses splits whose labels are of another type than those of the training split.

    Args:
        splits (`datasets.DatasetDict`): the splits, `train` among them.
        column (`str`): the label column.
        labels (`LabelSchema`): what the training labels were found to be.
        dataset (`str`): the data set, for messages.

    Raises:
        HfseqError: the types differ; or the training labels are measurements, and another split has classes.
    """
    trained = type_family(splits["train"].features[column])
    for name in [name for name in splits if name != "train"]:
        found, where = type_family(splits[name].features[column]), f"split {name!r} of {dataset!r}"
        if trained is not None and found is not None and trained != found:
            raise HfseqError(
                f"{where}: label column {column!r} holds {found}, but {trained} in the training split. Give both the "
                "same type."
            )
        if labels.problem_type != REGRESSION or len(splits[name]) < _LEAST_ROWS:
            continue
        if _whole_share(splits[name], column) == 1 and _whole_share(splits["train"], column) < 0.5:
            raise HfseqError(
                f"{where}: label column {column!r} holds whole numbers alone, but most training labels have a "
                f"fraction. If both are measurements, add --problem_type {REGRESSION}."
            )


def _whole_share(split: Dataset, column: str) -> float:
    values = label_values(split, column)
    return sum(isinstance(value, (int, float)) and float(value).is_integer() for value in values) / len(values)
