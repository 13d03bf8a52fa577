"""The sums of single examples, from which [`metric_from_sums`] computes the metrics of any set of examples."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

# The counts of all classes of all examples are kept up to this number of values.
MOST_CLASS_COUNTS = 20_000_000
_SMALLEST_PROBABILITY = np.finfo(np.float64).eps
NUM_BINS = 15

Sums = dict[str, np.ndarray]


def total_and_count(values: np.ndarray, counts: np.ndarray | float = 1.0) -> np.ndarray:
    """Sums `(examples, 2)` of a mean: value and count of each example."""
    values = np.asarray(values, dtype=np.float64)
    return np.stack([values, np.broadcast_to(np.asarray(counts, dtype=np.float64), values.shape)], axis=-1)


def class_counts(correct: np.ndarray, predicted: np.ndarray, true: np.ndarray, count_all: bool = False) -> np.ndarray:
    """Sums of averages over classes.

    Args:
        correct, predicted, true (`np.ndarray` of shape `(examples, classes)`): numbers of items of each example that
            were predicted correctly as a class, that were predicted as it, and that belong to it.
        count_all (`bool`, *optional*, defaults to `False`): whether a macro average counts classes that occur neither
            in the predictions nor in the labels.

    Returns:
        `np.ndarray` of shape `(examples, 1 + 3 * classes)`: whether all classes count, then the three numbers.
    """
    return np.concatenate([np.full((len(true), 1), int(count_all)), correct, predicted, true], axis=1, dtype=np.int32)


def pooled(counts: np.ndarray) -> np.ndarray:
    """The sums of micro averages: [`class_counts`] of one class that stands for all."""
    classes = (counts.shape[1] - 1) // 3
    return np.concatenate([counts[:, :1], counts[:, 1:].reshape(len(counts), 3, classes).sum(-1)], axis=1)


def average_sums(counts: np.ndarray, averages: Sequence[str]) -> Sums:
    """The sums of several averages over classes. Micro averages need only those of one class that stands for all."""
    micro = pooled(counts)
    return {name: micro if name.endswith("_micro") else counts for name in averages}


def single_label_sums(logits: np.ndarray, labels: np.ndarray) -> Sums:
    """Sums of the metrics of single-label classification; `roc_auc` has none.

    Args:
        logits (`np.ndarray` of shape `(examples, classes)`): the logits.
        labels (`np.ndarray` of shape `(examples,)`): class ids.
    """
    logits, labels = np.asarray(logits, dtype=np.float64), np.asarray(labels).astype(np.int64)
    guess, probs = logits.argmax(1), _softmax(logits)
    hits = (guess == labels)[:, None]
    averages = ["f1_macro", "f1_micro", "precision_macro", "recall_macro", "matthews_correlation"]
    if (1 + 3 * logits.shape[1]) * len(logits) > MOST_CLASS_COUNTS:
        ones = np.ones_like(hits)
        counted = {"f1_micro": class_counts(hits, ones, ones)}
    else:
        classes = np.arange(logits.shape[1])
        predicted, true = guess[:, None] == classes, labels[:, None] == classes  # (examples, classes)
        counted = average_sums(class_counts(predicted & true, predicted, true), averages)
    likelihood = probs[np.arange(len(labels)), labels].clip(_SMALLEST_PROBABILITY, 1.0)
    return {
        "accuracy": total_and_count(hits[:, 0]),
        **counted,
        "expected_calibration_error": calibration_sums(probs.max(1)[:, None], hits),
        "log_loss": total_and_count(-np.log(likelihood)),
    }


def multi_label_sums(logits: np.ndarray, labels: np.ndarray) -> Sums:
    """Sums of the metrics of multi-label classification; `roc_auc` has none.

    Args:
        logits (`np.ndarray` of shape `(examples, labels)`): the logits.
        labels (`np.ndarray` of shape `(examples, labels)`): 0 or 1.
    """
    logits, true = np.asarray(logits, dtype=np.float64), np.asarray(labels) > 0.5
    probs = 1 / (1 + np.exp(-logits))
    guess = probs > 0.5
    counts = class_counts(guess & true, guess, true, count_all=True)
    averages = ["f1_micro", "f1_macro", "precision_micro", "recall_micro"]
    return {
        "accuracy": total_and_count((guess == true).all(1)),
        "hamming_accuracy": total_and_count((guess == true).sum(1), true.shape[1]),
        **average_sums(counts, averages),
        "expected_calibration_error": calibration_sums(probs, true),
    }


def calibration_sums(confidence: np.ndarray, correct: np.ndarray, num_bins: int = NUM_BINS) -> np.ndarray:
    """Sums of the expected calibration error.

    Args:
        confidence (`np.ndarray` of shape `(examples, items)`): probabilities.
        correct (`np.ndarray` of shape `(examples, items)`): whether the label is there.
        num_bins (`int`, *optional*, defaults to 15): number of bins of equal width.

    Returns:
        `np.ndarray` of shape `(examples, num_bins + 1)`: correct minus confidence in each bin, and number of items.
    """
    bins = np.digitize(confidence, np.linspace(0.0, 1.0, num_bins + 1)[1:-1], right=True)  # (examples, items)
    gaps = np.zeros((len(confidence), num_bins))
    np.add.at(gaps, (np.arange(len(confidence))[:, None], bins), correct - confidence)
    return np.concatenate([gaps, np.full((len(confidence), 1), confidence.shape[1])], axis=1)


def regression_sums(predictions: np.ndarray, labels: np.ndarray) -> Sums:
    """Sums of the metrics of regression; `spearman` has none.

    Args:
        predictions (`np.ndarray` of shape `(examples,)` or `(examples, 1)`): predicted numbers.
        labels (`np.ndarray` of the same size): true numbers.
    """
    guess, true = (np.asarray(values, dtype=np.float64).reshape(-1) for values in (predictions, labels))
    errors, ones = guess - true, np.ones(len(true))
    squares = total_and_count(errors**2)
    # Correlations do not depend on a constant that is subtracted, but their rounding errors do.
    y, x = true - true.mean(), guess - true.mean()
    return {
        "mse": squares,
        "rmse": squares,
        "mae": total_and_count(np.abs(errors)),
        "pearson": np.stack([x, y, x * x, y * y, x * y, ones], axis=1),
        "r2": np.stack([errors**2, y, y * y, ones], axis=1),
    }


_PROBLEMS = {
    "single_label_classification": single_label_sums,
    "multi_label_classification": multi_label_sums,
    "regression": regression_sums,
}


def classification_sums(logits: Any, labels: Any, problem_type: str) -> Sums:
    """Sums of the metrics of [`compute_classification_metrics`], with its arguments."""
    return _PROBLEMS[problem_type](np.asarray(logits), np.asarray(labels))


def language_sums(nll: np.ndarray, tokens: np.ndarray, units: Mapping[str, np.ndarray] | None = None) -> Sums:
    """Sums of the metrics of language models.

    Args:
        nll (`np.ndarray` of shape `(examples,)`): negative log-likelihoods in nats.
        tokens (`np.ndarray` of shape `(examples,)`): numbers of predicted tokens.
        units (`Mapping[str, np.ndarray]`, *optional*): numbers of characters or time steps, by metric.
    """
    per_token = total_and_count(nll, tokens)
    others = {name: total_and_count(nll, counts) for name, counts in (units or {}).items()}
    return {"perplexity": per_token, "bits_per_token": per_token, **others}


def _softmax(logits: np.ndarray) -> np.ndarray:
    exponentials = np.exp(logits - logits.max(1, keepdims=True))
    return exponentials / exponentials.sum(1, keepdims=True)
