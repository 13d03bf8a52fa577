"""The metric that ranks the models of a comparison, and the directions of all metrics, as the records say."""

from collections.abc import Mapping, Sequence
from typing import Any

from hfseq.comparison.run_result import RunResult
from hfseq.metrics.direction import TASK_METRICS, default_metric, known_directions


def recorded_directions(finished: Sequence[RunResult]) -> dict[str, bool]:
    """Whether greater is better, as the records say; their metrics may not be registered in this process."""
    found: dict[str, bool] = {}
    for result in finished:
        assert result.record is not None  # true of every finished run
        data, metrics = result.record.data, result.record.metrics.get("test", {})
        found |= data.get("directions", {})
        if "metric" in data and "greater_is_better" in data:
            found[data["metric"]] = bool(data["greater_is_better"])
        if missing := metrics.keys() - found.keys():
            found |= known_directions(missing)  # of a record of an earlier version
    return found


def ranking_metric(
    finished: Sequence[RunResult], data: Mapping[str, Any], directions: Mapping[str, bool]
) -> tuple[str, list[str]]:
    """The metric that ranks the models, and notes about it for the reader."""
    wanted = data.get("metric") or default_metric(data.get("problem_type", "single_label_classification"))
    records = [result.record for result in finished if result.record is not None]
    metrics_of_runs = [record.metrics.get("test", {}) for record in records]
    if not metrics_of_runs or any(wanted in metrics for metrics in metrics_of_runs):
        return wanted, []
    # The metrics of the task come first: captions are ranked by BLEU-3, for example, and not by token accuracy.
    names = dict.fromkeys([*TASK_METRICS.get(records[0].task, ()), *metrics_of_runs[0]])
    shared = [name for name in names if name != "loss" and all(name in metrics for metrics in metrics_of_runs)]
    known = [name for name in shared if name in directions]
    if not known:
        return wanted, []
    return known[0], [f"{wanted} is not defined on this test split: the models are ranked by {known[0]}"]
