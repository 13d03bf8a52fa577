"""Reliability: how often answers of a given confidence are correct."""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from hfseq.comparison.report.html.formats import show
from hfseq.comparison.report.html.svg.elements import document, element, group, line
from hfseq.comparison.report.html.svg.frame import Area, Axis, x_axis, y_axis
from hfseq.comparison.report.html.svg.palette import Slot, marker
from hfseq.comparison.report.html.svg.scales import Scale

_TICKS = (0.0, 0.25, 0.5, 0.75, 1.0)


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
    width: float = 270,
    height: float = 270,
    label: str = "",
) -> Markup:
    """Draws the share of correct answers against the confidence, before and after temperature scaling.

    Args:
        bins (`Sequence[ReliabilityBin]`): bins of the confidences of the model.
        scaled (`Sequence[ReliabilityBin]`): bins after temperature scaling, drawn with a dashed line; may be empty.
        slot (`Slot`): colour and shape of the model.
        width (`float`, *optional*, defaults to 270): width in pixels.
        height (`float`, *optional*, defaults to 270): height in pixels.
        label (`str`, *optional*): what the picture shows, for screen readers.

    Returns:
        `Markup`: the SVG document.
    """
    area = Area(44, 32, width - 8, height - 46)
    lowest = min((b.confidence for b in (*bins, *scaled)), default=0.0)
    start = max((tick for tick in _TICKS[:-1] if tick <= lowest), default=0.0)
    x = Scale(start, 1, area.left, area.right)
    low = min([start, *(b.accuracy for b in (*bins, *scaled))])
    y = Scale(max((tick for tick in _TICKS[:-1] if tick <= low), default=0.0), 1, area.bottom, area.top)
    parts = [*y_axis(y, area, Axis("correct", "share"), 4), *x_axis(x, area, Axis("confidence", "share"), 4)]
    parts.append(line(x(x.low), y.clamped(x.low), x(1), y(1), "axis", stroke_dasharray="2 3"))
    marks = []
    if scaled:
        marks.append(_path(scaled, x, y, slot, "4 3"))
    marks.append(_path(bins, x, y, slot, None))
    for row, name, hollow in ((scaled, "after scaling", True), (bins, "before scaling" if scaled else "", False)):
        for b in row:
            title = f"confidence {show(b.confidence, 'share')}: {show(b.accuracy, 'share')} correct"
            title += f" ({b.examples:,.0f} examples{', ' + name if name else ''})"
            marks.append(
                group([_dot(x.clamped(b.confidence), y.clamped(b.accuracy), slot, hollow)], title, class_="point")
            )
    parts.append(group(marks, class_=f"mark {slot.name}"))
    return document(width, height, label, parts, "reliability")


def _path(bins: Sequence[ReliabilityBin], x: Scale, y: Scale, slot: Slot, dashes: str | None) -> Markup:
    points = " L".join(f"{x.clamped(b.confidence):.2f} {y.clamped(b.accuracy):.2f}" for b in bins)
    stroke = {"stroke": slot.color, "stroke_width": 1.75, "stroke_dasharray": dashes}
    return element("path", d=f"M{points}", class_="stroke", fill="none", **stroke)


def _dot(x: float, y: float, slot: Slot, hollow: bool) -> Markup:
    if hollow:
        return element(
            "circle", cx=x, cy=y, r=3.5, class_="hollow", fill="#ffffff", stroke=slot.color, stroke_width=1.5
        )
    return marker(x, y, slot, 4.5)
