"""Lines over a horizontal axis: learning curves, quality by length, precision and recall."""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from hfseq.comparison.report.html.svg.elements import document, element, group, line, shorten, text
from hfseq.comparison.report.html.svg.frame import SMALL, Area, Axis, x_axis, y_axis
from hfseq.comparison.report.html.svg.palette import Slot, marker
from hfseq.comparison.report.html.svg.scales import Scale, fit_scale


@dataclass(frozen=True)
class LinePoint:
    """A point of a line, with the ends of its interval if they are known."""

    x: float
    y: float
    low: float | None = None
    high: float | None = None
    title: str | None = None


@dataclass(frozen=True)
class Line:
    """A line of a picture.

    Attributes:
        name (`str`): name of the model.
        slot (`Slot`): its colour and shape.
        points (`Sequence[LinePoint]`): the points, from left to right.
        faint (`bool`, *optional*, defaults to `False`): thin, without a name at its end.
        markers (`bool`, *optional*, defaults to `False`): a marker at each point.
        intervals (`str`, *optional*, defaults to `"band"`): `"band"` or `"whiskers"`.
        marked (`float`, *optional*): a place on the line that gets a marker, such as the best epoch.
    """

    name: str
    slot: Slot
    points: Sequence[LinePoint]
    faint: bool = False
    markers: bool = False
    intervals: str = "band"
    marked: float | None = None


@dataclass(frozen=True)
class Span:
    """A place on the horizontal axis with a text, and the ends of its interval if they are known."""

    x: float
    name: str
    low: float | None = None
    high: float | None = None


def line_chart(
    lines: Sequence[Line],
    x: Axis,
    y: Axis,
    width: float = 860,
    height: float = 360,
    label: str = "",
    ticks: Sequence[float] | None = None,
    spans: Sequence[Span] = (),
    bars: Sequence[tuple[str, float]] = (),
    names: bool = True,
) -> Markup:
    """Draws lines with their names at the right end.

    Args:
        lines (`Sequence[Line]`): the lines.
        x (`Axis`): horizontal axis.
        y (`Axis`): vertical axis.
        width (`float`, *optional*, defaults to 860): width in pixels.
        height (`float`, *optional*, defaults to 360): height in pixels.
        label (`str`, *optional*): what the picture shows, for screen readers.
        ticks (`Sequence[float]`, *optional*): ticks of the horizontal axis.
        spans (`Sequence[Span]`, *optional*): marked places on the horizontal axis.
        bars (`Sequence[tuple[str, float]]`, *optional*): bins with their name and size, in place of the horizontal
            axis. The `x` of a point is then the number of its bin, and each bin has a bar of its size.
        names (`bool`, *optional*, defaults to `True`): names at the right ends of the lines.

    Returns:
        `Markup`: the SVG document.
    """
    named = [line.name for line in lines if names and not line.faint]
    longest = max((len(name) for name in named), default=0)
    right = min(longest * 6.8 + 26, width * (0.26 if width > 500 else 0.3)) if named else 12
    area = Area(52, 34, width - right, height - 50)
    values = [value for row in lines for p in row.points for value in (p.y, p.low, p.high) if value is not None]
    scale_y = fit_scale(values, area.bottom, area.top, y.is_log(values) and bool(y.log), 0.06, y.limits)
    parts = y_axis(scale_y, area, y)
    if bars:
        scale_x = Scale(-0.5, len(bars) - 0.5, area.left, area.right)
        parts += _bars(bars, scale_x, area, x)
    else:
        scale_x = _horizontal(lines, spans, area, x)
        parts += x_axis(scale_x, area, x, 6 if width > 500 else 4, ticks)
    parts += [_span(span, scale_x, area) for span in spans]
    shifts = _shifts(lines, bool(bars))
    parts += [_line(row, scale_x, scale_y, shift) for row, shift in zip(lines, shifts, strict=True)]
    if names:
        parts += _names([row for row in lines if not row.faint and row.points], scale_x, scale_y, area, right)
    return document(width, height, label, parts, "lines")


def _horizontal(lines: Sequence[Line], spans: Sequence[Span], area: Area, axis: Axis) -> Scale:
    values = [point.x for row in lines for point in row.points]
    if axis.format in ("share", "score"):
        return Scale(0.0, 1.0, area.left, area.right)
    return fit_scale(values, area.left, area.right, axis.is_log(values), 0.03)


def _shifts(lines: Sequence[Line], in_bins: bool) -> list[float]:
    """Shifts of the lines in pixels, so that whiskers in the same bin do not cover each other."""
    return [(index - (len(lines) - 1) / 2) * 4.0 if in_bins else 0.0 for index in range(len(lines))]


def _line(row: Line, x: Scale, y: Scale, shift: float) -> Markup:
    places = [(x(point.x) + shift, point) for point in row.points]
    parts = []
    with_interval = [(px, point) for px, point in places if point.low is not None and point.high is not None]
    if with_interval and not row.faint:
        parts += _band(with_interval, row, y) if row.intervals == "band" else _whiskers(with_interval, row, y)
    path = " ".join(f"{'L' if i else 'M'}{px:.2f} {y.clamped(point.y):.2f}" for i, (px, point) in enumerate(places))
    parts.append(
        element(
            "path",
            d=path,
            class_="stroke",
            fill="none",
            stroke=row.slot.color,
            stroke_width=1.1 if row.faint else 2,
            stroke_opacity=0.55 if row.faint else None,
            stroke_dasharray="3 3" if row.faint else row.slot.dashes,
            stroke_linejoin="round",
        )
    )
    for px, point in places:
        if row.markers or len(places) == 1 or point.x == row.marked:
            dot = marker(px, y.clamped(point.y), row.slot, 4.5)
            parts.append(group([dot], point.title, class_="point") if point.title else dot)
    title = row.name if not row.faint else None
    return group(parts, title, class_=f"mark {row.slot.name}", data_model=row.name)


def _band(places: Sequence[tuple[float, LinePoint]], row: Line, y: Scale) -> list[Markup]:
    upper = [f"{px:.2f} {y.clamped(point.high):.2f}" for px, point in places if point.high is not None]
    lower = [f"{px:.2f} {y.clamped(point.low):.2f}" for px, point in reversed(places) if point.low is not None]
    d = f"M{' L'.join(upper + lower)} Z"
    return [element("path", d=d, class_="fill", fill=row.slot.color, fill_opacity=0.12)]


def _whiskers(places: Sequence[tuple[float, LinePoint]], row: Line, y: Scale) -> list[Markup]:
    return [
        element(
            "line",
            x1=px,
            x2=px,
            y1=y.clamped(point.low),
            y2=y.clamped(point.high),
            class_="stroke",
            stroke=row.slot.color,
            stroke_width=1.25,
        )
        for px, point in places
        if point.low is not None and point.high is not None
    ]


def _bars(bars: Sequence[tuple[str, float]], x: Scale, area: Area, axis: Axis) -> list[Markup]:
    """A bar per bin behind the lines, as high as its share of the largest bin, at most a fifth of the area."""
    largest = max(size for _, size in bars) or 1
    width = (area.right - area.left) / len(bars)
    parts = []
    for index, (name, size) in enumerate(bars):
        height = size / largest * (area.bottom - area.top) * 0.2
        left = x(index) - width * 0.36
        box = element(
            "rect", x=left, y=area.bottom - height, width=width * 0.72, height=height, class_="bar", fill="#e4e6e9"
        )
        parts.append(group([box], f"{axis.name} {name}: {size:,.0f} examples"))
        label = shorten(name, width + 6, SMALL)
        parts.append(text(x(index), area.bottom + 17, label, "muted", text_anchor="middle", font_size=SMALL))
    parts.append(line(area.left, area.bottom, area.right, area.bottom, "axis"))
    middle = (area.left + area.right) / 2
    parts.append(text(middle, area.bottom + 38, axis.name, text_anchor="middle", font_weight=600))
    return parts


def _span(span: Span, x: Scale, area: Area) -> Markup:
    parts = []
    if span.low is not None and span.high is not None:
        left, right = x.clamped(span.low), x.clamped(span.high)
        box = {"x": left, "y": area.top, "width": right - left, "height": area.bottom - area.top}
        parts.append(element("rect", **box, class_="bar", fill="#e4e6e9", fill_opacity=0.5))
    px = x.clamped(span.x)
    parts.append(line(px, area.top, px, area.bottom, "axis", stroke_dasharray="4 3"))
    anchor, dx = ("end", -5) if px > (area.left + area.right) / 2 else ("start", 5)
    parts.append(text(px + dx, area.top + 11, span.name, "muted", halo=True, text_anchor=anchor, font_size=SMALL))
    return group(parts)


def _names(lines: Sequence[Line], x: Scale, y: Scale, area: Area, right: float) -> list[Markup]:
    """The names at the ends of the lines, moved apart so that none covers another."""
    ends = sorted(((y.clamped(row.points[-1].y), row) for row in lines), key=lambda end: end[0])
    places = spread([place for place, _ in ends], 15, area.top + 4, area.bottom)
    parts = []
    for (height, row), place in zip(ends, places, strict=True):
        px = x(row.points[-1].x)
        start = area.right + 6
        if abs(place - height) > 2 or start - px > 14:
            leader = [(px + 6, height), (start - 2, place)]
            parts.append(line(*leader[0], *leader[1], "axis", stroke_width=0.75, stroke_dasharray="1 2"))
        name = shorten(row.name, right - 10)
        tone = "muted" if row.slot.baseline else "ink"
        label = text(start + 10, place + 4, name, tone, data_model=row.name)
        dot = group([marker(start + 3, place, row.slot, 3.6)], class_=row.slot.name)
        parts.append(group([dot, label], row.name if name != row.name else None, class_="mark", data_model=row.name))
    return parts


def spread(places: Sequence[float], distance: float, low: float, high: float) -> list[float]:
    """Moves sorted places apart to a minimum distance, as little as possible, and within two limits if they fit.

    Example:

    ```py
    >>> spread([10.0, 11.0, 50.0], 10, 0, 100)
    [5.5, 15.5, 50.0]
    ```
    """
    blocks: list[list[float]] = []  # the sum of the wished starts of a block, and its size
    for place in places:
        blocks.append([place, 1])
        while len(blocks) > 1 and _start(blocks[-2], low, high, distance) + blocks[-2][1] * distance > _start(
            blocks[-1], low, high, distance
        ):
            total, size = blocks.pop()
            first = blocks[-1]
            # The wished start of the whole block: each member wishes to be at its own place.
            first[0] += total - size * first[1] * distance
            first[1] += size
    return [
        _start(block, low, high, distance) + index * distance for block in blocks for index in range(int(block[1]))
    ]


def _start(block: Sequence[float], low: float, high: float, distance: float) -> float:
    """Start of a block of places: the mean of the wished starts of its members, within the limits."""
    total, size = block
    return max(low, min(total / size, high - (size - 1) * distance))
