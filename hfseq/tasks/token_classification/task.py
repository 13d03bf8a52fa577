"""Token classification: a tag for each word of a sentence."""

from collections.abc import Mapping
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
from hfseq.metrics.token_classification import count_spans
from hfseq.modalities import Modality
from hfseq.modalities.text.modality import Text
from hfseq.modalities.token_encoding import check_max_length
from hfseq.models.recurrent.losses import token_classification_loss
from hfseq.registry import register_task
from hfseq.span_tags import KEEP, OUTSIDE, find_notation
from hfseq.tasks.base import LABELS, Task, TokenizerMaker
from hfseq.tasks.class_weights import read_class_weights
from hfseq.tasks.example_scores import ratio_scores, unpadded
from hfseq.tasks.loss_settings import LossSettings
from hfseq.tasks.prediction import Prediction
from hfseq.tasks.task_data import TaskData
from hfseq.tasks.token_classification.data import (
    TaggedData,
    join_sentences,
    load_tagged,
    read_tag_files,
    resolve_tag_columns,
    read_tagged_rows,
)
from hfseq.tasks.token_classification.settings import TokenClassificationSettings
from hfseq.tasks.token_classification.tag_conversion import convert_like
from hfseq.tasks.token_classification.tag_encoding import UNTAGGED, encode_tagged
from hfseq.tasks.token_classification.tag_files import has_token_lines

# What CoNLL-U writes where nothing is known.
UNKNOWN_TAG = "_"


@register_task
@dataclass(frozen=True)
class TokenClassification(Task):
    """A tag for each word, told at the word's first token.

    Words that a model does not get to read, because their sentence has more than `max_length` tokens, have no part in
    the training, and all the more in the evaluation: they count as wrong, and among tags of spans as outside of any.
    So models that read less are not compared on less.

    Args:
        tags (`tuple[str, ...]`): the names of the tags.
        class_weights (`tuple[float, ...]`, *optional*): weight of each tag in the loss.
        label_smoothing (`float`, *optional*, defaults to 0.0): share of the target spread over all tags.
        modality (`Modality`, *optional*, defaults to text): what an example is.
        breaks (`str`, *optional*): how many training tags break the scheme of their spans, if any do.

    Raises:
        HfseqError: the settings of the loss do not fit, or seqeval is needed and not installed.
    """

    tags: tuple[str, ...]
    class_weights: tuple[float, ...] | None = None
    label_smoothing: float = 0.0
    modality: Modality = field(default_factory=Text)
    breaks: str | None = None

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
        """The task for some data."""
        assert isinstance(data, TaggedData)  # as `load` gives it
        if tags_mark_spans(data.tags):
            require("seqeval", "metrics")  # now, and not when the training is over
        numbers = {tag: number for number, tag in enumerate(data.tags)}
        flat = [numbers[tag] for tag in chain.from_iterable(data.splits["train"][str(data.columns.label)])]
        weights = read_class_weights(loss.class_weights, flat, LabelSchema(SINGLE_LABEL, data.tags))
        return cls(data.tags, weights, loss.label_smoothing, data.modality, data.breaks)

    @classmethod
    def from_saved(
        cls, model: Any, processor: Any, arguments: DataArguments, modality: Modality
    ) -> "TokenClassification":
        """The task of a saved tagger."""
        return cls(LabelSchema.from_config(model.config).names, modality=modality)

    def resolve(self, column_names: list[str], arguments: DataArguments, require_label: bool = True) -> Columns:
        """See [`resolve_tag_columns`]."""
        return resolve_tag_columns(column_names, arguments, require_label)

    def reads_text_file(self, path: Path) -> bool:
        """See [`has_token_lines`]: a file with a token per line is read as it is in training."""
        return has_token_lines(path, self.tags)

    @classmethod
    def prepared_rows(cls, rows: Dataset, arguments: DataArguments, where: str) -> Dataset:
        """See [`join_sentences`]."""
        try:
            columns = resolve_tag_columns(rows.column_names, arguments, require_tags=False)
        except HfseqError:
            return rows  # which columns there are is asked again, with all that is known of them
        return join_sentences(rows, columns, arguments, where)

    def check_rows(self, rows: Dataset, columns: Columns, where: str) -> Dataset:
        """Sentences without tags: lists of words, also as text, or texts with spaces in between.

        Raises:
            HfseqError: where one is neither, naming the row.
        """
        rows = parse_list_column(rows, columns.text, where)
        for row, sentence in enumerate(rows[columns.text]):
            if not isinstance(sentence, str) and not _are_words(sentence):
                raise HfseqError(
                    f"{where}, row {row}, column {columns.text!r} is {str(sentence)[:40]!r}, expected a list of "
                    "words, or words with spaces in between"
                )
        return rows

    def read_split(self, rows: Dataset, arguments: DataArguments, where: str) -> TaggedData:
        """Tagged sentences, under `test`."""
        rows, columns = read_tagged_rows(rows, arguments, where)
        if arguments.group(TokenClassificationSettings).tag_scheme != KEEP:
            rows = convert_like(rows, str(columns.label), self.tags)
        for row, tags in enumerate(rows[columns.label]):
            for word, tag in enumerate(tags):
                if tag not in self.tags:
                    raise HfseqError(
                        f"{where}, row {row}: tag {tag!r} of word {word} was not seen in training, "
                        f"{nearest(tag, self.tags)}"
                    )
        return TaggedData(DatasetDict({"test": rows}), self.modality, columns, "", where, [], self.tags)

    def make_processor(self, data: TaskData, arguments: DataArguments, make_tokenizer: TokenizerMaker) -> Any:
        """A tokenizer; one that is trained here has pieces of words, since much of a tag is told by the ending."""
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
                    # What is not read cannot be learned, but it counts where models are compared.
                    "with_cut": name != "train",
                },
                remove_columns=split.column_names,
                num_proc=arguments.preprocessing_num_workers,
                desc=f"Reading {name}",
            )
            shares[name] = sum(result[TRUNCATED_COLUMN]) / max(len(result), 1)
            encoded[name] = result.remove_columns(TRUNCATED_COLUMN)
        # Kept with the tokenizer, so that whoever asks it to truncate cuts where training did.
        processor.model_max_length, processor.truncation_side = arguments.token_limit, "right"
        return EncodedSplits(DatasetDict(encoded), shares)

    def encode_rows(
        self, rows: Mapping[str, list], columns: Columns, processor: Any, arguments: DataArguments
    ) -> dict[str, list]:
        """The inputs of some raw sentences, lists of words or texts; `labels` tell where words begin."""
        sentences = {columns.text: [_words(sentence) for sentence in rows[columns.text]]}
        encoded = encode_tagged(sentences, Columns(columns.text), self.tags, processor, arguments.token_limit)
        return {name: values for name, values in encoded.items() if name not in (LENGTH_COLUMN, TRUNCATED_COLUMN)}

    def config_values(self) -> dict[str, Any]:
        """What the model's configuration is told of the tags."""
        labels = LabelSchema(SINGLE_LABEL, self.tags)
        return {"num_labels": len(self.tags), "id2label": labels.id2label, "label2id": labels.label2id}

    def check_config(self, config: Any) -> None:
        """
        Raises:
            HfseqError: where a conditional random field is to have weights or smoothing of single tags, or constraints
            that the training tags break.
        """
        if getattr(config, "use_crf", False) and (self.class_weights or self.label_smoothing):
            raise HfseqError("class_weights and label_smoothing_factor are for tags taken one by one, not for use_crf")
        constraints = getattr(config, "crf_constraints", None)
        if constraints and self.breaks:
            scheme = "bioes" if constraints == "bioes" else "iob2"
            raise HfseqError(
                f"crf_constraints {constraints!r} forbids what the training split holds: {self.breaks}. Add "
                f"--tag_scheme {scheme} to convert them, or leave crf_constraints out"
            )

    @property
    def _kind(self) -> str:
        return "span_classification" if tags_mark_spans(self.tags) else self.name

    @property
    def default_metric(self) -> str:
        """F1 of whole spans where the tags mark spans, else accuracy."""
        return TASK_METRICS[self._kind][0]

    @property
    def metric_names(self) -> tuple[str, ...]:
        """See [`compute_token_metrics`]."""
        return TASK_METRICS[self._kind]

    def model_inputs(self, model: Any, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """The batch; a conditional random field is told the tags as well, for its loss is of whole sequences, and
        where to decode."""
        given = super().model_inputs(model, inputs)
        if getattr(model.config, "use_crf", False):
            given[LABELS] = _read(inputs)
        return given

    def count_items(self, inputs: Mapping[str, Any]) -> torch.Tensor:
        """The words that are read."""
        return _read(inputs).ne(UNTAGGED).sum()

    def loss(self, outputs: Any, inputs: Mapping[str, Any], num_items_in_batch: Any = None) -> torch.Tensor:
        """See [`token_classification_loss`]; with a conditional random field, that of the model."""
        if outputs.get("loss") is not None:
            if num_items_in_batch is None:
                return outputs["loss"]
            return outputs["loss"] * self.count_items(inputs) / num_items_in_batch
        weights = list(self.class_weights) if self.class_weights else None
        return token_classification_loss(
            outputs["logits"], _read(inputs), weights, self.label_smoothing, num_items_in_batch
        )

    def predictions_of(self, outputs: Any, inputs: Mapping[str, Any]) -> torch.Tensor:
        """The number of a tag for each word that was read, and -100 elsewhere; of the labels' shape."""
        decoded = outputs.get("predictions")
        best = outputs["logits"].argmax(-1) if decoded is None else decoded  # (batch, length)
        labels = inputs[LABELS]
        found = torch.full_like(labels, UNTAGGED)
        found[:, : best.size(1)] = best.masked_fill(_read(inputs).eq(UNTAGGED), UNTAGGED)
        return found

    def compute_metrics(self, prediction: EvalPrediction) -> dict[str, float]:
        """See [`compute_token_metrics`]."""
        guess, truth = self._named(prediction.predictions, prediction.label_ids)
        return compute_token_metrics(guess, truth, self.tags)

    def example_scores(self, predictions: np.ndarray, labels: np.ndarray) -> np.ndarray | None:
        """Each sentence's part in the accuracy, or in the F1 of spans."""
        guess, truth = self._named(predictions, labels)
        if self.default_metric == "f1":
            # F1 is the ratio 2 TP / (spans predicted + spans there are).
            notation = find_notation(self.tags)
            assert notation is not None  # since the metric is that of spans
            pairs = [[list(map(notation.to_standard, row)) for row in pair] for pair in zip(guess, truth, strict=True)]
            counts = np.array([count_spans(*pair) for pair in pairs], dtype=float)
            return ratio_scores(2 * counts[:, 0], counts[:, 1] + counts[:, 2])
        right = [sum(map(str.__eq__, *pair)) for pair in zip(guess, truth, strict=True)]
        return ratio_scores(np.array(right, dtype=float), np.array(list(map(len, truth)), dtype=float))

    def predictions(self, outputs: list[Any], rows: Mapping[str, list], columns: Columns) -> list[Prediction]:
        """A tag for each word; those that were cut off are outside of any span, or `_`."""
        unread = self._outside or UNKNOWN_TAG
        found = []
        for numbers, sentence in zip(outputs, rows[columns.text], strict=True):
            tags = [self.tags[number] for number in unpadded(numbers)]
            found.append(Prediction([*tags, *[unread] * (len(_words(sentence)) - len(tags))]))
        return found

    def describe(self) -> dict[str, Any]:
        """The tags."""
        return {"labels": list(self.tags)}

    @property
    def _outside(self) -> str | None:
        """The tag of words in no span, which may be in lower case."""
        return next((tag for tag in (OUTSIDE, OUTSIDE.lower()) if tag in self.tags), None)

    def _named(self, predictions: Any, labels: Any) -> tuple[list[list[str]], list[list[str]]]:
        """Predicted and true tags of each sentence, by name, for all of its words."""
        guesses, truths = [], []
        for guess, truth in zip(np.asarray(predictions), np.asarray(labels), strict=True):
            words = truth != UNTAGGED
            truths.append([self.tags[number] for number in truth[words]])
            guesses.append([self._guess(*pair) for pair in zip(guess[words], truth[words], strict=True)])
        return guesses, truths

    def _guess(self, guess: int, truth: int) -> str:
        if guess != UNTAGGED:
            return self.tags[guess]
        # Not read: where there are spans, in none; else wrong, whatever is right.
        if self._outside and self.default_metric == "f1":
            return self._outside
        return self.tags[0 if truth else 1]


def _words(sentence: Any) -> list[str]:
    """The words of a sentence; a text has spaces in between."""
    return sentence.split() if isinstance(sentence, str) else list(sentence)


def _are_words(sentence: Any) -> bool:
    return isinstance(sentence, list) and all(isinstance(word, str) for word in sentence)


def _read(inputs: Mapping[str, Any]) -> torch.Tensor:
    """The labels that stand at the inputs, `(batch, length)`; behind them there may be those of words cut off."""
    return inputs[LABELS][:, : inputs["input_ids"].size(1)]
