"""Calibration metrics: how well predicted probabilities match observed frequencies."""

from typing import Any, ClassVar

import numpy as np
from datasets import Features
from sklearn import metrics as sk

from hfseq.errors import HfseqError
from hfseq.metrics.arrays import binary_labels, class_ids, probabilities, same_rows
from hfseq.metrics.base import ONE_TO_ONE, ROW_TO_ONE, ROW_TO_ROW, OfflineMetric
from hfseq.registry import register_metric

NUM_BINS = 15


def expected_calibration_error(references: np.ndarray, probs: np.ndarray, num_bins: int = NUM_BINS) -> float:
    """Mean difference between confidence and accuracy over bins of equal width (Guo et al. 2017, eq. 3).

    Args:
        references (`np.ndarray`): class ids of shape (rows,), or 0/1 labels with the shape of `probs`.
        probs (`np.ndarray`): class probabilities of shape (rows, classes), or label probabilities of shape (rows,) or
            (rows, labels). All labels use the same bins.
        num_bins (`int`, *optional*, defaults to `15`): number of bins. A bin includes its upper edge, but not its
            lower edge.
    """
    if probs.ndim == 2 and references.ndim == 1:
        confidence = probs.max(axis=1)  # (rows,)
        correct = probs.argmax(axis=1) == references  # (rows,)
    else:
        confidence, correct = probs.reshape(-1), references.reshape(-1)  # (rows * labels,)
    edges = np.linspace(0.0, 1.0, num_bins + 1)
    bins = np.digitize(confidence, edges[1:-1], right=True)
    # |accuracy - confidence| of a bin, times its share of the rows, is |sum of correct - sum of confidence| / rows.
    gaps = np.bincount(bins, weights=correct - confidence, minlength=num_bins)  # (bins,)
    # Of an error of 0, rounding errors would remain.
    return round(float(np.abs(gaps).sum() / confidence.size), 12)


def brier_score(references: np.ndarray, probs: np.ndarray) -> float:
    """Mean squared difference between probability and label; see [`BrierScore`]."""
    labels = None if probs.ndim == 1 else np.arange(probs.shape[1])
    options = {"pos_label": 1} if labels is None else {"labels": labels}
    return float(sk.brier_score_loss(references, probs, **options))


def log_loss(references: np.ndarray, probs: np.ndarray) -> float:
    """Mean negative log-likelihood of the true class; see [`LogLoss`]."""
    classes = 2 if probs.ndim == 1 else probs.shape[1]
    return float(sk.log_loss(references, probs, labels=np.arange(classes)))


def _checked(references: np.ndarray, predictions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    same_rows(references, predictions)
    distribution = predictions.ndim == 2 and references.ndim == 1
    probs = probabilities(predictions, "predictions", rows_sum_to_one=distribution)
    if distribution:
        return class_ids(references, "references", probs.shape[1]), probs
    return binary_labels(references, "references"), probs


@register_metric("expected_calibration_error", greater_is_better=False)
class ExpectedCalibrationError(OfflineMetric):
    """Mean difference between confidence and accuracy, over bins of confidence of equal width (Guo et al. 2017).

    With class probabilities and a class id per row, confidence is the probability of the predicted class. With one
    probability per row, or one per label, confidence is the probability that the label is present; all labels use the
    same bins. `compute` takes `num_bins` (15). Result: ``expected_calibration_error``.
    """

    input_kinds: ClassVar[list[Features]] = [ONE_TO_ONE, ROW_TO_ONE, ROW_TO_ROW]
    citation_text = (
        "Guo, C., Pleiss, G., Sun, Y. and Weinberger, K. Q. (2017). On calibration of modern neural networks. ICML."
    )

    def score(self, references: np.ndarray, predictions: np.ndarray, num_bins: int = NUM_BINS) -> dict[str, Any]:
        if num_bins < 1:
            raise HfseqError(f"num_bins must be at least 1, not {num_bins}.")
        truth, probs = _checked(references, predictions)
        return {"expected_calibration_error": expected_calibration_error(truth, probs, num_bins)}


@register_metric("brier_score", greater_is_better=False)
class BrierScore(OfflineMetric):
    """Mean squared difference between the predicted probability and the label (Brier 1950).

    With one probability per row (that of class 1), or with two classes, it is between 0 and 1. With more classes, it
    is summed over the classes and is between 0 and 2. Result: ``brier_score``.
    """

    input_kinds: ClassVar[list[Features]] = [ONE_TO_ONE, ROW_TO_ONE]
    citation_text = (
        "Brier, G. W. (1950). Verification of forecasts expressed in terms of probability. Monthly Weather Review 78."
    )

    def score(self, references: np.ndarray, predictions: np.ndarray) -> dict[str, Any]:
        return {"brier_score": brier_score(*_checked(references, predictions))}


@register_metric("log_loss", greater_is_better=False)
class LogLoss(OfflineMetric):
    """Mean negative natural logarithm of the probability of the true class.

    `predictions` have one probability per row (that of class 1), or class probabilities. Probabilities are clipped to
    at least 2.2e-16, so that a row adds at most 36. Result: ``log_loss``.
    """

    input_kinds: ClassVar[list[Features]] = [ONE_TO_ONE, ROW_TO_ONE]

    def score(self, references: np.ndarray, predictions: np.ndarray) -> dict[str, Any]:
        return {"log_loss": log_loss(*_checked(references, predictions))}
