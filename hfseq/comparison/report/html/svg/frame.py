"""The frame of a picture: the area of the data, its axes, grid lines and titles."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from markupsafe import Markup

from hfseq.comparison.report.html.formats import tick
from hfseq.comparison.report.html.svg.elements import line, text
from hfseq.comparison.report.html.svg.scales import Scale

SMALL = 11


@dataclass(frozen=True)
class Area:
    """The area of the data, in pixels."""

    left: float
    top: float
    right: float
    bottom: float


@dataclass(frozen=True)
class Axis:
    """What an axis shows.

    Attributes:
        name (`str`): title of the axis.
        format (`str`, *optional*, defaults to `"number"`): format of its numbers.
        greater_is_better (`bool`, *optional*): which direction is better, if one is.
        log (`bool`, *optional*): logarithmic; if `None`, where the values differ by a factor of 10 or more.
    """

    name: str
    format: str = "number"
    greater_is_better: bool | None = None
    log: bool | None = None

    def is_log(self, values: Sequence[float]) -> bool:
        """Whether the axis is logarithmic for these values."""
        if self.log is not None:
            return self.log and min(values, default=0) > 0
        return bool(values) and min(values) > 0 and max(values) / min(values) >= 10

    @property
    def limits(self) -> tuple[float, float]:
        """Range of the possible values."""
        return (0.0, 1.0) if self.format in ("share", "score") else (float("-inf"), float("inf"))


def tick_labels(ticks: Sequence[float], kind: str) -> list[str]:
    """Labels of the ticks of an axis."""
    step = min((b - a for a, b in pairwise(ticks)), default=abs(ticks[0]) if ticks else 0)
    return [tick(value, kind, step) for value in ticks]


def y_axis(scale: Scale, area: Area, axis: Axis, count: int = 5) -> list[Markup]:
    """Horizontal grid lines with their labels on the left, and the title above them."""
    ticks = scale.ticks(count)
    parts = [text(0, area.top - 14, axis.name, "ink", font_weight=600)]
    for value, label in zip(ticks, tick_labels(ticks, axis.format), strict=True):
        y = scale(value)
        parts.append(line(area.left, y, area.right, y))
        parts.append(text(area.left - 8, y + 4, label, "muted", text_anchor="end", font_size=SMALL))
    return parts


def x_axis(
    scale: Scale,
    area: Area,
    axis: Axis,
    count: int = 6,
    ticks: Sequence[float] | None = None,
    grid: bool = False,
    line_at_bottom: bool = True,
) -> list[Markup]:
    """Ticks below the area with their labels, and the title below them."""
    ticks = scale.ticks(count) if ticks is None else ticks
    parts = [line(area.left, area.bottom, area.right, area.bottom, "axis")] if line_at_bottom else []
    end = float("-inf")
    for value, label in zip(ticks, tick_labels(ticks, axis.format), strict=True):
        x = scale(value)
        if grid:
            parts.append(line(x, area.top, x, area.bottom))
        half = len(label) * SMALL * 0.27
        if x - half < end:
            continue
        end = x + half + 8
        parts.append(line(x, area.bottom, x, area.bottom + 4, "axis"))
        parts.append(text(x, area.bottom + 17, label, "muted", text_anchor="middle", font_size=SMALL))
    middle = (area.left + area.right) / 2
    parts.append(text(middle, area.bottom + 38, axis.name, "ink", text_anchor="middle", font_weight=600))
    return parts
