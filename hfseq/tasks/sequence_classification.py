"""Sequence classification: one label, several labels, or a number, for each sequence."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from transformers import AutoModelForSequenceClassification, EvalPrediction

from hfseq.data.schema import LabelSchema
from hfseq.errors import HfseqError
from hfseq.metrics import compute_classification_metrics, default_metric
from hfseq.models.recurrent.losses import sequence_classification_loss


@dataclass(frozen=True)
class SequenceClassification:
    """What this task means to the trainer: its Auto class, its loss, its metrics.

    Every model of a comparison is trained with the same loss, whatever its own head would have computed: the losses of
    transformers' heads are scaled differently under gradient accumulation and on several processes.

    Args:
        labels (`LabelSchema`): the kind of label, and the names.
        class_weights (`tuple[float, ...]`, *optional*): weight of each label in the loss.
        label_smoothing (`float`, *optional*, defaults to 0.0): share of the target spread over all labels.
    """

    labels: LabelSchema
    class_weights: tuple[float, ...] | None = None
    label_smoothing: float = 0.0

    name = "sequence_classification"
    auto_class = AutoModelForSequenceClassification
    pipeline_tag = "text-classification"

    def __post_init__(self) -> None:
        if self.class_weights is not None and len(self.class_weights) != self.labels.num_labels:
            raise HfseqError(
                f"class_weights has {len(self.class_weights)} values, but the data has {self.labels.num_labels} "
                f"labels: {', '.join(self.labels.names) or 'a number'}"
            )
        if self.labels.problem_type == "regression" and (self.class_weights or self.label_smoothing):
            raise HfseqError("class_weights and label_smoothing_factor are for classification, not for regression")

    @property
    def default_metric(self) -> str:
        """The metric that chooses the best checkpoint when nobody names one."""
        return default_metric(self.labels.problem_type)

    def config_values(self) -> dict[str, Any]:
        """What the model's configuration is told of the labels."""
        return {
            "problem_type": self.labels.problem_type,
            "num_labels": self.labels.num_labels,
            "id2label": self.labels.id2label,
            "label2id": self.labels.label2id,
        }

    def loss_function(self) -> Callable[..., torch.Tensor]:
        """The loss, in the form in which Trainer calls it: `(outputs, labels, num_items_in_batch)`."""
        loss = partial(
            sequence_classification_loss,
            problem_type=self.labels.problem_type,
            class_weights=list(self.class_weights) if self.class_weights else None,
            label_smoothing=self.label_smoothing,
        )

        def compute_loss(outputs: Any, labels: torch.Tensor, num_items_in_batch: Any = None) -> torch.Tensor:
            return loss(outputs["logits"], labels, num_items_in_batch=num_items_in_batch)

        return compute_loss

    def compute_metrics(self, prediction: EvalPrediction) -> dict[str, float]:
        """Metrics of logits against labels, as Trainer wants them."""
        logits = self.logits_of(prediction.predictions)
        return compute_classification_metrics(logits, np.asarray(prediction.label_ids), self.labels.problem_type)

    @staticmethod
    def logits_of(predictions: Any) -> np.ndarray:
        """The logits among what a model returned: some architectures return more."""
        return np.asarray(predictions[0] if isinstance(predictions, tuple) else predictions)

    def scores(self, logits: np.ndarray) -> np.ndarray:
        """Probabilities (or, in regression, the predicted numbers) of shape `(batch, num_labels)`."""
        values = torch.as_tensor(logits).float()
        if self.labels.problem_type == "single_label_classification":
            values = values.softmax(-1)
        elif self.labels.problem_type == "multi_label_classification":
            values = values.sigmoid()
        return values.numpy()


def balanced_class_weights(encoded: list[Any], labels: LabelSchema) -> tuple[float, ...]:
    """Weights that make up for unequal frequencies and average 1 over the examples (King & Zeng 2001).

    For several labels, the ratio of negative to positive examples of each label.

    Args:
        encoded (`list`): the encoded labels of the training split.
        labels (`LabelSchema`): what they mean.

    Raises:
        HfseqError: for a regression.
    """
    if labels.problem_type == "regression":
        raise HfseqError("class_weights are for classification, not for regression")
    if labels.problem_type == "multi_label_classification":
        positive = np.asarray(encoded).sum(0).clip(min=1)
        negative = (len(encoded) - positive).clip(min=1)
        return tuple(float(value) for value in negative / positive)
    counts = np.bincount(np.asarray(encoded), minlength=labels.num_labels).clip(min=1)
    return tuple(float(value) for value in len(encoded) / (labels.num_labels * counts))
