"""Numbers with their units, printed the same way everywhere."""


def count(value: float) -> str:
    """`1.2 M`, `34 k`."""
    for limit, unit in ((1e9, " G"), (1e6, " M"), (1e3, " k")):
        if value >= limit:
            return f"{value / limit:.3g}{unit}"
    return f"{value:.0f}"


def size(value: float) -> str:
    """`2.9 MB`, in powers of 1000."""
    for limit, unit in ((1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if value >= limit:
            return f"{value / limit:.3g} {unit}"
    return f"{value:.0f} B"


def percent(share: float) -> str:
    """`3.1%`; a share that would round to zero is `under 0.1%`."""
    return f"{share:.1%}" if share >= 0.001 else "under 0.1%"


def seconds(value: float) -> str:
    """`38 s`, `5 min 10 s`, `2 h 05 min`."""
    whole = round(value)
    if whole < 120:
        return f"{value:.3g} s" if value < 10 else f"{whole} s"
    if whole < 7200:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
