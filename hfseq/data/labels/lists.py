"""Label columns whose cells hold several labels as text: written lists, and labels with a separator."""

from collections import Counter
from collections.abc import Iterable

from datasets import Dataset, DatasetDict, Features, List

from hfseq.data.labels.schema import MULTI_LABEL, SINGLE_LABEL
from hfseq.data.sources.cells import check_readable, holds_numbers
from hfseq.data.sources.list_cells import parse_list_column, replace_column
from hfseq.errors import HfseqError

SEPARATORS = ("|", ";", ",")
_MAX_COMBINATIONS = 100


def with_label_lists(
    rows: Dataset, column: str, where: str, problem_type: str | None = None, separator: str | None = None
) -> Dataset:
    """Rows whose label column has lists of strings where its cells hold several labels as text.

    Args:
        rows (`datasets.Dataset`): the rows of a split.
        column (`str`): the label column.
        where (`str`): split and data set, for messages.
        problem_type (`str`, *optional*): one of `PROBLEM_TYPES`. Only `None` and multi-label columns may hold lists.
        separator (`str`, *optional*): what separates the labels in a cell.

    Raises:
        HfseqError: only a part of the cells are lists, cells look like combinations of labels, or the separator does
            not fit the column.
    """
    place = f"{where}, label column {column!r}"
    if isinstance(rows.features[column], List):
        return rows
    if separator is not None:
        return _separated(rows, column, separator, place)
    if problem_type not in (None, MULTI_LABEL):
        return rows
    found = parse_list_column(rows, column, where, labels=True)
    # In files with decimal commas, `1,5` is a number.
    if found is rows and _is_text(rows.features, column) and not holds_numbers(rows, column):
        _check_combinations(rows[column][:], problem_type, place)
    return found


def splits_with_label_lists(
    splits: DatasetDict, column: str, dataset: str, problem_type: str | None, separator: str | None
) -> DatasetDict:
    """All splits with lists in their label column if the training split has them: see [`with_label_lists`].

    Args:
        splits (`datasets.DatasetDict`): the splits, `train` among them.
        column (`str`): the label column.
        dataset (`str`): the name of the data set, for messages.
        problem_type (`str`, *optional*): the problem type, if it is given.
        separator (`str`, *optional*): the characters between two labels, if they are given.

    Raises:
        HfseqError: see [`with_label_lists`]; or the separator is empty, or given for another problem type.
    """
    if separator == "":
        raise HfseqError("label_separator is empty: give the characters between two labels, such as '|'")
    if separator is not None and problem_type not in (None, MULTI_LABEL):
        raise HfseqError(f"label_separator is for {MULTI_LABEL}, not for {problem_type}: leave one of them out")
    if separator is not None and isinstance(splits["train"].features[column], List):
        raise HfseqError(
            f"label_separator is for cells of text, and label column {column!r} holds lists: leave it out"
        )
    for split in splits.values():
        check_readable(split, [column])
    found = DatasetDict(splits)
    for name in sorted(splits, key=lambda name: name != "train"):
        if name == "train" or isinstance(found["train"].features[column], List):
            where = f"split {name!r} of {dataset!r}"
            kind = problem_type if name == "train" else MULTI_LABEL
            found[name] = with_label_lists(splits[name], column, where, kind, separator)
    if separator is not None and all(len(labels or []) < 2 for labels in found["train"][column]):
        raise HfseqError(
            f"label_separator {separator!r} is in no cell of label column {column!r} of the training split. Check it, "
            "or leave it out."
        )
    return found


def combination_note(labels: Iterable[str]) -> str | None:
    """A note if single classes may be combinations of labels: their names hold `|`."""
    combined = sorted(label for label in labels if "|" in label.strip("|"))
    if not combined:
        return None
    return (
        f"{len(combined)} of the classes hold '|', such as {combined[0][:60]!r}: if a row may have several labels, "
        "add --label_separator '|'"
    )


def _separated(rows: Dataset, column: str, separator: str, place: str) -> Dataset:
    if not _is_text(rows.features, column):
        kind = getattr(rows.features[column], "dtype", "list")
        # Integers are rows with one label each.
        if not kind.startswith("int"):
            raise HfseqError(f"{place}: label_separator is for cells of text, not for a column of type {kind}.")
    cells = [None if cell is None else str(cell).split(separator) for cell in rows[column]]
    lists = [None if parts is None else [part.strip() for part in parts if part.strip()] for parts in cells]
    return replace_column(rows, column, lists)


def _is_text(features: Features, column: str) -> bool:
    return getattr(features[column], "dtype", "") == "string"


def _check_combinations(cells: list[str | None], problem_type: str | None, place: str) -> None:
    """Refuses texts that are combinations of labels: each combination would become a class of its own."""
    labels = {cell for cell in cells if cell is not None}
    if len(labels) > _MAX_COMBINATIONS and 2 * len(labels) > len(cells):
        return  # free text, which is no label at all
    for separator in SEPARATORS:
        combined = {label: _parts(label, separator) for label in labels if separator in label}
        if not combined:
            continue
        # A part counts once per label, so that more than one means that labels share it.
        counts = Counter(part for label in labels for part in set(_parts(label, separator)))
        example = next((label for label, parts in sorted(combined.items()) if all(counts[p] > 1 for p in parts)), None)
        if problem_type == MULTI_LABEL and (example is not None or separator == "|"):
            raise HfseqError(
                f"{place}: cells such as {(example or min(combined))[:60]!r} are texts, and {MULTI_LABEL} needs "
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
