"""Learning curves: quality by number of training examples, and the number at which one model overtakes another."""

import math
from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np

from hfseq.comparison.evidence import load_evidence
from hfseq.comparison.run_result import RunResult
from hfseq.comparison.statistics import Sample, metric_interval
from hfseq.metrics.sums import metric_from_sums

_DRAWS = 1000
# Number of weights that are drawn at once.
_BLOCK = 2_000_000
_CONFIDENCE = 0.95


def learning_curves(results: Sequence[RunResult], metric: str, greater_is_better: bool) -> dict[str, Any] | None:
    """The learning curve of each model, and the crossings of every two of them.

    Between two sizes, a curve is interpolated linearly in the logarithm of the size. The interval of a crossing is
    that of a bootstrap over test examples, the same for all models and sizes, and over the seeds.

    Args:
        results (`Sequence[RunResult]`): the runs of all models, seeds and sizes.
        metric (`str`): the metric.
        greater_is_better (`bool`): its direction.

    Returns:
        `dict`, or `None` if the runs have one size only:

        - `sizes` (`list[int]`), `metric` (`str`).
        - `models` (`dict[str, list[dict]]`): by model, `size`, `mean`, `low` and `high` (`None` if unknown) of each
          size that it finished.
        - `crossings` (`list[dict]`): for every two models with all sizes, `a`, `b`, `ahead` (the model that is ahead
          at the largest size), `size` (where it overtakes the other; `None` if it is ahead at every size), `low` and
          `high` (`None` if the interval extends beyond the sizes), `sentence`.
    """
    sizes = sorted({int(result.variant["train_size"]) for result in results if "train_size" in result.variant})
    if len(sizes) < 2:
        return None
    samples: dict[str, dict[int, Sample]] = {}
    for name in dict.fromkeys(result.name for result in results):
        runs = [result for result in results if result.name == name and result.finished]
        found = {
            size: _sample([run for run in runs if run.variant.get("train_size") == size], metric) for size in sizes
        }
        samples[name] = {size: sample for size, sample in found.items() if sample is not None}
    whole = {name: [curve[size] for size in sizes] for name, curve in samples.items() if len(curve) == len(sizes)}
    return {
        "sizes": sizes,
        "metric": metric,
        "models": {name: [_point(size, sample) for size, sample in curve.items()] for name, curve in samples.items()},
        "crossings": _crossings(whole, sizes, greater_is_better),
    }


def _sample(runs: Sequence[RunResult], metric: str) -> Sample | None:
    """The results of one model at one size; `None` if no run finished with this metric."""
    values = [run.record.metrics.get("test", {}).get(metric) for run in runs if run.record is not None]
    known = [value for value in values if value is not None]
    if not known or len(known) < len(values):
        return None
    evidence = load_evidence(runs, "test")
    if evidence is None or metric not in evidence.sums:
        return Sample(metric, None, known_values=known)
    return Sample(metric, evidence.sums[metric], evidence.groups, evidence.deterministic)


def _point(size: int, sample: Sample) -> dict[str, Any]:
    interval = metric_interval(sample, _CONFIDENCE)
    low, high = (None, None) if interval is None else (interval.low, interval.high)
    return {"size": size, "mean": sample.estimate, "low": low, "high": high}


def _crossings(
    curves: Mapping[str, Sequence[Sample]], sizes: Sequence[int], greater_is_better: bool
) -> list[dict[str, Any]]:
    if len(curves) < 2:
        return []
    sign = 1.0 if greater_is_better else -1.0
    drawn = {name: sign * _drawn(curve) for name, curve in curves.items()}
    means = {name: sign * np.array([sample.estimate for sample in curve]) for name, curve in curves.items()}
    return [_crossing(a, b, means[a] - means[b], drawn[a] - drawn[b], sizes) for a, b in combinations(curves, 2)]


def _drawn(curve: Sequence[Sample]) -> np.ndarray:
    """Bootstrap of the metric at each size, `(draws, sizes)`. All models get the same test examples."""
    return np.stack([_drawn_at(sample, number) for number, sample in enumerate(curve)], axis=1)


def _drawn_at(sample: Sample, number: int) -> np.ndarray:
    seeds = _seed_weights(sample, number)  # (draws, seeds)
    if sample.clusters is None or sample.num_clusters < 2:
        return seeds @ sample.values
    clusters = sample.clusters.astype(np.float64)  # (seeds, clusters, k)
    examples = np.random.default_rng(0)  # the same examples at each size
    shares = np.full(clusters.shape[1], 1 / clusters.shape[1])
    parts = []
    step = max(1, _BLOCK // clusters.shape[1])
    for start in range(0, _DRAWS, step):
        weights = examples.multinomial(clusters.shape[1], shares, min(step, _DRAWS - start)).astype(np.float64)
        parts.append(metric_from_sums(sample.metric, np.stack([weights @ rows for rows in clusters], axis=1)))
    return (seeds * np.concatenate(parts)).sum(1)


def _seed_weights(sample: Sample, number: int) -> np.ndarray:
    """Share of each seed in each draw, `(draws, seeds)`."""
    seeds = sample.num_seeds
    if seeds < 2 or sample.deterministic:
        return np.full((_DRAWS, seeds), 1 / seeds)
    rng = np.random.default_rng([1, number, int.from_bytes(sample.values.tobytes()[:4])])
    return rng.multinomial(seeds, np.full(seeds, 1 / seeds), _DRAWS) / seeds


def _crossing(a: str, b: str, means: np.ndarray, drawn: np.ndarray, sizes: Sequence[int]) -> dict[str, Any]:
    """Where the model that is ahead at the largest size overtakes the other one."""
    if means[-1] < 0 or (means[-1] == 0 and means[0] > 0):
        ahead, behind, means, drawn = b, a, -means, -drawn
    else:
        ahead, behind = a, b
    logs = np.log(np.asarray(sizes, dtype=np.float64))
    point = last_crossing(means[None], logs)[0]
    found: dict[str, Any] = {"a": a, "b": b, "ahead": ahead, "size": None, "low": None, "high": None}
    between = f"between {sizes[0]:,} and {sizes[-1]:,} labels"
    if not math.isfinite(point):
        found["sentence"] = f"{ahead} and {behind}: no crossing {between}; {ahead} is ahead at every size."
        return found
    tail = (1 - _CONFIDENCE) / 2
    places = last_crossing(drawn, logs)
    low = float(np.quantile(places, tail, method="lower"))
    high = float(np.quantile(places, 1 - tail, method="higher"))
    found |= {"size": math.exp(point), "low": _size(low), "high": _size(high)}
    start = f"from {_rounded(math.exp(low))}" if math.isfinite(low) else f"from below {sizes[0]:,}"
    end = f"to {_rounded(math.exp(high))}" if math.isfinite(high) else f"to above {sizes[-1]:,}"
    found["sentence"] = (
        f"{ahead} overtakes {behind} at about {_rounded(math.exp(point))} labels (95 % interval {start} {end})."
    )
    return found


def last_crossing(differences: np.ndarray, logs: np.ndarray) -> np.ndarray:
    """The place after which a difference stays positive, by linear interpolation.

    Args:
        differences (`np.ndarray` of shape `(draws, sizes)`): the differences.
        logs (`np.ndarray` of shape `(sizes,)`): the places.

    Returns:
        `np.ndarray` of shape `(draws,)`: the place; -inf if all differences are positive, and inf if the last one is
        not.
    """
    found = np.full(len(differences), -np.inf)
    for left in range(differences.shape[1] - 1):
        here, there = differences[:, left], differences[:, left + 1]
        rises = (here <= 0) & (there > 0)
        share = here[rises] / (here[rises] - there[rises])
        found[rises] = logs[left] + share * (logs[left + 1] - logs[left])
    found[~(differences[:, -1] > 0)] = np.inf
    return found


def _size(log: float) -> float | None:
    return math.exp(log) if math.isfinite(log) else None


def _rounded(size: float) -> str:
    """A size with two significant digits."""
    digits = 1 - math.floor(math.log10(size))
    return f"{round(size, digits):,.0f}"
