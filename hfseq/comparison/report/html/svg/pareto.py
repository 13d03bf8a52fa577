"""Quality against a cost, with the Pareto frontier."""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from hfseq.comparison.report.html.svg.elements import document, element, group, line, shorten, text, text_width
from hfseq.comparison.report.html.svg.frame import SMALL, Area, Axis, x_axis, y_axis
from hfseq.comparison.report.html.svg.palette import ACCENT, Slot, marker
from hfseq.comparison.report.html.svg.scales import Scale, fit_scale


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
    points: Sequence[ParetoPoint], cost: Axis, quality: Axis, width: float = 860, height: float = 440, label: str = ""
) -> Markup:
    """Draws the models as points, quality upwards and cost to the right.

    Args:
        points (`Sequence[ParetoPoint]`): the models.
        cost (`Axis`): horizontal axis; logarithmic if the costs differ by a factor of 10 or more.
        quality (`Axis`): vertical axis.
        width (`float`, *optional*, defaults to 860): width in pixels.
        height (`float`, *optional*, defaults to 440): height in pixels.
        label (`str`, *optional*): what the picture shows, for screen readers.

    Returns:
        `Markup`: the SVG document.
    """
    area = Area(52, 34, width - 16, height - 50)
    costs = [point.cost.value for point in points]
    x = fit_scale(costs, area.left, area.right, cost.is_log(costs), padding=0.1)
    y = fit_scale(
        [end for point in points for end in (*point.quality.ends, point.quality.value)],
        area.bottom,
        area.top,
        False,
        0.08,
    )
    parts = [*y_axis(y, area, quality), *x_axis(x, area, cost, 6 if width > 500 else 4)]
    parts += [_frontier(frontier(points, cost, quality), x, y, area, cost, quality), _direction(area, cost, quality)]
    parts += [_mark(point, x, y) for point in points]
    parts += _labels(points, x, y, area)
    return document(width, height, label, parts, "pareto")


def _frontier(front: Sequence[ParetoPoint], x: Scale, y: Scale, area: Area, cost: Axis, quality: Axis) -> Markup:
    """A staircase through the frontier, and the area that it dominates."""
    worst_x = area.left if cost.greater_is_better else area.right
    worst_y = area.top if quality.greater_is_better is False else area.bottom
    steps = [f"M{x(front[0].cost.value):.2f} {worst_y:.2f}"]
    for point in front:
        steps += [f"H{x(point.cost.value):.2f}", f"V{y(point.quality.value):.2f}"]
    stairs = " ".join([*steps, f"H{worst_x:.2f}"])
    return group(
        [
            element("path", d=f"{stairs} V{worst_y:.2f} Z", class_="accent-fill", fill=ACCENT, fill_opacity=0.06),
            element("path", d=stairs, class_="accent-line", fill="none", stroke=ACCENT, stroke_width=1.25),
        ],
        class_="frontier",
    )


def _direction(area: Area, cost: Axis, quality: Axis) -> Markup:
    """The word "better" in the best corner."""
    left, up = not cost.greater_is_better, quality.greater_is_better is not False
    arrow = {(True, True): "↖", (True, False): "↙", (False, True): "↗", (False, False): "↘"}[left, up]
    content = f"{arrow} better" if left else f"better {arrow}"
    x, anchor = (area.left + 8, "start") if left else (area.right - 8, "end")
    y = area.top + 14 if up else area.bottom - 8
    return text(x, y, content, "muted", text_anchor=anchor, font_size=SMALL, font_style="italic")


def _mark(point: ParetoPoint, x: Scale, y: Scale) -> Markup:
    px, py = x(point.cost.value), y(point.quality.value)
    low, high = (y.clamped(end) for end in point.quality.ends)
    stroke = {"stroke": point.slot.color, "stroke_width": 1.5, "class_": "stroke"}
    parts = []
    if low != high:
        parts.append(element("line", x1=px, y1=low, x2=px, y2=high, **stroke))
        parts += [element("line", x1=px - 4, y1=end, x2=px + 4, y2=end, **stroke) for end in (low, high)]
    left, right = (x.clamped(end) for end in point.cost.ends)
    if right - left > 8:
        parts.append(element("line", x1=left, y1=py, x2=right, y2=py, **stroke))
    if point.chosen:
        parts.append(
            element(
                "circle", cx=px, cy=py, r=11.0, class_="accent-line", fill="none", stroke=ACCENT, stroke_width=1.75
            )
        )
    parts.append(marker(px, py, point.slot, 6.5))
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


def _labels(points: Sequence[ParetoPoint], x: Scale, y: Scale, area: Area) -> list[Markup]:
    """A name beside each point, where it covers the fewest other names, points and whiskers."""
    taken = []
    for point in points:
        px, py = x(point.cost.value), y(point.quality.value)
        low, high = (y.clamped(end) for end in point.quality.ends)
        taken += [_Box(px - 8, py - 8, px + 8, py + 8), _Box(px - 3, min(low, high), px + 3, max(low, high))]
    frame = _Box(area.left, area.top, area.right, area.bottom)
    parts = []
    for point in sorted(points, key=lambda point: not point.chosen):
        name = shorten(point.name, (area.right - area.left) * 0.45)
        box, middle = _best_place(x(point.cost.value), y(point.quality.value), text_width(name) + 4, taken, frame)
        taken.append(box)
        center_x, center_y = x(point.cost.value), y(point.quality.value)
        if abs(middle - center_y) > 24:
            edge = box.left if box.left > center_x else box.right
            parts.append(line(center_x, center_y, edge, middle, "axis", stroke_width=0.75))
        parts.append(
            text(
                box.left + 2,
                middle + 4,
                name,
                "muted" if point.slot.baseline else "ink",
                font_weight=700 if point.chosen else None,
                halo=True,
                data_model=point.name,
            )
        )
    return parts


def _best_place(px: float, py: float, width: float, taken: Sequence[_Box], frame: _Box) -> tuple[_Box, float]:
    places = []
    for rank, (dx, dy) in enumerate(_PLACES):
        left = px + dx if dx > 0 else px + dx - width if dx < 0 else px - width / 2
        box = _Box(left, py + dy - 8, left + width, py + dy + 8)
        outside = width * 16 - box.overlap(frame)
        places.append((sum(box.overlap(other) for other in taken) + 4 * outside + rank, rank, box, py + dy))
    _, _, box, middle = min(places, key=lambda place: place[:2])
    return box, middle


# Offsets of a name from its point, the preferred ones first.
_PLACES = (
    *((13, 0), (-13, 0), (10, -14), (-10, -14), (10, 14), (-10, 14), (0, -20), (0, 20)),
    *((13, -28), (-13, -28), (13, 28), (-13, 28), (16, -42), (-16, -42), (16, 42), (-16, 42)),
)
