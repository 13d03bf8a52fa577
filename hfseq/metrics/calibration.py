"""Metrics on probabilities: how far they can be believed."""

from typing import Any, ClassVar

import numpy as np
from datasets import Features
from sklearn import metrics as sk

from hfseq.errors import HfseqError
from hfseq.metrics.arrays import binary_labels, class_ids, probabilities, same_rows
from hfseq.metrics.base import ONE_TO_ONE, ROW_TO_ONE, ROW_TO_ROW, OfflineMetric

NUM_BINS = 15


def expected_calibration_error(references: np.ndarray, probs: np.ndarray, num_bins: int = NUM_BINS) -> float:
    """The mean distance between confidence and accuracy over equal-width bins of confidence (Guo et al. 2017, eq. 3).

    Args:
        references (`np.ndarray`): class ids (rows,), or 0/1 labels in the shape of `probs`.
        probs (`np.ndarray`): class probabilities (rows, classes); or the probability of each label, (rows,) or
            (rows, labels), where all labels go into the same bins.
        num_bins (`int`, *optional*, defaults to `15`): how many bins; a bin holds its upper edge, not its lower one.
    """
    if probs.ndim == 2 and references.ndim == 1:
        confidence = probs.max(axis=1)  # (rows,)
        happened = probs.argmax(axis=1) == references  # (rows,)
    else:
        confidence, happened = probs.reshape(-1), references.reshape(-1)  # (rows * labels,)
    edges = np.linspace(0.0, 1.0, num_bins + 1)
    bins = np.digitize(confidence, edges[1:-1], right=True)
    # |accuracy - confidence| of a bin times its share of the rows is |sum of hits - sum of confidences| / rows.
    gaps = np.bincount(bins, weights=happened - confidence, minlength=num_bins)  # (bins,)
    return float(np.abs(gaps).sum() / confidence.size)


def brier_score(references: np.ndarray, probs: np.ndarray) -> float:
    """The mean squared distance of probability and outcome; see [`BrierScore`]."""
    labels = None if probs.ndim == 1 else np.arange(probs.shape[1])
    options = {"pos_label": 1} if labels is None else {"labels": labels}
    return float(sk.brier_score_loss(references, probs, **options))


def log_loss(references: np.ndarray, probs: np.ndarray) -> float:
    """The mean negative log-likelihood of the true class; see [`LogLoss`]."""
    classes = 2 if probs.ndim == 1 else probs.shape[1]
    return float(sk.log_loss(references, probs, labels=np.arange(classes)))


def _checked(references: np.ndarray, predictions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    same_rows(references, predictions)
    distribution = predictions.ndim == 2 and references.ndim == 1
    probs = probabilities(predictions, "predictions", rows_sum_to_one=distribution)
    if distribution:
        return class_ids(references, "references", probs.shape[1]), probs
    return binary_labels(references, "references"), probs


class ExpectedCalibrationError(OfflineMetric):
    """How far confidence lies from accuracy, on average over equal-width bins of confidence (Guo et al. 2017).

    With a row of class probabilities and a class id, it is about the confidence of the predicted class. With one
    probability a row, or one for each of several labels, it is about the probability that the label is there, all
    labels in the same bins. `compute` takes `num_bins` (15). Result: ``expected_calibration_error``.
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


class BrierScore(OfflineMetric):
    """The mean squared distance of predicted probability and outcome (Brier 1950).

    One probability a row (of class 1): from 0 to 1. A row of class probabilities: two classes likewise, more are
    summed over the classes, from 0 to 2. Result: ``brier_score``.
    """

    input_kinds: ClassVar[list[Features]] = [ONE_TO_ONE, ROW_TO_ONE]
    citation_text = (
        "Brier, G. W. (1950). Verification of forecasts expressed in terms of probability. Monthly Weather Review 78."
    )

    def score(self, references: np.ndarray, predictions: np.ndarray) -> dict[str, Any]:
        return {"brier_score": brier_score(*_checked(references, predictions))}


class LogLoss(OfflineMetric):
    """The mean negative natural log of the probability of the true class.

    One probability a row (of class 1), or a row of class probabilities. A probability below
    2.2e-16 counts as that much, so a row costs 36 at most. Result: ``log_loss``.
    """

    input_kinds: ClassVar[list[Features]] = [ONE_TO_ONE, ROW_TO_ONE]

    def score(self, references: np.ndarray, predictions: np.ndarray) -> dict[str, Any]:
        return {"log_loss": log_loss(*_checked(references, predictions))}
