"""Quality against costs."""

from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from hfseq.comparison.report.html.figures.figure import DataTable, Figure, Look, Panel, both, look_of
from hfseq.comparison.report.html.formats import cell_text, interval
from hfseq.comparison.report.html.svg.frame import Axis
from hfseq.comparison.report.html.svg.pareto import Measure, ParetoPoint, frontier, pareto

# Costs that the reader can choose. The table of all models has all of them.
MAX_COSTS = 6


def cost_figure(dataset: Mapping[str, Any], look: Look) -> Figure | None:
    """The Pareto picture, with one panel per cost; `None` if no cost of two models is known."""
    panels: list[Panel] = []
    rows: list[list[Any]] = []
    quality = _quality_axis(dataset)
    for cost in dataset.get("costs") or ():
        if len(panels) == MAX_COSTS:
            break
        points = pareto_points(dataset, cost, look)
        if len(points) < 2:
            continue
        axis = _cost_axis(cost)
        front = {point.name for point in frontier(points, axis, quality)}
        label = _label(points, axis, quality, front)
        panels.append(both(cost["name"], draw, points, axis, quality, label=label))
        rows += [
            [
                point.name,
                point.quality.value,
                point.quality.low,
                point.quality.high,
                cost["name"],
                show_cost(cost, point.name),
                point.cost.value,
                "yes" if point.name in front else "no",
            ]
            for point in points
        ]
    if not panels:
        return None
    kind = dataset["metric"]["format"]
    columns = [
        ("model", "text"),
        (quality.name, kind),
        ("low", kind),
        ("high", kind),
        ("cost", "text"),
        ("amount", "text"),
        ("value", "number"),
        ("on the frontier", "text"),
    ]
    notes = [cost["note"] for cost in dataset["costs"] if cost.get("note")]
    caption = (
        f"Each point is a model: its {quality.name} on the test split, with the 95 % interval as a vertical bar, "
        "against its cost. The line joins the models that no other model beats in both. "
        "Outlined points are baselines."
    )
    if look.chosen is not None:
        caption += " The ring marks the model of the verdict."
    return Figure("cost", panels, DataTable(columns, rows), caption, "Cost", remarks=notes)


def pareto_points(dataset: Mapping[str, Any], cost: Mapping[str, Any], look: Look) -> list[ParetoPoint]:
    """The models whose quality and cost are known."""
    kind = dataset["metric"]["format"]
    points = []
    for model in dataset["models"]:
        name, quality, amount = model["name"], model.get("quality"), cost["values"].get(model["name"])
        if not quality or quality.get("value") is None or not amount or amount.get("value") is None:
            continue
        title = f"{name}\n{dataset['metric']['name']}: {interval(quality, kind)}\n{cost['name']}: "
        title += interval(amount, cost["format"])
        points.append(
            ParetoPoint(name, look.slot(name), _measure(amount), _measure(quality), title, name == look.chosen)
        )
    return points


def draw(
    points: Sequence[ParetoPoint], cost: Axis, quality: Axis, width: int, label: str, background: bool = False
) -> Markup:
    """The Pareto picture in a given width."""
    return pareto(points, cost, quality, width, 440 if width > 500 else 360, label, background)


def pareto_svg(dataset: Mapping[str, Any], cost: str | None = None, width: int = 860) -> Markup:
    """The Pareto picture of one cost as a document of its own.

    Args:
        dataset (`Mapping[str, Any]`): one of the data sets of `report_data`.
        cost (`str`, *optional*, defaults to the first cost): key of the cost.
        width (`int`, *optional*, defaults to 860): width in pixels.

    Returns:
        `Markup`: the SVG document, with a white background.

    Raises:
        ValueError: the cost is unknown, or fewer than two models have it.
    """
    known = {row["key"]: row for row in dataset.get("costs") or ()}
    key = cost if cost is not None else next(iter(known), "")
    if key not in known:
        raise ValueError(f"no cost {key!r}; the comparison has {', '.join(known) or 'no costs'}")
    points = pareto_points(dataset, known[key], look_of(dataset))
    if len(points) < 2:
        raise ValueError(f"{key} is known for {len(points)} models; a picture needs two")
    axis, quality = _cost_axis(known[key]), _quality_axis(dataset)
    front = {point.name for point in frontier(points, axis, quality)}
    return draw(points, axis, quality, width, _label(points, axis, quality, front), background=True)


def show_cost(cost: Mapping[str, Any], name: str) -> str:
    """The cost of a model as text."""
    return cell_text(cost["values"][name], cost["format"])


def _quality_axis(dataset: Mapping[str, Any]) -> Axis:
    metric = dataset["metric"]
    unit = f" ({metric['unit']})" if metric.get("unit") else ""
    return Axis(f"{metric['name']}{unit}", metric["format"], metric["greater_is_better"])


def _cost_axis(cost: Mapping[str, Any]) -> Axis:
    return Axis(cost["name"], cost["format"], bool(cost.get("greater_is_better")))


def _measure(cell: Mapping[str, Any]) -> Measure:
    return Measure(cell["value"], cell.get("low"), cell.get("high"))


def _label(points: Sequence[ParetoPoint], cost: Axis, quality: Axis, front: set[str]) -> str:
    places = "; ".join(point.title.replace("\n", ", ") for point in points)
    best = ", ".join(point.name for point in points if point.name in front)
    return f"Scatter plot of {quality.name} against {cost.name}. {places}. On the Pareto frontier: {best}."
