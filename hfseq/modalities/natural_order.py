"""The order of file names that contain numbers. This file is saved beside a model that needs it."""

import re
from pathlib import Path


def natural_order(path: Path) -> tuple[list[tuple[bool, int, str]], str]:
    """A sort key that compares numbers in names by value: `frame2` comes before `frame10`.

    Names that differ only in leading zeros (`1`, `01`) are compared as texts.
    """
    parts = re.findall(r"(\d+)|(\D+)", path.name)
    return [(not digits, int(digits or 0), text.lower()) for digits, text in parts], path.name
