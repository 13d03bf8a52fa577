"""Columns of the comparison table: cells, meaning, and which direction is better."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from hfseq.comparison.entries import OF_TRAINING
from hfseq.comparison.report.cells import MISSING, cost_cells, metric_cells
from hfseq.comparison.report.costs import COSTS
from hfseq.comparison.report.metric_names import METRICS
from hfseq.metrics.direction import metric_direction

# Number of metrics in the table, including the primary one. comparison.json has all metrics.
_MAX_METRICS = 3

Better = Literal["higher", "lower"]


@dataclass(frozen=True)
class Column:
    """One column of the table.

    Attributes:
        heading (`str`): heading of the column.
        meaning (`str`): explanation for the legend.
        better (`str`, *optional*): `"higher"` or `"lower"`; `None` if the values are not ranked.
        block (`str`): `"quality"` or `"cost"`; if the table is split, there is one table per block.
        cells (`tuple[str, ...]`): the text of each row, with intervals.
        short (`tuple[str, ...]`): the text of each row without intervals, for narrow terminals.
        rank (`int`, *optional*, defaults to 0): on a narrow terminal, columns with the highest rank are hidden first.
    """

    heading: str
    meaning: str
    better: Better | None
    block: Literal["quality", "cost"]
    cells: tuple[str, ...]
    short: tuple[str, ...]
    rank: int = 0


def table_rows(comparison: Mapping[str, Any]) -> tuple[list[str], list[str]]:
    """The names of the models and of the baselines, in the order of the rows of the table."""
    kinds = {name: model.get("kind", "model") for name, model in comparison["models"].items()}
    baselines = [name for name, kind in kinds.items() if kind == "baseline"]
    return [name for name in kinds if name not in baselines], baselines


def table_columns(comparison: Mapping[str, Any]) -> list[Column]:
    """Columns of the table after the model's name: first the metrics, then the costs that a model has."""
    models, baselines = table_rows(comparison)
    entries = [comparison["models"][name] for name in (*models, *baselines)]
    directions = {comparison["primary_metric"]: comparison["greater_is_better"], **comparison.get("directions", {})}
    columns = []
    for rank, name in enumerate(_metric_names(comparison)):
        heading, meaning = METRICS.get(name, (name, f"{name} on the test split"))
        # A metric may not be registered in this process.
        greater = directions[name] if name in directions else metric_direction(name) == "max"
        cells = [metric_cells(entry["metrics"].get(name)) for entry in entries]
        columns.append(_column(heading, meaning, "higher" if greater else "lower", "quality", cells, rank))
    comparable = comparison.get("protocol", {}).get("training_times_comparable", True)
    for key, cost in COSTS.items():
        limits = [entry.get("cost_intervals", {}).get(key) for entry in entries]
        cells = [
            cost_cells(entry["costs"].get(key), limit, cost.show, cost.unit)
            for entry, limit in zip(entries, limits, strict=True)
        ]
        better: Better | None = "higher" if cost.greater_is_better else "lower"
        if not comparable and key in OF_TRAINING:
            better = None
        if any(short != MISSING for _, short in cells):
            columns.append(_column(cost.heading, cost.meaning, better, "cost", cells, cost.rank))
    return columns


def _column(
    heading: str,
    meaning: str,
    better: Better | None,
    block: Literal["quality", "cost"],
    cells: Sequence[tuple[str, str]],
    rank: int,
) -> Column:
    return Column(
        heading, meaning, better, block, tuple(full for full, _ in cells), tuple(short for _, short in cells), rank
    )


def legend(columns: Sequence[Column]) -> list[str]:
    """One line per column: its meaning, and which direction is better."""
    return [
        f"{column.heading}: {column.meaning}; "
        + (f"{column.better} is better" if column.better else "not ranked, see below")
        for column in columns
    ]


def _metric_names(comparison: Mapping[str, Any]) -> list[str]:
    known = {name for model in comparison["models"].values() for name in model["metrics"]}
    primary = comparison["primary_metric"]
    others = [name for name in METRICS if name in known and name != primary]
    if primary == "accuracy":
        others = [name for name in others if name != "f1_micro"]  # the same number
    return ([primary] if primary in known else []) + others[: _MAX_METRICS - 1]
