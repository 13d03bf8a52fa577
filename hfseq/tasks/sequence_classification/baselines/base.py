"""Base of the baselines of sequence classification and regression."""

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any

import numpy as np

from hfseq.data.labels.columns import Columns
from hfseq.data.labels.schema import LabelSchema
from hfseq.tasks.base import Task
from hfseq.tasks.baselines import Baseline, BaselineData, Outputs
from hfseq.tasks.prediction import Prediction
from hfseq.tasks.sequence_classification.task import SequenceClassification
from hfseq.tasks.task_data import TaskData

# Number of examples whose features are computed together.
_BATCH = 1000


class LabelBaseline(Baseline):
    """A baseline that gives logits, as a model does."""

    labels: LabelSchema

    @classmethod
    def matches(cls, task: Task, data: TaskData) -> bool:
        """Sequence classification of any data."""
        return isinstance(task, SequenceClassification)

    def fit(self, data: BaselineData) -> None:
        """See [`fit_labels`]."""
        assert isinstance(data.task, SequenceClassification)  # see `matches`
        self.labels = data.task.labels
        self.fit_labels(data, data.task)

    @abstractmethod
    def fit_labels(self, data: BaselineData, task: SequenceClassification) -> None:
        """Fits the baseline to the training split."""

    @abstractmethod
    def logits(self, data: BaselineData, split: str, rows: range) -> np.ndarray:
        """The logits `(rows, num_labels)` of some rows of a split."""

    @abstractmethod
    def row_logits(self, rows: Mapping[str, list], columns: Columns) -> np.ndarray:
        """The logits `(rows, num_labels)` of raw examples."""

    def predict(self, data: BaselineData, split: str) -> Outputs:
        """The logits of a split."""
        size = len(data.encoded[split])
        parts = [self.logits(data, split, range(start, min(start + _BATCH, size))) for start in range(0, size, _BATCH)]
        return Outputs(np.concatenate(parts).astype(np.float32), data.labels(split))

    def predict_rows(self, rows: Mapping[str, list], columns: Columns) -> list[Prediction]:
        """Labels and their probabilities, or numbers."""
        task = SequenceClassification(self.labels)
        outputs: list[Any] = list(self.row_logits(rows, columns))
        return task.predictions(outputs, rows, columns)
