"""Rows of zeros and ones that say which labels apply (multi-hot)."""

from collections.abc import Iterable
from typing import Any


def multi_hot_width(values: Iterable[Any]) -> int | None:
    """The length of the lists if all are rows of zeros and ones of one length above 1; else `None`.

    Zeros and ones may be integers, floats, truth values or texts of them. Lists of ids never look like this: of two
    classes or more, each id occurs once, so all lists of two would be the same, and longer ones need other ids.
    """
    lists = [value for value in values if value is not None]
    widths = {len(value) if isinstance(value, (list, tuple)) else 0 for value in lists}
    if len(widths) != 1 or (width := widths.pop()) < 2:
        return None
    return width if all(to_bit(element) is not None for value in lists for element in value) else None


def to_bit(value: Any) -> float | None:
    """0.0 or 1.0 for an element of a multi-hot row, also as text; `None` for anything else."""
    if isinstance(value, str):
        return {"0": 0.0, "1": 1.0, "0.0": 0.0, "1.0": 1.0, "false": 0.0, "true": 1.0}.get(value.strip().lower())
    return float(value) if isinstance(value, (bool, int, float)) and value in (0, 1) else None
