"""Means, spreads, and whether a difference is more than chance."""

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

# Two standard errors: a difference within them is called a tie.
SIGNIFICANT = 2.0


@dataclass(frozen=True)
class Summary:
    """A figure over the seeds.

    Attributes:
        mean (`float`): the mean.
        std (`float`, *optional*): sample standard deviation; `None` for a single value.
        values (`tuple[float, ...]`): the figure for each seed.
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
    """How far the difference of two models' means may be off.

    Two things make it uncertain. The seeds: with several, their spread. The test examples, which are a sample: where
    the scores of each example are known, the two models are compared example by example (a paired comparison, in which
    what is hard for both cancels out); where not, a proportion has its binomial error, and of other metrics the
    seeds alone speak.

    Args:
        one, other (`Summary`): the metric of the two models.
        scores (`tuple[np.ndarray, np.ndarray]`, *optional*): each example's score, averaged over the seeds, of shape
            `(test_examples,)`, where the metric is a mean of such scores. Scores of other examples, as language models
            have that cut a text differently, cannot be paired and are not used.
        proportion_of (`int`, *optional*): the number of test examples, where the metric is a proportion of them.

    Returns:
        `float`: one standard error; NaN where neither the seeds nor the examples tell anything of it.
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
