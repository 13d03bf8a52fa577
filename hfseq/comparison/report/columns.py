"""Columns of the comparison table: cells, meaning, and which direction is better."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from hfseq.comparison.report.metric_names import METRICS
from hfseq.formatting import count, seconds, size
from hfseq.metrics.direction import metric_direction

MISSING = "-"
# Number of metrics in the table, including the primary one. comparison.json has all metrics.
_MAXMETRICS = 3


@dataclass(frozen=True)
class Column:
    """One column of the table.

    Attributes:
        heading (`str`): heading of the column.
        meaning (`str`): explanation for the legend.
        better (`str`): `"higher"` or `"lower"`.
        block (`str`): `"quality"` or `"cost"`; if the table is split, there is one table per block.
        cells (`list[str]`): the text of each row.
        rank (`int`, *optional*, defaults to 0): on a narrow terminal, columns with the highest rank are hidden first.
    """

    heading: str
    meaning: str
    better: Literal["higher", "lower"]
    block: Literal["quality", "cost"]
    cells: list[str]
    rank: int = 0


# Cost key -> heading, meaning, formatting function.
_COSTS: dict[str, tuple[str, str, Callable[[float], str]]] = {
    "parameters": ("parameters", "number of parameters", count),
    "parameters_without_embeddings": ("without embeddings", "number of parameters without embedding tables", count),
    "train_seconds": ("training", "time of the training steps", seconds),
    "tokens_per_second": ("tokens/s", "training speed in tokens (or time steps) per second", "{:,.0f}".format),
    "latency_p50_ms": ("latency p50", "median time per example on the CPU, with preprocessing", "{:.1f} ms".format),
    "latency_p95_ms": ("latency p95", "95th percentile of the time per example on the CPU", "{:.1f} ms".format),
    "peak_memory_bytes": ("peak memory", "peak memory of the training process", size),
    "size_on_disk_bytes": ("on disk", "size of the saved model", size),
}
_HIGHER_IS_BETTER_COSTS = {"tokens_per_second"}
_COST_RANKS = {"latency_p95_ms": 3, "parameters_without_embeddings": 2, "tokens_per_second": 1}


def table_columns(comparison: Mapping[str, Any]) -> list[Column]:
    """Columns of the table after the model's name: first the metrics, then the costs."""
    models = list(comparison["models"].values())
    directions = {
        comparison["primary_metric"]: comparison["greater_is_better"],
        **comparison.get("directions", {}),
    }
    columns = []
    for rank, name in enumerate(_metric_names(comparison)):
        heading, meaning = METRICS.get(name, (name, f"{name} on the test split"))
        # A metric may not be registered in this process.
        greater = directions[name] if name in directions else metric_direction(name) == "max"
        better: Literal["higher", "lower"] = "higher" if greater else "lower"
        columns.append(Column(heading, meaning, better, "quality", [_metric(model, name) for model in models], rank))
    for key, (heading, meaning, show) in _COSTS.items():
        cells = [show(model["costs"][key]) if model["costs"].get(key) is not None else MISSING for model in models]
        better = "higher" if key in _HIGHER_IS_BETTER_COSTS else "lower"
        columns.append(Column(heading, meaning, better, "cost", cells, _COST_RANKS.get(key, 0)))
    return columns


def legend(columns: list[Column]) -> list[str]:
    """One line per column: its meaning, and which direction is better."""
    return [f"{column.heading}: {column.meaning}; {column.better} is better" for column in columns]


def _metric_names(comparison: Mapping[str, Any]) -> list[str]:
    known = {name for model in comparison["models"].values() for name in model["metrics"]}
    primary = comparison["primary_metric"]
    others = [name for name in METRICS if name in known and name != primary]
    if primary == "accuracy":
        others = [name for name in others if name != "f1_micro"]  # the same number
    return ([primary] if primary in known else []) + others[: _MAXMETRICS - 1]


def _metric(model: Mapping[str, Any], name: str) -> str:
    summary = model["metrics"].get(name)
    if summary is None:
        return MISSING
    deviation = f" ± {summary['std']:.3f}" if summary["std"] is not None else ""
    return f"{summary['mean']:.3f}{deviation}"
