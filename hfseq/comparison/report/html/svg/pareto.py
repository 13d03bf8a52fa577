"""Quality against a cost, with the Pareto frontier."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from markupsafe import Markup

from hfseq.comparison.report.html.formats import show
from hfseq.comparison.report.html.svg.elements import TONES, document, element, group, line, shorten, text, text_width
from hfseq.comparison.report.html.svg.frame import SMALL, Area, Axis, x_axis, y_axis
from hfseq.comparison.report.html.svg.palette import ACCENT, Slot, marker
from hfseq.comparison.report.html.svg.scales import Scale, fit_scale, within_reach


@dataclass(frozen=True)
class Measure:
    """A value, with the ends of its interval if they are known."""

    value: float
    low: float | None = None
    high: float | None = None

    @property
    def ends(self) -> tuple[float, float]:
        low = self.value if self.low is None else self.low
        return low, self.value if self.high is None else self.high


@dataclass(frozen=True)
class ParetoPoint:
    """A model in the picture.

    Attributes:
        name (`str`): name of the model.
        slot (`Slot`): its colour and shape.
        cost (`Measure`): value on the horizontal axis.
        quality (`Measure`): value on the vertical axis.
        title (`str`): text that is shown at the point.
        chosen (`bool`, *optional*, defaults to `False`): the recommended model.
    """

    name: str
    slot: Slot
    cost: Measure
    quality: Measure
    title: str
    chosen: bool = False


def frontier(points: Sequence[ParetoPoint], cost: Axis, quality: Axis) -> list[ParetoPoint]:
    """The points that no other point dominates, from the best cost to the worst.

    A point is dominated if another one is at least as good in both, and better in one of them.
    """
    sign_x = 1 if cost.greater_is_better else -1
    sign_y = -1 if quality.greater_is_better is False else 1
    ordered = sorted(points, key=lambda point: (-sign_x * point.cost.value, -sign_y * point.quality.value))
    front: list[ParetoPoint] = []
    for point in ordered:
        if not front or sign_y * point.quality.value > sign_y * front[-1].quality.value:
            front.append(point)
    return front


def pareto(
    points: Sequence[ParetoPoint],
    cost: Axis,
    quality: Axis,
    width: float = 860,
    height: float = 440,
    label: str = "",
    background: bool = False,
) -> Markup:
    """Draws the models as points, quality upwards and cost to the right.

    A baseline that is far from all models is drawn at the edge of the picture, with an arrow and its values.

    Args:
        points (`Sequence[ParetoPoint]`): the models.
        cost (`Axis`): horizontal axis; logarithmic if the costs differ by a factor of 10 or more.
        quality (`Axis`): vertical axis.
        width (`float`, *optional*, defaults to 860): width in pixels.
        height (`float`, *optional*, defaults to 440): height in pixels.
        label (`str`, *optional*): what the picture shows, for screen readers.
        background (`bool`, *optional*, defaults to `False`): white background, for a picture outside a page.

    Returns:
        `Markup`: the SVG document.
    """
    area = Area(52, 34, width - 16, height - 50)
    x = _scale_of_costs(points, cost, area)
    y = _scale_of_quality(points, quality, area)
    parts = [element("rect", width="100%", height="100%", fill=TONES["paper"])] if background else []
    parts += [*y_axis(y, area, quality, int(height / 60)), *x_axis(x, area, cost, 6 if width > 500 else 4)]
    places = [_Place(point, x, y) for point in points]
    inside = {place.point.name for place in places if not place.aside_y}
    front = [point for point in frontier(points, cost, quality) if point.name in inside]
    stairs = _stairs(front, x, y, area, cost, quality) if front else []
    parts += [_frontier(stairs)] if front else []
    parts.append(_direction(area, cost, quality))
    parts += [_mark(place, x, y) for place in places]
    parts += _labels(places, stairs[:-1], area, cost, quality)
    return document(width, height, label, parts, "pareto")


def _scale_of_costs(points: Sequence[ParetoPoint], cost: Axis, area: Area) -> Scale:
    models = [point.cost.value for point in points if not point.slot.baseline]
    others = [point.cost.value for point in points if point.slot.baseline]
    shown = within_reach(models, others, min([*models, *others]) > 0)
    return fit_scale(shown, area.left, area.right, cost.is_log(shown), padding=0.1)


def _scale_of_quality(points: Sequence[ParetoPoint], quality: Axis, area: Area) -> Scale:
    ends: dict[bool, list[float]] = {True: [], False: []}
    for point in points:
        ends[point.slot.baseline] += [*point.quality.ends, point.quality.value]
    shown = within_reach(ends[False], ends[True])
    return fit_scale(shown, area.bottom, area.top, padding=0.08, limits=quality.limits)


class _Place:
    """Where a point is drawn, and the arrow to its true place if that is outside the picture."""

    def __init__(self, point: ParetoPoint, x: Scale, y: Scale):
        self.point = point
        self.x, self.y = x.clamped(point.cost.value), y.clamped(point.quality.value)
        self.low, self.high = (y.clamped(end) for end in point.quality.ends)
        # -1, 0 or 1: left or below, inside, right or above.
        self.aside_x = (point.cost.value > x.high) - (point.cost.value < x.low)
        self.aside_y = (point.quality.value > y.high) - (point.quality.value < y.low)

    @property
    def arrow(self) -> str:
        return _ARROWS[self.aside_x, self.aside_y]


_ARROWS = {
    **{(0, 0): "", (-1, 0): "←", (1, 0): "→", (0, 1): "↑", (0, -1): "↓"},
    **{(-1, 1): "↖", (1, 1): "↗", (-1, -1): "↙", (1, -1): "↘"},
}


def _stairs(
    front: Sequence[ParetoPoint], x: Scale, y: Scale, area: Area, cost: Axis, quality: Axis
) -> list[tuple[float, float]]:
    """Corners of the staircase through the frontier; the last one closes the area that it dominates."""
    worst_x = area.left if cost.greater_is_better else area.right
    worst_y = area.top if quality.greater_is_better is False else area.bottom
    height = worst_y
    corners = [(x.clamped(front[0].cost.value), height)]
    for point in front:
        px, py = x.clamped(point.cost.value), y.clamped(point.quality.value)
        corners += [(px, height), (px, py)]
        height = py
    return [*corners, (worst_x, height), (worst_x, worst_y)]


def _frontier(stairs: Sequence[tuple[float, float]]) -> Markup:
    """The staircase, and the area that it dominates."""
    path = [f"{x:.2f} {y:.2f}" for x, y in stairs]
    area, line_ = f"M{' L'.join(path)} Z", f"M{' L'.join(path[:-1])}"
    return group(
        [
            element("path", d=area, class_="accent-fill", fill=ACCENT, fill_opacity=0.06),
            element("path", d=line_, class_="accent-line", fill="none", stroke=ACCENT, stroke_width=1.25),
        ],
        class_="frontier",
    )


def _direction(area: Area, cost: Axis, quality: Axis) -> Markup:
    """The word "better" in the best corner."""
    left, up = not cost.greater_is_better, quality.greater_is_better is not False
    arrow = _ARROWS[-1 if left else 1, 1 if up else -1]
    content = f"{arrow} better" if left else f"better {arrow}"
    x, anchor = (area.left + 8, "start") if left else (area.right - 8, "end")
    y = area.top + 14 if up else area.bottom - 8
    return text(x, y, content, "muted", halo=True, text_anchor=anchor, font_size=SMALL, font_style="italic")


def _mark(place: _Place, x: Scale, y: Scale) -> Markup:
    point = place.point
    stroke = {"stroke": point.slot.color, "stroke_width": 1.5, "class_": "stroke"}
    parts = []
    if place.low != place.high and not place.aside_y:
        parts.append(element("line", x1=place.x, y1=place.low, x2=place.x, y2=place.high, **stroke))
        caps = (place.low, place.high)
        parts += [element("line", x1=place.x - 4, y1=end, x2=place.x + 4, y2=end, **stroke) for end in caps]
    left, right = (x.clamped(end) for end in point.cost.ends)
    if right - left > 8:
        parts.append(element("line", x1=left, y1=place.y, x2=right, y2=place.y, **stroke))
    if point.chosen:
        ring = {"class_": "accent-line", "fill": "none", "stroke": ACCENT, "stroke_width": 1.75}
        parts.append(element("circle", cx=place.x, cy=place.y, r=11.0, **ring))
    parts.append(marker(place.x, place.y, point.slot, 6.5))
    return group(parts, point.title, class_=f"mark {point.slot.name}", data_model=point.name)


@dataclass(frozen=True)
class _Box:
    left: float
    top: float
    right: float
    bottom: float

    def overlap(self, other: "_Box") -> float:
        wide = min(self.right, other.right) - max(self.left, other.left)
        high = min(self.bottom, other.bottom) - max(self.top, other.top)
        return max(0.0, wide) * max(0.0, high)


def _labels(
    places: Sequence[_Place], stairs: Sequence[tuple[float, float]], area: Area, cost: Axis, quality: Axis
) -> list[Markup]:
    """A name beside each point, where it covers the fewest other names, points and lines."""
    taken = [_box(a, b, 1.5) for a, b in pairwise(stairs)]
    for place in places:
        taken += [_box((place.x, place.y), (place.x, place.y), 8)]
        taken += [_box((place.x, place.low), (place.x, place.high), 4)]
    frame = _Box(area.left, area.top, area.right, area.bottom)
    parts = []
    for place in sorted(places, key=lambda place: not place.point.chosen):
        content = shorten(place.point.name, (area.right - area.left) * 0.45) + _aside(place, cost, quality)
        box, middle = _best_place(place.x, place.y, text_width(content) + 4, taken, frame)
        taken.append(box)
        if abs(middle - place.y) > 24:
            edge = box.left if box.left > place.x else box.right
            parts.append(line(place.x, place.y, edge, middle, "axis", stroke_width=0.75))
        weight = 700 if place.point.chosen else None
        tone = "muted" if place.point.slot.baseline else "ink"
        about = {"data_model": place.point.name, "font_weight": weight}
        parts.append(text(box.left + 2, middle + 4, content, tone, halo=True, **about))
    return parts


def _aside(place: _Place, cost: Axis, quality: Axis) -> str:
    """The values of a point that is outside the picture: ` ↓ 50.2 %`."""
    values = []
    if place.aside_y:
        values.append(show(place.point.quality.value, quality.format))
    if place.aside_x:
        values.append(show(place.point.cost.value, cost.format))
    return f" {place.arrow} {', '.join(values)}" if values else ""


def _box(a: tuple[float, float], b: tuple[float, float], margin: float) -> _Box:
    left, right = sorted((a[0], b[0]))
    top, bottom = sorted((a[1], b[1]))
    return _Box(left - margin, top - margin, right + margin, bottom + margin)


def _best_place(px: float, py: float, width: float, taken: Sequence[_Box], frame: _Box) -> tuple[_Box, float]:
    places = []
    for rank, (dx, dy) in enumerate(_PLACES):
        left = px + dx if dx > 0 else px + dx - width if dx < 0 else px - width / 2
        box = _Box(left, py + dy - 8, left + width, py + dy + 8)
        outside = width * 16 - box.overlap(frame)
        places.append((sum(box.overlap(other) for other in taken) + 4 * outside + 3 * rank, rank, box, py + dy))
    _, _, box, middle = min(places, key=lambda place: place[:2])
    return box, middle


# Offsets of a name from its point, the preferred ones first.
_PLACES = (
    *((13, 0), (-13, 0), (10, -14), (-10, -14), (10, 14), (-10, 14), (0, -22), (0, 22)),
    *((13, -28), (-13, -28), (13, 28), (-13, 28), (16, -42), (-16, -42), (16, 42), (-16, 42)),
)
