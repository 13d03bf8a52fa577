"""Baseline of translation and captioning: the target of the nearest training example."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from hfseq.data.arguments import DataArguments
from hfseq.data.batching.processor_pair import inputs_of, targets_of
from hfseq.data.labels.columns import Columns
from hfseq.modalities import Modality
from hfseq.registry import register_baseline
from hfseq.tasks.base import Task
from hfseq.tasks.baselines import Baseline, BaselineData, Outputs, padded, rows_of
from hfseq.tasks.mean_features import mean_features
from hfseq.tasks.prediction import Prediction
from hfseq.tasks.task_data import TaskData
from hfseq.tasks.text_generation.base import TextGeneration
from hfseq.tasks.text_generation.data import references_of
from hfseq.tasks.text_generation.settings import TextGenerationSettings
from hfseq.tasks.text_generation.target_tokens import encode_targets
from hfseq.tasks.tfidf import TextFeatures

# At most this number of training examples is searched.
_MOST_EXAMPLES = 50_000
_CHUNK = 256


@register_baseline
class NearestExample(Baseline):
    """The target of the training example with the most similar source.

    Texts are compared by the cosine of their TF-IDF features of words; images, recordings and videos by the distance
    of their standardized [`mean_features`]. If an example has several targets, the first one is used.
    """

    name = "nearest_example"
    uses_tokens = True  # its texts pass through the tokenizer of the targets, like those of the models
    modality: Modality
    targets: list[str]
    known: Any  # (examples, features)
    words: TextFeatures | None = None
    # Only for sources that are no texts.
    processor: Any
    arguments: DataArguments
    mean: np.ndarray  # (features,)
    scale: np.ndarray  # (features,)

    @classmethod
    def matches(cls, task: Task, data: TaskData) -> bool:
        """Translation and captioning."""
        return isinstance(task, TextGeneration)

    @property
    def description(self) -> str:
        """How it chooses a target."""
        similar = "TF-IDF of words" if self.words is not None else "thinned pixels, or means over the steps"
        return (
            f"copies the target of the most similar training example ({similar}), of at most {_MOST_EXAMPLES:,} "
            "examples"
        )

    def fit(self, data: BaselineData) -> None:
        """Computes the features of the training examples."""
        columns = data.data.columns
        train = data.data.splits["train"]
        if len(train) > _MOST_EXAMPLES:
            train = train.select(np.sort(np.random.default_rng(0).permutation(len(train))[:_MOST_EXAMPLES]))
        self.modality = data.data.modality
        self.targets = [texts[0] for texts in references_of(train, str(columns.label))]
        rows = rows_of(train, columns)
        if self.modality.trains_tokenizer:
            self.words = TextFeatures("words").fit(rows, columns)
            self.known = self.words(rows, columns)
            return
        self.processor, self.arguments = inputs_of(data.processor), data.arguments
        features = self._encoded_features(rows, columns)
        self.mean, self.scale = features.mean(0), np.maximum(features.std(0), 1e-6)
        self.known = (features - self.mean) / self.scale

    def _encoded_features(self, rows: Mapping[str, list], columns: Columns) -> np.ndarray:
        size, parts = self.modality.batch_size, []
        for start in range(0, len(rows[columns.text]), size):
            part = {name: values[start : start + size] for name, values in rows.items()}
            parts.append(mean_features(self.modality.encode_batch(part, columns, self.processor, self.arguments)))
        return np.concatenate(parts)

    def nearest(self, rows: Mapping[str, list], columns: Columns) -> list[str]:
        """The target of the nearest training example of each raw example."""
        found: list[int] = []
        if self.words is not None:
            features = self.words(rows, columns)
            for start in range(0, features.shape[0], _CHUNK):
                similar = (features[start : start + _CHUNK] @ self.known.T).toarray()  # (chunk, examples)
                found += similar.argmax(1).tolist()
        else:
            dense = (self._encoded_features(rows, columns) - self.mean) / self.scale
            lengths = (self.known**2).sum(1)
            for start in range(0, len(dense), _CHUNK):
                distances = lengths - 2 * dense[start : start + _CHUNK] @ self.known.T  # (chunk, examples)
                found += distances.argmin(1).tolist()
        return [self.targets[row] for row in found]

    def predict(self, data: BaselineData, split: str) -> Outputs:
        """The tokens of the texts. There is no accuracy of single tokens, which needs a model."""
        longest = data.arguments.group(TextGenerationSettings).max_target_length
        texts = self.nearest(data.rows(split), data.data.columns)
        tokens, _ = encode_targets(texts, targets_of(data.processor), longest)
        return Outputs(np.zeros((len(texts), 3)), data.labels(split), padded(tokens))

    def predict_rows(self, rows: Mapping[str, list], columns: Columns) -> list[Prediction]:
        """The text of each example."""
        return [Prediction(text=text) for text in self.nearest(rows, columns)]

    @property
    def num_parameters(self) -> int:
        """Number of stored features."""
        return int(self.known.nnz if self.words is not None else self.known.size)
