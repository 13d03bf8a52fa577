"""Means, standard deviations, and the standard error of a difference."""

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

# A difference of less than this number of standard errors counts as a tie.
MARGIN_OF_ERROR = 2.0


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


def standard_error_of_difference(
    one: Summary,
    other: Summary,
    scores: tuple[np.ndarray, np.ndarray] | None = None,
    proportion_of: int | None = None,
) -> float:
    """Standard error of the difference between the mean metrics of two models.

    The error has two sources:

    - the random seeds: the variance over the seeds, if there are several.
    - the test examples, which are a sample. If the scores of all examples are known, the models are compared example
      by example (a paired comparison: examples that are difficult for both models add no variance). If they are not
      known, a proportion has its binomial standard error; for other metrics, only the seeds count.

    Args:
        one, other (`Summary`): the metric of the two models.
        scores (`tuple[np.ndarray, np.ndarray]`, *optional*): the two models' scores of each example, averaged over the
            seeds, each of shape `(test_examples,)`, if the metric is the mean of these scores. Scores of different
            lengths cannot be paired and are ignored (language models may split a text differently).
        proportion_of (`int`, *optional*): number of test examples, if the metric is a proportion of them.

    Returns:
        `float`: one standard error; NaN if it cannot be estimated from the seeds or the examples.
    """
    seeds = sum((item.std or 0.0) ** 2 / len(item.values) for item in (one, other))
    if scores is not None and len(scores[0]) == len(scores[1]) > 1:
        examples = float(np.var(scores[0] - scores[1], ddof=1)) / len(scores[0])
    elif proportion_of:
        examples = sum(item.mean * (1 - item.mean) / proportion_of for item in (one, other))
    elif all(item.std is None for item in (one, other)):
        return math.nan
    else:
        examples = 0.0
    return math.sqrt(seeds + examples)
