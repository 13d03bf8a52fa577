"""Pictures of the report other than lines and points: bars, matrices, intervals, forecasts, ranks."""

import xml.etree.ElementTree as ET

import pytest

from hfseq.comparison.report.html.svg.bars import Bar, bar_chart
from hfseq.comparison.report.html.svg.critical_difference import critical_difference_chart
from hfseq.comparison.report.html.svg.differences import Difference, difference_chart
from hfseq.comparison.report.html.svg.dots import DotRow, dot_chart
from hfseq.comparison.report.html.svg.forecast import Forecast, forecast_chart
from hfseq.comparison.report.html.svg.frame import Axis
from hfseq.comparison.report.html.svg.heatmap import confusion_chart
from hfseq.comparison.report.html.svg.lines import Line, LinePoint, Span, line_chart
from hfseq.comparison.report.html.svg.palette import Slot
from hfseq.comparison.report.html.svg.reliability import ReliabilityBin, axis_starts, reliability_chart
from hfseq.comparison.report.html.svg.scales import within_reach
from hfseq.comparison.report.html.svg.whisker import whisker

SVG = "{http://www.w3.org/2000/svg}"


def groups(svg: str, title: str) -> ET.Element:
    """The group with this title."""
    return next(
        node
        for node in ET.fromstring(svg).iter(f"{SVG}g")
        if (found := node.find(f"{SVG}title")) is not None and found.text == title
    )


def texts(svg: str) -> list[str]:
    return [node.text or "" for node in ET.fromstring(svg).iter(f"{SVG}text")]


def numbers(node: ET.Element, *names: str) -> list[float]:
    return [float(node.get(name, "nan")) for name in names]


def test_within_reach_leaves_out_far_values():
    assert within_reach([10, 12], [9, 3, 13.5, 20]) == [10, 12, 9, 13.5]
    assert within_reach([1, 2], [0.05, 0.001, 0], log=True) == [1, 2, 0.05]
    assert within_reach([], [1, 100]) == [1, 100]
    assert within_reach([5], [1, 100]) == [5, 1, 100]


def test_bars_are_as_long_as_their_shares():
    svg = bar_chart([Bar("a", 0.5, "20 of 40"), Bar("b", 0.25, "10 of 40")])
    long, short = (groups(svg, title).find(f"{SVG}rect") for title in ("a: 20 of 40", "b: 10 of 40"))
    assert float(long.get("width")) == pytest.approx(2 * float(short.get("width")), rel=1e-3)


@pytest.mark.parametrize("width", [860, 340])
def test_differences_are_around_zero(width):
    rows = [
        Difference("a - b", 0.02, "+0.020", 0.01, 0.03, "p = 0.01", True, "first"),
        Difference("b - c", -0.02, "-0.020", -0.03, -0.01, "p = 0.20", False, "second"),
        Difference("a - majority", 0.4, "+0.400", 0.3, 0.5, "p < 0.001", True, "third", aside=True),
    ]
    svg = difference_chart(rows, Axis("difference"), 0.01, width)
    first, second = (numbers(groups(svg, title).find(f"{SVG}circle"), "cx")[0] for title in ("first", "second"))
    zero = next(node for node in ET.fromstring(svg).iter(f"{SVG}line") if node.get("stroke-width") == "1.5")
    assert (first + second) / 2 == pytest.approx(float(zero.get("x1")), abs=0.02)
    low, high = numbers(groups(svg, "first").find(f"{SVG}line"), "x1", "x2")
    assert low < first < high and first - low == pytest.approx(high - first, abs=0.02)
    assert groups(svg, "third").find(f"{SVG}circle") is None and "+0.400 →" in texts(svg)


def test_confusion_matrix_has_true_classes_as_rows():
    svg = confusion_chart(["no", "yes"], [[8, 2], [0, 10]])
    wrong = groups(svg, "true no, predicted yes: 2 of 10")
    right = groups(svg, "true yes, predicted yes: 10 of 10")
    (x1, y1), (x2, y2) = (numbers(node.findall(f"{SVG}rect")[1], "x", "y") for node in (wrong, right))
    assert x1 == x2 and y2 > y1
    shades = [float(node.findall(f"{SVG}rect")[1].get("fill-opacity")) for node in (wrong, right)]
    assert shades == pytest.approx([0.15, 0.55])
    assert groups(svg, "true yes, predicted no: 0 of 10").find(f"{SVG}text") is None


def test_confusion_matrix_of_many_classes_fits_its_width():
    labels = [f"a long name of class {index}" for index in range(20)]
    svg = confusion_chart(labels, [[1] * 20] * 20, 340)
    assert float(ET.fromstring(svg).get("width")) <= 340
    assert not any(text == "1" for text in texts(svg))


def test_dots_are_on_a_common_axis():
    rows = [DotRow("yes", "(10)", [("a", Slot(0), 0.5), ("b", Slot(1), 0.7)]), DotRow("no", "", [("a", Slot(0), 0.9)])]
    svg = dot_chart(rows, Axis("F1", "score"))
    found = [numbers(groups(svg, title).find(f"{SVG}circle"), "cx")[0] for title in ("yes, a: 0.500", "no, a: 0.900")]
    assert found[0] < found[1]


def test_perfect_confidence_is_on_the_diagonal():
    bins = [ReliabilityBin(0.6, 0.6, 10), ReliabilityBin(0.9, 0.9, 40)]
    assert axis_starts(bins) == (0.6, 0.6)
    svg = reliability_chart(bins, [], Slot(0), (0.5, 0.5))
    diagonal = next(n for n in ET.fromstring(svg).iter(f"{SVG}line") if n.get("stroke-dasharray") == "2 3")
    x1, y1, x2, y2 = numbers(diagonal, "x1", "y1", "x2", "y2")
    dots = [groups(svg, f"confidence {c}, correct {c} ({n} examples)") for c, n in (("0.600", 10), ("0.900", 40))]
    circles = [numbers(dot.find(f"{SVG}circle"), "cx", "cy", "r") for dot in dots]
    for x, y, _ in circles:
        assert (y - y1) / (y2 - y1) == pytest.approx((x - x1) / (x2 - x1), abs=1e-3)
    assert circles[0][2] < circles[1][2]


def test_forecasts_start_at_the_last_known_value():
    forecast = Forecast("a", Slot(0), [2.0, 3.0], [1.0, 2.0], [3.0, 4.0])
    svg = forecast_chart([0.0, 1.0], [2.0, None], [forecast], Axis("OT (°C)"))
    root = ET.fromstring(svg)
    history = next(n for n in root.iter(f"{SVG}path") if n.get("class") == "muted-stroke").get("d")
    truth = next(n for n in root.iter(f"{SVG}path") if n.get("class") == "ink-stroke").get("d")
    line = groups(svg, "a").findall(f"{SVG}path")[-1].get("d")
    assert history.split("L")[-1] == truth.split(" L")[0][1:] == line.split(" L")[0][1:]
    assert truth.count("L") == 1 and line.count("L") == 2


def test_critical_difference_is_drawn_to_scale():
    ranks = {"best": 1.0, "middle": 2.0, "worst": 3.0}
    svg = critical_difference_chart(ranks, 0.5, [["best", "middle"], ["worst"]])
    root = ET.fromstring(svg)
    bars = [node for node in root.iter(f"{SVG}line") if node.get("stroke-width") == "4"]
    assert len(bars) == 1
    paths = [groups(svg, f"{name}: mean rank {rank:.2f}").find(f"{SVG}path").get("d") for name, rank in ranks.items()]
    x = [float(path[1:].split()[0]) for path in paths]
    assert x[1] - x[0] == pytest.approx(x[2] - x[1])
    left, right = numbers(bars[0], "x1", "x2")
    assert left < x[0] < x[1] < right < x[2]
    critical = next(n for n in root.iter(f"{SVG}line") if n.get("y1") == n.get("y2") == "16")
    start, stop = numbers(critical, "x1", "x2")
    assert stop - start == pytest.approx(0.5 * (x[1] - x[0]))


def test_whisker_shows_an_arrow_outside_of_its_axis():
    inside = whisker(0.5, 0.4, 0.6, (0.0, 1.0), Slot(0))
    circle = next(ET.fromstring(inside).iter(f"{SVG}circle"))
    assert float(circle.get("cx")) == pytest.approx(48) and 'aria-hidden="true"' in inside
    outside = ET.fromstring(whisker(2.0, 1.9, 2.1, (0.0, 1.0), Slot(0)))
    assert not list(outside.iter(f"{SVG}circle")) and len(list(outside.iter(f"{SVG}path"))) == 1


def test_bins_and_crossings_of_lines():
    line = Line("a", Slot(0), [LinePoint(0, 0.5), LinePoint(1, 0.7)], markers=True)
    svg = line_chart([line], Axis("length"), Axis("accuracy", "score"), bars=[("1-5", 10.0), ("6-9", 20.0)])
    bars = [groups(svg, f"length {title} examples").find(f"{SVG}rect") for title in ("1-5: 10", "6-9: 20")]
    heights = [float(bar.get("height")) for bar in bars]
    assert heights[1] == pytest.approx(2 * heights[0], rel=1e-3)
    line = Line("a", Slot(0), [LinePoint(100, 0.5), LinePoint(1000, 0.7)])
    svg = line_chart([line], Axis("examples", log=True), Axis("accuracy", "score"), spans=[Span(300, "300", 200, 400)])
    band = next(n for n in ET.fromstring(svg).iter(f"{SVG}rect"))
    left, width = numbers(band, "x", "width")
    mark = next(n for n in ET.fromstring(svg).iter(f"{SVG}line") if n.get("stroke-dasharray") == "4 3")
    assert left < float(mark.get("x1")) < left + width and "300" in texts(svg)
