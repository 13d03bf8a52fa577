"""Numbers of the report as text: each has a format, such as `"score"` (0 to 1) or `"bytes"`."""

import math
from collections.abc import Callable, Mapping
from typing import Any

from hfseq import formatting

MISSING = "\N{EN DASH}"
MINUS = "\N{MINUS SIGN}"
# The space does not break a line.
_UNITS = {"share": "\N{NO-BREAK SPACE}%", "share_points": " points"}
_FACTORS = {"share": 100.0, "share_points": 100.0}


def show(value: float | None, kind: str, error: float | None = None) -> str:
    """One number with its unit.

    Args:
        value (`float`, *optional*): the number; a dash if it is unknown.
        kind (`str`): its format.
        error (`float`, *optional*): half the width of its interval, which decides the number of digits. Without it,
            three digits are shown.
    """
    if value is None:
        return MISSING
    if kind in _SPECIAL:
        return _SPECIAL[kind](value)
    return _plain(value, kind, error) + _UNITS.get(kind, "")


def interval(cell: Mapping[str, Any], kind: str) -> str:
    """A value with its interval: `87.3 % (85.1 to 89.3)`."""
    ends = interval_ends(cell, kind)
    return cell_text(cell, kind) + (f" ({ends})" if ends else "")


def interval_ends(cell: Mapping[str, Any], kind: str) -> str:
    """The interval of a value: `85.1 to 89.3`; empty if it is unknown."""
    low, high = cell.get("low"), cell.get("high")
    if cell.get("value") is None or low is None or high is None:
        return ""
    if kind in _SPECIAL:
        return f"{show(low, kind)} to {show(high, kind)}"
    return f"{_plain(low, kind, (high - low) / 2)} to {_plain(high, kind, (high - low) / 2)}"


def cell_text(cell: Mapping[str, Any], kind: str) -> str:
    """The text of a value without its interval: as given, or formatted here."""
    if cell.get("text"):
        return str(cell["text"])
    known = cell.get("low") is not None and cell.get("high") is not None
    return show(cell.get("value"), kind, (cell["high"] - cell["low"]) / 2 if known else None)


def difference(value: float, kind: str, error: float | None = None, unit: bool = True) -> str:
    """A difference with its sign. Differences of shares are in percentage points: `+2.1 points`."""
    text = _plain(abs(value), kind, error) if kind == "share" else show(abs(value), kind, error)
    if any(digit in text for digit in "123456789"):
        text = ("+" if value > 0 else MINUS) + text
    return text + (" points" if unit and kind == "share" else "")


def margin(value: float, kind: str) -> str:
    """A margin: `1 point`, `0.5 points`, `0.007`."""
    if kind != "share":
        return f"{value:.3g}"
    return f"{value * 100:.3g} point" + ("" if f"{value * 100:.3g}" == "1" else "s")


def p_value(value: float) -> str:
    """A p-value: `p = 0.016` or `p < 0.001`."""
    return "p < 0.001" if value < 0.001 else f"p = {value:.2g}" if value < 0.1 else f"p = {value:.2f}"


def tick(value: float, kind: str, step: float) -> str:
    """Label of a tick, with the decimals of the distance between two ticks."""
    if kind in _SPECIAL:
        return _SPECIAL[kind](value)
    factor = _FACTORS.get(kind, 1.0)
    places = max(0, -math.floor(math.log10(abs(step) * factor) + 1e-9)) if step else 2
    return f"{value * factor + 0.0:,.{places}f}".replace("-", MINUS) + _UNITS.get(kind, "")


def _plain(value: float, kind: str, error: float | None) -> str:
    """A number without its unit."""
    factor = _FACTORS.get(kind, 1.0)
    text = formatting.figure(value * factor, None if error is None else error * factor)
    return MINUS + text[1:] if text.startswith("-") else text


def _milliseconds(value: float) -> str:
    return f"{value:.3g} ms" if value < 1000 else f"{value / 1000:.3g} s"


def _quantity(unit: str) -> Callable[[float], str]:
    def text(value: float) -> str:
        number = formatting.count(value) if value >= 1000 else f"{value:.3g}"
        # `1.2 M` and a unit give `1.2 MJ`; `12` and a unit give `12 J`.
        return f"{number}{unit}" if " " in number else f"{number} {unit}"

    return text


_SPECIAL: dict[str, Callable[[float], str]] = {
    "count": lambda value: formatting.count(value) if value >= 1000 else f"{value:.3g}",
    "integer": "{:,.0f}".format,
    "bytes": formatting.size,
    "seconds": formatting.seconds,
    "ms": _milliseconds,
    "joules": _quantity("J"),
    "flops": _quantity("FLOP"),
    "p": lambda value: p_value(value).removeprefix("p ").removeprefix("= "),
    "money": lambda value: f"{value:,.2f}" if value >= 0.1 else f"{value:.2g}",
}
