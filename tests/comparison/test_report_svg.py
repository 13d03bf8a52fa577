"""Pictures of the report: positions, ticks, escaping."""

import math
import re
import xml.etree.ElementTree as ET
from importlib import resources
from itertools import pairwise

import numpy as np
import pytest

from hfseq.comparison.report.html.svg.elements import element, shorten, text
from hfseq.comparison.report.html.svg.frame import Axis
from hfseq.comparison.report.html.svg.lines import Line, LinePoint, line_chart, spread
from hfseq.comparison.report.html.svg.palette import COLORS, Slot
from hfseq.comparison.report.html.svg.pareto import Measure, ParetoPoint, frontier, pareto
from hfseq.comparison.report.html.svg.scales import Scale, fit_scale, log_ticks, nice_ticks

HOSTILE = '<script>alert("a")</script> & \x07'
SVG = "{http://www.w3.org/2000/svg}"


def point(name: str, cost: float, quality: float, number: int = 0, **more) -> ParetoPoint:
    return ParetoPoint(name, Slot(number), Measure(cost), Measure(quality), name, **more)


def marks(svg: str, name: str) -> list[ET.Element]:
    return [node for node in ET.fromstring(svg).iter(f"{SVG}g") if node.get("data-model") == name]


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0.0, 1.0, [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]),
        (0.81, 0.89, [0.82, 0.84, 0.86, 0.88]),
        (-3.0, 7.0, [-2.0, 0.0, 2.0, 4.0, 6.0]),
        (12_000, 58_000, [20_000, 30_000, 40_000, 50_000]),
        (5.0, 5.0, [5.0]),
    ],
)
def test_nice_ticks(low, high, expected):
    assert nice_ticks(low, high) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0.5, 20, [0.5, 1, 2, 5, 10, 20]),
        (1, 1e6, [1, 10, 100, 1e3, 1e4, 1e5, 1e6]),
        (1.1, 1.9, [1.2, 1.4, 1.6, 1.8]),
    ],
)
def test_log_ticks(low, high, expected):
    assert log_ticks(low, high) == pytest.approx(expected)


def test_scales_map_values_to_pixels():
    linear, log = Scale(0, 10, 100, 200), Scale(1, 100, 200, 0, log=True)
    assert [linear(0), linear(5), linear(10), linear.clamped(20)] == [100, 150, 200, 200]
    assert [log(1), log(10), log(100)] == pytest.approx([200, 100, 0])


def test_fit_scale_has_room_for_equal_and_for_no_values():
    for values in ([], [3.0], [0.0, 0.0], [math.nan, 2.0], [math.inf, 1.0]):
        scale = fit_scale(values, 0, 100)
        assert math.isfinite(scale.low) and scale.low < scale.high
    assert fit_scale([0.0, 1.0, 100.0], 0, 1, log=True).low > 0


def test_fit_scale_keeps_to_the_limits_unless_values_are_outside():
    assert (fit_scale([0.9, 1.0], 0, 1, limits=(0, 1)).high, fit_scale([0.0], 0, 1, limits=(0, 1)).low) == (1, 0)
    assert fit_scale([0.2, 1.4], 0, 1, limits=(0, 1)).high == 1.4


def test_spread_keeps_distances_order_and_limits():
    assert spread([10.0, 11.0, 50.0], 10, 0, 100) == [5.5, 15.5, 50.0]
    places = spread([95.0, 96.0, 97.0, 98.0], 12, 0, 100)
    assert places == sorted(places) and places[-1] <= 100
    assert all(b - a >= 12 - 1e-9 for a, b in pairwise(places))


def test_elements_escape_texts_and_attributes():
    node = ET.fromstring(element("g", HOSTILE, text(0, 0, HOSTILE), data_model=HOSTILE))
    assert node.text == node.get("data-model") == HOSTILE.replace("\x07", "\ufffd")
    assert node[0].text == node.text


def test_elements_leave_out_missing_attributes_and_round():
    assert element("line", x1=1.23456, x2=10.0, y1=0.0, stroke=None) == '<line x1="1.23" x2="10" y1="0"/>'


def test_shorten_keeps_both_ends():
    assert shorten("short", 200) == "short"
    cut = shorten("a-very-long-name-of-a-model-512", 80)
    assert len(cut) < 15 and cut.startswith("a-ver") and cut.endswith("512") and "…" in cut


def test_frontier_of_costs_and_errors():
    points = [point("cheap", 1, 0.7), point("dominated", 3, 0.69), point("best", 10, 0.9), point("tie", 12, 0.9)]
    low, high = Axis("cost", greater_is_better=False), Axis("quality", greater_is_better=True)
    assert [p.name for p in frontier(points, low, high)] == ["cheap", "best"]
    error, speed = Axis("error", greater_is_better=False), Axis("speed", greater_is_better=True)
    assert [p.name for p in frontier(points, low, error)] == ["cheap", "dominated"]
    assert [p.name for p in frontier(points, speed, high)] == ["tie"]


def test_pareto_places_marks_by_cost_and_quality():
    points = [point("a", 1.0, 0.70), point(HOSTILE, 100.0, 0.90, 1, chosen=True)]
    svg = pareto(points, Axis("latency", "ms", False), Axis("accuracy", "share", True), label="Costs")
    root = ET.fromstring(svg)
    assert root.get("viewBox") == "0 0 860 440" and root.get("role") == "img"
    circle = marks(svg, "a")[0].findall(f"{SVG}circle")[-1]
    square = marks(svg, HOSTILE.replace("\x07", "\ufffd"))[0].find(f"{SVG}polygon")
    x, y = (float(v) for v in square.get("points").split()[0].split(","))
    assert float(circle.get("cx")) < x and float(circle.get("cy")) > y
    assert circle.get("fill") == COLORS[0]
    texts = [node.text for node in root.iter(f"{SVG}text")]
    assert {"1 ms", "10 ms", "100 ms", "80\N{NO-BREAK SPACE}%", "latency"} <= set(texts)
    assert "<script" not in svg


def test_frontier_is_drawn_through_points_at_the_edge_of_the_costs():
    slots = (Slot(0), Slot(1), Slot(0, True), Slot(1, True))
    values = ((3.0, 0.45), (4.0, 0.5), (0.05, 0.37), (0.004, 2.0))
    points = [ParetoPoint("m", slot, Measure(c), Measure(q), "m") for slot, (c, q) in zip(slots, values, strict=True)]
    svg = pareto(points, Axis("latency", "ms", False), Axis("MSE", greater_is_better=False))
    stairs = [node for node in ET.fromstring(svg).iter(f"{SVG}g") if node.get("class") == "frontier"]
    # Only the good baseline on the left: the line goes along its quality to the right.
    assert len(stairs) == 1 and stairs[0].findall(f"{SVG}path")[1].get("d").startswith(
        "M52.00 34.00 L52.00 34.00 L52.00"
    )


def test_lines_pass_through_their_points():
    line = Line("a", Slot(0), [LinePoint(1, 0.2), LinePoint(2, 0.4), LinePoint(3, 0.8, 0.7, 0.9)], markers=True)
    svg = line_chart([line], Axis("epoch"), Axis("accuracy", "share"))
    mark = marks(svg, "a")[0]
    path = mark.findall(f"{SVG}path")[-1].get("d").replace("M", "").replace("L", "").split()
    xs, ys = [float(v) for v in path[::2]], [float(v) for v in path[1::2]]
    circles = [(float(c.get("cx")), float(c.get("cy"))) for c in mark.iter(f"{SVG}circle")]
    assert sum(circles, ()) == pytest.approx(sum(zip(xs, ys, strict=True), ()))
    assert xs[1] - xs[0] == pytest.approx(xs[2] - xs[1], rel=1e-3)
    assert ys[1] - ys[2] == pytest.approx(2 * (ys[0] - ys[1]), rel=1e-3)


# Colours as seen with protanopia, deuteranopia and tritanopia (Machado et al. 2009), in linear RGB.
VISION = {
    "normal": np.eye(3),
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.3039]],
}


def linear(color: str) -> np.ndarray:
    rgb = np.array([int(color[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)


def oklab(rgb: np.ndarray) -> np.ndarray:
    """Perceptual coordinates (Ottosson 2020), times 100: a distance of 2 is just noticeable."""
    cones = np.clip(rgb, 0, 1) @ np.transpose(
        [[0.4122, 0.5363, 0.0514], [0.2119, 0.6807, 0.1074], [0.0883, 0.2817, 0.63]]
    )
    return (
        100
        * np.cbrt(cones)
        @ np.transpose([[0.2105, 0.7936, -0.0041], [1.978, -2.4286, 0.4506], [0.0259, 0.7828, -0.8087]])
    )


def contrast(one: str, other: str) -> float:
    low, high = sorted(float(linear(color) @ [0.2126, 0.7152, 0.0722]) + 0.05 for color in (one, other))
    return high / low


@pytest.mark.parametrize("vision", VISION)
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_colours_are_distinct_and_visible(theme, vision):
    style = resources.files("hfseq.comparison.report.html").joinpath("style.css").read_text()
    pairs = re.findall(r"--s\d: light-dark\((#\w+), (#\w+)\)", style)
    assert tuple(pair[0] for pair in pairs) == COLORS
    colors = [pair[theme == "dark"] for pair in pairs]
    paper = re.search(r"--paper: light-dark\((#\w+), (#\w+)\)", style)[1 + (theme == "dark")]
    assert min(contrast(color, paper) for color in colors) >= 3
    seen = [oklab(linear(color) @ np.transpose(VISION[vision])) for color in colors]
    distances = {(i, j): np.linalg.norm(seen[i] - seen[j]) for i in range(8) for j in range(i)}
    assert min(distances.values()) > 5
    assert min(distance for (i, j), distance in distances.items() if max(i, j) < 4) > 12
