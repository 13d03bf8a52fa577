"""What the templates show of one data set, made from the dict of `report_data`."""

from collections.abc import Mapping, Sequence
from typing import Any

from hfseq.comparison.report.html.figures.classes import (
    class_scores_figure,
    confusion_figure,
    precision_recall_figure,
    reliability_figure,
)
from hfseq.comparison.report.html.figures.cost import cost_figure
from hfseq.comparison.report.html.figures.curves import epochs_figure, length_figure, train_sizes_figure
from hfseq.comparison.report.html.figures.figure import DataTable, Figure, Look, look_of
from hfseq.comparison.report.html.figures.pairs import pairs_figure, pairs_matrix
from hfseq.comparison.report.html.formats import MISSING, cell_text, interval_ends, margin, show
from hfseq.comparison.report.html.outputs import outputs_section
from hfseq.comparison.report.html.svg.dots import icon
from hfseq.comparison.report.html.svg.scales import within_reach
from hfseq.comparison.report.html.svg.whisker import whisker

STATUS = {
    "decided": "Decided",
    "provisional": "Provisional",
    "undecided": "The data cannot tell",
    "none": "No model recommended",
}
# What the chosen model is called, if it is not recommended.
CHOSEN = {"undecided": "best so far"}
# Costs of a model that are shown beside the verdict.
_GLANCE_COSTS = 3


def dataset_view(dataset: Mapping[str, Any]) -> dict[str, Any]:
    """Everything that the template of a data set needs.

    Returns:
        `dict`: `id`, `dataset`, `look`, `icons` by model; `headline`, `rest`, `status` and `glance` of the
        verdict; `checks` with their anchors; `table`; `sections`:
        each with `key`, `title`, `template` and what the template needs; `figures`: all pictures; `tables`: the
        data behind the pictures and examples, by key.
    """
    look = look_of(dataset)
    headline, rest = split_sentence(dataset["verdict"]["sentence"])
    sections = [section for section in _sections(dataset, look) if section is not None]
    tables = {figure.key: figure.table for section in sections for figure in section.get("figures", ())}
    tables |= {section["key"]: section["table"] for section in sections if isinstance(section.get("table"), DataTable)}
    return {
        "id": dataset["id"],
        "dataset": dataset,
        "look": look,
        "icons": {name: icon(slot) for name, slot in look.slots.items()},
        "headline": headline,
        "rest": rest,
        "chosen": CHOSEN.get(dataset["verdict"]["status"], "recommended"),
        "status": STATUS.get(dataset["verdict"]["status"], dataset["verdict"]["status"]),
        "basis": _basis(dataset),
        "glance": glance(dataset),
        # The same check may speak up several times.
        "checks": [
            {**check, "anchor": f"{dataset['id']}-check-{number}"}
            for number, check in enumerate(dataset.get("checks") or (), 1)
        ],
        "sections": sections,
        "tables": tables,
        "figures": [figure for section in sections for figure in section.get("figures", ())],
    }


def _sections(dataset: Mapping[str, Any], look: Look) -> list[dict[str, Any] | None]:
    matrix = pairs_matrix(dataset)
    learning = [epochs_figure(dataset, look), train_sizes_figure(dataset, look)]
    return [
        _section("cost", "Quality and cost", [cost_figure(dataset, look)]),
        {"key": "models", "title": "All models", "template": "table.jinja", "table": table_view(dataset, look)},
        _section("pairs", "Differences between models", [pairs_figure(dataset, look)], "pairs.jinja", matrix=matrix),
        _section("learning", "Learning curves", learning),
        channels_section(dataset, look),
        _section("lengths", "Quality by input length", [length_figure(dataset, look)]),
        _section("classes", "Classes", [confusion_figure(dataset, look), class_scores_figure(dataset, look)]),
        _section(
            "probabilities",
            "Probabilities",
            [reliability_figure(dataset, look), precision_recall_figure(dataset, look)],
        ),
        outputs_section(dataset, look),
        {"key": "checks", "title": "Checks", "template": "checks.jinja"} if dataset.get("checks") else None,
        {"key": "method", "title": "How it was done", "template": "method.jinja"},
    ]


def channels_section(dataset: Mapping[str, Any], look: Look) -> dict[str, Any] | None:
    """The table of the errors of each channel; `None` without them."""
    channels = dataset.get("channels")
    if not channels or not channels.get("rows"):
        return None
    models = look.named(list(dict.fromkeys(name for row in channels["rows"] for name in row["cells"])))
    first, *others = channels["metrics"]
    rows = []
    for row in channels["rows"]:
        values = [row["cells"].get(name, {}) for name in models]
        known = [value[first["key"]] for value in values if value.get(first["key"]) is not None]
        cells = [
            {
                "text": show(value.get(first["key"]), first["format"]),
                "others": [show(value.get(metric["key"]), metric["format"]) for metric in others],
                "best": len(known) > 1 and value.get(first["key"]) == min(known),
            }
            for value in values
        ]
        rows.append({"channel": row["channel"], "unit": row.get("unit"), "cells": cells})
    return {
        "key": "channels",
        "title": "Errors by channel",
        "template": "channels.jinja",
        "models": models,
        "rows": rows,
        "lead": "; below it: ".join(metric["name"] for metric in channels["metrics"]),
    }


def split_sentence(text: str) -> tuple[str, str]:
    """The first sentence of a text, and the others."""
    first, stop, rest = text.partition(". ")
    return first + stop.strip(), rest


def _section(
    key: str, title: str, figures: Sequence[Figure | None], template: str = "figures.jinja", **more: Any
) -> dict[str, Any] | None:
    found = [figure for figure in figures if figure is not None]
    if not found:
        return None
    return {"key": key, "title": title, "template": template, "figures": found, **more}


def _basis(dataset: Mapping[str, Any]) -> str:
    """How the verdict was reached: the split, the margin, and the cost that decides."""
    verdict, metric = dataset["verdict"], dataset["metric"]
    parts = []
    if verdict.get("margin") is not None:
        width = margin(verdict["margin"], metric["format"])
        parts.append(f"Models within {width} of {metric['name']} count as equally good")
    if verdict.get("prefer"):
        parts.append(f"among those, the smallest {_PREFER.get(verdict['prefer'], verdict['prefer'])} decides")
    text = "; ".join(parts)
    if verdict.get("split") == "test":
        text += ". There are no validation figures: the choice and the figures below rest on the same test split."
    elif verdict.get("split"):
        text += f". The choice rests on the {verdict['split']} split; the figures below are of the test split."
    return text


_PREFER = {"size": "size on disk", "memory": "memory", "training": "training time", "energy": "energy"}


def glance(dataset: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The models that the verdict is about: the recommended one, the best one, and the best baseline.

    The best ones are those of the split on which the models are chosen. If it is not known, of the test split.

    Returns:
        `list[dict]`: for each, `role`, `name`, `quality`, `interval`, and `costs`: pairs of name and text.
    """
    verdict, metric = dataset["verdict"], dataset["metric"]
    known = [model for model in dataset["models"] if (model.get("quality") or {}).get("value") is not None]
    sign = 1 if metric["greater_is_better"] else -1
    ranked = sorted(known, key=lambda model: -sign * model["quality"]["value"])
    roles: dict[str, list[str]] = {}
    if verdict.get("model"):
        roles.setdefault(verdict["model"], []).append(CHOSEN.get(verdict["status"], "recommended").capitalize())
    models = [model["name"] for model in ranked if model.get("kind") != "baseline"]
    baselines = [model["name"] for model in ranked if model.get("kind") == "baseline"]
    models, baselines = _first(verdict.get("best"), models), _first(verdict.get("baseline"), baselines)
    if models:
        roles.setdefault(models[0], []).append("best model" if roles.get(models[0]) else "Best model")
    if len(models) > 1 and len(roles) == 1:
        roles.setdefault(models[1], []).append("Best of the others")
    if baselines:
        roles.setdefault(baselines[0], []).append("Best baseline")
    by_name = {model["name"]: model for model in ranked}
    if not verdict.get("model"):
        roles = {name: roles[name] for name in by_name if name in roles}
    return [
        {
            "role": ", ".join(role),
            "name": name,
            "chosen": name == verdict.get("model"),
            "quality": cell_text(by_name[name]["quality"], metric["format"]),
            "interval": interval_ends(by_name[name]["quality"], metric["format"]),
            "costs": [
                (cost["name"], cell_text(cost["values"][name], cost["format"]))
                for cost in (dataset.get("costs") or ())[:_GLANCE_COSTS]
                if (cost["values"].get(name) or {}).get("value") is not None
            ],
        }
        for name, role in roles.items()
        if name in by_name
    ]


def _first(name: str | None, names: Sequence[str]) -> list[str]:
    """The names, with this one first."""
    return sorted(names, key=lambda other: other != name)


def table_view(dataset: Mapping[str, Any], look: Look) -> dict[str, Any]:
    """The table of all models: the best first, those without figures last."""
    columns = dataset["table"]["columns"]
    primary = dataset["metric"]["key"]
    sign = -1 if dataset["metric"]["greater_is_better"] else 1
    models = {model["name"]: model for model in dataset["models"]}
    best = {column["key"]: _best(dataset["table"]["rows"], column, look) for column in columns}
    limits = _limits(dataset["table"]["rows"], primary, look)

    def order(row: Mapping[str, Any]) -> tuple[bool, float]:
        value = (row["cells"].get(primary) or {}).get("value")
        return value is None, sign * value if value is not None else 0.0

    rows = []
    for row in sorted(dataset["table"]["rows"], key=order):
        model = models.get(row["model"], {})
        cells = [_cell(row["cells"].get(column["key"]), column, best) for column in columns]
        quality = row["cells"].get(primary) or {}
        picture = None
        if limits and quality.get("value") is not None:
            ends = quality.get("low"), quality.get("high")
            picture = whisker(quality["value"], *ends, limits, look.slot(row["model"]))
        baseline, chosen = model.get("kind") == "baseline", row["model"] == look.chosen
        rows.append({"model": model, "cells": cells, "picture": picture, "baseline": baseline, "chosen": chosen})
    return {"columns": columns, "rows": rows, "primary": primary, "notes": dataset["table"].get("notes") or []}


def _best(rows: Sequence[Mapping[str, Any]], column: Mapping[str, Any], look: Look) -> float | None:
    """The best value of a column. Baselines do not count for costs: a trivial one costs next to nothing."""
    if column.get("group") != "quality":
        rows = [row for row in rows if not look.slot(row["model"]).baseline]
    values = [(row["cells"].get(column["key"]) or {}).get("value") for row in rows]
    known = [value for value in values if value is not None]
    if len(known) < 2 or column.get("better") not in ("higher", "lower"):
        return None
    return max(known) if column["better"] == "higher" else min(known)


def _cell(
    cell: Mapping[str, Any] | None, column: Mapping[str, Any], best: Mapping[str, float | None]
) -> dict[str, Any]:
    if not cell or cell.get("value") is None:
        return {"text": (cell or {}).get("text") or MISSING, "value": "", "range": "", "best": False}
    kind = column["format"]
    ends = interval_ends(cell, kind) if column.get("group") == "quality" else ""
    is_best = cell["value"] == best[column["key"]]
    return {"text": cell_text(cell, kind), "value": cell["value"], "range": ends, "best": is_best}


def _limits(rows: Sequence[Mapping[str, Any]], primary: str, look: Look) -> tuple[float, float] | None:
    """Ends of the axis of the small pictures in the table."""
    ends: dict[bool, list[float]] = {True: [], False: []}
    for row in rows:
        cell = row["cells"].get(primary) or {}
        known = [cell[key] for key in ("value", "low", "high") if cell.get(key) is not None]
        ends[look.slot(row["model"]).baseline] += known
    shown = within_reach(ends[False], ends[True])
    return (min(shown), max(shown)) if shown else None
