"""Baselines that ignore the inputs."""

from collections.abc import Mapping

import numpy as np

from hfseq.data.labels.columns import Columns
from hfseq.data.labels.schema import MULTI_LABEL, REGRESSION, LabelSchema
from hfseq.registry import register_baseline
from hfseq.tasks.base import Task
from hfseq.tasks.baselines import BaselineData
from hfseq.tasks.sequence_classification.baselines.base import LabelBaseline
from hfseq.tasks.sequence_classification.task import SequenceClassification
from hfseq.tasks.task_data import TaskData


class _Constant(LabelBaseline):
    """The same logits for every example."""

    trivial = True
    values: np.ndarray  # (num_labels,)

    def fit_labels(self, data: BaselineData, task: SequenceClassification) -> None:
        """Fits the constant to the labels of the training split."""
        self.values = constant_logits(data.labels("train"), task.labels)

    def logits(self, data: BaselineData, split: str, rows: range) -> np.ndarray:
        """The constant."""
        return np.tile(self.values, (len(rows), 1))

    def row_logits(self, rows: Mapping[str, list], columns: Columns) -> np.ndarray:
        """The constant."""
        return np.tile(self.values, (len(rows[columns.text]), 1))

    @property
    def num_parameters(self) -> int:
        """One number per label."""
        return len(self.values)


@register_baseline
class Majority(_Constant):
    """The commonest class of the training split, with the share of each class as its probability."""

    name = "majority"

    @classmethod
    def matches(cls, task: Task, data: TaskData) -> bool:
        """Classification."""
        return isinstance(task, SequenceClassification) and task.labels.problem_type != REGRESSION

    @property
    def description(self) -> str:
        """What it predicts."""
        if self.labels.problem_type == MULTI_LABEL:
            return "predicts the labels of more than half of the training examples, or the commonest label"
        return f"always predicts {self.labels.names[int(self.values.argmax())]!r}, the commonest class in training"


@register_baseline
class Mean(_Constant):
    """The mean of the training split."""

    name = "mean"

    @classmethod
    def matches(cls, task: Task, data: TaskData) -> bool:
        """Regression."""
        return isinstance(task, SequenceClassification) and task.labels.problem_type == REGRESSION

    @property
    def description(self) -> str:
        """What it predicts."""
        return f"always predicts {self.values[0]:.4g}, the mean in training"


def constant_logits(targets: np.ndarray, labels: LabelSchema) -> np.ndarray:
    """The logits of a prediction that ignores the inputs.

    Args:
        targets (`np.ndarray`): class numbers `(rows,)`, multi-hot rows `(rows, labels)`, or numbers `(rows,)`.
        labels (`LabelSchema`): problem type and names of the labels.

    Returns:
        `np.ndarray` of shape `(num_labels,)`: logarithms of the class shares; log-odds of each label, of which at
        least one is positive; or the mean. Half an example is added to each count, so that no share is 0.
    """
    if labels.problem_type == REGRESSION:
        return np.array([targets.mean()])
    if labels.problem_type == MULTI_LABEL:
        present = (targets.sum(0) + 0.5) / (len(targets) + 1)
        odds = np.log(present / (1 - present))
        if odds.max() <= 0:
            odds[odds.argmax()] = 1e-3  # otherwise no label would be predicted
        return odds
    counts = np.bincount(targets.astype(np.int64), minlength=labels.num_labels) + 0.5
    return np.log(counts / counts.sum())
