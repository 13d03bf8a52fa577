"""Which model to choose, in plain words."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from hfseq.comparison.statistics import SIGNIFICANT, Summary, standard_error_of_difference

# What makes a model dear: cost key -> how the sentence names a multiple of it.
_COSTS = {
    "size_on_disk_bytes": "the size on disk",
    "train_seconds": "the training time",
    "latency_p50_ms": "the time per example",
}

# Costs that differ by less than this factor are no reason to prefer one model to another.
ABOUT_THE_SAME = 1.5


@dataclass(frozen=True)
class Candidate:
    """What is known of a model when it comes to choosing.

    Attributes:
        metric (`Summary`): the test metric.
        costs (`Mapping[str, float]`): what it costs; keys that are not known are missing.
        scores (`np.ndarray` of shape `(test_examples,)`, *optional*): each test example's score, where the metric is a
            mean of them.
    """

    metric: Summary
    costs: Mapping[str, float]
    scores: np.ndarray | None = None


def recommend(
    candidates: Mapping[str, Candidate], metric: str, greater_is_better: bool, test_examples: int
) -> dict[str, str] | None:
    """Chooses the cheapest of the models that are as good as the best one, as far as the test can tell.

    Of models that cost about the same, it takes the one with the better figure.

    Args:
        candidates (`Mapping[str, Candidate]`): the finished models.
        metric (`str`): the metric's name.
        greater_is_better (`bool`): its direction.
        test_examples (`int`): size of the test split.

    Returns:
        `dict`: `model` and `sentence`; `None` where there is nothing to choose from.
    """
    if not candidates:
        return None
    sign = 1 if greater_is_better else -1
    best = max(candidates, key=lambda name: sign * candidates[name].metric.mean)
    if len(candidates) == 1:
        sentence = f"{best} is the only model that finished: test {metric} {_figure(candidates[best].metric.mean)}."
        return {"model": best, "sentence": sentence}
    errors = {
        name: SIGNIFICANT
        * _standard_error(candidates[best], candidate, test_examples if metric == "accuracy" else None)
        for name, candidate in candidates.items()
        if name != best
    }
    behind = {name: sign * (candidates[best].metric.mean - candidates[name].metric.mean) for name in errors}
    tied = [best] + [name for name, gap in behind.items() if gap == 0 or gap <= errors[name]]
    cost = {name: _relative_cost(candidates[name], candidates[best]) for name in tied}
    cheap = [name for name in tied if cost[name] <= ABOUT_THE_SAME * min(cost.values())]
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
    """Geometric mean of the costs relative to a reference, so that no unit outweighs another."""
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
        f"Choose {chosen}: its test {metric} of {_figure(candidates[chosen].metric.mean)} is not distinguishable "
        f"from that of the best, {best} ({_figure(candidates[best].metric.mean)}; the difference of {_figure(gap)} "
        f"is within the error of {_error(error)})" + (f", at {saving}." if saving else ".")
    )


def _best_wins(
    candidates: Mapping[str, Candidate],
    best: str,
    behind: Mapping[str, float],
    errors: Mapping[str, float],
    metric: str,
    tied: list[str],
) -> str:
    # The next of those that are as good; where none is, the next of all.
    rest = [name for name in tied if name != best] or list(behind)
    runner_up = min(rest, key=lambda name: behind[name])
    verdict = f"Choose {best}: its test {metric} of {_figure(candidates[best].metric.mean)} is the best"
    if len(tied) > 1:
        return (
            f"{verdict}, and no other model as good costs less (next: {runner_up}, "
            f"{_figure(candidates[runner_up].metric.mean)}, within the error of {_error(errors[runner_up])})."
        )
    ratios = _ratios(candidates[best], candidates[runner_up])
    price = _join([f"{ratio:.2g} times {_COSTS[key]}" for key, ratio in ratios.items() if ratio >= 1.05])
    return f"{verdict}, {_figure(behind[runner_up])} ahead of {runner_up} (error {_error(errors[runner_up])})" + (
        f"; that costs {price}." if price else ", and it costs no more."
    )


def _figure(value: float) -> str:
    return f"{value:.3f}" if abs(value) < 10 else f"{value:.4g}"


def _error(value: float) -> str:
    return "not known from one seed; give several with --seeds" if math.isnan(value) else _figure(value)


def _join(parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else ", ".join(parts[:-1]) + " and " + parts[-1] if parts else ""
