"""All metrics of a sequence classifier or regressor, straight from its logits."""

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
    """Every metric of a sequence classification or regression model, from its raw outputs.

    Macro averages run over the classes that occur in the labels or in the predictions. A class that was never
    predicted has precision 0, one that the labels lack has recall 0. A metric that is undefined on this data is left
    out: `roc_auc` where no class (or label) both occurs and is absent, `pearson` and `spearman` where predictions or
    labels do not vary, `r2` where the labels do not.

    Args:
        logits (`np.ndarray`): the model's outputs before softmax or sigmoid.
        labels (`np.ndarray`): what is true.
        problem_type (`str`): what the two arrays mean:

            - ``single_label_classification``: logits (rows, classes), labels (rows,) of class ids: `accuracy`,
              `f1_macro`, `f1_micro`, `precision_macro`, `recall_macro`, `matthews_correlation`, `roc_auc` (each class
              against the rest), `expected_calibration_error`, `log_loss`.
            - ``multi_label_classification``: logits (rows, labels), labels (rows, labels) of 0 and 1. A label counts
              as predicted where its sigmoid is above 0.5: `accuracy` (all labels of a row right), `hamming_accuracy`
              (single labels right), `f1_micro`, `f1_macro`, `precision_micro`, `recall_micro`, `roc_auc` (mean over
              labels), `expected_calibration_error` (each label's probability, in common bins).
            - ``regression``: logits (rows,) or (rows, 1), labels likewise: `mse`, `rmse`, `mae`, `pearson`,
              `spearman`, `r2`.

    Returns:
        `dict[str, float]`: plain numbers, ready for JSON.

    Raises:
        HfseqError: where shapes or labels do not fit the problem type, or the logits are not finite.
    """
    if problem_type not in _PROBLEMS:
        raise HfseqError(f"problem_type {problem_type!r} is not known; {nearest(problem_type, _PROBLEMS)}")
    scores = _PROBLEMS[problem_type](_checked_logits(logits), as_finite(labels, "labels"))
    return {name: value for name, value in scores.items() if value is not None}


def metric_names(problem_type: str) -> tuple[str, ...]:
    """The metrics that are given for a kind of problem, those that may be undefined too.

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
        # The order is what counts here, and a saturated sigmoid would make ties of large logits.
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
            f"the model's outputs are not finite: {rows} of {len(array)} rows hold NaN or infinity, the first is row "
            f"{first_row(wrong)}. Training diverged: lower the learning rate, clip the gradients (max_grad_norm), or "
            "train in float32 or bfloat16 instead of float16."
        )
    return array


def _shapes(problem: str, logits_shape: str, labels_shape: str, logits: np.ndarray, labels: np.ndarray) -> HfseqError:
    return HfseqError(
        f"{problem} needs logits {logits_shape} and labels {labels_shape}, but got {logits.shape} and {labels.shape}; "
        "check problem_type, num_labels and the label column."
    )
