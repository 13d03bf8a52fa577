"""Bags of words, of characters and of k-mers, with logistic regression."""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import numpy as np
from transformers import EvalPrediction

from hfseq.data.labels.columns import Columns
from hfseq.data.labels.schema import REGRESSION
from hfseq.metrics import metric_direction
from hfseq.modalities.dna.kmers import KmerFeatures
from hfseq.modalities.dna.modality import DNA
from hfseq.registry import register_baseline
from hfseq.tasks.base import Task
from hfseq.tasks.baselines import BaselineData, rows_of
from hfseq.tasks.sequence_classification.baselines.base import LabelBaseline
from hfseq.tasks.sequence_classification.baselines.linear import LinearModel, fit_logistic
from hfseq.tasks.sequence_classification.task import SequenceClassification
from hfseq.tasks.task_data import TaskData
from hfseq.tasks.tfidf import MAX_FEATURES, UNIT_NAMES, TextFeatures, Unit

# Maximum number of weights. With many classes, there are fewer features.
_MOST_WEIGHTS, _FEWEST_FEATURES = 5_000_000, 20_000
_KMERS = (1, 2, 3, 4, 5, 6)


class BagOfWords(LabelBaseline):
    """Features of raw texts with a linear model."""

    features: Callable[[Mapping[str, list], Columns], Any]
    model: LinearModel

    def logits(self, data: BaselineData, split: str, rows: range) -> np.ndarray:
        """The logits of some rows of a split."""
        part = rows_of(data.data.splits[split].select(rows), data.data.columns)
        return self.row_logits(part, data.data.columns)

    def row_logits(self, rows: Mapping[str, list], columns: Columns) -> np.ndarray:
        """The logits of raw texts."""
        return self.model(self.features(rows, columns))

    @property
    def num_parameters(self) -> int:
        """Number of weights and biases."""
        return self.model.num_parameters

    def chosen(self) -> dict[str, Any]:
        """The strength of the penalty."""
        return {"alpha" if self.labels.problem_type == REGRESSION else "C": self.model.penalty}

    @property
    def _model_name(self) -> str:
        return "ridge regression" if self.labels.problem_type == REGRESSION else "logistic regression"


class _TextBag(BagOfWords):
    unit: ClassVar[Unit]
    features: TextFeatures

    @classmethod
    def matches(cls, task: Task, data: TaskData) -> bool:
        """Classification and regression of texts."""
        return isinstance(task, SequenceClassification) and data.modality.has_words

    def fit_labels(self, data: BaselineData, task: SequenceClassification) -> None:
        """Makes the vocabulary, and fits the linear model."""
        columns = data.data.columns
        most = min(MAX_FEATURES, max(_MOST_WEIGHTS // task.labels.num_labels, _FEWEST_FEATURES))
        train, validation = data.rows("train"), data.rows("validation")
        self.features = TextFeatures(self.unit, most).fit(train, columns)
        self.model, _ = fit_logistic(
            (self.features(train, columns), data.labels("train")),
            (self.features(validation, columns), data.labels("validation")),
            task.labels,
            task_score(task),
        )

    @property
    def num_parameters(self) -> int:
        """Number of weights, biases and document frequencies."""
        return self.model.num_parameters + self.features.size

    @property
    def description(self) -> str:
        """Features and model."""
        return (
            f"TF-IDF of {UNIT_NAMES[self.unit]} ({self.features.size:,} features, at most "
            f"{self.features.max_features:,}) with {self._model_name}"
        )


@register_baseline
class TfidfWords(_TextBag):
    """TF-IDF of words and pairs of words with logistic regression."""

    name = "tfidf_words"
    unit = "words"


@register_baseline
class TfidfCharacters(_TextBag):
    """TF-IDF of 2 to 5 characters within words with logistic regression."""

    name = "tfidf_characters"
    unit = "characters"


@register_baseline
class Kmers(BagOfWords):
    """Counts of k-mers of DNA with logistic regression. The validation split chooses k, and whether the other strand
    is counted as well."""

    name = "kmers"
    features: KmerFeatures

    @classmethod
    def matches(cls, task: Task, data: TaskData) -> bool:
        """Classification and regression of DNA."""
        return isinstance(task, SequenceClassification) and isinstance(data.modality, DNA)

    def fit_labels(self, data: BaselineData, task: SequenceClassification) -> None:
        """Fits a model for each k, with and without the other strand, and keeps the best."""
        columns, best = data.data.columns, None
        train, validation = data.rows("train"), data.rows("validation")
        targets = data.labels("train"), data.labels("validation")
        longest = max(map(len, train[columns.text]))
        for k in (k for k in _KMERS if k <= longest):
            for both_strands in (False, True):
                features = KmerFeatures(k, both_strands).fit(train[columns.text])
                model, score = fit_logistic(
                    (features(train, columns), targets[0]),
                    (features(validation, columns), targets[1]),
                    task.labels,
                    task_score(task),
                )
                if best is None or score > best:
                    self.features, self.model, best = features, model, score

    @property
    def description(self) -> str:
        """Features and model."""
        strands = "both strands" if self.features.both_strands else "the given strand"
        return f"counts of the {self.features.k}-mers of {strands} with {self._model_name}"

    def chosen(self) -> dict[str, Any]:
        """The length of the k-mers, the strands, and the strength of the penalty."""
        return {"k": self.features.k, "both_strands": self.features.both_strands, **super().chosen()}


def task_score(task: SequenceClassification) -> Callable[[np.ndarray, np.ndarray], float]:
    """The default metric of a task as a function of logits and labels, with greater values for better ones."""
    metric = task.default_metric
    sign = 1 if metric_direction(metric) == "max" else -1

    def score(logits: np.ndarray, labels: np.ndarray) -> float:
        return sign * task.compute_metrics(EvalPrediction(logits, labels)).get(metric, -sign * np.inf)

    return score
