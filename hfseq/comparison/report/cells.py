"""Texts of the cells of the tables: figures with as many digits as their error warrants, and their intervals."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from hfseq.formatting import figure

MISSING = "-"
# An interval that reaches less far than this share of the value to each side is not shown beside a cost: nobody
# chooses a model for a difference of costs that is this small.
WIDE = 0.1


def metric_cells(summary: Mapping[str, Any] | None) -> tuple[str, str]:
    """A metric, with and without its interval.

    Args:
        summary (`Mapping[str, Any]`, *optional*): `mean` and `interval`, see [`collect`].

    Returns:
        `tuple[str, str]`: for example `("0.760 [0.734, 0.785]", "0.760")`.
    """
    if summary is None or summary.get("mean") is None:
        return MISSING, MISSING
    limits = summary.get("interval")
    if not limits or limits[0] == limits[1]:
        text = figure(summary["mean"])
        return text, text
    half = (limits[1] - limits[0]) / 2
    text = figure(summary["mean"], half)
    return f"{text} {_bracket(limits, lambda value: figure(value, half))}", text


def cost_cells(
    value: Any, limits: Sequence[float] | None, show: Callable[[float], str], unit: str = ""
) -> tuple[str, str]:
    """A cost, with its interval if that is wide, and without.

    Args:
        value (`float`, *optional*): the cost.
        limits (`Sequence[float]`, *optional*): limits of its interval.
        show (`Callable[[float], str]`): formats a number.
        unit (`str`, *optional*): written behind the number and its interval.
    """
    if not isinstance(value, int | float):
        return MISSING, MISSING
    text = f"{show(value)}{unit}"
    if not limits or max(value - limits[0], limits[1] - value) <= WIDE * abs(value):
        return text, text
    return f"{show(value)} {_bracket(limits, show)}{unit}", text


def difference_cell(pair: Mapping[str, Any]) -> str:
    """The difference of two models, with its sign and its interval."""
    low, high, value = pair["low"], pair["high"], pair["difference"]
    if low is None or high is None or low == high:
        return _signed(figure(value))
    half = (high - low) / 2
    return f"{_signed(figure(value, half))} {_bracket((low, high), lambda limit: _signed(figure(limit, half)))}"


def p_value_cell(value: float | None) -> str:
    """A p-value: `0.034`, or `< 0.001`."""
    if value is None:
        return MISSING
    return "< 0.001" if value < 0.001 else f"{value:.3f}" if value < 0.1 else f"{value:.2f}"


def _signed(text: str) -> str:
    return text if text.startswith("-") or not text.strip("0.") else f"+{text}"


def _bracket(limits: Sequence[float], show: Callable[[float], str]) -> str:
    return f"[{show(limits[0])}, {show(limits[1])}]"
