"""Label columns with several labels per cell, as text: lists, and labels with a separator."""

from collections import Counter
from collections.abc import Iterable

from datasets import Dataset, DatasetDict, Features, List

from hfseq.data.labels.schema import MULTI_LABEL, SINGLE_LABEL
from hfseq.data.sources.cells import check_readable, holds_numbers
from hfseq.data.sources.list_cells import parse_list_column, replace_column
from hfseq.errors import HfseqError

SEPARATORS = ("|", ";", ",")
_MAX_COMBINATIONS = 100


def parse_label_lists(
    rows: Dataset, column: str, where: str, problem_type: str | None = None, separator: str | None = None
) -> Dataset:
    """Converts cells with several labels to lists of strings.

    Args:
        rows (`datasets.Dataset`): the rows of a split.
        column (`str`): the label column.
        where (`str`): split and data set, for error messages.
        problem_type (`str`, *optional*): one of `PROBLEM_TYPES`. Lists are only parsed if it is `None` or multi-label.
        separator (`str`, *optional*): separator of the labels in a cell.

    Raises:
        HfseqError: only some of the cells are lists, cells look like combinations of labels, or the separator cannot
            be used with the column.
    """
    place = f"{where}, label column {column!r}"
    if isinstance(rows.features[column], List):
        return rows
    if separator is not None:
        return _split_labels(rows, column, separator, place)
    if problem_type not in (None, MULTI_LABEL):
        return rows
    found = parse_list_column(rows, column, where, labels=True)
    # Columns of numbers are not checked: `1,5` is a number in files with decimal commas.
    if found is rows and _is_text(rows.features, column) and not holds_numbers(rows, column):
        _check_combinations(rows[column][:], problem_type, place)
    return found


def parse_label_lists_of_splits(
    splits: DatasetDict, column: str, dataset: str, problem_type: str | None, separator: str | None
) -> DatasetDict:
    """Parses the label lists of all splits if the training split has label lists (see [`parse_label_lists`]).

    Args:
        splits (`datasets.DatasetDict`): the splits, including `train`.
        column (`str`): the label column.
        dataset (`str`): name of the data set, for error messages.
        problem_type (`str`, *optional*): the setting of the problem type.
        separator (`str`, *optional*): the setting of the separator.

    Raises:
        HfseqError: as in [`parse_label_lists`], or the separator is empty, or the problem type is not multi-label.
    """
    if separator == "":
        raise HfseqError("label_separator is empty: set it to the characters between two labels, such as '|'")
    if separator is not None and problem_type not in (None, MULTI_LABEL):
        raise HfseqError(f"label_separator is for {MULTI_LABEL}, not for {problem_type}: remove one of them")
    if separator is not None and isinstance(splits["train"].features[column], List):
        raise HfseqError(
            f"label_separator is for cells of text, but label column {column!r} contains lists: remove it"
        )
    for split in splits.values():
        check_readable(split, [column])
    found = DatasetDict(splits)
    for name in sorted(splits, key=lambda name: name != "train"):
        if name == "train" or isinstance(found["train"].features[column], List):
            where = f"split {name!r} of {dataset!r}"
            kind = problem_type if name == "train" else MULTI_LABEL
            found[name] = parse_label_lists(splits[name], column, where, kind, separator)
    if separator is not None and all(len(labels or []) < 2 for labels in found["train"][column]):
        raise HfseqError(
            f"label_separator {separator!r} does not occur in label column {column!r} of the training split. Correct "
            "it, or remove it."
        )
    return found


def combination_note(labels: Iterable[str]) -> str | None:
    """A note if classes may be combinations of labels, because their names contain `|`."""
    combined = sorted(label for label in labels if "|" in label.strip("|"))
    if not combined:
        return None
    return (
        f"the names of {len(combined)} classes contain '|', such as {combined[0][:60]!r}: if a row may have several "
        "labels, add --label_separator '|'"
    )


def _split_labels(rows: Dataset, column: str, separator: str, place: str) -> Dataset:
    if not _is_text(rows.features, column):
        kind = getattr(rows.features[column], "dtype", "list")
        # Integers are allowed: each row has one label.
        if not kind.startswith("int"):
            raise HfseqError(f"{place}: label_separator is for cells of text, not for a column of type {kind}.")
    cells = [None if cell is None else str(cell).split(separator) for cell in rows[column]]
    lists = [None if parts is None else [part.strip() for part in parts if part.strip()] for parts in cells]
    return replace_column(rows, column, lists)


def _is_text(features: Features, column: str) -> bool:
    return getattr(features[column], "dtype", "") == "string"


def _check_combinations(cells: list[str | None], problem_type: str | None, place: str) -> None:
    """Rejects texts that are combinations of labels. Each combination would become a separate class."""
    labels = {cell for cell in cells if cell is not None}
    if len(labels) > _MAX_COMBINATIONS and 2 * len(labels) > len(cells):
        return  # free text, which is not a label
    for separator in SEPARATORS:
        combined = {label: _parts(label, separator) for label in labels if separator in label}
        if not combined:
            continue
        # Each part is counted once per label. A count above 1 means that several labels contain the part.
        counts = Counter(part for label in labels for part in set(_parts(label, separator)))
        example = next((label for label, parts in sorted(combined.items()) if all(counts[p] > 1 for p in parts)), None)
        if problem_type == MULTI_LABEL and (example is not None or separator == "|"):
            raise HfseqError(
                f"{place}: cells such as {(example or min(combined))[:60]!r} are texts, but {MULTI_LABEL} needs "
                f'lists. Add --label_separator {separator!r}, or write lists such as ["joy", "anger"].'
            )
        if example is not None:
            raise HfseqError(
                f"{place}: {example[:60]!r} is a combination of labels that other rows have too. If a row may have "
                f"several labels, add --label_separator {separator!r}. If each text is one class, add --problem_type "
                f"{SINGLE_LABEL}."
            )


def _parts(label: str, separator: str) -> list[str]:
    return [part.strip() for part in label.split(separator) if part.strip()]
