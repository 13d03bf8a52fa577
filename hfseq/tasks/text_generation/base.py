"""What translation and captioning have in common: something is read, and text is written."""

import math
from abc import abstractmethod
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, ClassVar

import numpy as np
import torch
from datasets import Dataset, DatasetDict
from transformers import EvalPrediction, PreTrainedTokenizerBase

from hfseq.data.arguments import DataArguments
from hfseq.data.batching.encoded_splits import LENGTH_COLUMN, EncodedSplits
from hfseq.data.batching.processor_pair import ProcessorPair, inputs_of, targets_of
from hfseq.data.labels.columns import Columns
from hfseq.errors import HfseqError
from hfseq.extras import require
from hfseq.metrics import TASK_METRICS, compute_text_scores, default_metric
from hfseq.modalities import Modality, find_modality
from hfseq.modalities.tokens import load_tokenizer
from hfseq.models.recurrent.losses import sequence_to_sequence_loss
from hfseq.registry import get_modality, modalities
from hfseq.tasks.base import LABELS, LossSettings, Prediction, Task, TokenizerMaker, unpadded
from hfseq.tasks.task_data import TaskData
from hfseq.tasks.text_generation.data import by_language, checked_pairs, load_pairs, references_of, resolve_pair
from hfseq.tasks.text_generation.nested_settings import writer_settings
from hfseq.tasks.text_generation.target_tokens import encode_targets, end_token, target_values, tokens_read

# Room for architectures that count positions from after the padding id.
_SPARE_POSITIONS = 2
# What may stand in a checkpoint's settings of generation beside its special tokens.
_SEARCH_SETTINGS = (
    "max_length",
    "min_length",
    "min_new_tokens",
    "early_stopping",
    "length_penalty",
    "exponential_decay_length_penalty",
    "repetition_penalty",
    "encoder_repetition_penalty",
    "no_repeat_ngram_size",
    "encoder_no_repeat_ngram_size",
    "num_beam_groups",
    "diversity_penalty",
    "do_sample",
    "temperature",
    "top_k",
    "top_p",
    "typical_p",
    "num_return_sequences",
)


@dataclass
class TextGeneration(Task):
    """Something is read, and text is written.

    In training, the model is asked for each token of a target after those before it. After each epoch it is scored in
    that way on the validation split, which chooses the checkpoint; when the training is over it writes by itself.

    Args:
        modality (`Modality`): what is read.
        arguments (`DataArguments`): how much is read and written.
        label_smoothing (`float`, *optional*, defaults to 0.0): share of the target spread over the vocabulary.
        tokenizer (`PreTrainedTokenizerBase`, *optional*): of what is written; it is known once it was made.
        references (`dict[str, list[list[str]]]`, *optional*): by split, the texts that are right for each example.
    """

    modality: Modality
    arguments: DataArguments
    label_smoothing: float = 0.0
    tokenizer: PreTrainedTokenizerBase | None = None
    references: dict[str, list[list[str]]] = field(default_factory=dict)

    label_padding = "right"
    generates_text = True
    target_names: ClassVar[tuple[str, ...]]
    tokenizer_kind: ClassVar[str]

    # From raw data to batches.

    @classmethod
    def load(cls, arguments: DataArguments) -> TaskData:
        """Sources with their targets."""
        require("sacrebleu", extra="metrics")  # now, not when the training is over
        return load_pairs(arguments, cls.modality_of(arguments), cls.target_names, cls.readers)

    @classmethod
    def prepared_rows(cls, rows: Dataset, arguments: DataArguments, where: str) -> Dataset:
        """See [`by_language`]."""
        return by_language(rows, arguments, where)

    @classmethod
    def modality_of(cls, arguments: DataArguments) -> Modality:
        """That of the files if the task reads it, else the first one that the task reads."""
        found = find_modality(arguments)
        if cls.reads(found):
            return found
        if arguments.modality is None:
            return get_modality(cls.default_modality)
        known = [name for name, modality in modalities().items() if cls.reads(modality)]
        raise HfseqError(f"{cls.name} reads {' or '.join(known)}, not {found.name}")

    @classmethod
    @abstractmethod
    def reads(cls, modality: Modality) -> bool:
        """Whether the task reads examples of a modality."""

    @classmethod
    def from_data(cls, data: TaskData, arguments: DataArguments, loss: LossSettings) -> "TextGeneration":
        """The task for some data."""
        if loss.class_weights is not None:
            raise HfseqError(f"class_weights are for classification, not for {cls.name}")
        return cls(data.modality, arguments, loss.label_smoothing)

    @classmethod
    def from_saved(cls, model: Any, processor: Any, arguments: DataArguments, modality: Modality) -> "TextGeneration":
        """The task of a saved model."""
        return cls(modality, arguments, tokenizer=targets_of(processor))

    def resolve(self, column_names: list[str], arguments: DataArguments, require_label: bool = True) -> Columns:
        """See [`resolve_pair`]."""
        return resolve_pair(column_names, arguments, self.modality, self.target_names, require_label)

    @classmethod
    def load_processor(cls, modality: Modality, source: str, **options: Any) -> Any:
        """The tokenizer of sources and targets, or the processor of the sources and the tokenizer of the targets."""
        processor = modality.load_processor(source, **options)
        if modality.trains_tokenizer:
            return processor
        return ProcessorPair(processor, load_tokenizer(source, **options))

    def read_split(self, rows: Dataset, arguments: DataArguments, where: str) -> TaskData:
        """Rows with targets, under `test`."""
        rows = self.prepared_rows(rows, arguments, where)
        columns = self.resolve(rows.column_names, arguments)
        rows = checked_pairs(rows, self.modality, columns, where)
        return TaskData(DatasetDict({"test": rows}), self.modality, columns, "", where)

    def make_processor(self, data: TaskData, arguments: DataArguments, make_tokenizer: TokenizerMaker) -> Any:
        """A tokenizer of texts is made from sources and targets alike (a joint vocabulary: Sennrich et al. 2016)."""
        train, columns = data.splits["train"], data.columns
        targets: Iterable[str] = chain.from_iterable(references_of(train, str(columns.label)))
        inputs = None
        if self.modality.trains_tokenizer:
            targets = chain(self.modality.tokenizer_texts(train, columns), targets)
        else:
            inputs = self.modality.make_processor(train, columns, arguments)
        self.tokenizer = make_tokenizer(targets, kind=self.tokenizer_kind, add_cls=False)
        return self.tokenizer if inputs is None else ProcessorPair(inputs, self.tokenizer)

    def encode(self, data: TaskData, processor: Any, arguments: DataArguments) -> EncodedSplits:
        """Sources with the tokens of their targets; in training, an example of its own for each target of a source.

        A source with several targets then stands there several times: pictures cost memory accordingly.
        """
        encoded = self.modality.encode(data.splits, data.columns, inputs_of(processor), arguments)
        splits, shares = {}, {}
        for name, split in encoded.splits.items():
            self.references[name] = references_of(data.splits[name], str(data.columns.label))
            used = [texts if name == "train" else texts[:1] for texts in self.references[name]]
            labels, cut = encode_targets(list(chain(*used)), targets_of(processor), arguments.max_target_length)
            if len(labels) != len(split):
                split = split.select([row for row, texts in enumerate(used) for _ in texts])
            # What a batch costs goes with both.
            lengths = [size + len(row) for size, row in zip(split[LENGTH_COLUMN], labels, strict=True)]
            split = split.remove_columns(LENGTH_COLUMN).add_column(LENGTH_COLUMN, lengths)
            splits[name] = split.add_column(LABELS, labels)
            shares[name] = max(encoded.truncated_share[name], cut)
        return EncodedSplits(DatasetDict(splits), shares)

    # What the model is told.

    def scratch_values(self, model_type: str, values: dict[str, Any], overrides: dict[str, Any]) -> dict[str, Any]:
        """See [`writer_settings`]."""
        told = self.modality.stand_in_values() if self.tokenizer is None else values
        positions = (self.arguments.token_limit, self.arguments.max_target_length)
        return writer_settings(
            model_type,
            self.modality,
            told,
            target_values(self.tokenizer),
            (positions[0] + _SPARE_POSITIONS, positions[1] + _SPARE_POSITIONS),
            overrides,
        )

    def fit_model(self, model: Any, fresh: Collection[str]) -> Any:
        """How the model writes is saved with it; of what a checkpoint brings, its special tokens are kept."""
        # Its lengths and penalties were tuned for other texts: no sentence is as long as a summary has to be.
        settings = dict.fromkeys(_SEARCH_SETTINGS) | {
            "num_beams": self.arguments.num_beams,
            "max_new_tokens": self.arguments.max_target_length,
        }
        model.generation_config.update(**settings)
        return model

    # Training and evaluation.

    @property
    def default_metric(self) -> str:
        """The share of tokens that are right after those before them."""
        return "accuracy"

    @property
    def ranking_metric(self) -> str:
        """The first of the task's metrics of what was written."""
        return default_metric(self.name)

    @property
    def metric_names(self) -> tuple[str, ...]:
        """Those that need no writing."""
        return ("accuracy", "perplexity")

    def model_inputs(self, model: Any, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """The sources, and the tokens before each label."""
        labels = inputs[LABELS]
        return {
            **super().model_inputs(model, inputs),
            "decoder_input_ids": tokens_read(model, labels),
            "decoder_attention_mask": labels.ne(-100).long(),
        }

    def loss(self, outputs: Any, inputs: Mapping[str, Any], num_items_in_batch: Any = None) -> torch.Tensor:
        """See [`sequence_to_sequence_loss`]."""
        return sequence_to_sequence_loss(outputs["logits"], inputs[LABELS], self.label_smoothing, num_items_in_batch)

    def predictions_of(self, outputs: Any, inputs: Mapping[str, Any]) -> torch.Tensor:
        """Of each example, `(batch, 3)`: tokens that are right, tokens, and their negative log-likelihood."""
        logits, labels = outputs["logits"], inputs[LABELS]
        real = labels.ne(-100)
        surprise = torch.nn.functional.cross_entropy(logits.float().transpose(1, 2), labels, reduction="none")
        right = logits.argmax(-1).eq(labels) & real
        return torch.stack([right.sum(1).float(), real.sum(1).float(), surprise.sum(1)], 1)

    def compute_metrics(self, prediction: EvalPrediction) -> dict[str, float]:
        """Accuracy and perplexity of the tokens of a split."""
        right, tokens, surprise = np.asarray(prediction.predictions, dtype=np.float64).sum(0)
        return {"accuracy": float(right / tokens), "perplexity": math.exp(min(surprise / tokens, 700.0))}

    def generate(self, model: Any, inputs: Mapping[str, Any]) -> torch.Tensor:
        """What the model writes by itself, with beam search where it was told so, without the token it begins with."""
        sources = {name: value for name, value in inputs.items() if name != LABELS}
        return model.generate(**sources)[:, 1:]

    def compute_generated_metrics(self, written: np.ndarray, split: str) -> dict[str, float]:
        """Metrics of the texts that were written."""
        found = self.score(self.texts_of(written), self.references[split])
        return {name: found[name] for name in TASK_METRICS[self.name] if name in found}

    def generated_scores(self, written: np.ndarray, split: str) -> np.ndarray | None:
        """See [`compute_text_scores`]; `None` where the metric is undefined for these texts."""
        return compute_text_scores(self.ranking_metric, self.texts_of(written), self.references[split])

    def score(self, texts: list[str], references: list[list[str]]) -> dict[str, float]:
        """The metrics of texts, each against one or several that are right."""
        raise NotImplementedError(f"{self.name} has no metrics")

    def texts_of(self, written: Iterable[np.ndarray]) -> list[str]:
        """The texts of rows of tokens, up to the first that ends one."""
        assert self.tokenizer is not None  # nothing is written without it
        end = end_token(self.tokenizer)
        texts = []
        for row in written:
            tokens = unpadded(row)
            tokens = tokens[: tokens.index(end)] if end in tokens else tokens
            texts.append(str(self.tokenizer.decode(tokens, skip_special_tokens=True)).strip())
        return texts

    # After the training.

    def predictions(self, outputs: list[Any], rows: Mapping[str, list], columns: Columns) -> list[Prediction]:
        """The texts that were written."""
        return [Prediction(text=text) for text in self.texts_of(outputs)]


def reads_images(config: Any) -> bool:
    """Whether the half of a model that reads takes pictures."""
    return getattr(getattr(config, "encoder", None), "num_channels", None) is not None
