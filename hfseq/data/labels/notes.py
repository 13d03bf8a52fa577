"""What a reader of the results must know about the labels of a data set."""

import statistics
import unicodedata
from collections.abc import Iterable
from itertools import islice
from typing import Any

from hfseq.data.labels.lists import combination_note
from hfseq.data.labels.multi_hot import multi_hot_width
from hfseq.data.labels.schema import MULTI_LABEL, REGRESSION, SINGLE_LABEL, LabelSchema, class_label_of, plain

# A new head predicts values near the mean, within 1, and one training step moves them by about 0.1.
_WIDEST_USUAL_SPREAD = 100


def label_notes(
    values: list[Any], column: str, feature: Any, labels: LabelSchema, problem_type: str | None
) -> list[str]:
    """Notes on how the labels were read, and on classes that may be one.

    Args:
        values (`list`): the training labels.
        column (`str`): the label column.
        feature (`datasets.features.Feature`): the column's feature.
        labels (`LabelSchema`): what the labels were found to be.
        problem_type (`str`, *optional*): the setting; without it, the kind of labels was inferred.
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
    """A note for each group of names that differ in case, white space or the encoding of characters only."""
    groups: dict[str, list[str]] = {}
    for name in names:
        key = " ".join(unicodedata.normalize("NFKC", name).casefold().split())
        groups.setdefault(key, []).append(name)
    same = [group for group in groups.values() if len(group) > 1]
    for group in islice(same, 3):
        listed = " and ".join(map(repr, group))
        yield f"labels {listed} differ in case or white space only. They are separate classes; correct the data if not"
    if len(same) > 3:
        yield f"in all, {len(same)} groups of labels differ in case or white space only"


def spread_notes(targets: list[Any], labels: LabelSchema) -> list[str]:
    """A warning about regression targets with a spread that usual learning rates do not suit."""
    if labels.problem_type != REGRESSION:
        return []
    spread = statistics.pstdev(targets)
    if spread <= _WIDEST_USUAL_SPREAD:
        return []
    return [
        f"the targets have a standard deviation of {spread:,.0f}, and usual learning rates move a prediction so far "
        "only in many epochs: divide the label column by it"
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
    found = f"label column {column!r} holds {len(numbers)} distinct whole numbers stored as floats"
    if labels.problem_type == SINGLE_LABEL:
        return f"{found}, which were read as classes: add --problem_type {REGRESSION} if they are measurements"
    if labels.problem_type == REGRESSION:
        return f"{found}, which were read as numbers to predict: add --problem_type {SINGLE_LABEL} if they are classes"
    return None
