"""Differences between two models, with their intervals."""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from hfseq.comparison.report.html.svg.elements import document, element, group, line, shorten, text
from hfseq.comparison.report.html.svg.frame import SMALL, Area, Axis, x_axis
from hfseq.comparison.report.html.svg.palette import ACCENT, BASELINE
from hfseq.comparison.report.html.svg.scales import Scale, fit_scale, within_reach

_ROW, _NARROW = 28, 560


@dataclass(frozen=True)
class Difference:
    """A difference between two models.

    Attributes:
        name (`str`): the two models.
        value (`float`): the difference.
        text (`str`): the difference as text.
        low (`float`): lower end of its interval.
        high (`float`): upper end of its interval.
        note (`str`): text at the right end of the row, such as the p-value.
        clear (`bool`): whether the difference is significant.
        title (`str`): text that is shown at the row.
        aside (`bool`, *optional*, defaults to `False`): the row does not widen the axis by much; if the difference
            is outside, it is drawn at the edge with an arrow.
    """

    name: str
    value: float
    text: str
    low: float
    high: float
    note: str
    clear: bool
    title: str
    aside: bool = False


def difference_chart(
    rows: Sequence[Difference], axis: Axis, margin: float | None = None, width: float = 860, label: str = ""
) -> Markup:
    """Draws one row per difference around a line at zero.

    Args:
        rows (`Sequence[Difference]`): the differences.
        axis (`Axis`): the horizontal axis.
        margin (`float`, *optional*): differences within plus or minus this margin are shaded.
        width (`float`, *optional*, defaults to 860): width in pixels. In a narrow picture, the names are above their
            rows.
        label (`str`, *optional*): what the picture shows, for screen readers.

    Returns:
        `Markup`: the SVG document.
    """
    narrow = width < _NARROW
    names = 8 if narrow else min(300.0, 16 + 6.6 * max(len(row.name) for row in rows))
    step = _ROW + 18 if narrow else _ROW
    area = Area(names, 12, width - (12 if narrow else 92), 12 + step * len(rows))
    core = [end for row in rows if not row.aside for end in (row.low, row.high)]
    others = [end for row in rows if row.aside for end in (row.low, row.high)]
    x = fit_scale([*within_reach(core, others), 0.0], area.left, area.right, padding=0.05)
    parts = []
    if margin:
        left, right = x.clamped(-margin), x.clamped(margin)
        band = {"x": left, "y": area.top, "width": right - left, "height": area.bottom - area.top}
        parts.append(element("rect", **band, class_="accent-fill", fill=ACCENT, fill_opacity=0.08))
    parts += x_axis(x, area, axis, 7 if not narrow else 4, grid=True, line_at_bottom=False)
    parts.append(line(x(0), area.top, x(0), area.bottom, "axis", stroke_width=1.5))
    parts += [_row(row, x, area, area.top + step * (index + 1) - 14, narrow) for index, row in enumerate(rows)]
    return document(width, area.bottom + 50, label, parts, "differences")


def _row(row: Difference, x: Scale, area: Area, y: float, narrow: bool) -> Markup:
    parts = _interval(row, x, y) if x.low <= row.value <= x.high else [_outside(row, x, y)]
    if narrow:
        parts.append(text(area.left, y - 14, shorten(row.name, area.right - area.left - 76), halo=True))
        note = text(area.right, y - 14, row.note, "muted", halo=True, text_anchor="end", font_size=SMALL)
    else:
        parts.append(text(area.left - 14, y + 4, shorten(row.name, area.left - 14), text_anchor="end"))
        note = text(area.right + 10, y + 4, row.note, "ink" if row.clear else "muted", font_size=SMALL)
    return group([*parts, note], row.title, class_="row")


def _interval(row: Difference, x: Scale, y: float) -> list[Markup]:
    color = {"stroke": ACCENT if row.clear else BASELINE, "class_": "accent-line" if row.clear else "muted-line"}
    ends = {"x1": x.clamped(row.low), "x2": x.clamped(row.high), "y1": y, "y2": y}
    paint = {"class_": "accent-solid", "fill": ACCENT} if row.clear else {"class_": "muted-hollow", "fill": "#ffffff"}
    stroke = {"stroke": "#ffffff" if row.clear else BASELINE, "stroke_width": 1.5}
    return [
        element("line", **ends, stroke_width=2.5 if row.clear else 1.75, **color),
        element("circle", cx=x(row.value), cy=y, r=5.0, **paint, **stroke),
    ]


def _outside(row: Difference, x: Scale, y: float) -> Markup:
    """The value of a difference that is outside the picture, with an arrow at the edge."""
    right = row.value > x.high
    content = f"{row.text} →" if right else f"← {row.text}"
    end, anchor = (x.stop, "end") if right else (x.start, "start")
    return text(end, y + 4, content, "ink" if row.clear else "muted", halo=True, text_anchor=anchor, font_size=SMALL)
