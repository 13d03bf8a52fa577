"""Horizontal bars with a name and a value each."""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from hfseq.comparison.report.html.svg.elements import document, element, group, shorten, text
from hfseq.comparison.report.html.svg.frame import SMALL
from hfseq.comparison.report.html.svg.palette import WRONG


@dataclass(frozen=True)
class Bar:
    """A bar: its name, its length between 0 and 1, and the text at its end."""

    name: str
    share: float
    note: str


def bar_chart(bars: Sequence[Bar], width: float = 860, label: str = "") -> Markup:
    """Draws one bar per row. In a narrow picture, the names are above the bars.

    Args:
        bars (`Sequence[Bar]`): the bars.
        width (`float`, *optional*, defaults to 860): width in pixels.
        label (`str`, *optional*): what the picture shows, for screen readers.

    Returns:
        `Markup`: the SVG document.
    """
    narrow = width < 560
    step = 40 if narrow else 26
    names = 0.0 if narrow else min(440.0, 16 + 6.6 * max(len(bar.name) for bar in bars))
    longest = max(bar.share for bar in bars) or 1.0
    room = width - names - 84
    parts = []
    for index, bar in enumerate(bars):
        y = step * index + (18 if narrow else 0)
        box = {"x": names, "y": y + 5, "width": max(2.0, bar.share / longest * room), "height": 14, "rx": 2}
        end = names + box["width"] + 8
        short = shorten(bar.name, width if narrow else names - 12)
        place = text(0, y, short) if narrow else text(names - 12, y + 16, short, text_anchor="end")
        row = [
            place,
            element("rect", **box, class_="wrong-fill", fill=WRONG, fill_opacity=0.65),
            text(end, y + 16, bar.note, "muted", font_size=SMALL),
        ]
        parts.append(group(row, f"{bar.name}: {bar.note}", class_="point"))
    return document(width, step * len(bars) + 4, label, parts, "bars")
