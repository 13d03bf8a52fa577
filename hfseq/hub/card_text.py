"""The small pieces that a model card is written with: numbers, escaped text, Markdown tables."""

import math
import numbers
import re
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

from huggingface_hub.errors import HFValidationError
from huggingface_hub.utils import validate_repo_id

_LOCAL_SUFFIXES = (".csv", ".tsv", ".json", ".jsonl", ".parquet", ".txt", ".gz", ".arrow")


def is_missing(value: Any) -> bool:
    """Whether a value says nothing: `None`, an empty text or list, or a number that is not finite."""
    if isinstance(value, numbers.Real):
        return not math.isfinite(value)
    return value is None or (isinstance(value, (str, list, tuple, dict)) and not value)


def escape(text: Any) -> str:
    """Text that Markdown shows as it stands, on one line, inside a table as well."""
    return re.sub(r"([\\`*|<>\[\]])", r"\\\1", " ".join(str(text).split()))


def number(value: Any) -> str:
    """A value as a person reads it: thousands separated, four digits of a fraction, anything else as escaped text."""
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        return escape(value)
    amount = float(value)
    if not math.isfinite(amount):
        return str(amount)
    if amount.is_integer() and abs(amount) < 1e15:
        return f"{int(amount):,}"
    return f"{amount:,.1f}" if 1000 <= abs(amount) < 1e15 else f"{amount:.4g}"


def size(num_bytes: float) -> str:
    """A number of bytes in decimal units, such as `2.1 MB`."""
    amount = float(num_bytes)
    for unit in ("bytes", "kB", "MB"):
        if amount < 1000:
            return f"{amount:.3g} {unit}"
        amount /= 1000
    return f"{amount:,.1f} GB"


def duration(seconds: float) -> str:
    """A time as a person reads it, such as `12.3 s` or `1 h 2 min`."""
    if seconds < 60:
        return f"{seconds:.3g} s"
    minutes = round(seconds / 60)
    return f"{minutes // 60} h {minutes % 60} min" if minutes >= 60 else f"{seconds / 60:.1f} min"


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table of cells that are escaped already; an empty text where there are no rows."""
    lines = [f"| {' | '.join(row)} |" for row in rows]
    if not lines:
        return ""
    return "\n".join([f"| {' | '.join(header)} |", f"|{' --- |' * len(header)}", *lines])


def is_hub_id(name: Any) -> bool:
    """Whether a name means something on the Hub: it has the form of an id, and nothing local goes by it."""
    if not isinstance(name, str) or name.lower().endswith(_LOCAL_SUFFIXES) or Path(name).exists():
        return False
    try:
        validate_repo_id(name)
    except HFValidationError:
        return False
    return True


def public_name(name: Any) -> str:
    """A model's or data set's name without the folders of the machine that it lay on."""
    name = str(name)
    is_path = PurePosixPath(name).is_absolute() or PureWindowsPath(name).is_absolute() or name.startswith((".", "~"))
    return PureWindowsPath(name).name or "local files" if is_path else name
