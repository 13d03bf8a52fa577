"""What the checks read: the content of a comparison, the records of its runs, and their saved predictions."""

import math
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from hfseq.comparison.run_result import RunResult
from hfseq.comparison.variants import headline
from hfseq.training.record import RunRecord
from hfseq.training.saved_predictions import SavedPredictions, load_predictions

# Key of a model's metrics, by split.
_METRICS = {"validation": "validation_metrics", "test": "metrics"}


def at(value: Any, *path: str) -> Any:
    """The value at a path of nested mappings; `None` if there is none."""
    for key in path:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value


def number(value: Any, *path: str) -> float | None:
    """The finite number at a path of nested mappings; `None` if there is none."""
    found = at(value, *path)
    if isinstance(found, bool) or not isinstance(found, int | float) or not math.isfinite(found):
        return None
    return float(found)


def entries(value: Any, *path: str) -> list[Mapping[str, Any]]:
    """The mappings in the list at a path of nested mappings; empty if there is none."""
    found = at(value, *path)
    return [entry for entry in found if isinstance(entry, Mapping)] if isinstance(found, list | tuple) else []


class Facts:
    """The comparison and its runs.

    Args:
        comparison (`Mapping[str, Any]`): the content of `comparison.json`.
        results (`Sequence[RunResult]`): all runs.

    Attributes:
        all_results (`list[RunResult]`): all runs.
        results (`list[RunResult]`): the runs whose figures are in the table: see [`headline`].
    """

    def __init__(self, comparison: Mapping[str, Any], results: Sequence[RunResult]):
        self.comparison = comparison
        self.all_results = list(results)
        self.results = headline(results)
        self._load = cache(load_predictions)

    @property
    def metric(self) -> str:
        """Name of the primary metric."""
        return str(self.comparison["primary_metric"])

    @property
    def greater_is_better(self) -> bool:
        """Direction of the primary metric."""
        return bool(self.comparison["greater_is_better"])

    def better(self, one: float, other: float) -> float:
        """By how much the first value of the primary metric is better than the second one."""
        return one - other if self.greater_is_better else other - one

    def names(self, kind: str | None = "model") -> list[str]:
        """Names of the models (`"model"`), of the baselines (`"baseline"`), or of both (`None`)."""
        models = self.comparison["models"]
        return [name for name, entry in models.items() if kind in (None, entry.get("kind", "model"))]

    def finished(self, name: str | None = None) -> list[RunResult]:
        """The finished runs of a model, or of all models and baselines."""
        return [result for result in self.results if result.finished and name in (None, result.name)]

    def records(self, name: str | None = None) -> list[RunRecord]:
        """The records of the finished runs of a model, or of all models and baselines."""
        return [result.record for result in self.finished(name) if result.record is not None]

    def saved(self, result: RunResult, split: str = "test") -> SavedPredictions | None:
        """What a run saved for a split; `None` if nothing."""
        return self._load(result.folder, split)

    @property
    def selection_split(self) -> str:
        """The split on which the models are chosen, `"validation"` or `"test"`."""
        return str(at(self.comparison, "recommendation", "split") or "test")

    def mean(self, name: str, metric: str | None = None, split: str = "test") -> float | None:
        """Mean over the runs of a model of a metric of a split, by default of the primary metric on the test split."""
        return number(self.comparison["models"], name, _METRICS[split], metric or self.metric, "mean")

    def interval(self, name: str, split: str = "test") -> tuple[float, float] | None:
        """Limits of the interval of a model's primary metric on a split."""
        limits = at(self.comparison["models"], name, _METRICS[split], self.metric, "interval")
        if not isinstance(limits, list | tuple) or len(limits) != 2:
            return None
        low, high = number({"limit": limits[0]}, "limit"), number({"limit": limits[1]}, "limit")
        return None if low is None or high is None else (low, high)
