"""Which models are not worse than the best one by more than a margin, and which may be the best one."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from hfseq.comparison.statistics.intervals import seed_terms
from hfseq.comparison.statistics.pairs import difference_uncertainty
from hfseq.comparison.statistics.sample import Sample

_DRAWS = 5_000


@dataclass(frozen=True)
class Selection:
    """The result of [`select`].

    Attributes:
        best (`str`): the model with the best estimate.
        not_worse (`tuple[str, ...]`): models that are not worse than the best one by more than the margin.
        confidence_set (`tuple[str, ...]`): models that may be the best one (model confidence set).
        bounds (`dict[str, float]`): for each model, the largest amount by which it may be worse than the best one;
            infinite if nothing is known about the error. All bounds hold together.
        margin (`float`), confidence (`float`): the arguments.
    """

    best: str
    not_worse: tuple[str, ...]
    confidence_set: tuple[str, ...]
    bounds: dict[str, float]
    margin: float
    confidence: float


def select(
    samples: Mapping[str, Sample], margin: float, greater_is_better: bool, confidence: float = 0.95
) -> Selection:
    """Compares each model with the best one, which is itself uncertain (multiple comparisons with the best, Hsu 1984).

    The unknown best model has `m - 1` rivals. If the upper limits of the differences between it and its rivals hold
    together, then the largest of the limits between a model and all others bounds how much worse the model is than
    the best one, for all models at once. Each limit is one-sided, with Bonferroni's correction for the `m - 1` rivals.

    Args:
        samples (`Mapping[str, Sample]`): the results of each model on the same split, for the same metric.
        margin (`float`): a difference that does not matter, in units of the metric.
        greater_is_better (`bool`): direction of the metric.
        confidence (`float`, *optional*, defaults to 0.95): the confidence with which all limits hold together.
    """
    sign = 1 if greater_is_better else -1
    best = max(samples, key=lambda name: sign * samples[name].estimate)
    bounds = {
        name: max(
            (behind_limit(samples[other], samples[name], sign, rival_confidence(confidence, len(samples)))
             for other in samples if other != name), default=0.0,
        )
        for name in samples
    }  # fmt: skip
    return Selection(
        best,
        tuple(name for name, bound in bounds.items() if bound <= margin),
        model_confidence_set(samples, greater_is_better, confidence),
        {name: max(0.0, bound) for name, bound in bounds.items()},
        margin,
        confidence,
    )


def behind_limit(other: Sample, model: Sample, sign: int, confidence: float) -> float:
    """Upper limit of how much better the other model is; `sign` is -1 for an error measure."""
    known = difference_uncertainty(other, model)
    if known is None:
        return math.inf
    low, high = known.limits(confidence)
    return high if sign > 0 else -low


def rival_confidence(confidence: float, models: int) -> float:
    """Confidence of the two-sided interval of one difference, so that the upper limits of the differences between the
    best of the models and all others hold together with a given confidence.

    A limit is wrong on one side only, as in tests of non-inferiority and of equivalence (Schuirmann 1987): for two
    models and a confidence of 95 %, it is that of the two-sided interval of 90 %.
    """
    return 1 - 2 * (1 - confidence) / max(1, models - 1)


def model_confidence_set(
    samples: Mapping[str, Sample], greater_is_better: bool, confidence: float = 0.95
) -> tuple[str, ...]:
    """The models that may be the best one: the best one is among them with this confidence.

    Models without known errors stay in the set.

    Args:
        samples (`Mapping[str, Sample]`): the results of each model on the same split, for the same metric.
        greater_is_better (`bool`): direction of the metric.
        confidence (`float`, *optional*, defaults to 0.95): the confidence.
    """
    names = list(samples)
    losses = np.array([(-1 if greater_is_better else 1) * sample.estimate for sample in samples.values()])
    draws = _draw_errors(list(samples.values()))
    if draws is None or len(names) == 1:
        return tuple(names)
    p_values = confidence_set_p_values(losses, draws)
    return tuple(name for name, p in zip(names, p_values, strict=True) if p >= 1 - confidence)


def confidence_set_p_values(losses: np.ndarray, draws: np.ndarray) -> np.ndarray:
    """P-values of the model confidence set (Hansen, Lunde and Nason 2011, statistic `T_max`).

    The worst model is removed again and again. The p-value of a model is the largest one of the tests, until its
    removal, whether the remaining models are equally good.

    Args:
        losses (`np.ndarray` of shape `(models,)`): mean loss of each model; less is better.
        draws (`np.ndarray` of shape `(draws, models)`): errors of these means, drawn from their common distribution.

    Returns:
        `np.ndarray` of shape `(models,)`: a set with confidence 1 - p has the models with at least this p-value.
    """
    p_values = np.ones(len(losses))
    left = list(range(len(losses)))
    largest = 0.0
    while len(left) > 1:
        errors = draws[:, left] - draws[:, left].mean(1, keepdims=True)  # (draws, left)
        scale = np.sqrt((errors**2).mean(0))
        scale = np.where(scale > 0, scale, np.inf)  # equal models
        statistics = (losses[left] - losses[left].mean()) / scale
        worst = int(statistics.argmax())
        p_value = float(((errors / scale).max(1) > statistics[worst]).mean())
        if statistics[worst] <= 0:
            break  # no model is worse than another one
        largest = max(largest, p_value)
        p_values[left.pop(worst)] = largest
    return p_values


def _draw_errors(samples: Sequence[Sample]) -> np.ndarray | None:
    """Draws of the errors of the estimates, `(draws, models)`: over examples, which the models share, and seeds."""
    generator = np.random.default_rng(0)
    if any(difference_uncertainty(samples[0], other) is None for other in samples[1:]):
        return None
    errors = np.zeros((_DRAWS, len(samples)))
    for count in {sample.num_clusters for sample in samples} - {0, 1}:
        indices = [index for index, sample in enumerate(samples) if sample.num_clusters == count]
        scores = np.stack([samples[index].mean_scores for index in indices])  # (models, clusters)
        covariance = np.atleast_2d(np.cov(scores)) / count
        errors[:, indices] += generator.multivariate_normal(np.zeros(len(indices)), covariance, _DRAWS, method="eigh")
    for index, sample in enumerate(samples):
        for term in seed_terms(sample):
            errors[:, index] += math.sqrt(max(0.0, term.variance)) * generator.standard_t(term.seeds - 1, _DRAWS)
    return errors
