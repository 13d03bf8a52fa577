"""Token classification: one tag for each word of a sentence."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from datasets import Dataset, DatasetDict
from transformers import AutoModelForTokenClassification, EvalPrediction

from hfseq.data.arguments import DataArguments
from hfseq.data.batching.encoded_splits import LENGTH_COLUMN, TRUNCATED_COLUMN, EncodedSplits
from hfseq.data.labels.columns import Columns
from hfseq.data.labels.schema import SINGLE_LABEL, LabelSchema
from hfseq.data.sources.list_cells import parse_list_column
from hfseq.errors import HfseqError, nearest
from hfseq.extras import require
from hfseq.metrics import TASK_METRICS, compute_token_metrics, tags_mark_spans
from hfseq.modalities import Modality
from hfseq.modalities.text.modality import Text
from hfseq.modalities.token_encoding import check_max_length
from hfseq.models.recurrent.losses import token_classification_loss
from hfseq.registry import register_task
from hfseq.span_tags import KEEP
from hfseq.tasks.base import LABELS, Task, TokenizerMaker
from hfseq.tasks.class_weights import read_class_weights
from hfseq.tasks.example_scores import unpadded
from hfseq.tasks.loss_settings import LossSettings
from hfseq.tasks.prediction import Prediction
from hfseq.tasks.task_data import TaskData
from hfseq.tasks.token_classification.data import (
    TaggedData,
    join_sentences,
    load_tagged,
    read_tag_files,
    read_tagged_rows,
    resolve_tag_columns,
)
from hfseq.tasks.token_classification.scoring import accuracy_scores, named_tags, outside_tag, span_scores, tag_sums
from hfseq.tasks.token_classification.settings import TokenClassificationSettings
from hfseq.tasks.token_classification.tag_conversion import convert_to_known_scheme
from hfseq.tasks.token_classification.tag_encoding import UNTAGGED, encode_tagged
from hfseq.tasks.token_classification.tag_files import has_token_lines

# The sign for a missing value in CoNLL-U.
UNKNOWN_TAG = "_"
# Number of words of a sentence in a preview.
_MOST_WORDS = 80


@register_task
@dataclass(frozen=True)
class TokenClassification(Task):
    """One tag for each word, predicted at the first token of the word.

    Sentences with more than `max_length` tokens are truncated. The truncated words are not used in training, but they
    count in the evaluation: their tags are wrong, or, if tags mark spans, outside of any span. Therefore all models
    are compared on the same words.

    Args:
        tags (`tuple[str, ...]`): names of the tags.
        class_weights (`tuple[float, ...]`, *optional*): weight of each tag in the loss.
        label_smoothing (`float`, *optional*, defaults to 0.0): share of the target spread over all tags.
        modality (`Modality`, *optional*, defaults to text): kind of the examples.
        violations (`str`, *optional*): description of how many training tags violate their tag scheme.

    Raises:
        HfseqError: if `class_weights` does not have one value per tag.
    """

    tags: tuple[str, ...]
    class_weights: tuple[float, ...] | None = None
    label_smoothing: float = 0.0
    modality: Modality = field(default_factory=Text)
    violations: str | None = None

    name = "token_classification"
    settings_class = TokenClassificationSettings
    auto_class = AutoModelForTokenClassification
    architecture = "ForTokenClassification"
    pipeline_tag = "token-classification"
    in_pipelines = True
    peft_task_type = "TOKEN_CLS"
    labels_texts = True
    has_crf = True
    label_padding = "inputs"
    unsupported_columns = ("text_pair_column",)
    readers: ClassVar = (read_tag_files,)

    def __post_init__(self) -> None:
        if self.class_weights is not None and len(self.class_weights) != len(self.tags):
            raise HfseqError(
                f"class_weights has {len(self.class_weights)} values, but the data has {len(self.tags)} tags: "
                f"{', '.join(self.tags)}"
            )

    @classmethod
    def load(cls, arguments: DataArguments) -> TaggedData:
        """See [`load_tagged`]."""
        return load_tagged(arguments)

    @classmethod
    def from_data(cls, data: TaskData, arguments: DataArguments, loss: LossSettings) -> "TokenClassification":
        """The task for this data.

        Raises:
            HfseqError: if the settings of the loss are invalid, or seqeval is needed and not installed.
        """
        assert isinstance(data, TaggedData)  # the return type of `load`
        if tags_mark_spans(data.tags):
            require("seqeval", "metrics")  # fails before the training, not after it
        numbers = {tag: number for number, tag in enumerate(data.tags)}
        flat = [numbers[tag] for tag in chain.from_iterable(data.splits["train"][str(data.columns.label)])]
        weights = read_class_weights(loss.class_weights, flat, LabelSchema(SINGLE_LABEL, data.tags))
        return cls(data.tags, weights, loss.label_smoothing, data.modality, data.violations)

    @classmethod
    def from_saved(
        cls, model: Any, processor: Any, arguments: DataArguments, modality: Modality
    ) -> "TokenClassification":
        """The task of a saved token classification model."""
        return cls(LabelSchema.from_config(model.config).names, modality=modality)

    def resolve(self, column_names: list[str], arguments: DataArguments, require_label: bool = True) -> Columns:
        """See [`resolve_tag_columns`]."""
        return resolve_tag_columns(column_names, arguments, require_label)

    def reads_text_file(self, path: Path) -> bool:
        """Whether a file has one token per line, as in training: see [`has_token_lines`]."""
        return has_token_lines(path, self.tags)

    @classmethod
    def prepared_rows(cls, rows: Dataset, arguments: DataArguments, where: str) -> Dataset:
        """See [`join_sentences`]."""
        try:
            columns = resolve_tag_columns(rows.column_names, arguments, require_tags=False)
        except HfseqError:
            return rows  # the columns are resolved again later, which reports the error
        return join_sentences(rows, columns, arguments, where)

    def check_rows(self, rows: Dataset, columns: Columns, where: str) -> Dataset:
        """Sentences without tags: lists of words, texts that contain such lists, or words separated by spaces.

        Raises:
            HfseqError: if a sentence has another type; the message names the row.
        """
        rows = parse_list_column(rows, columns.text, where)
        for row, sentence in enumerate(rows[columns.text]):
            if not isinstance(sentence, str) and not _are_words(sentence):
                raise HfseqError(
                    f"{where}, row {row}, column {columns.text!r} is {str(sentence)[:40]!r}, expected a list of "
                    "words, or a text of words separated by spaces"
                )
        return rows

    def read_split(self, rows: Dataset, arguments: DataArguments, where: str) -> TaggedData:
        """Tagged sentences, as split `test`."""
        rows, columns = read_tagged_rows(rows, arguments, where)
        if arguments.group(TokenClassificationSettings).tag_scheme != KEEP:
            rows = convert_to_known_scheme(rows, str(columns.label), self.tags)
        for row, tags in enumerate(rows[columns.label]):
            for word, tag in enumerate(tags):
                if tag not in self.tags:
                    raise HfseqError(
                        f"{where}, row {row}: tag {tag!r} of word {word} was not seen in training, "
                        f"{nearest(tag, self.tags)}"
                    )
        return TaggedData(DatasetDict({"test": rows}), self.modality, columns, "", where, [], self.tags)

    def make_processor(self, data: TaskData, arguments: DataArguments, make_tokenizer: TokenizerMaker) -> Any:
        """The tokenizer. If it is trained here, it uses word pieces, because word endings are informative for tags."""
        texts = (" ".join(words) for words in data.splits["train"][data.columns.text])
        return make_tokenizer(texts, kind="wordpiece")

    def encode(self, data: TaskData, processor: Any, arguments: DataArguments) -> EncodedSplits:
        """Token ids, and `labels` for the first token of each word; see [`encode_tagged`]."""
        check_max_length(arguments.token_limit, processor)
        encoded, shares = {}, {}
        for name, split in data.splits.items():
            result = split.map(
                encode_tagged,
                batched=True,
                fn_kwargs={
                    "columns": data.columns,
                    "tags": self.tags,
                    "processor": processor,
                    "max_length": arguments.token_limit,
                    # Truncated words are not used in training, but they count in the evaluation.
                    "with_truncated": name != "train",
                },
                remove_columns=split.column_names,
                num_proc=arguments.preprocessing_num_workers,
                desc=f"Reading {name}",
            )
            shares[name] = sum(result[TRUNCATED_COLUMN]) / max(len(result), 1)
            encoded[name] = result.remove_columns(TRUNCATED_COLUMN)
        # Saved with the tokenizer, so that it truncates as in training.
        processor.model_max_length, processor.truncation_side = arguments.token_limit, "right"
        return EncodedSplits(DatasetDict(encoded), shares)

    def encode_rows(
        self, rows: Mapping[str, list], columns: Columns, processor: Any, arguments: DataArguments
    ) -> dict[str, list]:
        """The inputs of raw sentences (lists of words or texts). `labels` mark the first token of each word."""
        sentences = {columns.text: [_split_words(sentence) for sentence in rows[columns.text]]}
        encoded = encode_tagged(sentences, Columns(columns.text), self.tags, processor, arguments.token_limit)
        return {name: values for name, values in encoded.items() if name not in (LENGTH_COLUMN, TRUNCATED_COLUMN)}

    def config_values(self) -> dict[str, Any]:
        """The number and the names of the tags."""
        labels = LabelSchema(SINGLE_LABEL, self.tags)
        return {"num_labels": len(self.tags), "id2label": labels.id2label, "label2id": labels.label2id}

    def check_config(self, config: Any) -> None:
        """Checks the settings of a conditional random field (CRF).

        Raises:
            HfseqError: if a CRF is combined with class weights or label smoothing, or if the training tags violate its
                constraints.
        """
        if getattr(config, "use_crf", False) and (self.class_weights or self.label_smoothing):
            raise HfseqError("class_weights and label_smoothing_factor cannot be combined with use_crf")
        constraints = getattr(config, "crf_constraints", None)
        if constraints and self.violations:
            scheme = "bioes" if constraints == "bioes" else "iob2"
            raise HfseqError(
                f"the training split violates crf_constraints {constraints!r}: {self.violations}. Add "
                f"--tag_scheme {scheme} to convert the tags, or leave crf_constraints out"
            )

    @property
    def _has_spans(self) -> bool:
        return tags_mark_spans(self.tags)

    @property
    def _kind(self) -> str:
        return "span_classification" if self._has_spans else self.name

    @property
    def default_metric(self) -> str:
        """F1 of whole spans if the tags mark spans, otherwise accuracy."""
        return TASK_METRICS[self._kind][0]

    @property
    def metric_names(self) -> tuple[str, ...]:
        """See [`compute_token_metrics`]."""
        return TASK_METRICS[self._kind]

    def model_inputs(self, model: Any, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """The batch. A model with a conditional random field also gets the tags: it computes the loss of whole
        sequences itself, and decodes at the positions with tags."""
        given = super().model_inputs(model, inputs)
        if getattr(model.config, "use_crf", False):
            given[LABELS] = _read(inputs)
        return given

    def count_items(self, inputs: Mapping[str, Any]) -> torch.Tensor:
        """The number of words that are not truncated."""
        return _read(inputs).ne(UNTAGGED).sum()

    def loss(self, outputs: Any, inputs: Mapping[str, Any], num_items_in_batch: Any = None) -> torch.Tensor:
        """See [`token_classification_loss`]. With a conditional random field, the loss of the model."""
        if outputs.get("loss") is not None:
            if num_items_in_batch is None:
                return outputs["loss"]
            return outputs["loss"] * self.count_items(inputs) / num_items_in_batch
        weights = list(self.class_weights) if self.class_weights else None
        return token_classification_loss(
            outputs["logits"], _read(inputs), weights, self.label_smoothing, num_items_in_batch
        )

    def predictions_of(self, outputs: Any, inputs: Mapping[str, Any]) -> torch.Tensor:
        """The predicted tag ids at the first token of each word, and -100 elsewhere; in the shape of the labels."""
        decoded = outputs.get("predictions")
        best = outputs["logits"].argmax(-1) if decoded is None else decoded  # (batch, length)
        labels = inputs[LABELS]
        found = torch.full_like(labels, UNTAGGED)
        found[:, : best.size(1)] = best.masked_fill(_read(inputs).eq(UNTAGGED), UNTAGGED)
        return found

    def compute_metrics(self, prediction: EvalPrediction) -> dict[str, float]:
        """See [`compute_token_metrics`]."""
        predicted, true = named_tags(prediction.predictions, prediction.label_ids, self.tags, self._has_spans)
        return compute_token_metrics(predicted, true, self.tags)

    def example_scores(self, predictions: np.ndarray, labels: np.ndarray) -> np.ndarray | None:
        """See [`span_scores`] and [`accuracy_scores`]."""
        predicted, true = named_tags(predictions, labels, self.tags, self._has_spans)
        return span_scores(predicted, true, self.tags) if self._has_spans else accuracy_scores(predicted, true)

    def metric_sums(self, predictions: Any, labels: Any) -> dict[str, np.ndarray]:
        """See [`tag_sums`]."""
        return tag_sums(*named_tags(predictions, labels, self.tags, self._has_spans), self.tags)

    def previews(
        self, data: TaskData, split: str, encoded: Dataset, processor: Any, numbers: Sequence[int]
    ) -> list[dict[str, Any]]:
        """The words of each sentence, and the tags of all of them."""
        rows = data.splits[split].select(numbers)
        return [
            {"tokens": list(words[:_MOST_WORDS]), "tags": list(tags[:_MOST_WORDS])}
            for words, tags in zip(rows[data.columns.text], rows[str(data.columns.label)], strict=True)
        ]

    def predictions(self, outputs: list[Any], rows: Mapping[str, list], columns: Columns) -> list[Prediction]:
        """One tag per word. Truncated words get the outside tag, or `_` if there is none."""
        tag_of_truncated = outside_tag(self.tags) or UNKNOWN_TAG
        predicted = []
        for numbers, sentence in zip(outputs, rows[columns.text], strict=True):
            tags = [self.tags[number] for number in unpadded(numbers)]
            truncated = len(_split_words(sentence)) - len(tags)
            predicted.append(Prediction([*tags, *[tag_of_truncated] * truncated]))
        return predicted

    def describe(self) -> dict[str, Any]:
        """The tags."""
        return {"labels": list(self.tags)}


def _split_words(sentence: Any) -> list[str]:
    """The words of a sentence. A text is split at white space."""
    return sentence.split() if isinstance(sentence, str) else list(sentence)


def _are_words(sentence: Any) -> bool:
    return isinstance(sentence, list) and all(isinstance(word, str) for word in sentence)


def _read(inputs: Mapping[str, Any]) -> torch.Tensor:
    """The labels of the input tokens, `(batch, length)`, without those of truncated words, which follow them."""
    return inputs[LABELS][:, : inputs["input_ids"].size(1)]
