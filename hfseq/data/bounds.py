"""Bounds of numeric settings."""

import dataclasses
import math
from collections.abc import Mapping
from typing import Any

from hfseq.errors import HfseqError

# Larger integers overflow in the libraries that use them.
LARGEST_INTEGER = 2**31 - 1


@dataclasses.dataclass(frozen=True)
class Bounds:
    """Bounds of a numeric setting.

    Attributes:
        low (`float`, *optional*, defaults to -inf): the smallest allowed value.
        high (`float`, *optional*, defaults to inf): the largest allowed value.
        above (`bool`, *optional*, defaults to `False`): whether `low` itself is not allowed.
        below (`bool`, *optional*, defaults to `False`): whether `high` itself is not allowed.
        text (`str`, *optional*): the rule in words, which follows "must" in messages. By default, it is derived from
            the bounds.
    """

    low: float = -math.inf
    high: float = math.inf
    above: bool = False
    below: bool = False
    text: str = ""

    def holds(self, value: float) -> bool:
        """Whether a number is allowed."""
        return (value > self.low if self.above else value >= self.low) and (
            value < self.high if self.below else value <= self.high
        )

    def rule(self) -> str:
        """The rule in words: `be at least 1`, `be above 0`, `be at least 0 and below 1`."""
        parts = []
        if math.isfinite(self.low):
            parts.append(f"{'above' if self.above else 'at least'} {_shown(self.low)}")
        if math.isfinite(self.high):
            parts.append(f"{'below' if self.below else 'at most'} {_shown(self.high)}")
        return self.text or f"be {' and '.join(parts)}"


def _shown(number: float) -> str:
    return f"{number:,.0f}" if abs(number) >= 1e5 and float(number).is_integer() else f"{number:g}"


AT_LEAST_0 = Bounds(0)
AT_LEAST_1 = Bounds(1)
ABOVE_0 = Bounds(0, above=True)
SHARE_BELOW_1 = Bounds(0, 1, below=True)
# NumPy accepts only these seeds.
SEED = Bounds(0, 2**32, below=True, text="be at least 0 and below 2**32")


def check_number(name: str, value: float, bounds: Bounds | None = None) -> None:
    """Checks the value of a numeric setting.

    Args:
        name (`str`): name of the setting.
        value (`float`): its value.
        bounds (`Bounds`, *optional*, defaults to all finite numbers): the allowed values.

    Raises:
        HfseqError: the number is not allowed.
    """
    bounds = bounds or Bounds()
    if not math.isfinite(value):
        raise HfseqError(f"{name} must be a finite number, not {value}")
    if not bounds.holds(value):
        raise HfseqError(f"{name} must {bounds.rule()}, not {value}")
    if isinstance(value, int) and abs(value) > LARGEST_INTEGER and not math.isfinite(bounds.high):
        raise HfseqError(f"{name} must be at most {LARGEST_INTEGER:,}, not {value}")


def check_numbers(settings: Any, bounds: Mapping[str, Bounds]) -> None:
    """Checks every number among the fields of a dataclass.

    Args:
        settings: an instance of a dataclass.
        bounds (`Mapping[str, Bounds]`): the bounds by name. A number without bounds must be finite.

    Raises:
        HfseqError: a number is not allowed.
    """
    for item in dataclasses.fields(settings):
        value = getattr(settings, item.name, None)
        if isinstance(value, int | float) and not isinstance(value, bool):
            check_number(item.name, value, bounds.get(item.name))
