"""Comparison of models over several data sets (Demsar 2006)."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy import special

from hfseq.errors import HfseqError


@dataclass(frozen=True)
class DataSetRanks:
    """Ranks of models over several data sets.

    Attributes:
        ranks (`dict[str, float]`): mean rank of each model, from the best one; 1 is best on every data set.
        p_value (`float`): Friedman's test whether all models are equally good.
        critical_difference (`float`): models whose mean ranks differ by less are not distinguished (Nemenyi).
        pairs (`dict[tuple[str, str], float]`): p-value of Nemenyi's test for every two models.
        groups (`tuple[tuple[str, ...], ...]`): the bars of the critical-difference picture: largest sets of models
            that are not distinguished, of at least two models.
        data_sets (`int`): number of data sets.
    """

    ranks: dict[str, float]
    p_value: float
    critical_difference: float
    pairs: dict[tuple[str, str], float]
    groups: tuple[tuple[str, ...], ...]
    data_sets: int


def rank_models(
    scores: Mapping[str, Mapping[str, float]], greater_is_better: bool = True, confidence: float = 0.95
) -> DataSetRanks:
    """Friedman's test, and Nemenyi's test with its critical difference.

    Args:
        scores (`Mapping[str, Mapping[str, float]]`): data set -> model -> metric, for the same models everywhere.
        greater_is_better (`bool`, *optional*, defaults to `True`): direction of the metric.
        confidence (`float`, *optional*, defaults to 0.95): confidence of the critical difference.

    Raises:
        HfseqError: there are fewer than two data sets or models, or a model has no score on a data set.
    """
    from scipy import stats  # slow to import, and needed for several data sets only

    names = list(next(iter(scores.values()), {}))
    if len(scores) < 2 or len(names) < 2:
        raise HfseqError(f"ranks need at least two data sets and two models, not {len(scores)} and {len(names)}")
    for data_set, row in scores.items():
        if set(row) != set(names):
            raise HfseqError(f"{data_set} has scores of {sorted(row)}, but other data sets of {sorted(names)}")
    table = np.array([[row[name] for name in names] for row in scores.values()], dtype=np.float64)
    ranks = stats.rankdata(-table if greater_is_better else table, axis=1)  # (data sets, models)
    mean = ranks.mean(0)
    order = sorted(range(len(names)), key=lambda index: mean[index])
    error = math.sqrt(len(names) * (len(names) + 1) / (12 * len(scores)))  # of the difference of two ranks, / sqrt(2)
    critical = float(stats.studentized_range.ppf(confidence, len(names), np.inf)) * error
    pairs = {
        (names[a], names[b]): float(stats.studentized_range.sf(abs(mean[a] - mean[b]) / error, len(names), np.inf))
        for place, a in enumerate(order)
        for b in order[place + 1 :]
    }
    return DataSetRanks(
        {names[index]: float(mean[index]) for index in order},
        friedman(ranks),
        critical,
        pairs,
        _groups([names[index] for index in order], mean[order], critical),
        len(scores),
    )


def friedman(ranks: np.ndarray) -> float:
    """P-value of Friedman's chi-squared test, corrected for ties.

    Args:
        ranks (`np.ndarray` of shape `(data_sets, models)`): ranks of the models on each data set.
    """
    number, models = ranks.shape
    between = number * ((ranks.mean(0) - (models + 1) / 2) ** 2).sum()
    within = ((ranks - (models + 1) / 2) ** 2).sum() / (number * (models - 1))
    return 1.0 if within == 0 else float(special.chdtrc(models - 1, between / within))


def _groups(names: list[str], ranks: np.ndarray, critical: float) -> tuple[tuple[str, ...], ...]:
    """Largest runs of models, in the order of their ranks, whose ranks differ by less than the critical difference."""
    groups: list[tuple[str, ...]] = []
    reached = 0
    for start in range(len(names)):
        end = int(np.searchsorted(ranks, ranks[start] + critical, side="right"))
        if end - start > 1 and end > reached:
            groups.append(tuple(names[start:end]))
            reached = end
    return tuple(groups)
