"""The critical-difference picture of Demšar (2006): mean ranks of models over several data sets."""

from collections.abc import Mapping, Sequence

from markupsafe import Markup

from hfseq.comparison.report.html.svg.elements import document, element, group, line, shorten, text
from hfseq.comparison.report.html.svg.frame import SMALL
from hfseq.comparison.report.html.svg.palette import ACCENT
from hfseq.comparison.report.html.svg.scales import Scale

_STEP = 22


def critical_difference_chart(
    ranks: Mapping[str, float],
    critical: float | None,
    cliques: Sequence[Sequence[str]],
    width: float = 860,
    label: str = "",
) -> Markup:
    """Draws the mean ranks on an axis, the best on the left, and a bar over models that do not differ.

    Args:
        ranks (`Mapping[str, float]`): mean rank of each model; 1 is the best.
        critical (`float`, *optional*): the critical difference.
        cliques (`Sequence[Sequence[str]]`): groups of models that do not differ significantly.
        width (`float`, *optional*, defaults to 860): width in pixels.
        label (`str`, *optional*): what the picture shows, for screen readers.

    Returns:
        `Markup`: the SVG document.
    """
    side = min(180.0, width * 0.3)
    x = Scale(1, max(len(ranks), 2), side, width - side)
    top = 56.0 if critical else 34.0
    bars = [group_ for group_ in cliques if len(group_) > 1]
    base = top + 14 + 10 * len(bars)
    ordered = sorted(ranks, key=lambda name: ranks[name])
    half = (len(ordered) + 1) // 2
    parts = [line(x(1), top, x(x.high), top, "axis", stroke_width=1.5)]
    for tick in range(1, int(x.high) + 1):
        parts.append(line(x(tick), top - 5, x(tick), top, "axis"))
        parts.append(text(x(tick), top - 10, tick, "muted", text_anchor="middle", font_size=SMALL))
    if critical:
        parts += _critical(x, critical)
    for index, name in enumerate(ordered):
        left = index < half
        row = index if left else len(ordered) - 1 - index
        parts.append(_model(name, ranks[name], x, top, base + _STEP * row + 8, left, side, width))
    for index, names in enumerate(bars):
        y = top + 10 + 10 * index
        ends = [x(ranks[name]) for name in names if name in ranks]
        bar = {"x1": min(ends) - 4, "x2": max(ends) + 4, "y1": y, "y2": y, "stroke_linecap": "round"}
        parts.append(element("line", **bar, class_="accent-line", stroke=ACCENT, stroke_width=4))
    return document(width, base + _STEP * half + 12, label, parts, "ranks")


def _critical(x: Scale, critical: float) -> list[Markup]:
    start, stop = x(1), x.clamped(1 + critical)
    ends = [line(end, 12, end, 20, "axis", stroke_width=1.5) for end in (start, stop)]
    name = f"critical difference {critical:.2f}"
    return [
        line(start, 16, stop, 16, "axis", stroke_width=1.5),
        *ends,
        text(stop + 8, 20, name, "muted", font_size=SMALL),
    ]


def _model(name: str, rank: float, x: Scale, top: float, y: float, left: bool, side: float, width: float) -> Markup:
    end, anchor, place = (side - 8, "end", side - 14) if left else (width - side + 8, "start", width - side + 14)
    d = f"M{x(rank):.2f} {top:.2f} V{y:.2f} H{end:.2f}"
    path = element("path", d=d, class_="axis stroke", fill="none", stroke="#9aa0a8", stroke_width=1.25)
    shown = f"{shorten(name, side - 50)}  {rank:.2f}"
    return group([path, text(place, y + 4, shown, text_anchor=anchor)], f"{name}: mean rank {rank:.2f}")
