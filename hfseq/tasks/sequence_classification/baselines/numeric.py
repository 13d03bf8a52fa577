"""Baselines of series, recordings, images and videos."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from hfseq.data.arguments import DataArguments
from hfseq.data.batching.encoded_splits import LENGTH_COLUMN, TRUNCATED_COLUMN
from hfseq.data.batching.processor_pair import inputs_of
from hfseq.data.labels.columns import Columns
from hfseq.data.labels.schema import REGRESSION
from hfseq.modalities import Modality
from hfseq.modalities.numeric import INPUT_FEATURES
from hfseq.modalities.series.minirocket import MiniRocket
from hfseq.modalities.series.modality import Series
from hfseq.registry import register_baseline
from hfseq.tasks.base import Task
from hfseq.tasks.baselines import BaselineData
from hfseq.tasks.mean_features import mean_features
from hfseq.tasks.sequence_classification.baselines.bag_of_words import task_score
from hfseq.tasks.sequence_classification.baselines.base import LabelBaseline
from hfseq.tasks.sequence_classification.baselines.linear import LinearModel, fit_logistic, fit_ridge
from hfseq.tasks.sequence_classification.task import SequenceClassification
from hfseq.tasks.task_data import TaskData

# The ridge classifier is fitted to at most this number of series, which takes about a minute.
_MOST_SERIES = 5_000
# Number of encoded examples that are read at once.
_CHUNK = 500


class EncodedFeatures(LabelBaseline):
    """Features of encoded inputs, standardized, with a linear model."""

    modality: Modality
    processor: Any
    arguments: DataArguments
    mean: np.ndarray
    scale: np.ndarray
    model: LinearModel

    @abstractmethod
    def features_of(self, encoded: Mapping[str, Sequence[Any]]) -> np.ndarray:
        """The features `(rows, size)` of encoded examples."""

    def fit_labels(self, data: BaselineData, task: SequenceClassification) -> None:
        """Fits the features and the linear model."""
        self.modality, self.processor = data.data.modality, inputs_of(data.processor)
        self.arguments = data.arguments
        chosen = self._chosen(data)
        self.fit_features(data, chosen)
        features = self._split_features(data, "train", chosen)
        self.mean, self.scale = features.mean(0), features.std(0)
        self.scale[self.scale < 1e-8] = 1.0
        self.model = self.fit_model(
            (self._standardized(features), data.labels("train")[chosen]),
            (
                self._standardized(self._split_features(data, "validation", range(len(data.encoded["validation"])))),
                data.labels("validation"),
            ),
            task,
        )

    def _chosen(self, data: BaselineData) -> np.ndarray:
        """The training examples that are used."""
        return np.arange(len(data.encoded["train"]))

    def fit_features(self, data: BaselineData, chosen: np.ndarray) -> None:
        """Fits the features to some training examples. By default, there is nothing to fit."""
        return

    @abstractmethod
    def fit_model(
        self,
        train: tuple[np.ndarray, np.ndarray],
        validation: tuple[np.ndarray, np.ndarray],
        task: SequenceClassification,
    ) -> LinearModel:
        """Fits the linear model to features and labels."""

    def _split_features(self, data: BaselineData, split: str, rows: Sequence[int] | np.ndarray) -> np.ndarray:
        return np.concatenate([
            self.features_of(data.encoded[split].select(rows[start : start + _CHUNK]).with_format("numpy")[:])
            for start in range(0, len(rows), _CHUNK)
        ])  # fmt: skip

    def _standardized(self, features: np.ndarray) -> np.ndarray:
        return (features - self.mean) / self.scale

    def logits(self, data: BaselineData, split: str, rows: range) -> np.ndarray:
        """The logits of some rows of a split."""
        return self.model(self._standardized(self._split_features(data, split, rows)))

    def row_logits(self, rows: Mapping[str, list], columns: Columns) -> np.ndarray:
        """The logits of raw examples, which are encoded first."""
        encoded = self.modality.encode_batch(rows, columns, self.processor, self.arguments)
        inputs = {name: values for name, values in encoded.items() if name not in (LENGTH_COLUMN, TRUNCATED_COLUMN)}
        return self.model(self._standardized(self.features_of(inputs)))

    @property
    def num_parameters(self) -> int:
        """Number of weights, biases, means and standard deviations."""
        return self.model.num_parameters + 2 * self.mean.size

    def chosen(self) -> dict[str, Any]:
        """The strength of the penalty."""
        return {"penalty": self.model.penalty}


@register_baseline
class MiniRocketRidge(EncodedFeatures):
    """MiniRocket features with a ridge classifier (Dempster et al. 2021)."""

    name = "minirocket"
    deterministic = False
    rocket: MiniRocket

    @classmethod
    def matches(cls, task: Task, data: TaskData) -> bool:
        """Classification and regression of series."""
        return isinstance(task, SequenceClassification) and isinstance(data.modality, Series)

    def _chosen(self, data: BaselineData) -> np.ndarray:
        size = len(data.encoded["train"])
        return np.sort(np.random.default_rng(data.seed).permutation(size)[:_MOST_SERIES])

    def fit_features(self, data: BaselineData, chosen: np.ndarray) -> None:
        """Fits MiniRocket to the training series."""
        rows = data.encoded["train"].select(chosen).with_format("numpy")[INPUT_FEATURES]
        self.rocket = MiniRocket(seed=data.seed).fit([np.asarray(row) for row in rows])

    def features_of(self, encoded: Mapping[str, Sequence[Any]]) -> np.ndarray:
        """The features of MiniRocket."""
        return self.rocket([np.asarray(row) for row in encoded[INPUT_FEATURES]])

    def fit_model(
        self,
        train: tuple[np.ndarray, np.ndarray],
        validation: tuple[np.ndarray, np.ndarray],
        task: SequenceClassification,
    ) -> LinearModel:
        """A ridge classifier."""
        return fit_ridge(train, validation, task.labels)

    @property
    def num_parameters(self) -> int:
        """Number of weights, and of biases of the convolutions."""
        return super().num_parameters + self.rocket.num_biases

    @property
    def description(self) -> str:
        """Features and model."""
        kind = "regression" if self.labels.problem_type == REGRESSION else "classifier"
        return (
            f"{self.rocket.num_features:,} features of MiniRocket (Dempster et al. 2021) with a ridge {kind}, fitted "
            f"to at most {_MOST_SERIES:,} series"
        )


@register_baseline
class MeanFeatures(EncodedFeatures):
    """Means over time of recordings and videos, or thinned pixels of images, with logistic regression."""

    name = "mean_features"

    @classmethod
    def matches(cls, task: Task, data: TaskData) -> bool:
        """Classification and regression of recordings, images and videos."""
        is_token, is_series = data.modality.is_tokens, isinstance(data.modality, Series)
        return isinstance(task, SequenceClassification) and not is_token and not is_series

    def features_of(self, encoded: Mapping[str, Sequence[Any]]) -> np.ndarray:
        """See [`mean_features`]."""
        return mean_features(encoded)

    def fit_model(
        self,
        train: tuple[np.ndarray, np.ndarray],
        validation: tuple[np.ndarray, np.ndarray],
        task: SequenceClassification,
    ) -> LinearModel:
        """Logistic regression."""
        return fit_logistic(train, validation, task.labels, task_score(task))[0]

    @property
    def description(self) -> str:
        """Features and model."""
        kind = "pixels, averaged over a grid of 12 by 12," if self.modality.name == "image" else (
            "mean and standard deviation of each feature over the steps"
        )  # fmt: skip
        model = "ridge regression" if self.labels.problem_type == REGRESSION else "logistic regression"
        return f"{kind} with {model}"
