"""Means and standard deviations over the seeds."""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Summary:
    """Mean and standard deviation of a metric or cost over the seeds.

    Attributes:
        mean (`float`): the mean.
        std (`float`, *optional*): sample standard deviation; `None` for a single value.
        values (`tuple[float, ...]`): one value per seed.
    """

    mean: float
    std: float | None
    values: tuple[float, ...]


def summarize(values: Sequence[float]) -> Summary:
    """Mean and sample standard deviation of at least one value."""
    return Summary(
        statistics.fmean(values), statistics.stdev(values) if len(values) > 1 else None, tuple(map(float, values))
    )


def summarize_metrics(runs: Sequence[Mapping[str, float]]) -> dict[str, Summary]:
    """Summaries of the metrics that every run has."""
    if not runs:
        return {}
    shared = [name for name in runs[0] if all(name in run for run in runs)]
    return {name: summarize([run[name] for run in runs]) for name in shared}
