"""Learning curves over epochs and over labels, and quality by the length of the input."""

from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from hfseq.comparison.report.html.figures.figure import PHONE, WIDE, DataTable, Figure, Look, Panel, both
from hfseq.comparison.report.html.formats import MISSING, interval, show
from hfseq.comparison.report.html.svg.frame import Axis
from hfseq.comparison.report.html.svg.lines import Line, LinePoint, Span, line_chart
from hfseq.comparison.report.html.svg.scales import within_reach
from hfseq.formatting import join_words


def epochs_figure(dataset: Mapping[str, Any], look: Look) -> Figure | None:
    """Training curves; `None` without them."""
    panels = [panel for panel in (dataset.get("epochs") or {}).get("panels", ()) if panel.get("lines")]
    if not panels:
        return None
    width = WIDE if len(panels) == 1 else 420
    rows = [
        [panel["name"], line["model"], line["split"], x, y]
        for panel in panels
        for line in panel["lines"]
        for x, y in zip(line["x"], line["y"], strict=True)
        if y is not None
    ]
    columns = [("measure", "text"), ("model", "text"), ("split", "text"), ("epoch", "number"), ("value", "number")]
    return Figure(
        "epochs",
        [Panel(panel["name"], _epochs(panel, look, width), _epochs(panel, look, PHONE)) for panel in panels],
        DataTable(columns, rows),
        "Solid lines: validation split. Dashed lines: training. Bands: smallest to largest seed. A point marks the "
        "epoch whose weights were kept.",
        together=True,
    )


def _epochs(panel: Mapping[str, Any], look: Look, width: int) -> Markup:
    lines = []
    for row in sorted(panel["lines"], key=lambda row: row["split"] != "train"):
        lows, highs = row.get("low") or [None] * len(row["x"]), row.get("high") or [None] * len(row["x"])
        points = [
            LinePoint(x, y, low, high, f"{row['model']}, epoch {show(x, 'count')}: {show(y, panel['format'])}")
            for x, y, low, high in zip(row["x"], row["y"], lows, highs, strict=True)
            if y is not None
        ]
        if points:
            is_train = row["split"] == "train"
            lines.append(Line(row["model"], look.slot(row["model"]), points, is_train, marked=row.get("best")))
    y = Axis(panel["name"], panel["format"], log=panel.get("log", False))
    label = f"{panel['name']} by epoch. " + " ".join(
        f"{line.name}: from {show(line.points[0].y, y.format)} to {show(line.points[-1].y, y.format)}."
        for line in lines
        if not line.faint
    )
    return line_chart(lines, Axis("epoch", log=False), y, width, 320, label)


def train_sizes_figure(dataset: Mapping[str, Any], look: Look) -> Figure | None:
    """Quality by the number of labelled examples; `None` if it was not measured."""
    sizes = dataset.get("train_sizes")
    if not sizes or not sizes.get("lines"):
        return None
    kind = sizes["format"]
    lines = []
    for row in sizes["lines"]:
        points = [
            LinePoint(
                point["size"],
                point["mean"],
                point.get("low"),
                point.get("high"),
                f"{row['model']}, {point['size']:,} examples: {interval({**point, 'value': point['mean']}, kind)}",
            )
            for point in row["points"]
            if point["mean"] is not None
        ]
        if points:
            lines.append(Line(row["model"], look.slot(row["model"]), points, markers=True))
    crossings = sizes.get("crossings") or []
    spans = [
        Span(cross["size"], f"{cross['size']:,.0f}", cross.get("low"), cross.get("high"))
        for cross in crossings
        if cross.get("size")
    ]
    lines, outside = _near(lines, kind)
    axis, y = Axis("labelled training examples", "integer", log=True), Axis(sizes["name"], kind)
    label = f"{sizes['name']} by number of labelled examples. " + " ".join(_ends(line, kind) for line in lines)
    rows = [
        [row["model"], point["size"], point["mean"], point.get("low"), point.get("high")]
        for row in sizes["lines"]
        for point in row["points"]
    ]
    columns = [("model", "text"), ("examples", "count"), (sizes["name"], kind), ("low", kind), ("high", kind)]
    return Figure(
        "labels",
        [both("", line_chart, lines, axis, y, height=360, label=label, ticks=sizes.get("sizes"), spans=spans)],
        DataTable(columns, rows),
        "Test split, with 95 % intervals as bands."
        + (" A dashed line marks where one model overtakes another, with its interval." if spans else ""),
        remarks=[*(cross["sentence"] for cross in crossings if cross.get("sentence")), *outside],
    )


def _ends(line: Line, kind: str) -> str:
    first, last = line.points[0], line.points[-1]
    return f"{line.name}: {show(first.y, kind)} with {first.x:,}, {show(last.y, kind)} with {last.x:,}."


def _near(lines: Sequence[Line], kind: str) -> tuple[list[Line], list[str]]:
    """The lines that a picture shows, and a sentence about baselines that are far from all models."""
    core = [point.y for line in lines if not line.slot.baseline for point in line.points]
    shown = [
        line
        for line in lines
        if not line.slot.baseline or len(within_reach(core, [p.y for p in line.points])) > len(core)
    ]
    outside = [line for line in lines if line not in shown]
    texts = [f"{line.name} ({show(line.points[-1].y, kind)})" for line in outside]
    return shown, [f"Outside the picture: {join_words(texts)}."] if texts else []


def length_figure(dataset: Mapping[str, Any], look: Look) -> Figure | None:
    """Quality by the length of the input; `None` if it is not known."""
    data = dataset.get("by_length")
    if not data or not data.get("lines"):
        return None
    kind = data["format"]
    names = [f"{b['low']}{MISSING}{b['high']}" if b["low"] != b["high"] else f"{b['low']}" for b in data["bins"]]
    lines = []
    for row in data["lines"]:
        points = [
            LinePoint(
                index,
                cell["value"],
                cell.get("low"),
                cell.get("high"),
                f"{row['model']}, {names[index]} {data['unit']}: {interval(cell, kind)}",
            )
            for index, cell in enumerate(row["points"])
            if cell and cell.get("value") is not None
        ]
        if points:
            lines.append(Line(row["model"], look.slot(row["model"]), points, markers=True, intervals="whiskers"))
    lines, outside = _near(lines, kind)
    bars = [(name, float(b["examples"])) for name, b in zip(names, data["bins"], strict=True)]
    axis, y = Axis(f"input length ({data['unit']})"), Axis(data["name"], kind)
    label = f"{data['name']} by input length. " + " ".join(
        f"{line.name}: {show(line.points[0].y, kind)} (shortest) to {show(line.points[-1].y, kind)} (longest)."
        for line in lines
    )
    return Figure(
        "length",
        [both("", line_chart, lines, axis, y, height=360, label=label, bars=bars)],
        DataTable(
            [
                ("model", "text"),
                ("length", "text"),
                (data["name"], kind),
                ("low", kind),
                ("high", kind),
                ("examples", "count"),
            ],
            [
                _length_row(row["model"], names[i], cell, data["bins"][i])
                for row in data["lines"]
                for i, cell in enumerate(row["points"])
            ],
        ),
        "Test split, with 95 % intervals. The grey bars show how many examples have each length.",
        remarks=outside,
    )


def _length_row(model: str, name: str, cell: Mapping[str, Any] | None, bin_: Mapping[str, Any]) -> Sequence[Any]:
    cell = cell or {}
    return [model, name, cell.get("value"), cell.get("low"), cell.get("high"), bin_["examples"]]
