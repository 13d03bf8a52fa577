"""Sequence classification: one label, several labels, or a number, for each sequence."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from datasets import Dataset, DatasetDict
from transformers import AutoModelForSequenceClassification, EvalPrediction

from hfseq.data.arguments import DataArguments
from hfseq.data.labels.columns import Columns
from hfseq.data.labels.inference import LabelSchema
from hfseq.data.labels.lists import parse_label_lists
from hfseq.data.labels.schema import MULTI_LABEL, REGRESSION, SINGLE_LABEL
from hfseq.data.sources.cells import label_values
from hfseq.errors import HfseqError
from hfseq.metrics import compute_classification_metrics, default_metric, metric_names
from hfseq.metrics.example_sums import classification_sums
from hfseq.modalities import Modality
from hfseq.modalities.text.modality import Text
from hfseq.models.recurrent.losses import sequence_classification_loss
from hfseq.registry import register_task
from hfseq.tasks.base import LABELS, Task
from hfseq.tasks.class_weights import read_class_weights
from hfseq.tasks.example_scores import ratio_scores
from hfseq.tasks.loss_settings import LossSettings
from hfseq.tasks.prediction import Prediction
from hfseq.tasks.prior_bias import label_prior, set_prior
from hfseq.tasks.sequence_classification.data import LabelledData, load_labelled
from hfseq.tasks.sequence_classification.settings import SequenceClassificationSettings
from hfseq.tasks.task_data import TaskData

MULTI_LABEL_THRESHOLD = 0.5


@register_task
@dataclass(frozen=True)
class SequenceClassification(Task):
    """One label, several labels, or a number for each sequence.

    Args:
        labels (`LabelSchema`): problem type and names of the labels.
        class_weights (`tuple[float, ...]`, *optional*): weight of each label in the loss.
        label_smoothing (`float`, *optional*, defaults to 0.0): share of the target spread over all labels.
        modality (`Modality`, *optional*, defaults to text): kind of the examples.
        augment_batch (`Callable`, *optional*): random augmentation of the inputs of each training batch.
        prior (`tuple[float, ...]`, *optional*): initial bias of a new head: see [`label_prior`].
    """

    labels: LabelSchema
    class_weights: tuple[float, ...] | None = None
    label_smoothing: float = 0.0
    modality: Modality = field(default_factory=Text)
    augment_batch: Callable[[dict[str, Any]], dict[str, Any]] | None = None
    prior: tuple[float, ...] | None = None

    name = "sequence_classification"
    settings_class = SequenceClassificationSettings
    auto_class = AutoModelForSequenceClassification
    architecture = "ForSequenceClassification"
    pipeline_tag = "text-classification"
    in_pipelines = True
    peft_task_type = "SEQ_CLS"
    labels_texts = True
    labels_sequences = True
    unsupported_columns = ("target_column",)

    def __post_init__(self) -> None:
        if self.class_weights is not None and len(self.class_weights) != self.labels.num_labels:
            raise HfseqError(
                f"class_weights has {len(self.class_weights)} values, but the data has {self.labels.num_labels} "
                f"labels: {', '.join(self.labels.names) or 'a number'}"
            )
        if self.labels.problem_type == "regression" and (self.class_weights or self.label_smoothing):
            raise HfseqError("class_weights and label_smoothing_factor are for classification, not for regression")

    @classmethod
    def load(cls, arguments: DataArguments) -> LabelledData:
        """See [`load_labelled`]."""
        return load_labelled(arguments)

    @classmethod
    def from_data(cls, data: TaskData, arguments: DataArguments, loss: LossSettings) -> "SequenceClassification":
        """The task for this data."""
        assert isinstance(data, LabelledData)  # the return type of `load`
        train = data.encoded_labels["train"]
        weights = read_class_weights(loss.class_weights, train, data.labels)
        augment_batch = data.modality.batch_augmentation(arguments)
        prior = label_prior(train, data.labels, weights, loss.label_smoothing)
        return cls(data.labels, weights, loss.label_smoothing, data.modality, augment_batch, prior)

    @classmethod
    def from_saved(
        cls, model: Any, processor: Any, arguments: DataArguments, modality: Modality
    ) -> "SequenceClassification":
        """The task of a saved classifier."""
        return cls(LabelSchema.from_config(model.config), modality=modality)

    def read_split(self, rows: Dataset, arguments: DataArguments, where: str) -> LabelledData:
        """Labelled rows, as split `test`."""
        columns = self.modality.resolve(rows.column_names, arguments)
        rows = self.modality.check(rows, columns, where)
        if self.labels.problem_type == MULTI_LABEL:
            separator = arguments.group(SequenceClassificationSettings).label_separator
            rows = parse_label_lists(rows, str(columns.label), where, MULTI_LABEL, separator)
        values = label_values(rows, str(columns.label), self.labels.problem_type)
        encoded = self.labels.encode(values, where=where, feature=rows.features[columns.label])
        return LabelledData(
            DatasetDict({"test": rows}), self.modality, columns, "", where, [], self.labels, {"test": encoded}
        )

    def labels_of_split(self, data: TaskData, split: str, processor: Any) -> list[Any]:
        """Class numbers, multi-hot rows, or numbers."""
        assert isinstance(data, LabelledData)  # the return type of `load` and `read_split`
        return data.encoded_labels[split]

    @property
    def default_metric(self) -> str:
        """The first metric of the problem type."""
        return default_metric(self.labels.problem_type)

    @property
    def metric_names(self) -> tuple[str, ...]:
        """See [`compute_classification_metrics`]."""
        return metric_names(self.labels.problem_type)

    @property
    def subject(self) -> str:
        """The problem type."""
        return self.labels.problem_type

    def config_values(self) -> dict[str, Any]:
        """The problem type, and the labels."""
        return {
            "problem_type": self.labels.problem_type,
            "num_labels": self.labels.num_labels,
            "id2label": self.labels.id2label,
            "label2id": self.labels.label2id,
        }

    def prepare_model(self, model: Any, new_parameters: Collection[str]) -> Any:
        """Sets the bias of a new head to the label prior."""
        if self.prior is not None:
            set_prior(model, self.prior, new_parameters)
        return model

    def loss(self, outputs: Any, inputs: Mapping[str, Any], num_items_in_batch: Any = None) -> torch.Tensor:
        """See [`sequence_classification_loss`]."""
        return sequence_classification_loss(
            outputs["logits"],
            inputs[LABELS],
            problem_type=self.labels.problem_type,
            class_weights=list(self.class_weights) if self.class_weights else None,
            label_smoothing=self.label_smoothing,
            num_items_in_batch=num_items_in_batch,
        )

    def count_items(self, inputs: Mapping[str, Any]) -> torch.Tensor:
        """The number of labels. In regression, -100 is a valid target and not padding."""
        if self.labels.problem_type == "regression":
            return torch.tensor(inputs[LABELS].numel(), device=inputs[LABELS].device)
        return super().count_items(inputs)

    def compute_metrics(self, prediction: EvalPrediction) -> dict[str, float]:
        """Metrics of logits against labels."""
        logits, labels = np.asarray(prediction.predictions), np.asarray(prediction.label_ids)
        return compute_classification_metrics(logits, labels, self.labels.problem_type)

    def metric_inputs(self, prediction: EvalPrediction) -> tuple[np.ndarray, np.ndarray]:
        """Class numbers, rows of zeros and ones, or predicted numbers, and the labels."""
        logits, labels = np.asarray(prediction.predictions), np.asarray(prediction.label_ids)
        if self.labels.problem_type == SINGLE_LABEL:
            return logits.argmax(-1), labels
        if self.labels.problem_type == MULTI_LABEL:
            return (logits > 0).astype(int), labels.astype(int)
        return logits.reshape(labels.shape), labels

    def scores(self, logits: np.ndarray) -> np.ndarray:
        """Probabilities (or, in regression, the predicted numbers) of shape `(batch, num_labels)`."""
        values = torch.as_tensor(logits).float()
        if self.labels.problem_type == "single_label_classification":
            values = values.softmax(-1)
        elif self.labels.problem_type == "multi_label_classification":
            values = values.sigmoid()
        return values.numpy()

    def example_scores(self, predictions: np.ndarray, labels: np.ndarray) -> np.ndarray | None:
        """Correctness (single label), squared error (regression), or the [`ratio_scores`] of F1 (multi-label)."""
        if self.labels.problem_type == SINGLE_LABEL:
            return (predictions.argmax(-1) == labels).astype(float)
        if self.labels.problem_type == REGRESSION:
            return (predictions.reshape(labels.shape) - labels) ** 2
        # F1 is the ratio 2 TP / (2 TP + FP + FN).
        predicted, true = predictions > 0, labels > 0.5
        double_hits = 2.0 * (predicted & true).sum(-1)
        return ratio_scores(double_hits, double_hits + (predicted != true).sum(-1))

    def metric_sums(self, predictions: Any, labels: Any) -> dict[str, np.ndarray]:
        """See [`classification_sums`]."""
        return classification_sums(predictions, labels, self.labels.problem_type)

    def predictions(self, outputs: list[Any], rows: Mapping[str, list], columns: Columns) -> list[Prediction]:
        """Labels and scores. For multi-label data, the labels with a probability above 0.5."""
        scores = self.scores(np.stack(outputs))
        if self.labels.problem_type == REGRESSION:
            return [Prediction([], {"value": float(row[0])}) for row in scores]
        predicted = []
        for row in scores:
            named = {name: float(score) for name, score in zip(self.labels.names, row, strict=True)}
            if self.labels.problem_type == MULTI_LABEL:
                chosen = [name for name, score in named.items() if score > MULTI_LABEL_THRESHOLD]
            else:
                chosen = [self.labels.names[int(row.argmax())]]
            predicted.append(Prediction(chosen, named))
        return predicted

    def describe(self) -> dict[str, Any]:
        """The labels, and the problem type."""
        return {"labels": list(self.labels.names), "problem_type": self.labels.problem_type}
