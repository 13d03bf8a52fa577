"""Base class of modalities that a model reads as sequences of numbers: series, recordings, videos."""

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any

import numpy as np
from datasets import Dataset, Features, List, Value

from hfseq.data.arguments import DataArguments
from hfseq.data.batching.encoded_splits import LENGTH_COLUMN, TRUNCATED_COLUMN
from hfseq.data.labels.columns import Columns
from hfseq.errors import first_line
from hfseq.modalities.base import ExampleError, Modality
from hfseq.modalities.shared_settings import NumericSettings

INPUT_FEATURES = "input_features"


class Numeric(Modality):
    """A modality whose processor is a feature extractor. Each step is one vector of features."""

    batch_size = 64  # small, because recordings and videos are long
    presets_like = "numeric"

    @abstractmethod
    def features_of(self, values: list[Any], processor: Any) -> list[np.ndarray]:
        """The features of several examples, each of shape `(steps, features)`."""

    def encode_batch(
        self, batch: Mapping[str, list], columns: Columns, processor: Any, arguments: DataArguments
    ) -> dict[str, list]:
        """`input_features` of shape `(steps, features)` for each example."""
        whole = self._checked_features(list(batch[columns.text]), processor)
        limit = arguments.group(NumericSettings).max_steps_per_example
        kept = [row[:limit] for row in whole]
        return {
            INPUT_FEATURES: kept,
            LENGTH_COLUMN: [len(row) for row in kept],
            TRUNCATED_COLUMN: [len(row) > len(part) for row, part in zip(whole, kept, strict=True)],
        }

    def encoded_features(self, split: Dataset, columns: Columns, processor: Any) -> Features:
        """All steps have `feature_size` features."""
        return Features(
            {
                INPUT_FEATURES: List(List(Value("float32"), length=int(processor.feature_size))),
                LENGTH_COLUMN: Value("int64"),
                TRUNCATED_COLUMN: Value("bool"),
            }
        )

    def _checked_features(self, values: list[Any], processor: Any) -> list[np.ndarray]:
        try:
            return self.features_of(values, processor)
        except ValueError as error:
            for position, value in enumerate(values):
                try:
                    self.features_of([value], processor)
                except ValueError as reason:
                    raise ExampleError(first_line(reason), position) from error
            raise

    def config_values(self, processor: Any) -> dict[str, Any]:
        """The number of features per step."""
        return {INPUT_FEATURES: int(processor.feature_size)}
