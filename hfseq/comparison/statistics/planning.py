"""How many examples or seeds would make a comparison decisive."""

import math
from dataclasses import replace

from hfseq.comparison.statistics.intervals import SeedTerm, student
from hfseq.comparison.statistics.pairs import difference_uncertainty
from hfseq.comparison.statistics.sample import Sample

_MOST_SEEDS = 50
_MOST_EXAMPLES = 10_000_000


def needed_examples(better: Sample, other: Sample, margin: float, confidence: float = 0.95) -> int | None:
    """Number of examples that would probably tell whether another model is good enough.

    It is enough to show that the other model is not worse by more than the margin, or that it is worse at all,
    whichever needs fewer examples, if the difference stays what it is.

    Args:
        better, other (`Sample`): results of the two models, on the same split.
        margin (`float`): a difference that does not matter, in units of the metric.
        confidence (`float`, *optional*, defaults to 0.95): confidence of the two-sided interval.

    Returns:
        `int`: number of examples, rounded up to two digits; `None` if no number of examples suffices, or if nothing
            is known about the error.
    """
    known = difference_uncertainty(better, other)
    if known is None or not known.clusters or known.error == 0:
        return None
    target = decisive_width(abs(better.estimate - other.estimate), margin)
    seeds = known.seed_half_width(confidence)
    if target <= seeds:
        return None
    error = math.sqrt(target**2 - seeds**2) / student(confidence, 10_000)
    rows = better.sums.shape[1] if better.sums is not None else 0
    needed = rows * (known.error / error) ** 2
    return _round_up(needed) if needed <= _MOST_EXAMPLES else None


def needed_seeds(better: Sample, other: Sample, margin: float, confidence: float = 0.95) -> int | None:
    """Number of seeds that would probably tell whether another model is good enough, see [`needed_examples`].

    Returns:
        `int`: number of seeds of each model; `None` if up to 50 seeds do not suffice, or with one seed, where the
            spread over the seeds is unknown.
    """
    known = difference_uncertainty(better, other)
    if known is None or not known.seed_terms:
        return None
    target = decisive_width(abs(better.estimate - other.estimate), margin)
    samples = [sample for sample in (better, other) if not sample.deterministic]
    # The part of the variance over the examples that more seeds make smaller.
    shares = [item.interaction_variance / max(1, item.num_clusters) for item in samples]
    fixed = known.error**2 - sum(share / item.num_seeds for share, item in zip(shares, samples, strict=True))
    for seeds in range(2, _MOST_SEEDS + 1):
        error = math.sqrt(max(0.0, fixed) + sum(shares) / seeds)
        terms = tuple(
            SeedTerm(term.variance * term.seeds / seeds, term.observed * term.seeds / seeds, seeds)
            for term in known.seed_terms
        )
        planned = replace(known, error=error, seed_terms=terms, different=None)
        if planned.limits(confidence)[1] - planned.estimate <= target:
            return seeds
    return None


def decisive_width(difference: float, margin: float) -> float:
    """Largest half of an interval that either stays below the margin or excludes 0."""
    return max(margin - difference, difference)


def _round_up(number: float) -> int:
    step = 10 ** max(0, math.floor(math.log10(max(1.0, number))) - 1)
    return math.ceil(number / step) * step
