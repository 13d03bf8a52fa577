"""Scales from data to pixels, and their ticks."""

import math
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Scale:
    """Maps values to pixels, linearly or by their logarithm.

    Attributes:
        low (`float`): smallest value of the axis.
        high (`float`): largest value of the axis.
        start (`float`): pixel of `low`.
        stop (`float`): pixel of `high`.
        log (`bool`, *optional*, defaults to `False`): logarithmic; `low` is positive.
    """

    low: float
    high: float
    start: float
    stop: float
    log: bool = False

    def __call__(self, value: float) -> float:
        return self.start + self._share(value) * (self.stop - self.start)

    def clamped(self, value: float) -> float:
        """Pixel of a value, or of the nearest end of the axis."""
        return self(min(max(value, self.low), self.high))

    def _share(self, value: float) -> float:
        if self.log:
            return math.log(value / self.low) / math.log(self.high / self.low)
        return (value - self.low) / (self.high - self.low)

    def ticks(self, count: int = 5) -> list[float]:
        """About `count` round values within the axis."""
        return log_ticks(self.low, self.high, count) if self.log else nice_ticks(self.low, self.high, count)


def fit_scale(
    values: Iterable[float],
    start: float,
    stop: float,
    log: bool = False,
    padding: float = 0.06,
    limits: tuple[float, float] = (-math.inf, math.inf),
) -> Scale:
    """A scale that has room for all values.

    Args:
        values (`Iterable[float]`): the values.
        start (`float`): pixel of the low end.
        stop (`float`): pixel of the high end.
        log (`bool`, *optional*, defaults to `False`): logarithmic; values of 0 and less do not count.
        padding (`float`, *optional*, defaults to 0.06): room at each end, as a share of the range of the values.
        limits (`tuple[float, float]`, *optional*): the room at the ends does not extend beyond these values.
    """
    values = [value for value in values if math.isfinite(value) and (value > 0 or not log)]
    low, high = (min(values), max(values)) if values else (1.0, 1.0)
    least, most = min(low, limits[0]), max(high, limits[1])
    if log:
        factor = (high / low) ** padding if high > low else 2.0
        low, high = low / factor, high * factor
    else:
        extra = (high - low) * padding or abs(high) * 0.1 or 1.0
        low, high = low - extra, high + extra
    return Scale(max(low, least), min(high, most), start, stop, log)


def within_reach(core: Iterable[float], others: Iterable[float], log: bool = False) -> list[float]:
    """The values that a picture shows: all of `core`, and those of `others` that are not far from them.

    Far is further from the range of `core` than its width (for logarithms, at least a factor of 30). A trivial
    baseline that is far away does not press the models together.

    Args:
        core (`Iterable[float]`): values that are always shown.
        others (`Iterable[float]`): values that are shown if they are near.
        log (`bool`, *optional*, defaults to `False`): distances are those of the logarithms.
    """
    core, others = list(core), list(others)
    scaled = [math.log(value) if log else value for value in core if value > 0 or not log]
    if not scaled or max(scaled) == min(scaled):
        return core + others
    low, high = min(scaled), max(scaled)
    width = max(high - low, math.log(30) if log else 0.0)
    near = [value for value in others if value > 0 or not log]
    return core + [v for v in near if low - width <= (math.log(v) if log else v) <= high + width]


def nice_ticks(low: float, high: float, count: int = 5) -> list[float]:
    """About `count` multiples of 1, 2 or 5 times a power of ten, between two values.

    Example:

    ```py
    >>> nice_ticks(0.0, 1.0, 5)
    [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]
    ```
    """
    span = high - low
    if not span > 0:
        return [low]
    power = 10.0 ** math.floor(math.log10(span / count))
    step = next(factor * power for factor in (1, 2, 5, 10) if span / (factor * power) <= count + 1e-9)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    digits = max(0, -math.floor(math.log10(step)))
    return [round(index * step, digits) + 0.0 for index in range(first, last + 1)]


def log_ticks(low: float, high: float, count: int = 5) -> list[float]:
    """Powers of ten between two positive values, with their multiples by 2 and 5 if there is room.

    Example:

    ```py
    >>> log_ticks(0.5, 20)
    [0.5, 1.0, 2.0, 5.0, 10.0, 20.0]
    >>> log_ticks(1, 1e6)
    [1.0, 10.0, 100.0, 1000.0, 10000.0, 100000.0, 1000000.0]
    ```
    """
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for factors in ((1, 2, 5), (1, 3), (1,)):
        values = [float(f"{factor}e{power}") for power in powers for factor in factors]
        ticks = [value for value in values if low * (1 - 1e-9) <= value <= high * (1 + 1e-9)]
        if len(ticks) <= count + 2:
            break
    while len(ticks) > 2 * count:
        ticks = ticks[::2]
    return ticks if len(ticks) >= 2 else nice_ticks(low, high, count)
