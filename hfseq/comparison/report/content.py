"""Sentences above and below the comparison table."""

from collections.abc import Mapping
from typing import Any

from hfseq.comparison.report.cells import metric_cells
from hfseq.formatting import figure

GUIDE = "recipes/guides/checks.md"


# Options that change how the models are trained and compared. Their rules are said above the table.
_BUDGETS = ("tune", "match", "folds", "repeat_splits", "train_sizes")


def captions(comparison: Mapping[str, Any]) -> list[str]:
    """Sentences above the table: data, number of seeds, rules of the budgets, machine."""
    data = comparison["data"]
    lines = []
    if data:
        examples = ", ".join(f"{number:,} {name}" for name, number in data["examples"].items())
        lines.append(f"{data['description']}; examples: {examples}")
    lines.append(_figures(comparison))
    protocol = comparison.get("protocol", {})
    if any(protocol.get(name) is not None for name in _BUDGETS):
        lines += protocol.get("rules", [])
    machine = comparison["environment"]
    if machine:
        lines.append(
            f"Trained on {machine['device']} ({machine['processor']}, {machine['num_threads']} "
            f"thread{'s' if machine['num_threads'] != 1 else ''}); recurrent engine: "
            f"{machine.get('recurrence', 'not recorded')}. Latency: one example at a time on the CPU, including "
            "preprocessing."
        )
    return lines


def _figures(comparison: Mapping[str, Any]) -> str:
    """What the metrics in the table are, and their intervals."""
    seeds = len(comparison["seeds"])
    known = any(
        summary.get("interval") for model in comparison["models"].values() for summary in model["metrics"].values()
    )
    if seeds > 1:
        interval = "; in brackets the 95 % interval over test examples and seeds" if known else ""
        return f"Metrics of the test split: mean over {seeds} seeds{interval}."
    interval = "; in brackets the 95 % interval over test examples (without the spread over seeds)" if known else ""
    return f"Metrics of the test split, from one seed{interval}."


def remarks(comparison: Mapping[str, Any]) -> list[str]:
    """Sentences below the table: models that are missing, training times that are not ranked, notes, baselines."""
    models = comparison["models"]
    lines = [
        f"{name}: unavailable: {model['reason']}" for name, model in models.items() if model["status"] == "unavailable"
    ]
    if not comparison.get("protocol", {}).get("training_times_comparable", True):
        lines.append(
            "note: training times are not ranked: the runs had different processors, devices, numbers of threads or "
            "other runs at the same time, and their times say more about these than about the models"
        )
    lines += [f"note: {note}" for note in comparison["notes"]]
    primary = comparison["primary_metric"]
    baselines = {name: row[primary] for name, row in comparison["data"].get("baselines", {}).items() if primary in row}
    if baselines and not any(model.get("kind") == "baseline" for model in models.values()):
        values = ", ".join(f"{name.replace('_', ' ')} {figure(value)}" for name, value in baselines.items())
        lines.append(f"note: test {primary} of simple baselines: {values}")
    return lines


def crossings(comparison: Mapping[str, Any]) -> list[str]:
    """Sentences on the number of training examples at which one model overtakes another."""
    found = comparison.get("learning_curves", {}).get("crossings", [])
    return [crossing["sentence"] for crossing in found if crossing.get("sentence")]


def curve_table(comparison: Mapping[str, Any]) -> tuple[list[str], list[list[str]]]:
    """The learning curves: the headings, and a row of cells for each number of training examples. Empty without."""
    curves = comparison.get("learning_curves", {}).get("models", {})
    points = {name: {point["size"]: point for point in curve} for name, curve in curves.items()}
    sizes = sorted({size for curve in points.values() for size in curve})
    rows = [[f"{size:,}", *(_point_cell(curve.get(size)) for curve in points.values())] for size in sizes]
    return ["training examples", *points], rows


def _point_cell(point: Mapping[str, Any] | None) -> str:
    if point is None:
        return metric_cells(None)[0]
    limits = None if point["low"] is None or point["high"] is None else [point["low"], point["high"]]
    return metric_cells({"mean": point["mean"], "interval": limits})[0]


def check_lines(comparison: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The severity and the text of each check, the most severe first."""
    return [
        (check["severity"], f"{check['code']} {check['severity']}: {check['message']}")
        for check in comparison.get("checks", [])
    ]


def channel_table(comparison: Mapping[str, Any], most: int = 20) -> tuple[list[str], list[list[str]]]:
    """Errors of forecasts per channel: the headings, and a row of cells for each channel.

    Args:
        comparison (`Mapping[str, Any]`): the content of `comparison.json`.
        most (`int`, *optional*, defaults to 20): number of channels; the first ones are shown.

    Returns:
        `tuple[list[str], list[list[str]]]`: a cell is the mean absolute error in the units of the data, with that of
            the standardised data in parentheses. Empty if there are no channels.
    """
    models = {name: model["channels"] for name, model in comparison["models"].items() if model.get("channels")}
    if not models:
        return [], []
    channels = list(dict.fromkeys(row["channel"] for rows in models.values() for row in rows))[:most]
    errors = {name: {row["channel"]: row for row in rows} for name, rows in models.items()}
    return (
        ["channel", *models],
        [[str(channel), *(_channel_cell(errors[name].get(channel)) for name in models)] for channel in channels],
    )


def _channel_cell(row: Mapping[str, Any] | None) -> str:
    if row is None or row.get("mae") is None:
        return "-"
    standardised = row.get("mae_standardized")
    return figure(row["mae"]) + (f" ({figure(standardised)})" if standardised is not None else "")
