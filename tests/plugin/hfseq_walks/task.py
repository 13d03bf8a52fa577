"""Ordinal classification: one of several ordered classes for each sequence."""

from dataclasses import dataclass

import numpy as np
from transformers import EvalPrediction

from hfseq.metrics import load
from hfseq.registry import register_task
from hfseq.tasks import SequenceClassification


@register_task
@dataclass(frozen=True)
class OrdinalClassification(SequenceClassification):
    """One of several ordered classes, ranked by how far the predicted class is from the true one."""

    name = "ordinal_classification"

    @property
    def default_metric(self) -> str:
        """See [`LevelError`]."""
        return "level_error"

    @property
    def metric_names(self) -> tuple[str, ...]:
        """Those of sequence classification, and `level_error`."""
        return (self.default_metric, *super().metric_names)

    def compute_metrics(self, prediction: EvalPrediction) -> dict[str, float]:
        """Metrics of logits against labels."""
        levels = np.asarray(prediction.predictions).argmax(-1)
        error = load("level_error").compute(predictions=levels, references=prediction.label_ids)
        return {**error, **super().compute_metrics(prediction)}

    def example_scores(self, predictions: np.ndarray, labels: np.ndarray) -> np.ndarray:
        """The distance of each example."""
        return np.abs(predictions.argmax(-1) - labels).astype(float)
