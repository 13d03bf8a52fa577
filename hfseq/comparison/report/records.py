"""A comparison as flat records, one per model, for other programs."""

from collections.abc import Mapping
from typing import Any


def model_records(comparison: Mapping[str, Any]) -> list[dict[str, Any]]:
    """One record per model, all with the same keys.

    Args:
        comparison (`Mapping[str, Any]`): the content of `comparison.json`.

    Returns:
        `list[dict]`: `model`, `kind` (`"model"` or `"baseline"`), `status`, `recommended`; for each metric of the test
            split, its mean over the seeds, its standard deviation (`<metric>_std`), and the limits of its 95 %
            interval (`<metric>_low`, `<metric>_high`); then the costs that are numbers. Unknown values are `None`.
    """
    models = comparison["models"]
    metrics = dict.fromkeys(name for model in models.values() for name in model["metrics"])
    costs = dict.fromkeys(
        name for model in models.values() for name, value in model["costs"].items() if not isinstance(value, list)
    )
    chosen = (comparison["recommendation"] or {}).get("model")
    records = []
    for name, model in models.items():
        kind, status = model.get("kind", "model"), model["status"]
        record = {"model": name, "kind": kind, "status": status, "recommended": name == chosen}
        for metric in metrics:
            summary = model["metrics"].get(metric, {})
            low, high = summary.get("interval") or (None, None)
            record |= {
                metric: summary.get("mean"),
                f"{metric}_std": summary.get("std"),
                f"{metric}_low": low,
                f"{metric}_high": high,
            }
        records.append(record | {cost: model["costs"].get(cost) for cost in costs})
    return records
