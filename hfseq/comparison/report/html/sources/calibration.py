"""Reliability of probabilities, the effect of temperature scaling, and precision against recall."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from hfseq.comparison.report.html.sources.model_runs import ModelRuns, thin
from hfseq.training.saved_predictions import SavedPredictions

NUM_BINS = 15
# Temperatures that are tried.
_COLDEST, _HOTTEST = 0.05, 20.0
_MOST_STEPS, _PRECISION = 30, 1e-4
_MOST_POINTS = 100
# Of more items, precision and recall are computed at this number of thresholds.
_MOST_ITEMS, _THRESHOLDS = 50_000, 500


@dataclass(frozen=True)
class Logits:
    """Logits and labels of a classifier.

    Attributes:
        values (`np.ndarray` of shape `(examples, classes)`): the logits.
        labels (`np.ndarray`): class numbers of shape `(examples,)`, or 0/1 labels of the shape of the logits.
    """

    values: np.ndarray
    labels: np.ndarray

    @property
    def several(self) -> bool:
        """Whether an example can have several labels."""
        return self.labels.ndim == 2

    def probabilities(self, temperature: float = 1.0) -> np.ndarray:
        """Probabilities of the classes at a temperature, of shape `(examples, classes)`."""
        scaled = self.values / temperature
        if self.several:
            return 1 / (1 + np.exp(-scaled))
        exponentials = np.exp(scaled - scaled.max(1, keepdims=True))
        return exponentials / exponentials.sum(1, keepdims=True)

    def log_loss(self, temperature: float = 1.0) -> float:
        """Mean negative log-likelihood of the labels at a temperature."""
        scaled = self.values / temperature
        if self.several:
            return float(np.mean(np.logaddexp(0, scaled) - self.labels * scaled))
        top = scaled.max(1, keepdims=True)
        total = np.log(np.exp(scaled - top).sum(1)) + top[:, 0]
        return float(np.mean(total - scaled[np.arange(len(scaled)), self.labels]))

    def confidences(self, temperature: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
        """Confidence of each prediction (with several labels, of each label), and whether it is correct."""
        probs = self.probabilities(temperature)
        if self.several:
            return probs.reshape(-1), self.labels.reshape(-1) > 0.5
        return probs.max(1), probs.argmax(1) == self.labels


def logits_of(saved: SavedPredictions) -> Logits | None:
    """The logits of a run; `None` if the run is no classification of whole examples."""
    if len(saved.predictions) != 1 or len(saved.labels) != 1:
        return None
    values, labels = saved.predictions[0].astype(np.float64), saved.labels[0]
    one = labels.ndim == 1 and np.issubdtype(labels.dtype, np.integer) and values.ndim == 2 and values.shape[1] > 1
    several = labels.ndim == 2 and values.shape == labels.shape and bool(np.isin(labels, (0, 1)).all())
    if not (one or several) or np.issubdtype(saved.predictions[0].dtype, np.integer) or not np.isfinite(values).all():
        return None
    return Logits(values, labels)


def fit_temperature(logits: Logits) -> float:
    """The temperature with the lowest log loss (Guo et al. 2017), found by Newton's method.

    The log loss is a convex function of the inverse of the temperature.

    Args:
        logits (`Logits`): logits and labels of the validation split.
    """
    low, high = 1 / _HOTTEST, 1 / _COLDEST  # of the inverse
    inverse = 1.0
    for _ in range(_MOST_STEPS):
        slope, curvature = _derivatives(logits, inverse)
        low, high = (low, inverse) if slope > 0 else (inverse, high)
        step = inverse - slope / curvature if curvature > 0 else low
        following = step if low < step < high else (low + high) / 2
        if abs(following - inverse) < _PRECISION * inverse:
            break
        inverse = following
    return 1 / inverse


def _derivatives(logits: Logits, inverse: float) -> tuple[float, float]:
    """First and second derivative of the log loss by the inverse of the temperature."""
    probs, values = logits.probabilities(1 / inverse), logits.values
    if logits.several:
        return float(((probs - logits.labels) * values).mean()), float((probs * (1 - probs) * values**2).mean())
    mean = (probs * values).sum(1)
    truth = values[np.arange(len(values)), logits.labels]
    return float((mean - truth).mean()), float(((probs * values**2).sum(1) - mean**2).mean())


def reliability(models: Sequence[ModelRuns]) -> dict[str, Any] | None:
    """Confidence against accuracy on the test split, before and after temperature scaling on the validation split.

    Bins and errors are those of all runs of a model together, each with its own temperature.

    Returns:
        `dict`: see the key `reliability` of `report_data`; `None` if no model is a classifier.
    """
    found = []
    for model in models:
        test = _all_logits(model, "test")
        if not test:
            continue
        row: dict[str, Any] = {"model": model.name, **_calibration(test, [1.0] * len(test), "bins", "ece", "nll")}
        validation = _all_logits(model, "validation")
        if len(validation) == len(test):
            temperatures = [fit_temperature(logits) for logits in validation]
            row["temperature"] = float(np.exp(np.mean(np.log(temperatures))))
            row |= _calibration(test, temperatures, "scaled_bins", "scaled_ece", "scaled_nll")
        found.append(row)
    return {"models": found} if found else None


def _all_logits(model: ModelRuns, split: str) -> list[Logits]:
    """The logits of all runs of a model; empty if one has none."""
    key = f"{split} logits"
    if key not in model.computed:
        made = [logits_of(saved) for saved in model.saved(split)]
        model.computed[key] = [] if None in made else made
    return model.computed[key]


def _calibration(
    runs: Sequence[Logits], temperatures: Sequence[float], bins: str, ece: str, nll: str
) -> dict[str, Any]:
    pairs = list(zip(runs, temperatures, strict=True))
    parts = [logits.confidences(temperature) for logits, temperature in pairs]
    confidence, correct = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    return {
        bins: _bins(confidence, correct),
        ece: float(np.mean([_calibration_error(*part) for part in parts])),
        nll: float(np.mean([logits.log_loss(temperature) for logits, temperature in pairs])),
    }


def _bin_numbers(confidence: np.ndarray) -> np.ndarray:
    return np.digitize(confidence, np.linspace(0.0, 1.0, NUM_BINS + 1)[1:-1], right=True)


def _bins(confidence: np.ndarray, correct: np.ndarray) -> list[dict[str, Any]]:
    numbers = _bin_numbers(confidence)
    return [
        {
            "confidence": float(confidence[rows].mean()),
            "accuracy": float(correct[rows].mean()),
            "examples": int(rows.sum()),
        }
        for number in np.unique(numbers)
        if (rows := numbers == number).any()
    ]


def _calibration_error(confidence: np.ndarray, correct: np.ndarray) -> float:
    gaps = np.bincount(_bin_numbers(confidence), weights=correct - confidence, minlength=NUM_BINS)
    return float(np.abs(gaps).sum() / len(confidence))


def precision_recall(models: Sequence[ModelRuns], labels: Sequence[str]) -> dict[str, Any] | None:
    """Precision against recall of the second of two classes, or of all classes together, each against the rest.

    Args:
        models (`Sequence[ModelRuns]`): the models.
        labels (`Sequence[str]`): names of the classes.

    Returns:
        `dict`: see the key `precision_recall` of `report_data`; `None` if no model is a classifier.
    """
    lines = []
    for model in models:
        runs = [_scores_and_truth(logits) for logits in _all_logits(model, "test")]
        if runs and all(truth.any() for _, truth in runs):
            scores, truth = (np.concatenate(arrays) for arrays in zip(*runs, strict=True))
            precision, recall = _curve(scores, truth)
            gained = np.diff(recall, prepend=0.0)
            kept = thin(len(recall), _MOST_POINTS)
            lines.append(
                {
                    "model": model.name,
                    "recall": recall[kept].tolist(),
                    "precision": precision[kept].tolist(),
                    "average_precision": float((gained * precision).sum()),
                }
            )
    return {"label": labels[1] if len(labels) == 2 else None, "models": lines} if lines else None


def _scores_and_truth(logits: Logits) -> tuple[np.ndarray, np.ndarray]:
    probs = logits.probabilities()
    if logits.several:
        return probs.reshape(-1), logits.labels.reshape(-1) > 0.5
    if probs.shape[1] == 2:
        return probs[:, 1], logits.labels == 1
    return probs.reshape(-1), (logits.labels[:, None] == np.arange(probs.shape[1])).reshape(-1)


def _curve(scores: np.ndarray, truth: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Precision and recall at each threshold, from the highest score to the lowest."""
    if len(scores) > _MOST_ITEMS:
        thresholds = np.unique(np.quantile(scores[truth], np.linspace(0, 1, _THRESHOLDS)))
    else:
        thresholds = np.unique(scores)
    places = np.searchsorted(thresholds, scores, side="right")  # 0: below all thresholds
    size = len(thresholds) + 1
    counts = np.bincount(places, minlength=size)[:0:-1].cumsum()
    hits = np.bincount(places, weights=truth, minlength=size)[:0:-1].cumsum()
    return hits / counts, hits / truth.sum()
