"""Learning curves over the epochs, from the history of the runs."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from hfseq.comparison.report.html.sources.model_runs import ModelRuns
from hfseq.comparison.report.metric_names import metric_format, metric_name

# Number of points of a line. Of more, neighbours are averaged.
MOST_POINTS = 120
# Metrics that are recorded in training if the primary one is not, because it needs generated text.
_OTHERS = ("accuracy", "f1", "bits_per_character", "perplexity", "mse")
Points = dict[float, list[float]]


def epochs(models: Sequence[ModelRuns], metric: str) -> dict[str, Any] | None:
    """The losses of training and validation, and the validation metric, by epoch.

    Args:
        models (`Sequence[ModelRuns]`): the models.
        metric (`str`): the primary metric.

    Returns:
        `dict`: `panels`, see the key `epochs` of `report_data`; `None` if no run has a history.
    """
    loss = [*_lines(models, "loss", "train"), *_lines(models, "eval_loss", "validation")]
    recorded = {key for model in models for record in model.records for entry in record.history for key in entry}
    chosen = next((name for name in (metric, *_OTHERS) if f"eval_{name}" in recorded), None)
    panels = [_panel("loss", "loss", "number", loss)]
    if chosen is not None:
        panels.append(_panel(chosen, metric_name(chosen)[0], metric_format(chosen), _lines(models, f"eval_{chosen}")))
    panels = [panel for panel in panels if panel["lines"]]
    return {"panels": panels} if panels else None


def _panel(key: str, name: str, form: str, lines: list[dict[str, Any]]) -> dict[str, Any]:
    values = [value for line in lines for value in line["y"]]
    wide = key == "loss" and bool(values) and min(values) > 0 and max(values) > 100 * min(values)
    return {"key": key, "name": name, "format": form, "log": wide, "lines": lines}


def _lines(models: Sequence[ModelRuns], key: str, split: str = "validation") -> list[dict[str, Any]]:
    lines = []
    for model in models:
        line = _line([record.history for record in model.records], key)
        if line is None:
            continue
        best = [record.costs.get("best_epoch") for record in model.records]
        known = [float(epoch) for epoch in best if epoch is not None]
        if split == "validation" and known:
            line["best"] = float(np.median(known))
        lines.append({"model": model.name, "split": split, **line})
    return lines


def _line(histories: Iterable[Sequence[Mapping[str, Any]]], key: str) -> dict[str, Any] | None:
    """Mean, smallest and largest value of the runs at each epoch; `None` if there are fewer than two."""
    points: Points = {}
    for history in histories:
        for entry in history:
            if key in entry and "epoch" in entry:
                points.setdefault(round(float(entry["epoch"]), 3), []).append(float(entry[key]))
    if len(points) < 2:
        return None
    x = sorted(points)
    parts = np.array_split(np.arange(len(x)), min(len(x), MOST_POINTS))
    values = [[float(f(points[epoch])) for epoch in x] for f in (np.mean, min, max)]
    y, low, high = ([_rounded(np.mean([row[i] for i in part])) for part in parts] for row in values)
    line: dict[str, Any] = {"x": [x[part[-1]] for part in parts], "y": y}
    return line if max(map(len, points.values())) == 1 else {**line, "low": low, "high": high}


def _rounded(value: Any) -> float:
    return float(f"{value:.5g}")
