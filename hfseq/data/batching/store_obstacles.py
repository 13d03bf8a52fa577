"""Checks whether encoded examples can be stored as flat arrays."""

from typing import Any

import numpy as np
import pyarrow as pa
from datasets import Dataset

from hfseq.data.batching.arrow_columns import has_nulls, is_integer, is_list, is_number, list_sizes
from hfseq.data.batching.encoded_splits import LENGTH_COLUMN
from hfseq.data.batching.padding import PaddingRules, find_padding_obstacle

LABELS_COLUMN = "labels"


def find_obstacle(dataset: Dataset, processing_class: Any, label_padding: str | None = None) -> str | None:
    """Reason why examples cannot be put into a [`SequenceStore`] with the batches of a [`SequenceCollator`].

    Args:
        dataset (`datasets.Dataset`): encoded examples.
        processing_class: processor that pads them.
        label_padding (`str`, *optional*): as in [`SequenceCollator`].

    Returns:
        `str`, *optional*: the reason, which follows "because" in messages; `None` if there is no obstacle.
    """
    if obstacle := find_padding_obstacle(processing_class):
        return obstacle
    if len(dataset) == 0:
        return "there are no examples"
    if dataset.format["type"] is not None:
        return f"the data set has the format {dataset.format['type']!r}"
    padding = PaddingRules.from_processor(processing_class)
    columns = {name: dataset.data.column(name) for name in column_names(dataset)}
    if padding.main_input not in columns:
        return f"there is no column {padding.main_input!r}"
    padded = {name for name, _ in padding.fill}
    for name, column in columns.items():
        if name not in padded | {LABELS_COLUMN, LENGTH_COLUMN} and not is_fixed(column.type):
            return f"the processor does not pad the column {name!r}"
        if obstacle := _obstacle_in_column(name, column, sequences=label_padding is not None):
            return obstacle
    if padding.main_input not in padded:
        return None
    sizes = list_sizes(columns[padding.main_input])
    aligned = {LABELS_COLUMN} if label_padding == "inputs" else set()
    for name in (padded | aligned) & columns.keys():
        if not np.array_equal(list_sizes(columns[name]), sizes):
            return f"the lists in {name!r} have other lengths than those in {padding.main_input!r}"
    return None


def column_names(dataset: Dataset) -> list[str]:
    """Names of the columns of an example of the data set."""
    return dataset.column_names if dataset.format["output_all_columns"] else dataset.format["columns"]


def is_fixed(kind: pa.DataType) -> bool:
    """Whether the values of an Arrow type are (nested) fixed-size lists of floats."""
    if not pa.types.is_fixed_size_list(kind):
        return False
    return pa.types.is_floating(kind.value_type) or is_fixed(kind.value_type)


def _obstacle_in_column(name: str, column: pa.ChunkedArray, sequences: bool) -> str | None:
    if obstacle := _obstacle_in_type(name, column.type, sequences):
        return obstacle
    if has_nulls(column):
        return f"values are missing in the column {name!r}"
    if name == LABELS_COLUMN and is_list(column.type) and not sequences and not is_fixed(column.type):
        sizes = np.unique(list_sizes(column))
        if len(sizes) != 1 or sizes[0] == 0:
            return f"the lists in {name!r} have different lengths ({', '.join(map(str, sizes[:5]))})"
    return None


def _obstacle_in_type(name: str, kind: pa.DataType, sequences: bool) -> str | None:
    of_integers = is_list(kind) and is_integer(kind.value_type)
    if name == LABELS_COLUMN and sequences:
        return None if of_integers else f"the column {name!r} must contain lists of integers, not {kind}"
    if name == LABELS_COLUMN:
        fits = is_number(kind.value_type if is_list(kind) else kind) or is_fixed(kind)
        return None if fits else f"the column {name!r} must contain numbers or lists of numbers, not {kind}"
    if name == LENGTH_COLUMN:
        return None if is_integer(kind) else f"the column {name!r} must contain integers, not {kind}"
    if of_integers or is_fixed(kind) or (is_list(kind) and is_fixed(kind.value_type)):
        return None
    return f"the column {name!r} must contain lists of integers, not {kind}"
