"""Confidence intervals over test examples and seeds together.

The results of several seeds on the same test examples are a crossed design with two random factors. The variance of
their mean is `seed / S + example / n + interaction / (n S)` for `S` seeds and `n` examples. The variance over the
examples of the scores that are averaged over the seeds already holds the interaction, so only the variance of the
seeds beyond the interaction is added (analysis of variance). Each part has its own degrees of freedom: the halves of
the intervals of both parts are added as squares (MOVER, Zou and Donner 2008). For few seeds, this keeps its level,
whereas one Student's t with Satterthwaite's degrees of freedom for the sum of both parts is too narrow.
"""

import math
from dataclasses import dataclass, replace

import numpy as np
from scipy import special

from hfseq.comparison.statistics.sample import Sample
from hfseq.metrics.ranges import metric_range


@dataclass(frozen=True)
class Interval:
    """An estimate and its confidence interval.

    Attributes:
        estimate (`float`): the mean over the seeds.
        low, high (`float`): limits of the interval.
        confidence (`float`): for example 0.95.
        method (`str`): how the interval was made, for the reader.
    """

    estimate: float
    low: float
    high: float
    confidence: float
    method: str


@dataclass(frozen=True)
class SeedTerm:
    """Contribution of the seeds of one model to a variance.

    Attributes:
        variance (`float`): variance of the mean over the seeds, beyond the interaction of seeds and examples. Its
            estimate is below 0 if the seeds differ by less than the interaction explains.
        observed (`float`): the same with the interaction.
        seeds (`int`): number of seeds.
    """

    variance: float
    observed: float
    seeds: int


@dataclass(frozen=True)
class Uncertainty:
    """What limits the knowledge about an estimate.

    Attributes:
        estimate (`float`): the estimate.
        error (`float`): standard error over the examples.
        clusters (`int`): number of independent clusters of examples; 0 if only the seeds count.
        skewness (`float`): skewness of the estimate over samples of examples.
        bounds (`tuple[float, float]`): smallest and largest value.
        seed_terms (`tuple[SeedTerm, ...]`): contributions of the seeds of each model.
        different (`int`, *optional*): number of clusters in which two models differ; `None` for one model.
        unit (`float`): size of the difference of two models in a cluster in which they differ.
    """

    estimate: float
    error: float
    clusters: int
    skewness: float = 0.0
    bounds: tuple[float, float] = (-math.inf, math.inf)
    seed_terms: tuple[SeedTerm, ...] = ()
    different: int | None = None
    unit: float = 0.0

    def limits(self, confidence: float) -> tuple[float, float]:
        """Limits of the interval with this confidence."""
        low, high = self.example_limits(confidence)
        seeds = self.seed_half_width(confidence)
        return (
            max(self.bounds[0], self.estimate - math.hypot(self.estimate - low, seeds)),
            min(self.bounds[1], self.estimate + math.hypot(high - self.estimate, seeds)),
        )

    def seed_half_width(self, confidence: float) -> float:
        """Half of the interval if only the seeds are random, with the degrees of freedom of Satterthwaite (1946)."""
        variance = sum(term.variance for term in self.seed_terms)
        if variance <= 0:
            return 0.0
        observed = sum(term.observed for term in self.seed_terms)
        degrees = observed**2 / sum(term.observed**2 / (term.seeds - 1) for term in self.seed_terms)
        return student(confidence, degrees) * math.sqrt(variance)

    def example_limits(self, confidence: float) -> tuple[float, float]:
        """Limits of the interval if only the examples are random."""
        if not self.clusters:
            return self.estimate, self.estimate
        quantile = student(confidence, self.clusters - 1)
        low, high = self.bounds
        if math.isfinite(low) and math.isfinite(high) and low <= self.estimate <= high:
            share = (self.estimate - low) / (high - low)
            limits = _share_limits(share, self.error / (high - low), self.clusters, quantile)
            return low + (high - low) * limits[0], low + (high - low) * limits[1]
        missed = self._missed(confidence)
        return (
            self.estimate - max(missed, self.error * _unskewed(quantile, self.skewness)),
            self.estimate + max(missed, -self.error * _unskewed(-quantile, self.skewness)),
        )

    def _missed(self, confidence: float) -> float:
        """How large a difference may be beyond the observed one, if too few clusters differ for a sign test."""
        if self.different is None or 2.0 ** (1 - self.different) <= 1 - confidence:
            return 0.0
        # The largest mean number of such clusters, of which so few are observed (Poisson).
        most = float(special.gammaincinv(self.different + 1, (1 + confidence) / 2))
        return self.unit * (most - self.different) / self.clusters


def metric_interval(sample: Sample, confidence: float = 0.95) -> Interval | None:
    """Confidence interval of the metric of one model.

    With several seeds, it is about the mean over all seeds and all examples that could be drawn. With one seed, it is
    about this trained model, and only the examples are random. The interval of a share is that of Wilson with the
    effective number of examples (Korn and Graubard 1998); otherwise it has Student's t with the correction for
    skewness of Hall (1992).

    Args:
        sample (`Sample`): the results of the model.
        confidence (`float`, *optional*, defaults to 0.95): the confidence.

    Returns:
        `Interval`, or `None` if neither examples nor seeds tell anything about the error.
    """
    uncertainty = sample_uncertainty(sample)
    if uncertainty is None:
        return None
    return Interval(sample.estimate, *uncertainty.limits(confidence), confidence, _method(sample))


def sample_uncertainty(sample: Sample) -> Uncertainty | None:
    """What limits the knowledge about the metric of one model; `None` if nothing is known about its error."""
    if not np.isfinite(sample.values).all() or (sample.num_clusters < 2 and sample.num_seeds < 2):
        return None
    bounds = metric_range(sample.metric)
    known = Uncertainty(sample.estimate, 0.0, 0, bounds=bounds, seed_terms=seed_terms(sample))
    if sample.num_clusters < 2:
        return known
    error, skewness = mean_error(sample.mean_scores)
    return replace(known, error=error, clusters=sample.num_clusters, skewness=skewness)


def seed_terms(sample: Sample) -> tuple[SeedTerm, ...]:
    """Contribution of the seeds beyond their interaction with the examples; empty for one seed."""
    seeds = sample.num_seeds
    if seeds < 2 or sample.deterministic:
        return ()
    if sample.overlap is not None:
        return (split_term(sample.values, sample.overlap),)
    variance = observed = float(np.var(sample.values, ddof=1)) / seeds
    if sample.num_clusters > 1:
        variance -= sample.interaction_variance / (seeds * sample.num_clusters)
    return (SeedTerm(variance, observed, seeds),)


def split_term(values: np.ndarray, overlap: float) -> SeedTerm:
    """Variance of a mean over repeated random splits, corrected for their common examples (Nadeau and Bengio 2003)."""
    variance = float(np.var(values, ddof=1)) * (1 / len(values) + overlap)
    return SeedTerm(variance, variance, len(values))


def mean_error(scores: np.ndarray) -> tuple[float, float]:
    """Standard error and skewness of the mean of independent scores."""
    number = len(scores)
    centred = scores - scores.mean()
    squares = centred * centred
    variance = float(squares.sum() / number)
    if variance <= 0:
        return 0.0, 0.0
    skewness = float(squares @ centred) / number / variance**1.5 / math.sqrt(number)
    return math.sqrt(variance / (number - 1)), skewness


def student(confidence: float, degrees: float) -> float:
    """Two-sided quantile of Student's t distribution."""
    return float(special.stdtrit(degrees, (1 + confidence) / 2))


def _share_limits(share: float, error: float, clusters: int, quantile: float) -> tuple[float, float]:
    """Interval of Wilson (1927) for the effective number of examples that gives this standard error."""
    number = float(clusters)
    if error > 0 and 0 < share < 1:
        number = share * (1 - share) / error**2 * clusters / (clusters - 1)
    centre = (share + quantile**2 / (2 * number)) / (1 + quantile**2 / number)
    half = (
        quantile / (1 + quantile**2 / number) * math.sqrt(share * (1 - share) / number + (quantile / number / 2) ** 2)
    )
    return max(0.0, centre - half), min(1.0, centre + half)


def _unskewed(quantile: float, skewness: float) -> float:
    """Quantile of the studentised mean of skewed values: the inverse of the transformation of Hall (1992)."""
    if abs(skewness) < 1e-9:
        return quantile
    return 3 / skewness * (float(np.cbrt(1 + skewness * (quantile - skewness / 6))) - 1)


def _method(sample: Sample) -> str:
    clusters = sample.num_clusters
    kind = "clusters of examples" if sample.groups is not None else "examples"
    parts = [f"{clusters:,} {kind}"] if clusters > 1 else []
    if sample.num_seeds > 1 and not sample.deterministic:
        parts.append(f"{sample.num_seeds} {'seeds' if sample.overlap is None else 'random splits'}")
    elif not sample.deterministic:
        parts.append("this trained model only")
    return ", ".join(parts)
