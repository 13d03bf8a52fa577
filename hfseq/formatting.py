"""Formatting of numbers with units and with as many digits as their error warrants, the same everywhere."""

import math
from collections.abc import Iterable

# Numbers outside these bounds are written with an exponent.
_SMALLEST, _LARGEST = 1e-5, 1e9


def count(value: float) -> str:
    """Formats a count, for example `1.2 M` or `34 k`."""
    for limit, unit in ((1e9, " G"), (1e6, " M"), (1e3, " k")):
        if value >= limit:
            return f"{value / limit:.3g}{unit}"
    return f"{value:.0f}"


def size(value: float) -> str:
    """Formats a number of bytes in powers of 1000, for example `2.9 MB`."""
    for limit, unit in ((1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if value >= limit:
            return f"{value / limit:.3g} {unit}"
    return f"{value:.0f} B"


def percent(share: float) -> str:
    """Formats a share, for example `3.1 %`. A share that would round to zero becomes `under 0.1 %`."""
    if share == 0:
        return "0 %"
    return f"{100 * share:.1f} %" if share >= 0.001 else "under 0.1 %"


def figure(value: float, error: float | None = None, *, show_error: bool = False) -> str:
    """Formats a number with as many digits as its error warrants: two significant digits of the error.

    Args:
        value (`float`): the number.
        error (`float`, *optional*): its error in the same unit, such as half the width of its interval. If it is
            unknown, 0 or not finite, the number has three significant digits.
        show_error (`bool`, *optional*, defaults to `False`): whether a known error follows the number.

    Returns:
        `str`: for example `0.760` or, with its error of 0.013, `0.760 ± 0.013`.
    """
    known = error is not None and math.isfinite(error) and error > 0
    scale = abs(error) if known and error is not None else abs(value)
    if not math.isfinite(value):
        return str(value)
    decimals = _decimals(scale, 2 if known else 3)
    text = _number(value, decimals)
    return f"{text} ± {_number(scale, decimals)}" if known and show_error else text


def figure_range(low: float, high: float) -> str:
    """Formats an interval, for example `0.747 to 0.773`: two significant digits of half its width."""
    half = (high - low) / 2
    return f"{figure(low, half)} to {figure(high, half)}"


def _decimals(scale: float, digits: int) -> int:
    """Decimals with which a number of this size has so many significant digits; negative for tens, hundreds, ..."""
    if scale == 0:
        return 0
    decimals = digits - 1 - math.floor(math.log10(scale))
    # Rounding may give one digit more: 0.0996 has two significant digits as 0.10.
    return decimals - 1 if round(scale, decimals) >= 10.0 ** (digits - decimals) else decimals


def _number(value: float, decimals: int) -> str:
    rounded = round(value, decimals)
    if rounded == 0:
        return f"{0:.{max(decimals, 0)}f}" if decimals <= 8 else "0"
    exponent = math.floor(math.log10(abs(rounded)))
    if _SMALLEST <= abs(rounded) < _LARGEST:
        return f"{rounded:,.{max(decimals, 0)}f}"
    return f"{rounded:.{max(decimals + exponent, 0)}e}"


def seconds(value: float) -> str:
    """Formats a duration, for example `1.03 ms`, `38 s`, `5 min 10 s` or `2 h 05 min`."""
    if 0 < value < 0.1:
        return f"{1000 * value:.3g} ms"
    whole = round(value)
    if whole < 120:
        return f"{value:.3g} s" if value < 10 else f"{whole} s"
    if whole < 7200:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def join_words(words: Iterable[str]) -> str:
    """Words as a phrase: `a`, `a and b`, `a, b and c`."""
    *first, last = dict.fromkeys(words)
    return f"{', '.join(first)} and {last}" if first else last
