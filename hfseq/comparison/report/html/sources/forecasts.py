"""Forecasts drawn over the truth, and errors by channel."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from hfseq.comparison.report.html.sources.model_runs import ModelRuns, same_size, thin

_MOST_CHANNELS, _MOST_STEPS = 3, 160
_METRICS = (
    ("mae", "MAE in the unit of the channel"),
    ("rmse", "RMSE in the unit of the channel"),
    ("mae_standardized", "MAE, standardised"),
    ("mse_standardized", "MSE, standardised"),
)
# Of more channels, those with the largest errors are listed.
_MOST_ROWS = 40


def channels(models: Sequence[ModelRuns]) -> dict[str, Any] | None:
    """The errors of each channel, as means over the runs: the key `channels` of `report_data`.

    Args:
        models (`Sequence[ModelRuns]`): the models.
    """
    cells: dict[str, dict[str, dict[str, float]]] = {}
    for model in models:
        runs = [record.details.get("test", {}).get("channels", []) for record in model.records]
        for rows in zip(*runs, strict=False):
            errors = {key: [row[key] for row in rows if row.get(key) is not None] for key, _ in _METRICS}
            known = {key: float(np.mean(values)) for key, values in errors.items() if values}
            if known:
                cells.setdefault(rows[0]["channel"], {})[model.name] = known
    if not cells:
        return None
    names = list(cells)
    if len(names) > _MOST_ROWS:
        names = sorted(names, key=lambda name: -_mean_error(cells[name]))[:_MOST_ROWS]
    return {
        "metrics": [{"key": key, "name": name, "format": "number"} for key, name in _METRICS],
        "rows": [{"channel": name, "cells": cells[name]} for name in names],
    }


def _mean_error(row: dict[str, dict[str, float]]) -> float:
    return float(np.mean([errors.get("mse_standardized", 0.0) for errors in row.values()]))


def forecast_outputs(models: Sequence[ModelRuns], most: int) -> dict[str, Any] | None:
    """The worst forecasts and those that differ most, in the units of the data: the key `outputs` of `report_data`.

    Args:
        models (`Sequence[ModelRuns]`): the models.
        most (`int`): number of windows in each list.

    Returns:
        `dict`: `None` if forecasts were not saved, or there are no previews.
    """
    usable = [model for model in models if model.first is not None and _points(model) is not None]
    usual = same_size([len(_points(model)) for model in usable])
    usable = [model for model, same in zip(usable, usual, strict=True) if same]
    units = _units(usable)
    previews = {number: preview for model in reversed(models) for number, preview in model.examples.items()}
    previews = {number: preview for number, preview in previews.items() if preview.get("series")}
    if not usable or units is None or not previews:
        return None
    points = {model.name: _points(model) for model in usable}
    saved = usable[0].first
    assert saved is not None  # checked above
    targets = saved.labels[0]
    errors = {name: np.nanmean((values - targets) ** 2, axis=(1, 2)) for name, values in points.items()}
    judges = [model.name for model in usable if not model.baseline] or list(points)
    table = np.nan_to_num(np.stack([errors[name] for name in judges]))
    orders = [("worst", "Worst forecasts", "the windows with the largest mean squared error", -table.mean(0))]
    if len(judges) > 1:
        spread = np.stack([points[name] for name in judges]).std(0).mean((1, 2))
        orders.append(("disagreement", "Largest disagreement", "the windows whose forecasts differ most", -spread))
    groups = []
    for key, title, meaning, ranking in orders:
        chosen = _apart(np.argsort(ranking, kind="stable"), saved.groups, previews, most)
        items = [_item(number, previews[number], points, targets, errors, units) for number in chosen]
        if items:
            groups.append({"key": key, "title": title, "meaning": meaning, "items": items})
    return {"kind": "forecast", "groups": groups, "score_name": "MSE"} if groups else None


def _points(model: ModelRuns) -> Any:
    """Forecasts of shape `(windows, horizon, channels)`; of quantiles, the middle one; `None` if not saved."""
    saved = model.first
    if saved is None or not saved.predictions or not saved.labels:
        return None
    values, targets = saved.predictions[0], saved.labels[0]
    if values.ndim == 4:
        values = values[..., values.shape[-1] // 2]
    return values if values.shape == targets.shape and values.ndim == 3 else None


def _units(models: Sequence[ModelRuns]) -> tuple[np.ndarray, np.ndarray] | None:
    """Mean and standard deviation of each channel, which undo the standardisation."""
    for model in models:
        for record in model.records:
            rows = record.details.get("test", {}).get("channels")
            if rows:
                return np.array([row["mean"] for row in rows]), np.array([row["std"] for row in rows])
    return None


def _apart(order: np.ndarray, groups: np.ndarray | None, previews: dict[int, Any], most: int) -> list[int]:
    """The first windows with a preview, at most one of each block of windows that overlap."""
    chosen: list[int] = []
    seen: set[int] = set()
    for number in order.tolist():
        group = number if groups is None else int(groups[number])
        if number in previews and group not in seen:
            seen.add(group)
            chosen.append(number)
        if len(chosen) == most:
            break
    return chosen


def _item(
    number: int,
    preview: dict[str, Any],
    points: dict[str, np.ndarray],
    targets: np.ndarray,
    errors: dict[str, np.ndarray],
    units: tuple[np.ndarray, np.ndarray],
) -> dict[str, Any]:
    names = preview.get("channels") or [f"channel {index + 1}" for index in range(len(preview["series"]))]
    worst = np.nanmean([np.nanmean((values[number] - targets[number]) ** 2, axis=0) for values in points.values()], 0)
    drawn = sorted(np.argsort(-np.nan_to_num(worst[: len(names)]), kind="stable")[:_MOST_CHANNELS].tolist())
    return {
        "id": number,
        "channels": [names[index] for index in drawn],
        "history": [preview["series"][index] for index in drawn],
        "truth": _drawn(targets[number], drawn, units),
        "predictions": [
            {"model": name, "value": _drawn(values[number], drawn, units), "score": _number(errors[name][number])}
            for name, values in points.items()
        ],
    }


def _drawn(values: np.ndarray, chosen: Sequence[int], units: tuple[np.ndarray, np.ndarray]) -> list[list[Any]]:
    mean, std = units
    steps = thin(len(values), _MOST_STEPS)
    raw = values.astype(np.float64) * std + mean
    return [[_number(value) if np.isfinite(value) else None for value in raw[steps, index]] for index in chosen]


def _number(value: Any) -> float | None:
    return float(f"{float(value):.5g}") if np.isfinite(value) else None
