"""Multi-hot labels: rows of zeros and ones, one per label."""

from collections.abc import Iterable
from typing import Any


def multi_hot_width(values: Iterable[Any]) -> int | None:
    """Length of the lists if they are multi-hot: zeros and ones, and the same length of at least 2; else `None`.

    Zeros and ones may be integers, floats, booleans or texts. Lists of class ids never look like this: each id occurs
    at most once in a list, so all lists of two ids would be equal, and longer lists contain other ids than 0 and 1.
    """
    lists = [value for value in values if value is not None]
    widths = {len(value) if isinstance(value, (list, tuple)) else 0 for value in lists}
    if len(widths) != 1 or (width := widths.pop()) < 2:
        return None
    return width if all(to_bit(element) is not None for value in lists for element in value) else None


def to_bit(value: Any) -> float | None:
    """Converts an element of a multi-hot row to 0.0 or 1.0. The result is `None` for other values."""
    if isinstance(value, str):
        return {"0": 0.0, "1": 1.0, "0.0": 0.0, "1.0": 1.0, "false": 0.0, "true": 1.0}.get(value.strip().lower())
    return float(value) if isinstance(value, (bool, int, float)) and value in (0, 1) else None
