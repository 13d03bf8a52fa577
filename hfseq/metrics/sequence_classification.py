"""All metrics of sequence classification and regression, computed from logits."""

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.special import expit, softmax

from hfseq.errors import HfseqError, nearest
from hfseq.metrics import calibration, classification, regression
from hfseq.metrics.arrays import as_array, as_finite, binary_labels, class_ids, first_row
from hfseq.metrics.direction import TASK_METRICS

Scores = dict[str, float | None]


def compute_classification_metrics(logits: np.ndarray, labels: np.ndarray, problem_type: str) -> dict[str, float]:
    """Computes all metrics of a sequence classification or regression model from its outputs.

    Macro averages are taken over the classes that occur in the labels or the predictions. A class that was never
    predicted has precision 0; a class without labels has recall 0. Metrics that are undefined for this data are left
    out: `roc_auc` if no class (or label) has both positive and negative rows, `pearson` and `spearman` if predictions
    or labels are constant, `r2` if the labels are constant.

    Args:
        logits (`np.ndarray`): outputs of the model before softmax or sigmoid.
        labels (`np.ndarray`): true labels.
        problem_type (`str`): meaning of the two arrays:

            - ``single_label_classification``: logits of shape (rows, classes), class ids of shape (rows,). Metrics:
              `accuracy`, `f1_macro`, `f1_micro`, `precision_macro`, `recall_macro`, `matthews_correlation`, `roc_auc`
              (one class against the rest), `expected_calibration_error`, `log_loss`.
            - ``multi_label_classification``: logits and 0/1 labels of shape (rows, labels). A label is predicted if
              its sigmoid is above 0.5. Metrics: `accuracy` (share of rows whose labels are all correct),
              `hamming_accuracy` (share of correct labels), `f1_micro`, `f1_macro`, `precision_micro`, `recall_micro`,
              `roc_auc` (mean over the labels), `expected_calibration_error` (all labels in the same bins).
            - ``regression``: logits and labels of shape (rows,) or (rows, 1). Metrics: `mse`, `rmse`, `mae`,
              `pearson`, `spearman`, `r2`.

    Returns:
        `dict[str, float]`: numbers that can be written as JSON.

    Raises:
        HfseqError: shapes or labels do not match the problem type, or the logits are not finite.
    """
    if problem_type not in _PROBLEMS:
        raise HfseqError(f"problem_type {problem_type!r} is not known; {nearest(problem_type, _PROBLEMS)}")
    scores = _PROBLEMS[problem_type](_checked_logits(logits), as_finite(labels, "labels"))
    return {name: value for name, value in scores.items() if value is not None}


def metric_names(problem_type: str) -> tuple[str, ...]:
    """Names of all metrics of a problem type, including those that may be undefined.

    Args:
        problem_type (`str`): as for [`compute_classification_metrics`], or a key of `TASK_METRICS`.
    """
    if problem_type in TASK_METRICS:
        return TASK_METRICS[problem_type]
    logits = np.eye(2)
    labels = {"multi_label_classification": logits, "single_label_classification": np.arange(2)}
    if problem_type == "regression":
        return tuple(_regression(np.arange(2.0), np.arange(2.0)))
    return tuple(_PROBLEMS[problem_type](logits, labels[problem_type]))


def _single_label(logits: np.ndarray, labels: np.ndarray) -> Scores:
    if logits.ndim != 2 or logits.shape[1] < 2 or labels.shape != logits.shape[:1]:
        raise _shapes("single_label_classification", "(rows, 2 or more classes)", "(rows,)", logits, labels)
    truth = class_ids(labels, "labels", logits.shape[1])
    probs = softmax(logits, axis=1)  # (rows, classes)
    guess = logits.argmax(axis=1)  # (rows,)
    return {
        "accuracy": classification.accuracy(truth, guess),
        "f1_macro": classification.f1(truth, guess, "macro"),
        "f1_micro": classification.f1(truth, guess, "micro"),
        "precision_macro": classification.precision(truth, guess, "macro"),
        "recall_macro": classification.recall(truth, guess, "macro"),
        "matthews_correlation": classification.matthews_correlation(truth, guess),
        "roc_auc": classification.roc_auc(truth, probs),
        "expected_calibration_error": calibration.expected_calibration_error(truth, probs),
        "log_loss": calibration.log_loss(truth, probs),
    }


def _multi_label(logits: np.ndarray, labels: np.ndarray) -> Scores:
    if logits.ndim != 2 or labels.shape != logits.shape:
        raise _shapes("multi_label_classification", "(rows, labels)", "(rows, labels)", logits, labels)
    truth = binary_labels(labels, "labels")
    probs = expit(logits)  # (rows, labels)
    guess = (probs > 0.5).astype(np.int64)  # (rows, labels)
    return {
        "accuracy": classification.accuracy(truth, guess),
        "hamming_accuracy": classification.hamming_accuracy(truth, guess),
        "f1_micro": classification.f1(truth, guess, "micro"),
        "f1_macro": classification.f1(truth, guess, "macro"),
        "precision_micro": classification.precision(truth, guess, "micro"),
        "recall_micro": classification.recall(truth, guess, "micro"),
        # ROC AUC depends only on the order. A saturated sigmoid would make large logits equal.
        "roc_auc": classification.roc_auc(truth, logits),
        "expected_calibration_error": calibration.expected_calibration_error(truth, probs),
    }


def _regression(logits: np.ndarray, labels: np.ndarray) -> Scores:
    one_column = [array[:, 0] if array.ndim == 2 and array.shape[1] == 1 else array for array in (logits, labels)]
    guess, truth = one_column  # (rows,)
    if guess.ndim != 1 or guess.shape != truth.shape:
        raise _shapes("regression", "(rows,) or (rows, 1)", "(rows,)", logits, labels)
    return {
        "mse": regression.mse(truth, guess),
        "rmse": regression.rmse(truth, guess),
        "mae": regression.mae(truth, guess),
        "pearson": regression.pearson(truth, guess),
        "spearman": regression.spearman(truth, guess),
        "r2": regression.r2(truth, guess),
    }


_PROBLEMS: dict[str, Callable[[np.ndarray, np.ndarray], Scores]] = {
    "single_label_classification": _single_label,
    "multi_label_classification": _multi_label,
    "regression": _regression,
}


def _checked_logits(logits: Any) -> np.ndarray:
    array = as_array(logits, "logits")
    wrong = ~np.isfinite(array)
    if wrong.any():
        rows = int(wrong.reshape(len(array), -1).any(axis=1).sum())
        raise HfseqError(
            f"the model's outputs are not finite: {rows} of {len(array)} rows contain NaN or infinity, first row "
            f"{first_row(wrong)}. Training diverged: lower the learning rate, clip the gradients (max_grad_norm), or "
            "train in float32 or bfloat16 instead of float16."
        )
    return array


def _shapes(problem: str, logits_shape: str, labels_shape: str, logits: np.ndarray, labels: np.ndarray) -> HfseqError:
    return HfseqError(
        f"{problem} needs logits {logits_shape} and labels {labels_shape}, but got {logits.shape} and {labels.shape}; "
        "check problem_type, num_labels and the label column."
    )
