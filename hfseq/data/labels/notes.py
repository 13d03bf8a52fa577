"""Notes about the labels of a data set, for reports."""

import statistics
import unicodedata
from collections.abc import Iterable
from itertools import islice
from typing import Any

from hfseq.data.labels.lists import combination_note
from hfseq.data.labels.multi_hot import multi_hot_width
from hfseq.data.labels.schema import MULTI_LABEL, REGRESSION, SINGLE_LABEL, LabelSchema, class_label_of, plain

# The predictions of a new head differ from the mean by at most 1, and change by about 0.1 per training step.
_MAX_STANDARD_DEVIATION = 100


def label_notes(
    values: list[Any], column: str, feature: Any, labels: LabelSchema, problem_type: str | None
) -> list[str]:
    """Notes about how the labels were read, and about classes that may be the same.

    Args:
        values (`list`): the training labels.
        column (`str`): the label column.
        feature (`datasets.features.Feature`): feature of the column.
        labels (`LabelSchema`): schema of the labels.
        problem_type (`str`, *optional*): the setting; `None` if the problem type was inferred.
    """
    values = [plain(value) for value in values]
    notes = list(near_duplicate_notes(labels.names))
    if class_label_of(feature) is not None:
        return notes
    if labels.problem_type == MULTI_LABEL:
        notes += _multi_hot_notes(values, column)
    elif labels.problem_type == SINGLE_LABEL and (note := combination_note(labels.names)):
        notes.append(note)
    if problem_type is None and (note := _whole_float_note(values, column, labels)):
        notes.append(note)
    return notes


def near_duplicate_notes(names: Iterable[str]) -> Iterable[str]:
    """Yields a note for each group of names that differ only in case, white space or Unicode normalisation."""
    groups: dict[str, list[str]] = {}
    for name in names:
        key = " ".join(unicodedata.normalize("NFKC", name).casefold().split())
        groups.setdefault(key, []).append(name)
    same = [group for group in groups.values() if len(group) > 1]
    for group in islice(same, 3):
        listed = " and ".join(map(repr, group))
        yield f"labels {listed} differ only in case or white space. They are separate classes; correct the data if not"
    if len(same) > 3:
        yield f"in total, {len(same)} groups of labels differ only in case or white space"


def spread_notes(targets: list[Any], labels: LabelSchema) -> list[str]:
    """A note about regression targets whose standard deviation is too large for usual learning rates."""
    if labels.problem_type != REGRESSION:
        return []
    spread = statistics.pstdev(targets)
    if spread <= _MAX_STANDARD_DEVIATION:
        return []
    return [
        f"the targets have a standard deviation of {spread:,.0f}. With usual learning rates, the training needs many "
        "epochs to reach such values: divide the label column by the standard deviation"
    ]


def _multi_hot_notes(values: list[Any], column: str) -> list[str]:
    width = multi_hot_width(values)
    if width is None:
        return []
    return [
        f"the lists in label column {column!r} were read as multi-hot: {width} zeros and ones per row, one per label, "
        f"named LABEL_0 to LABEL_{width - 1}"
    ]


def _whole_float_note(values: list[Any], column: str, labels: LabelSchema) -> str | None:
    numbers = {value for value in values if isinstance(value, float)}
    if not numbers or not all(number.is_integer() for number in numbers):
        return None
    found = f"label column {column!r} contains {len(numbers)} distinct integers stored as floats"
    if labels.problem_type == SINGLE_LABEL:
        return f"{found}, which were read as classes: add --problem_type {REGRESSION} if they are measurements"
    if labels.problem_type == REGRESSION:
        return f"{found}, which were read as regression targets: add --problem_type {SINGLE_LABEL} if they are classes"
    return None
