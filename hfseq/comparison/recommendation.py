"""Recommends a model, and explains the choice in one sentence."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from hfseq.comparison.statistics.summaries import MARGIN_OF_ERROR, Summary, standard_error_of_difference

# Costs that count for the recommendation: key -> name in the sentence.
_COSTS = {
    "size_on_disk_bytes": "the size on disk",
    "train_seconds": "the training time",
    "latency_p50_ms": "the time per example",
}

# Costs that differ by less than this factor are treated as equal.
SIMILAR_COST_FACTOR = 1.5


@dataclass(frozen=True)
class Candidate:
    """A model that may be recommended.

    Attributes:
        metric (`Summary`): the test metric.
        costs (`Mapping[str, float]`): costs by key; unknown costs are missing.
        scores (`np.ndarray` of shape `(test_examples,)`, *optional*): score of each test example, if the metric is the
            mean of these scores.
    """

    metric: Summary
    costs: Mapping[str, float]
    scores: np.ndarray | None = None


def recommend(
    candidates: Mapping[str, Candidate], metric: str, greater_is_better: bool, test_examples: int
) -> dict[str, str] | None:
    """Chooses the cheapest model among those that are not significantly worse than the best one.

    Among models of similar cost, it chooses the one with the better metric.

    Args:
        candidates (`Mapping[str, Candidate]`): the finished models, by name.
        metric (`str`): name of the metric.
        greater_is_better (`bool`): direction of the metric.
        test_examples (`int`): number of examples in the test split.

    Returns:
        `dict`: `model` and `sentence`; `None` if there are no candidates.
    """
    if not candidates:
        return None
    sign = 1 if greater_is_better else -1
    best = max(candidates, key=lambda name: sign * candidates[name].metric.mean)
    if len(candidates) == 1:
        sentence = f"{best} is the only model that finished: test {metric} {_figure(candidates[best].metric.mean)}."
        return {"model": best, "sentence": sentence}
    errors = {
        name: MARGIN_OF_ERROR
        * _standard_error(candidates[best], candidate, test_examples if metric == "accuracy" else None)
        for name, candidate in candidates.items()
        if name != best
    }
    behind = {name: sign * (candidates[best].metric.mean - candidates[name].metric.mean) for name in errors}
    tied = [best] + [name for name, gap in behind.items() if gap == 0 or gap <= errors[name]]
    cost = {name: _relative_cost(candidates[name], candidates[best]) for name in tied}
    cheap = [name for name in tied if cost[name] <= SIMILAR_COST_FACTOR * min(cost.values())]
    chosen = max(cheap, key=lambda name: sign * candidates[name].metric.mean)
    if chosen == best:
        sentence = _best_wins(candidates, best, behind, errors, metric, tied)
    else:
        sentence = _cheaper_wins(candidates, best, chosen, behind[chosen], errors[chosen], metric)
    return {"model": chosen, "sentence": sentence}


def _standard_error(best: Candidate, other: Candidate, proportion_of: int | None) -> float:
    paired = None if best.scores is None or other.scores is None else (best.scores, other.scores)
    return standard_error_of_difference(best.metric, other.metric, paired, proportion_of)


def _relative_cost(candidate: Candidate, reference: Candidate) -> float:
    """Geometric mean of the costs relative to a reference, so that all costs have the same weight."""
    ratios = _ratios(candidate, reference).values()
    return math.exp(sum(math.log(ratio) for ratio in ratios) / len(ratios)) if ratios else 1.0


def _ratios(one: Candidate, other: Candidate) -> dict[str, float]:
    return {key: one.costs[key] / other.costs[key] for key in _COSTS if one.costs.get(key) and other.costs.get(key)}


def _cheaper_wins(
    candidates: Mapping[str, Candidate], best: str, chosen: str, gap: float, error: float, metric: str
) -> str:
    ratios = _ratios(candidates[best], candidates[chosen])
    saving = _join([f"1/{ratio:.2g} of {_COSTS[key]}" for key, ratio in ratios.items() if ratio >= 1.05])
    return (
        f"Choose {chosen}: its test {metric} ({_figure(candidates[chosen].metric.mean)}) is not significantly worse "
        f"than that of the best model, {best} ({_figure(candidates[best].metric.mean)}). The difference of "
        f"{_figure(gap)} is within the margin of error ({_error(error)})."
        + (f" {chosen} needs {saving}." if saving else "")
    )


def _best_wins(
    candidates: Mapping[str, Candidate],
    best: str,
    behind: Mapping[str, float],
    errors: Mapping[str, float],
    metric: str,
    tied: list[str],
) -> str:
    # The second best among the tied models, or among all models if there is no tie.
    others = [name for name in tied if name != best] or list(behind)
    second = min(others, key=lambda name: behind[name])
    verdict = f"Choose {best}: its test {metric} ({_figure(candidates[best].metric.mean)}) is the best"
    if len(tied) > 1:
        return (
            f"{verdict}. {second} ({_figure(candidates[second].metric.mean)}) is within the margin of error "
            f"({_error(errors[second])}), but no equally good model costs less."
        )
    ratios = _ratios(candidates[best], candidates[second])
    price = _join([f"{ratio:.2g} times {_COSTS[key]}" for key, ratio in ratios.items() if ratio >= 1.05])
    return (
        f"{verdict}, {_figure(behind[second])} better than {second} (margin of error: {_error(errors[second])}). "
        + (f"It needs {price}." if price else "It does not cost more.")
    )


def _figure(value: float) -> str:
    return f"{value:.3f}" if abs(value) < 10 else f"{value:.4g}"


def _error(value: float) -> str:
    return "unknown with one seed; use several with --seeds" if math.isnan(value) else _figure(value)


def _join(parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else ", ".join(parts[:-1]) + " and " + parts[-1] if parts else ""
