"""Metrics on predicted numbers."""

from typing import Any

import numpy as np
from scipy import stats
from sklearn import metrics as sk

from hfseq.metrics.base import OfflineMetric


def mse(references: np.ndarray, predictions: np.ndarray) -> float:
    """The mean squared error."""
    return float(sk.mean_squared_error(references, predictions))


def rmse(references: np.ndarray, predictions: np.ndarray) -> float:
    """The square root of the mean squared error, in the unit of the references."""
    return float(sk.root_mean_squared_error(references, predictions))


def mae(references: np.ndarray, predictions: np.ndarray) -> float:
    """The mean absolute error, in the unit of the references."""
    return float(sk.mean_absolute_error(references, predictions))


def r2(references: np.ndarray, predictions: np.ndarray) -> float | None:
    """The share of the references' variance that is explained, or `None` where they do not vary."""
    return None if _constant(references) else float(sk.r2_score(references, predictions))


def pearson(references: np.ndarray, predictions: np.ndarray) -> float | None:
    """The linear correlation, or `None` where either side does not vary."""
    if _constant(references) or _constant(predictions):
        return None
    return float(stats.pearsonr(references, predictions).statistic)


def spearman(references: np.ndarray, predictions: np.ndarray) -> float | None:
    """The correlation of the ranks, or `None` where either side does not vary."""
    if _constant(references) or _constant(predictions):
        return None
    # The ranks go through Pearson's formula because scipy's own function adds a p-value, undefined for two rows.
    return float(stats.pearsonr(stats.rankdata(references), stats.rankdata(predictions)).statistic)


def _constant(values: np.ndarray) -> bool:
    # Below this the differences are rounding of a 64-bit mean, and a correlation of them would be noise.
    return bool(np.linalg.norm(values - values.mean()) <= 1e-13 * np.abs(values.mean()))


class Mse(OfflineMetric):
    """The mean squared error. Result: ``mse``."""

    def score(self, references: np.ndarray, predictions: np.ndarray) -> dict[str, Any]:
        return {"mse": mse(references, predictions)}


class Rmse(OfflineMetric):
    """The square root of the mean squared error, in the unit of the references. Result: ``rmse``."""

    def score(self, references: np.ndarray, predictions: np.ndarray) -> dict[str, Any]:
        return {"rmse": rmse(references, predictions)}


class Mae(OfflineMetric):
    """The mean absolute error, in the unit of the references. Result: ``mae``."""

    def score(self, references: np.ndarray, predictions: np.ndarray) -> dict[str, Any]:
        return {"mae": mae(references, predictions)}


class R2(OfflineMetric):
    """The share of the references' variance that is explained: 1 is perfect, 0 as good as their mean.

    Where the references do not vary it is undefined, and the result has no key ``r2``.
    """

    def score(self, references: np.ndarray, predictions: np.ndarray) -> dict[str, Any]:
        return {"r2": r2(references, predictions)}


class Pearson(OfflineMetric):
    """The linear correlation of predictions and references.

    Where either does not vary it is undefined, and the result has no key ``pearson``.
    """

    citation_text = "Pearson, K. (1895). Notes on regression and inheritance in the case of two parents."

    def score(self, references: np.ndarray, predictions: np.ndarray) -> dict[str, Any]:
        return {"pearson": pearson(references, predictions)}


class Spearman(OfflineMetric):
    """The correlation of the ranks of predictions and references; ties share their mean rank.

    Where either does not vary it is undefined, and the result has no key ``spearman``.
    """

    citation_text = "Spearman, C. (1904). The proof and measurement of association between two things."

    def score(self, references: np.ndarray, predictions: np.ndarray) -> dict[str, Any]:
        return {"spearman": spearman(references, predictions)}
