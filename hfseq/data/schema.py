"""What a data set's labels are, found out from the labels themselves."""

import math
from collections.abc import Iterable
from typing import Any

from hfseq.data.cells import is_plain_number
from hfseq.data.columns import Columns, resolve_columns
from hfseq.data.labels import (
    MULTI_LABEL,
    PROBLEM_TYPES,
    REGRESSION,
    SINGLE_LABEL,
    LabelSchema,
    Namer,
    check_problem_type,
    class_label_of,
    elements_of,
    plain,
    to_number,
)
from hfseq.errors import HfseqError

__all__ = ["PROBLEM_TYPES", "Columns", "LabelSchema", "infer_label_schema", "resolve_columns"]

# Whole-numbered floats are taken for classes only on request, and only where they are this few: star ratings are.
_MAX_FLOAT_CLASSES = 20
# Labels that hardly repeat are no classes; small sets are let alone.
_MAX_CLASSES = 100


def infer_label_schema(
    values: Iterable[Any],
    feature: Any = None,
    *,
    problem_type: str | None = None,
    where: str,
    column: str | None = None,
) -> LabelSchema:
    """Finds out from the training labels what kind of problem they pose.

    `ClassLabel` features keep their names and order; texts, truth values and whole numbers are classes, sorted; other
    numbers are targets of a regression; lists are sets of classes, an empty or missing list is the empty set.

    Args:
        values (`Iterable`): the training labels.
        feature (`datasets.features.Feature`, *optional*): the column's feature.
        problem_type (`str`, *optional*): one of `PROBLEM_TYPES`, where the rule above is not what is wanted.
        where (`str`): split and data set, for messages.
        column (`str`, *optional*): the label column's name, for messages.

    Returns:
        `LabelSchema`: the schema.

    Raises:
        HfseqError: a label is missing or unfit for the problem type, there is only one class, or the column looks
            like free text, or like numbers that are texts, as they become
            beside something else.
    """
    if problem_type is not None:
        check_problem_type(problem_type)
    values = [plain(value) for value in values]
    where = where if column is None else f"{where}, label column {column!r}"
    if problem_type is None:
        _refuse_numbers_as_texts(values, where)
    kind = problem_type or _guess(values)
    if not any(value is not None for value in values):
        raise HfseqError(f"{where}: there are no labels.")
    if kind == REGRESSION:
        for row, value in enumerate(values):
            to_number(value, row, where)
        return LabelSchema(REGRESSION)
    class_label = class_label_of(feature)
    name_of = Namer(None if class_label is None else tuple(class_label.names))
    if kind == MULTI_LABEL:
        _refuse_multi_hot(values, where)
        rows = [(row, element) for row, value in enumerate(values) for element in elements_of(value, row, where)]
    else:
        _refuse_floats(values, where)
        rows = list(enumerate(values))
    seen = {name_of(value, row, where) for row, value in rows}
    _check_classes(seen, len(values), where, texts=any(isinstance(value, str) for _, value in rows))
    if class_label is not None:
        return LabelSchema(kind, tuple(class_label.names), stored_as_ids=True)
    return LabelSchema(kind, tuple(_ordered(seen)))


def _guess(values: list[Any]) -> str:
    if any(isinstance(value, (list, tuple)) for value in values):
        return MULTI_LABEL
    return REGRESSION if any(isinstance(value, float) for value in values) else SINGLE_LABEL


def _refuse_numbers_as_texts(values: list[Any], where: str) -> None:
    """A single "NaN" makes texts of a column of numbers, and each number would be a class, silently."""
    texts = [(row, value) for row, value in enumerate(values) if isinstance(value, str)]
    odd = [(row, value) for row, value in texts if not is_plain_number(value)]
    fraction = next((text for _, text in texts if is_plain_number(text) and not float(text).is_integer()), None)
    # Without the odd ones they would be a regression's, as any numbers with a fraction are.
    if fraction is None or 2 * (len(texts) - len(odd)) <= len(values):
        return
    if odd:
        row, value = odd[0]
        raise HfseqError(
            f"{where}, row {row}: {value[:40]!r} is no number, but most labels are numbers, such as {fraction!r}. "
            f"Leave out the rows without one ({len(odd):,} of {len(values):,}), or, where these are the names of "
            f"classes, give problem_type={SINGLE_LABEL!r}."
        )
    raise HfseqError(
        f"{where}: the labels are texts of numbers with a fraction, such as {fraction!r}. Give "
        f"problem_type={REGRESSION!r}, or, where these are the names of classes, problem_type={SINGLE_LABEL!r}."
    )


def _refuse_multi_hot(values: list[Any], where: str) -> None:
    """Lists such as [0, 1, 1, 0] would be read as the ids 0 and 1, silently."""
    lists = [value for value in values if isinstance(value, (list, tuple)) and value]
    lengths = {len(value) for value in lists}
    binary = all(element in (0, 1) for value in lists for element in value)
    # A list of ids names each class once, which zeros and ones that repeat do not.
    if binary and len(lengths) == 1 and any(len(set(value)) < len(value) for value in lists):
        raise HfseqError(
            f"{where}: the lists look multi-hot (each has {min(lengths)} zeros and ones). Give lists of the names "
            "or ids of the classes that apply."
        )


def _refuse_floats(values: list[Any], where: str) -> None:
    floats = {value for value in values if isinstance(value, float) and not math.isnan(value)}
    fraction = next((value for value in floats if not value.is_integer()), None)
    if fraction is not None:
        raise HfseqError(f"{where}: {fraction} is no class; numbers with a fraction need problem_type='regression'.")
    if len(floats) > _MAX_FLOAT_CLASSES:
        raise HfseqError(
            f"{where}: {len(floats)} distinct floating-point numbers are too many to be classes "
            f"(at most {_MAX_FLOAT_CLASSES}). Use problem_type='regression', or whole numbers."
        )


def _check_classes(seen: set[str], rows: int, where: str, texts: bool) -> None:
    if len(seen) < 2:
        found = f"only one class, {next(iter(seen))!r}" if seen else "no class"
        raise HfseqError(f"{where}: the training labels hold {found}; at least two are needed.")
    if len(seen) > _MAX_CLASSES and 2 * len(seen) > rows:
        mistaken = (
            ("texts", "free text", "") if texts else ("numbers", "measurements", ", or --problem_type regression")
        )
        raise HfseqError(
            f"{where}: {len(seen):,} distinct {mistaken[0]} in {rows:,} rows look like {mistaken[1]}, not like "
            f"classes (for example {min(seen)[:60]!r}). Name the right column with --label_column{mistaken[2]}."
        )


def _ordered(names: set[str]) -> list[str]:
    """Sorted, as numbers where all are whole numbers."""
    if all(name.removeprefix("-").isdecimal() for name in names):
        return sorted(names, key=int)
    return sorted(names)
