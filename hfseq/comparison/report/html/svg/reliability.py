"""Reliability: how often answers of a given confidence are correct."""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from hfseq.comparison.report.html.formats import show
from hfseq.comparison.report.html.svg.elements import TONES, document, element, group, line
from hfseq.comparison.report.html.svg.frame import Area, Axis, x_axis, y_axis
from hfseq.comparison.report.html.svg.palette import Slot, marker
from hfseq.comparison.report.html.svg.scales import Scale

_STARTS = (0.0, 0.2, 0.4, 0.5, 0.6, 0.8)


@dataclass(frozen=True)
class ReliabilityBin:
    """A bin of confidence: mean confidence, share of correct answers, number of examples."""

    confidence: float
    accuracy: float
    examples: float


def reliability_chart(
    bins: Sequence[ReliabilityBin],
    scaled: Sequence[ReliabilityBin],
    slot: Slot,
    start: tuple[float, float] = (0.0, 0.0),
    width: float = 270,
    height: float = 270,
    label: str = "",
) -> Markup:
    """Draws the share of correct answers against the confidence, before and after temperature scaling.

    Args:
        bins (`Sequence[ReliabilityBin]`): bins of the confidences of the model.
        scaled (`Sequence[ReliabilityBin]`): bins after temperature scaling, drawn with a dashed line; may be empty.
        slot (`Slot`): colour and shape of the model.
        start (`tuple[float, float]`, *optional*, defaults to `(0.0, 0.0)`): lower ends of the two axes.
        width (`float`, *optional*, defaults to 270): width in pixels.
        height (`float`, *optional*, defaults to 270): height in pixels.
        label (`str`, *optional*): what the picture shows, for screen readers.

    Returns:
        `Markup`: the SVG document.
    """
    area = Area(44, 32, width - 8, height - 46)
    x, y = Scale(start[0], 1, area.left, area.right), Scale(start[1], 1, area.bottom, area.top)
    parts = [*y_axis(y, area, Axis("correct", "score"), 4), *x_axis(x, area, Axis("confidence", "score"), 4)]
    low = max(start)
    parts.append(line(x(low), y(low), x(1), y(1), "axis", stroke_dasharray="2 3"))
    marks = []
    if scaled:
        marks.append(_path(scaled, x, y, slot, "4 3"))
    marks.append(_path(bins, x, y, slot, None))
    most = max((b.examples for b in (*bins, *scaled)), default=1.0) or 1.0
    for row, name, hollow in ((scaled, "after scaling", True), (bins, "before scaling" if scaled else "", False)):
        for b in row:
            title = f"confidence {show(b.confidence, 'score')}, correct {show(b.accuracy, 'score')}"
            title += f" ({b.examples:,.0f} examples{', ' + name if name else ''})"
            dot = _dot(x.clamped(b.confidence), y.clamped(b.accuracy), slot, hollow, (b.examples / most) ** 0.5)
            marks.append(group([dot], title, class_="point"))
    parts.append(group(marks, class_=f"mark {slot.name}"))
    return document(width, height, label, parts, "reliability")


def _path(bins: Sequence[ReliabilityBin], x: Scale, y: Scale, slot: Slot, dashes: str | None) -> Markup:
    points = " L".join(f"{x.clamped(b.confidence):.2f} {y.clamped(b.accuracy):.2f}" for b in bins)
    stroke = {"stroke": slot.color, "stroke_width": 1.75, "stroke_dasharray": dashes}
    return element("path", d=f"M{points}", class_="stroke", fill="none", **stroke)


def _dot(x: float, y: float, slot: Slot, hollow: bool, size: float) -> Markup:
    """A marker whose area grows with the number of examples; `size` is between 0 and 1."""
    radius = 2 + 3.5 * size
    if not hollow:
        return marker(x, y, slot, radius)
    paint = {"class_": "hollow", "fill": TONES["paper"], "stroke": slot.color, "stroke_width": 1.5}
    return element("circle", cx=x, cy=y, r=0.8 * radius, **paint)


def axis_starts(bins: Sequence[ReliabilityBin]) -> tuple[float, float]:
    """Lower ends of the axes of confidence and of accuracy that have room for all bins."""
    lowest = min((b.confidence for b in bins), default=0.0), min((b.accuracy for b in bins), default=0.0)
    start = max(tick for tick in _STARTS if tick <= lowest[0])
    return start, min(start, max(tick for tick in _STARTS if tick <= lowest[1]))
