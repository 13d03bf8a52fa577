"""Metrics on predicted classes, and the area under the ROC curve."""

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import numpy as np
from datasets import Features
from sklearn import metrics as sk

from hfseq.errors import HfseqError, nearest
from hfseq.metrics.arrays import binary_labels, class_ids, same_rows
from hfseq.metrics.base import ONE_TO_ONE, ROW_TO_ONE, ROW_TO_ROW, OfflineMetric

AVERAGES = ("binary", "macro", "micro", "weighted", "samples")


def accuracy(references: np.ndarray, predictions: np.ndarray, **options: Any) -> float:
    """The share of rows that are right; with several labels a row, of rows whose every label is right."""
    return float(sk.accuracy_score(references, predictions, **options))


def hamming_accuracy(references: np.ndarray, predictions: np.ndarray) -> float:
    """The share of single labels that are right, (rows, labels) of 0 and 1."""
    return 1.0 - float(sk.hamming_loss(references, predictions))


def precision(references: np.ndarray, predictions: np.ndarray, average: str | None, **options: Any) -> Any:
    """Of what was predicted as a class, the share that is of it; see [`Precision`]."""
    return _averaged(sk.precision_score, references, predictions, average, options)


def recall(references: np.ndarray, predictions: np.ndarray, average: str | None, **options: Any) -> Any:
    """Of what is of a class, the share that was predicted as it; see [`Recall`]."""
    return _averaged(sk.recall_score, references, predictions, average, options)


def f1(references: np.ndarray, predictions: np.ndarray, average: str | None, **options: Any) -> Any:
    """The harmonic mean of precision and recall; see [`F1`]."""
    return _averaged(sk.f1_score, references, predictions, average, options)


def matthews_correlation(references: np.ndarray, predictions: np.ndarray) -> float:
    """The correlation of predicted and true class; 0 where either is the same for all rows."""
    # scikit-learn gives 0 here too, but warns where the two sides have one class between them.
    if np.unique(references).size == 1 or np.unique(predictions).size == 1:
        return 0.0
    return float(sk.matthews_corrcoef(references, predictions))


def roc_auc(references: np.ndarray, scores: np.ndarray) -> float | None:
    """The area under the ROC curve, or `None` where it is undefined; see [`RocAuc`]."""
    if scores.ndim == 2 and references.ndim == 1:
        if scores.shape[1] == 2:
            scores = scores[:, 1]  # (rows,)
        else:
            references = references[:, None] == np.arange(scores.shape[1])  # (rows, classes)
    truth = references.reshape(len(references), -1).astype(np.int64)  # (rows, columns)
    scores = scores.reshape(truth.shape)  # (rows, columns)
    both = [column for column in range(truth.shape[1]) if np.ptp(truth[:, column]) > 0]
    if not both:
        return None
    return float(np.mean([sk.roc_auc_score(truth[:, column], scores[:, column]) for column in both]))


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
        # scikit-learn reads one column as two classes, and would count the label's absence as a class of its own.
        references, predictions = references[:, 0], predictions[:, 0]  # (rows,)
        options = {**options, "labels": [1]}
    try:
        result = score(references, predictions, average=average, zero_division=0, **options)
    except ValueError as error:
        raise HfseqError(
            f"scikit-learn refused average={average!r} on this data: {error} "
            "With two classes average='binary' will do, with more (or several labels) 'macro', 'micro' or 'weighted'."
        ) from error
    return [float(value) for value in result] if average is None else float(result)


class _ClassMetric(OfflineMetric):
    input_kinds: ClassVar[list[Features]] = [ONE_TO_ONE, ROW_TO_ROW]

    @staticmethod
    def _classes(references: np.ndarray, predictions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        same_rows(references, predictions)
        check = binary_labels if references.ndim == 2 else class_ids
        return check(references, "references"), check(predictions, "predictions")


class Accuracy(_ClassMetric):
    """The share of rows predicted right; with a row of 0/1 labels each, of rows whose every label is right.

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


class Precision(_AveragedMetric):
    """Of the rows predicted as a class, the share that is of it; 0 for a class that was never predicted.

    `compute` takes `average` (``binary``, ``macro``, ``micro``, ``weighted``, ``samples`` or `None` for one value a
    class; ``binary`` by default), `pos_label`, `labels` and `sample_weight`. A macro average runs over the classes
    that occur in the references or in the predictions. Result: ``precision``.
    """

    function = staticmethod(precision)


class Recall(_AveragedMetric):
    """Of the rows of a class, the share that was predicted as it; 0 for a class that the references lack.

    `compute` takes the arguments of [`Precision`]. Result: ``recall``.
    """

    function = staticmethod(recall)


class F1(_AveragedMetric):
    """The harmonic mean of precision and recall; 0 where both are.

    `compute` takes the arguments of [`Precision`]. Result: ``f1``.
    """

    function = staticmethod(f1)


class MatthewsCorrelation(OfflineMetric):
    """The correlation of predicted and true class, from -1 to 1, also for more than two classes (Gorodkin 2004).

    0 where all references, or all predictions, are the same. Result: ``matthews_correlation``.
    """

    citation_text = (
        "Matthews, B. W. (1975). Comparison of the predicted and observed secondary structure of T4 phage lysozyme."
    )

    def score(self, references: np.ndarray, predictions: np.ndarray) -> dict[str, Any]:
        truth, guess = class_ids(references, "references"), class_ids(predictions, "predictions")
        return {"matthews_correlation": matthews_correlation(truth, guess)}


class RocAuc(OfflineMetric):
    """The area under the ROC curve.

    `predictions` may be one score a row (two classes, the score of class 1), a row of class probabilities (each class
    against the rest, then the mean over classes), or a row of label scores with 0/1 references of the same shape (the
    mean over labels). The mean is over those classes or labels that the references hold and lack; where there is none,
    the area is undefined and the result has no key ``roc_auc``.
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
