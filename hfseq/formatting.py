"""Formatting of numbers with units, the same everywhere."""

from collections.abc import Iterable


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
    """Formats a share, for example `3.1%`. A share that would round to zero becomes `under 0.1%`."""
    return f"{share:.1%}" if share >= 0.001 else "under 0.1%"


def seconds(value: float) -> str:
    """Formats a duration, for example `38 s`, `5 min 10 s` or `2 h 05 min`."""
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
