"""A small picture of a value and its interval, for a cell of a table."""

from markupsafe import Markup

from hfseq.comparison.report.html.svg.elements import document, element, group
from hfseq.comparison.report.html.svg.palette import Slot, marker
from hfseq.comparison.report.html.svg.scales import Scale


def whisker(
    value: float, low: float | None, high: float | None, limits: tuple[float, float], slot: Slot, label: str = ""
) -> Markup:
    """Draws a value and its interval on an axis that all rows share, 96 by 16 pixels; an arrow if it is outside.

    Args:
        value (`float`): the value.
        low (`float`, *optional*): lower end of its interval.
        high (`float`, *optional*): upper end of its interval.
        limits (`tuple[float, float]`): the ends of the axis.
        slot (`Slot`): colour and shape of the model.
        label (`str`, *optional*): what the picture shows. Without it, screen readers skip the picture.

    Returns:
        `Markup`: the SVG document.
    """
    start, stop = limits
    if start == stop:
        start, stop = start - 1, stop + 1
    x = Scale(start, stop, 10, 86)
    track = element("line", x1=4, x2=92, y1=8, y2=8, class_="grid stroke", stroke="#e4e6e9")
    parts = []
    if low is not None and high is not None:
        ends = {"x1": x.clamped(low), "x2": x.clamped(high)}
        parts.append(element("line", **ends, y1=8, y2=8, class_="stroke", stroke=slot.color, stroke_width=2))
    if start <= value <= stop:
        parts.append(marker(x(value), 8, slot, 4.2))
    else:
        tip, back = (92.0, 86.0) if value > stop else (4.0, 10.0)
        arrow = {"class_": "stroke", "fill": "none", "stroke": slot.color, "stroke_width": 2}
        parts.append(element("path", d=f"M{back} 3.5 L{tip} 8 L{back} 12.5", **arrow))
    return document(96, 16, label, [track, group(parts, class_=f"mark {slot.name}")], "whisker")
