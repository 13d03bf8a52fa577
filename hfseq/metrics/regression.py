"""Metrics of regression."""

from typing import Any

import numpy as np
from scipy import stats
from sklearn import metrics as sk

from hfseq.metrics.base import OfflineMetric
from hfseq.registry import register_metric


def mse(references: np.ndarray, predictions: np.ndarray) -> float:
    """Mean squared error."""
    return float(sk.mean_squared_error(references, predictions))


def rmse(references: np.ndarray, predictions: np.ndarray) -> float:
    """Square root of the mean squared error, in the unit of the references."""
    return float(sk.root_mean_squared_error(references, predictions))


def mae(references: np.ndarray, predictions: np.ndarray) -> float:
    """Mean absolute error, in the unit of the references."""
    return float(sk.mean_absolute_error(references, predictions))


def r2(references: np.ndarray, predictions: np.ndarray) -> float | None:
    """Share of the variance of the references that is explained, or `None` if the references are constant."""
    return None if _constant(references) else float(sk.r2_score(references, predictions))


def pearson(references: np.ndarray, predictions: np.ndarray) -> float | None:
    """Linear correlation, or `None` if predictions or references are constant."""
    if _constant(references) or _constant(predictions):
        return None
    return float(stats.pearsonr(references, predictions).statistic)


def spearman(references: np.ndarray, predictions: np.ndarray) -> float | None:
    """Correlation of the ranks, or `None` if predictions or references are constant."""
    if _constant(references) or _constant(predictions):
        return None
    # Computed as the Pearson correlation of ranks: scipy's spearmanr adds a p-value, which is undefined for two rows.
    return float(stats.pearsonr(stats.rankdata(references), stats.rankdata(predictions)).statistic)


def _constant(values: np.ndarray) -> bool:
    # Smaller differences are only the rounding error of a float64 mean. A correlation of them would be noise.
    return bool(np.linalg.norm(values - values.mean()) <= 1e-13 * np.abs(values.mean()))


@register_metric("mse", greater_is_better=False)
class Mse(OfflineMetric):
    """Mean squared error. Result: ``mse``."""

    def score(self, references: np.ndarray, predictions: np.ndarray) -> dict[str, Any]:
        return {"mse": mse(references, predictions)}


@register_metric("rmse", greater_is_better=False)
class Rmse(OfflineMetric):
    """Square root of the mean squared error, in the unit of the references. Result: ``rmse``."""

    def score(self, references: np.ndarray, predictions: np.ndarray) -> dict[str, Any]:
        return {"rmse": rmse(references, predictions)}


@register_metric("mae", greater_is_better=False)
class Mae(OfflineMetric):
    """Mean absolute error, in the unit of the references. Result: ``mae``."""

    def score(self, references: np.ndarray, predictions: np.ndarray) -> dict[str, Any]:
        return {"mae": mae(references, predictions)}


@register_metric("r2")
class R2(OfflineMetric):
    """Share of the variance of the references that is explained: 1 is perfect, 0 is as good as predicting their mean.

    If the references are constant, it is undefined, and the result has no key ``r2``.
    """

    def score(self, references: np.ndarray, predictions: np.ndarray) -> dict[str, Any]:
        return {"r2": r2(references, predictions)}


@register_metric("pearson")
class Pearson(OfflineMetric):
    """Linear correlation of predictions and references.

    If either is constant, it is undefined, and the result has no key ``pearson``.
    """

    citation_text = "Pearson, K. (1895). Notes on regression and inheritance in the case of two parents."

    def score(self, references: np.ndarray, predictions: np.ndarray) -> dict[str, Any]:
        return {"pearson": pearson(references, predictions)}


@register_metric("spearman")
class Spearman(OfflineMetric):
    """Correlation of the ranks of predictions and references; equal values have the mean of their ranks.

    If either is constant, it is undefined, and the result has no key ``spearman``.
    """

    citation_text = "Spearman, C. (1904). The proof and measurement of association between two things."

    def score(self, references: np.ndarray, predictions: np.ndarray) -> dict[str, Any]:
        return {"spearman": spearman(references, predictions)}
