"""Formatting for model cards: numbers, escaped text, Markdown tables."""

import math
import numbers
import re
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

_LOCAL_SUFFIXES = (".csv", ".tsv", ".json", ".jsonl", ".parquet", ".txt", ".gz", ".arrow")


def is_missing(value: Any) -> bool:
    """Whether a value is `None`, an empty text, list or mapping, or a number that is not finite."""
    if isinstance(value, numbers.Real):
        return not math.isfinite(value)
    return value is None or (isinstance(value, (str, list, tuple, dict)) and not value)


def escape(text: Any) -> str:
    """Escapes text for Markdown, also inside tables, and puts it on one line."""
    return re.sub(r"([\\`*|<>\[\]])", r"\\\1", " ".join(str(text).split()))


def number(value: Any) -> str:
    """Formats a number with thousands separators or four significant digits. Other values become escaped text."""
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        return escape(value)
    amount = float(value)
    if not math.isfinite(amount):
        return str(amount)
    if amount.is_integer() and abs(amount) < 1e15:
        return f"{int(amount):,}"
    return f"{amount:,.1f}" if 1000 <= abs(amount) < 1e15 else f"{amount:.4g}"


def size(num_bytes: float) -> str:
    """Formats a number of bytes in decimal units, for example `2.1 MB`."""
    amount = float(num_bytes)
    for unit in ("bytes", "kB", "MB"):
        if amount < 1000:
            return f"{amount:.3g} {unit}"
        amount /= 1000
    return f"{amount:,.1f} GB"


def duration(seconds: float) -> str:
    """Formats a number of seconds, for example as `12.3 s` or `1 h 2 min`."""
    if seconds < 60:
        return f"{seconds:.3g} s"
    minutes = round(seconds / 60)
    return f"{minutes // 60} h {minutes % 60} min" if minutes >= 60 else f"{seconds / 60:.1f} min"


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Formats cells, which must be escaped, as a Markdown table. The result is `""` if there are no rows."""
    lines = [f"| {' | '.join(row)} |" for row in rows]
    if not lines:
        return ""
    return "\n".join([f"| {' | '.join(header)} |", f"|{' --- |' * len(header)}", *lines])


def is_hub_id(name: Any) -> bool:
    """Whether a name is an id on the Hub: it has the form of an id, and there is no local file of this name."""
    if not isinstance(name, str) or name.lower().endswith(_LOCAL_SUFFIXES) or Path(name).exists():
        return False
    # Not at the top: reading a run record does not need the Hub's library.
    from huggingface_hub.errors import HFValidationError
    from huggingface_hub.utils import validate_repo_id

    try:
        validate_repo_id(name)
    except HFValidationError:
        return False
    return True


def public_name(name: Any) -> str:
    """Name of a model or data set. A local path is reduced to its last part."""
    name = str(name)
    is_path = PurePosixPath(name).is_absolute() or PureWindowsPath(name).is_absolute() or name.startswith((".", "~"))
    return PureWindowsPath(name).name or "local files" if is_path else name
