"""Inference of the problem type and of the classes from the labels of a data set."""

import math
from collections.abc import Iterable
from typing import Any

from hfseq.data.labels.columns import Columns, resolve_columns
from hfseq.data.labels.multi_hot import multi_hot_width, to_bit
from hfseq.data.labels.schema import (
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
from hfseq.data.sources.cells import is_plain_number
from hfseq.errors import HfseqError

__all__ = ["PROBLEM_TYPES", "Columns", "LabelSchema", "infer_label_schema", "resolve_columns"]

# Integers stored as floats, such as 0.0/1.0 or star ratings, are classes if there are at most this many distinct ones.
_MAX_FLOAT_CLASSES = 20
# If there are more distinct labels than this, they must repeat to be classes.
_MAX_CLASSES = 100


def infer_label_schema(
    values: Iterable[Any],
    feature: Any = None,
    *,
    problem_type: str | None = None,
    where: str,
    column: str | None = None,
) -> LabelSchema:
    """Infers the problem type and the classes from the training labels.

    - `ClassLabel` features keep their names and order.
    - Texts, booleans and integers are classes, which are sorted. Integers stored as floats are classes too, if there
      are few distinct values that repeat. Other floats are regression targets.
    - Lists are sets of classes. An empty or missing list is the empty set.
    - Lists of equal length with only zeros and ones are multi-hot. They require `problem_type`. Their classes are
      named `LABEL_0`, `LABEL_1` and so on, as in transformers.

    Args:
        values (`Iterable`): the training labels.
        feature (`datasets.features.Feature`, *optional*): feature of the column.
        problem_type (`str`, *optional*, inferred by default): one of `PROBLEM_TYPES`.
        where (`str`): split and data set, for error messages.
        column (`str`, *optional*): name of the label column, for error messages.

    Returns:
        `LabelSchema`: the schema.

    Raises:
        HfseqError: a label is missing or does not match the problem type, there is only one class or one set of
            classes, or the column looks like free text, or like numbers that are read as texts because of a word.
    """
    if problem_type is not None:
        check_problem_type(problem_type)
    values = [plain(value) for value in values]
    where = where if column is None else f"{where}, label column {column!r}"
    if problem_type is None:
        _check_numbers_as_texts(values, where)
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
        width = multi_hot_width(values) if class_label is None else None
        if width is None:
            _check_multi_hot(values, where)
        _check_sets(values, width is not None, where)
        if width is not None and problem_type is None:
            raise HfseqError(
                f"{where}: the lists look multi-hot (each has {width} zeros and ones). Add --problem_type "
                f"{MULTI_LABEL} to read each position as a label, or give lists of the names or ids of the classes "
                "that apply."
            )
        if width is not None:
            return LabelSchema(kind, tuple(f"LABEL_{index}" for index in range(width)))
        rows = [(row, element) for row, value in enumerate(values) for element in elements_of(value, row, where)]
    else:
        _check_float_classes(values, where)
        rows = list(enumerate(values))
    seen = {name_of(value, row, where) for row, value in rows}
    _check_classes(seen, len(values), where, texts=any(isinstance(value, str) for _, value in rows))
    if class_label is not None:
        return LabelSchema(kind, tuple(class_label.names), stored_as_ids=True)
    return LabelSchema(kind, tuple(_ordered(seen)))


def _guess(values: list[Any]) -> str:
    if any(isinstance(value, (list, tuple)) for value in values):
        return MULTI_LABEL
    floats = [value for value in values if isinstance(value, float) and not math.isnan(value)]
    distinct = set(floats)
    few = len(distinct) <= _MAX_FLOAT_CLASSES and 2 * len(distinct) <= len(floats)
    return SINGLE_LABEL if few and all(map(float.is_integer, distinct)) else REGRESSION if floats else SINGLE_LABEL


def _check_numbers_as_texts(values: list[Any], where: str) -> None:
    """Rejects numbers that are read as texts, for example because of one "NaN". Each number would become a class."""
    texts = [(row, value) for row, value in enumerate(values) if isinstance(value, str)]
    odd = [(row, value) for row, value in texts if not is_plain_number(value)]
    fraction = next((text for _, text in texts if is_plain_number(text) and not float(text).is_integer()), None)
    # Without the other texts, these labels would be regression targets, because some numbers have a fraction.
    if fraction is None or 2 * (len(texts) - len(odd)) <= len(values):
        return
    if odd:
        row, value = odd[0]
        raise HfseqError(
            f"{where}, row {row}: {value[:40]!r} is not a number, but most labels are numbers, such as {fraction!r}. "
            f"Remove the rows without a number ({len(odd):,} of {len(values):,}). If the labels are names of classes, "
            f"set problem_type={SINGLE_LABEL!r}."
        )
    raise HfseqError(
        f"{where}: the labels are texts of numbers with a fraction, such as {fraction!r}. Set "
        f"problem_type={REGRESSION!r}, or problem_type={SINGLE_LABEL!r} if they are names of classes."
    )


def _check_sets(values: list[Any], is_multi_hot: bool, where: str) -> None:
    """Rejects a column with the same set of labels in every row, because nothing can be learned from it."""
    rows = [elements_of(value, row, where) for row, value in enumerate(values)]
    key = (lambda row: tuple(map(to_bit, row))) if is_multi_hot else (lambda row: frozenset(map(str, row)))
    if len(set(map(key, rows))) < 2:
        raise HfseqError(
            f"{where}: every row has the same labels, {str(rows[0])[:60]}. At least two different sets are needed."
        )


def _check_multi_hot(values: list[Any], where: str) -> None:
    """Rejects lists of zeros and ones with different lengths. They would be read as the class ids 0 and 1."""
    lists = [value for value in values if isinstance(value, (list, tuple)) and value]
    bits = [[to_bit(element) for element in value] for value in lists]
    if any(bit is None for row in bits for bit in row):
        return
    # A list of class ids contains integers, and each id at most once.
    if any(len(set(row)) < len(row) for row in bits) or any(type(e) in (bool, float) for row in lists for e in row):
        lengths = ", ".join(map(str, sorted({len(elements_of(value, 0, where)) for value in values})[:5]))
        raise HfseqError(
            f"{where}: the lists look multi-hot, which needs the same number of zeros and ones, at least two, in each "
            f"row, but they have {lengths} elements. Use lists of equal length, or lists of the names or ids of the "
            "classes that apply."
        )


def _check_float_classes(values: list[Any], where: str) -> None:
    floats = {value for value in values if isinstance(value, float) and not math.isnan(value)}
    fraction = next((value for value in floats if not value.is_integer()), None)
    if fraction is not None:
        raise HfseqError(
            f"{where}: {fraction} is not a class; numbers with a fraction need problem_type='regression'."
        )
    if len(floats) > _MAX_FLOAT_CLASSES:
        raise HfseqError(
            f"{where}: {len(floats)} distinct floating-point numbers are too many to be classes "
            f"(at most {_MAX_FLOAT_CLASSES}). Use problem_type='regression', or integers."
        )


def _check_classes(seen: set[str], rows: int, where: str, texts: bool) -> None:
    if len(seen) < 2:
        found = f"only one class, {next(iter(seen))!r}" if seen else "no class"
        raise HfseqError(f"{where}: the training labels contain {found}; at least two are needed.")
    if len(seen) > _MAX_CLASSES and 2 * len(seen) > rows:
        mistaken = (
            ("texts", "free text", "") if texts else ("numbers", "measurements", ", or --problem_type regression")
        )
        raise HfseqError(
            f"{where}: {len(seen):,} distinct {mistaken[0]} in {rows:,} rows look like {mistaken[1]}, not like "
            f"classes (for example {min(seen)[:60]!r}). Select the label column with --label_column{mistaken[2]}."
        )


def _ordered(names: set[str]) -> list[str]:
    """Sorts names, by value if all of them are numbers."""
    if all(map(is_plain_number, names)):
        return sorted(names, key=lambda name: (float(name), name))
    return sorted(names)
