"""One row per class or channel, with the marker of each model on a common axis."""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from hfseq.comparison.report.html.formats import show
from hfseq.comparison.report.html.svg.elements import document, element, group, line, shorten, text
from hfseq.comparison.report.html.svg.frame import Area, Axis, x_axis
from hfseq.comparison.report.html.svg.palette import Slot, marker
from hfseq.comparison.report.html.svg.scales import fit_scale


@dataclass(frozen=True)
class DotRow:
    """A row: its name, a note below it, and the value of each model: name, appearance, value."""

    name: str
    note: str
    values: Sequence[tuple[str, Slot, float]]


def dot_chart(rows: Sequence[DotRow], axis: Axis, width: float = 860, label: str = "") -> Markup:
    """Draws one row per class. In a narrow picture, the names are above the rows.

    Args:
        rows (`Sequence[DotRow]`): the rows.
        axis (`Axis`): the common axis.
        width (`float`, *optional*, defaults to 860): width in pixels.
        label (`str`, *optional*): what the picture shows, for screen readers.

    Returns:
        `Markup`: the SVG document.
    """
    narrow = width < 560
    step = 44 if narrow else 30
    names = 10.0 if narrow else min(300.0, 20 + 6.6 * max(len(f"{row.name}  {row.note}") for row in rows))
    area = Area(names, 6, width - 12, 6 + step * len(rows))
    values = [value for row in rows for _, _, value in row.values]
    x = fit_scale(values, area.left, area.right, padding=0.06, limits=axis.limits)
    parts = x_axis(x, area, axis, 4 if narrow else 7, grid=True, line_at_bottom=False)
    for index, row in enumerate(rows):
        y = area.top + step * (index + 1) - 14
        parts.append(line(area.left, y, area.right, y))
        if narrow:
            parts.append(text(area.left - 6, y - 13, shorten(f"{row.name}  {row.note}", width - 20), halo=True))
        else:
            parts.append(text(names - 14, y + 4, shorten(f"{row.name}  {row.note}", names - 14), text_anchor="end"))
        ends = [x.clamped(value) for _, _, value in row.values]
        if ends:
            parts.append(line(min(ends), y, max(ends), y, "axis", stroke_width=1.5))
        for number, (name, slot, value) in enumerate(row.values):
            # Equal values are a little apart, so that none hides another.
            shift = (number - (len(row.values) - 1) / 2) * min(3.0, 12 / len(row.values))
            title = f"{row.name}, {name}: {show(value, axis.format)}"
            dot = marker(x.clamped(value), y + shift, slot, 5)
            parts.append(group([dot], title, class_=f"mark {slot.name}", data_model=name))
    return document(width, area.bottom + 50, label, parts, "dots")


def legend(models: Sequence[tuple[str, Slot]]) -> Markup:
    """The markers and names of the models in one line of HTML."""
    items = [
        element("span", icon(slot), element("span", name), class_="model", data_model=name) for name, slot in models
    ]
    return element("p", *items, class_="models-legend")


def icon(slot: Slot) -> Markup:
    """The marker of a model for use in a text. Screen readers skip it."""
    return document(14, 14, "", [marker(7, 7, slot, 4.6)], f"icon {slot.name}")
