"""A comparison as flat records, one per model, for other programs."""

from collections.abc import Mapping
from typing import Any


def model_records(comparison: Mapping[str, Any]) -> list[dict[str, Any]]:
    """One record per model, all with the same keys.

    Args:
        comparison (`Mapping[str, Any]`): the content of `comparison.json`.

    Returns:
        `list[dict]`: `model`, `status`, `recommended`; for each metric of the test split, its mean over the seeds and
        its standard deviation (`<metric>_std`); then the costs, without those that
        depend on the length of the input. Unknown values are `None`.
    """
    models = comparison["models"]
    metrics = dict.fromkeys(name for model in models.values() for name in model["metrics"])
    costs = dict.fromkeys(
        name for model in models.values() for name, value in model["costs"].items() if not isinstance(value, list)
    )
    chosen = (comparison["recommendation"] or {}).get("model")
    records = []
    for name, model in models.items():
        record = {"model": name, "status": model["status"], "recommended": name == chosen}
        for metric in metrics:
            summary = model["metrics"].get(metric, {})
            record |= {metric: summary.get("mean"), f"{metric}_std": summary.get("std")}
        records.append(record | {cost: model["costs"].get(cost) for cost in costs})
    return records
