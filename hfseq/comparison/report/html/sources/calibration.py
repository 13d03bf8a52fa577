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
_SEARCH_STEPS = 20
_MOST_POINTS = 100
_GOLDEN = (5**0.5 - 1) / 2


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
    """The temperature with the lowest log loss (Guo et al. 2017), found by golden-section search.

    Args:
        logits (`Logits`): logits and labels of the validation split.
    """
    low, high = np.log(_COLDEST), np.log(_HOTTEST)
    inner = [high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)]
    losses = [logits.log_loss(float(np.exp(point))) for point in inner]
    for _ in range(_SEARCH_STEPS):
        # One of the inner points stays an inner point of the smaller interval.
        if losses[0] <= losses[1]:
            high, inner[1], losses[1] = inner[1], inner[0], losses[0]
            inner[0] = high - _GOLDEN * (high - low)
            losses[0] = logits.log_loss(float(np.exp(inner[0])))
        else:
            low, inner[0], losses[0] = inner[0], inner[1], losses[1]
            inner[1] = low + _GOLDEN * (high - low)
            losses[1] = logits.log_loss(float(np.exp(inner[1])))
    return float(np.exp((low + high) / 2))


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
    made = [logits_of(saved) for saved in model.saved(split)]
    return [] if None in made else [one for one in made if one is not None]


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
            kept = thin(len(recall), _MOST_POINTS)
            lines.append(
                {
                    "model": model.name,
                    "recall": recall[kept].tolist(),
                    "precision": precision[kept].tolist(),
                    "average_precision": float(np.mean([_average_precision(*run) for run in runs])),
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
    order = np.argsort(-scores, kind="stable")
    ranked, hits = scores[order], np.cumsum(truth[order])
    last = np.append(np.flatnonzero(np.diff(ranked)), len(ranked) - 1)  # of equal scores
    return hits[last] / (last + 1), hits[last] / hits[-1]


def _average_precision(scores: np.ndarray, truth: np.ndarray) -> float:
    precision, recall = _curve(scores, truth)
    return float((np.diff(recall, prepend=0.0) * precision).sum())
