"""Differences between two models on the same examples: intervals, tests, and effect sizes."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import combinations

import numpy as np
from scipy import special

from hfseq.comparison.statistics.intervals import (
    Uncertainty,
    mean_error,
    sample_uncertainty,
    seed_terms,
    split_term,
    student,
)
from hfseq.comparison.statistics.sample import Sample

# With more discordant examples, McNemar's test uses the chi-squared distribution.
_MOST_EXACT = 25
# With more clusters, the permutation test agrees with Student's t test, which needs no drawing.
_MOST_PERMUTED = 400
# Up to this number of clusters, all changes of sign are tried.
_MOST_ENUMERATED = 13
_PERMUTATIONS = 9_999
_SMALLEST_P = 1e-12
_BISECTIONS = 20
# Smaller differences of metrics with bounds are rounding errors.
_ROUNDING = 1e-9


@dataclass(frozen=True)
class Pair:
    """The difference between two models.

    Attributes:
        difference (`float`): metric of the first model minus that of the second one.
        low, high (`float`): confidence interval of the difference; NaN if nothing is known about the error.
        confidence (`float`): for example 0.95.
        p_value (`float`): two-sided; NaN if nothing is known about the error.
        test (`str`): name of the test.
        effect_size (`float`): size of the difference without a unit; NaN if it is not known.
        effect_name (`str`): `"Cohen's h"` or `"standardised difference"`.
        p_adjusted (`float`): p-value with Holm's correction for all pairs; NaN for a single pair.
        a, b (`str`): names of the models.
    """

    difference: float
    low: float
    high: float
    confidence: float
    p_value: float
    test: str
    effect_size: float
    effect_name: str
    p_adjusted: float = math.nan
    a: str = ""
    b: str = ""


def compare_pairs(samples: Mapping[str, Sample], confidence: float = 0.95) -> list[Pair]:
    """Compares every two models.

    Args:
        samples (`Mapping[str, Sample]`): the results of each model on the same split, for the same metric.
        confidence (`float`, *optional*, defaults to 0.95): confidence of the interval of each difference.

    Returns:
        `list[Pair]`: with p-values that Holm's method corrects for the number of pairs.
    """
    found = [replace(compare_pair(samples[a], samples[b], confidence), a=a, b=b) for a, b in combinations(samples, 2)]
    return [replace(pair, p_adjusted=p) for pair, p in zip(found, holm([pair.p_value for pair in found]), strict=True)]


def compare_pair(a: Sample, b: Sample, confidence: float = 0.95) -> Pair:
    """Compares two models on the same examples.

    One seed: McNemar's test if each example is right or wrong, else a permutation test that changes the signs of the
    differences between the models in each cluster of examples. Several seeds: a test with seeds and examples as
    crossed random factors, that agrees with the interval.

    Args:
        a, b (`Sample`): the results of the models, for the same metric. If they have different numbers of examples
            (language models may split a text differently), they are treated as independent.
        confidence (`float`, *optional*, defaults to 0.95): confidence of the interval.
    """
    difference = a.estimate - b.estimate
    size, name = effect_size(a, b)
    known = difference_uncertainty(a, b)
    if known is None:
        return Pair(difference, math.nan, math.nan, confidence, math.nan, "none", size, name)
    low, high = known.limits(confidence)
    p_value, test = _test(a, b, known)
    return Pair(difference, low, high, confidence, p_value, test, size, name)


def difference_uncertainty(a: Sample, b: Sample) -> Uncertainty | None:
    """What limits the knowledge about the difference of two models; `None` if nothing is known about its error.

    The seeds of the two models are independent, the examples are the same. If too few examples distinguish two models
    for a sign test, the interval of a metric with bounds holds 0, and is as wide as the difference that may have been
    missed by chance: models that agree on all of few examples are not equal without doubt.
    """
    of_a, of_b = sample_uncertainty(a), sample_uncertainty(b)
    difference = a.estimate - b.estimate
    terms = (*seed_terms(a), *seed_terms(b))
    if not math.isfinite(difference):
        return None
    if a.overlap is not None and b.overlap is not None and a.num_seeds == b.num_seeds > 1:
        return Uncertainty(difference, 0.0, 0, seed_terms=(split_term(a.values - b.values, a.overlap),))
    if of_a is None or of_b is None or not min(of_a.clusters, of_b.clusters):
        return Uncertainty(difference, 0.0, 0, seed_terms=terms) if _seeds_suffice(a, b) else None
    if not _aligned(a, b):
        clusters = min(of_a.clusters, of_b.clusters)
        return Uncertainty(difference, math.hypot(of_a.error, of_b.error), clusters, seed_terms=terms)
    scores = a.mean_scores - b.mean_scores
    different = int((np.abs(scores) > _ROUNDING).sum())
    unit = 1.0 if a.is_binary and b.is_binary else _cluster_size(of_a, of_b)
    return Uncertainty(
        difference, mean_error(scores)[0], len(scores), seed_terms=terms, different=different, unit=unit
    )


def _seeds_suffice(a: Sample, b: Sample) -> bool:
    return all(sample.deterministic or sample.num_seeds > 1 for sample in (a, b))


def _aligned(a: Sample, b: Sample) -> bool:
    return a.num_clusters == b.num_clusters


def _cluster_size(a: Uncertainty, b: Uncertainty) -> float:
    """Typical difference of independent models in a cluster; 0 for a metric without bounds."""
    if not all(map(math.isfinite, a.bounds)):
        return 0.0
    limits = [part.example_limits(0.95) for part in (a, b)]
    errors = [(high - low) / 2 / student(0.95, a.clusters - 1) for low, high in limits]
    return math.hypot(*errors) * math.sqrt(a.clusters)


def _test(a: Sample, b: Sample, known: Uncertainty) -> tuple[float, str]:
    if not known.clusters:
        return _inverted(known), "t test over seeds" if a.overlap is None else "corrected t test over random splits"
    if known.seed_terms:
        return _inverted(known), "crossed t test over seeds and examples"
    if not _aligned(a, b):
        return _inverted(known), "t test of independent examples"
    if a.is_binary and b.is_binary:
        return mcnemar(a.scores[0] > 0.5, b.scores[0] > 0.5)
    scores = a.mean_scores - b.mean_scores
    if len(scores) <= _MOST_PERMUTED:
        return sign_flip(scores), "permutation test"
    return _inverted(known), "paired t test"


def _inverted(known: Uncertainty) -> float:
    """The p-value that agrees with the intervals: 1 minus the confidence of the interval that ends at 0."""
    side = 0 if known.estimate > 0 else 1
    if known.estimate == 0:
        return 1.0

    def excludes_0(log_p: float) -> bool:
        limit = known.limits(-math.expm1(log_p))[side]
        return limit > 0 if side == 0 else limit < 0

    # The interval becomes narrower as p grows: bisect log(p).
    low, high = math.log(_SMALLEST_P), 0.0
    if excludes_0(low):
        return _SMALLEST_P
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        low, high = (low, middle) if excludes_0(middle) else (middle, high)
    return math.exp(high)


def mcnemar(a: np.ndarray, b: np.ndarray) -> tuple[float, str]:
    """Test of McNemar (1947): exact for up to 25 examples that only one of the models predicts correctly.

    Args:
        a, b (`np.ndarray` of shape `(examples,)`): whether each model is right.

    Returns:
        `tuple[float, str]`: two-sided p-value, and the name of the test.
    """
    only_a, only_b = int((a & ~b).sum()), int((~a & b).sum())
    total = only_a + only_b
    if total <= _MOST_EXACT:
        p_value = 1.0 if total == 0 else min(1.0, 2 * float(special.bdtr(min(only_a, only_b), total, 0.5)))
        return p_value, "exact McNemar test"
    return float(special.chdtrc(1, (only_a - only_b) ** 2 / total)), "McNemar test"


def sign_flip(differences: np.ndarray) -> float:
    """Permutation test: are the differences symmetric around 0?

    Args:
        differences (`np.ndarray` of shape `(clusters,)`): differences between two models. All changes of sign are
            tried for up to 13 clusters, else 9,999 are drawn, always the same ones.

    Returns:
        `float`: two-sided p-value.
    """
    observed = abs(differences.sum())
    sums = np.abs(_signs(len(differences)) @ differences.astype(np.float32))
    # Rounding must not make equal sums different.
    as_large = float((sums >= observed * (1 - 1e-5)).sum())
    if len(differences) <= _MOST_ENUMERATED:
        return as_large / len(sums)
    return (as_large + 1) / (len(sums) + 1)


@lru_cache(maxsize=4)
def _signs(number: int) -> np.ndarray:
    """Changes of sign, `(changes, number)`."""
    if number <= _MOST_ENUMERATED:
        bits = np.arange(2**number)[:, None] >> np.arange(number) & 1
    else:
        bits = np.random.default_rng(0).integers(0, 2, (_PERMUTATIONS, number), dtype=np.int8)
    return (1 - 2 * bits).astype(np.float32)


def holm(p_values: Sequence[float]) -> list[float]:
    """Corrects p-values for their number (Holm 1979): the probability of any false finding is kept.

    Args:
        p_values (`Sequence[float]`): p-values; NaN stays NaN and does not count.

    Returns:
        `list[float]`: the corrected p-values, in the same order.
    """
    known = sorted((p, index) for index, p in enumerate(p_values) if not math.isnan(p))
    corrected, largest = [math.nan] * len(p_values), 0.0
    for rank, (p, index) in enumerate(known):
        largest = max(largest, min(1.0, p * (len(known) - rank)))
        corrected[index] = largest
    return corrected


def effect_size(a: Sample, b: Sample) -> tuple[float, str]:
    """Size of a difference without a unit.

    Returns:
        `tuple[float, str]`: Cohen's h for shares of right examples (0.2 is small, 0.8 large; Cohen 1988); else the
            mean difference of the clusters divided by its standard deviation; NaN if it is not known.
    """
    if a.is_binary and b.is_binary:
        return 2 * (math.asin(math.sqrt(a.estimate)) - math.asin(math.sqrt(b.estimate))), "Cohen's h"
    name = "standardised difference"
    if min(a.num_clusters, b.num_clusters) < 2:
        return math.nan, name
    if _aligned(a, b):
        deviation = float(np.std(a.mean_scores - b.mean_scores, ddof=1))
    else:
        deviation = math.sqrt(sum(float(np.var(sample.mean_scores, ddof=1)) for sample in (a, b)) / 2)
    return ((a.estimate - b.estimate) / deviation if deviation > 0 else math.nan), name
