"""Metrics of predicted classes, and the area under the ROC curve."""

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import numpy as np
from datasets import Features
from sklearn import metrics as sk

from hfseq.errors import HfseqError, nearest
from hfseq.metrics.arrays import binary_labels, class_ids, same_rows
from hfseq.metrics.base import ONE_TO_ONE, ROW_TO_ONE, ROW_TO_ROW, OfflineMetric
from hfseq.registry import register_metric

AVERAGES = ("binary", "macro", "micro", "weighted", "samples")


def accuracy(references: np.ndarray, predictions: np.ndarray, **options: Any) -> float:
    """Share of correct rows. With several labels per row, a row is correct if all its labels are correct."""
    return float(sk.accuracy_score(references, predictions, **options))


def hamming_accuracy(references: np.ndarray, predictions: np.ndarray) -> float:
    """Share of correct labels among all labels, for 0/1 labels of shape (rows, labels)."""
    return 1.0 - float(sk.hamming_loss(references, predictions))


def precision(references: np.ndarray, predictions: np.ndarray, average: str | None, **options: Any) -> Any:
    """Share of correct rows among the rows predicted as a class; see [`Precision`]."""
    return _averaged(sk.precision_score, references, predictions, average, options)


def recall(references: np.ndarray, predictions: np.ndarray, average: str | None, **options: Any) -> Any:
    """Share of correct rows among the rows that belong to a class; see [`Recall`]."""
    return _averaged(sk.recall_score, references, predictions, average, options)


def f1(references: np.ndarray, predictions: np.ndarray, average: str | None, **options: Any) -> Any:
    """Harmonic mean of precision and recall; see [`F1`]."""
    return _averaged(sk.f1_score, references, predictions, average, options)


def matthews_correlation(references: np.ndarray, predictions: np.ndarray) -> float:
    """Correlation of predicted and true class; 0 if either is the same for all rows."""
    # scikit-learn also returns 0 here, but warns if predictions and references together have only one class.
    if np.unique(references).size == 1 or np.unique(predictions).size == 1:
        return 0.0
    return float(sk.matthews_corrcoef(references, predictions))


def roc_auc(references: np.ndarray, scores: np.ndarray) -> float | None:
    """Area under the ROC curve, or `None` if it is undefined; see [`RocAuc`]."""
    if scores.ndim == 2 and references.ndim == 1:
        if scores.shape[1] == 2:
            scores = scores[:, 1]  # (rows,)
        else:
            references = references[:, None] == np.arange(scores.shape[1])  # (rows, classes)
    truth = references.reshape(len(references), -1).astype(np.int64)  # (rows, columns)
    scores = scores.reshape(truth.shape)  # (rows, columns)
    defined = [column for column in range(truth.shape[1]) if np.ptp(truth[:, column]) > 0]
    if not defined:
        return None
    return float(np.mean([sk.roc_auc_score(truth[:, column], scores[:, column]) for column in defined]))


def _averaged(
    score: Callable[..., Any],
    references: np.ndarray,
    predictions: np.ndarray,
    average: str | None,
    options: dict[str, Any],
) -> float | list[float]:
    if average is not None and average not in AVERAGES:
        raise HfseqError(f"average={average!r} is not known; {nearest(average, AVERAGES)}")
    if references.ndim == 2 and references.shape[1] == 1:
        # scikit-learn treats one column as two classes, and would count the absence of the label as a class.
        references, predictions = references[:, 0], predictions[:, 0]  # (rows,)
        options = {**options, "labels": [1]}
    try:
        result = score(references, predictions, average=average, zero_division=0, **options)
    except ValueError as error:
        raise HfseqError(
            f"scikit-learn does not accept average={average!r} for this data: {error} "
            "Use average='binary' with two classes, and 'macro', 'micro' or 'weighted' with more classes or several "
            "labels."
        ) from error
    return [float(value) for value in result] if average is None else float(result)


class _ClassMetric(OfflineMetric):
    input_kinds: ClassVar[list[Features]] = [ONE_TO_ONE, ROW_TO_ROW]

    @staticmethod
    def _classes(references: np.ndarray, predictions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        same_rows(references, predictions)
        check = binary_labels if references.ndim == 2 else class_ids
        return check(references, "references"), check(predictions, "predictions")


@register_metric("accuracy")
class Accuracy(_ClassMetric):
    """Share of correct rows. With several 0/1 labels per row, a row is correct if all its labels are correct.

    Result: ``accuracy``.
    """

    def score(
        self,
        references: np.ndarray,
        predictions: np.ndarray,
        normalize: bool = True,
        sample_weight: Sequence[float] | None = None,
    ) -> dict[str, Any]:
        truth, guess = self._classes(references, predictions)
        return {"accuracy": accuracy(truth, guess, normalize=normalize, sample_weight=sample_weight)}


class _AveragedMetric(_ClassMetric):
    function: ClassVar[Callable[..., Any]]

    def score(
        self,
        references: np.ndarray,
        predictions: np.ndarray,
        labels: Sequence[int] | None = None,
        pos_label: int = 1,
        average: str | None = "binary",
        sample_weight: Sequence[float] | None = None,
    ) -> dict[str, Any]:
        truth, guess = self._classes(references, predictions)
        options = {"labels": labels, "pos_label": pos_label, "sample_weight": sample_weight}
        return {self.name: type(self).function(truth, guess, average, **options)}


@register_metric("precision")
class Precision(_AveragedMetric):
    """Share of correct rows among the rows predicted as a class; 0 for a class that was never predicted.

    `compute` takes `average` (``binary``, ``macro``, ``micro``, ``weighted``, ``samples``, or `None` for one value per
    class; defaults to ``binary``), `pos_label`, `labels` and `sample_weight`. A macro average is taken over the
    classes that occur in the references or the predictions. Result: ``precision``.
    """

    function = staticmethod(precision)


@register_metric("recall")
class Recall(_AveragedMetric):
    """Share of correct rows among the rows that belong to a class; 0 for a class without references.

    `compute` takes the arguments of [`Precision`]. Result: ``recall``.
    """

    function = staticmethod(recall)


@register_metric("f1")
class F1(_AveragedMetric):
    """Harmonic mean of precision and recall; 0 if both are 0.

    `compute` takes the arguments of [`Precision`]. Result: ``f1``.
    """

    function = staticmethod(f1)


@register_metric("matthews_correlation")
class MatthewsCorrelation(OfflineMetric):
    """Correlation of predicted and true class, from -1 to 1, for two or more classes (Gorodkin 2004).

    It is 0 if all references, or all predictions, are the same. Result: ``matthews_correlation``.
    """

    citation_text = (
        "Matthews, B. W. (1975). Comparison of the predicted and observed secondary structure of T4 phage lysozyme."
    )

    def score(self, references: np.ndarray, predictions: np.ndarray) -> dict[str, Any]:
        truth, guess = class_ids(references, "references"), class_ids(predictions, "predictions")
        return {"matthews_correlation": matthews_correlation(truth, guess)}


@register_metric("roc_auc")
class RocAuc(OfflineMetric):
    """Area under the ROC curve.

    `predictions` have one of three forms. One score per row: two classes, with the score of class 1. Class
    probabilities: one class against the rest, averaged over the classes. Label scores, with 0/1 references of the same
    shape: averaged over the labels. A class or label counts only if the references have both positive and negative
    rows. If there is no such class or label, the area is undefined, and the result has no key ``roc_auc``.
    """

    input_kinds: ClassVar[list[Features]] = [ONE_TO_ONE, ROW_TO_ONE, ROW_TO_ROW]
    citation_text = "Fawcett, T. (2006). An introduction to ROC analysis. Pattern Recognition Letters 27."

    def score(self, references: np.ndarray, predictions: np.ndarray) -> dict[str, Any]:
        same_rows(references, predictions)
        if predictions.ndim == 2 and references.ndim == 1:
            truth = class_ids(references, "references", predictions.shape[1])
        else:
            truth = binary_labels(references, "references")
        return {"roc_auc": roc_auc(truth, predictions)}
