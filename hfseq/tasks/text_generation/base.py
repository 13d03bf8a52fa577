"""Common base of translation and captioning."""

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
from hfseq.metrics.example_sums import total_and_count
from hfseq.metrics.generation import text_sums
from hfseq.modalities import Modality, find_modality
from hfseq.modalities.tokens import load_tokenizer
from hfseq.models.recurrent.losses import sequence_to_sequence_loss
from hfseq.registry import get_modality, modalities
from hfseq.tasks.base import LABELS, Task, TokenizerMaker
from hfseq.tasks.example_scores import unpadded
from hfseq.tasks.loss_settings import LossSettings
from hfseq.tasks.prediction import Prediction
from hfseq.tasks.task_data import TaskData
from hfseq.tasks.text_generation.data import check_pairs, load_pairs, references_of, resolve_pair, split_translations
from hfseq.tasks.text_generation.encoder_decoder_settings import encoder_decoder_settings
from hfseq.tasks.text_generation.settings import TextGenerationSettings
from hfseq.tasks.text_generation.target_tokens import decoder_input_ids, encode_targets, end_token, target_values

# Additional positions for architectures whose position ids start after the padding id.
_SPARE_POSITIONS = 2
# Generation settings of a checkpoint that are reset. Its special tokens are kept.
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
    """Generation of a text from an input, such as a text or an image.

    The model is trained with teacher forcing: it predicts each token of a target from the true tokens before it. The
    metrics of the validation split after each epoch, which choose the best checkpoint, are computed in the same way.
    After the training, the model generates texts for the validation and test splits.

    Args:
        modality (`Modality`): modality of the inputs.
        arguments (`DataArguments`): settings of the data, such as the maximum lengths of inputs and targets.
        label_smoothing (`float`, *optional*, defaults to 0.0): share of the target spread over the vocabulary.
        tokenizer (`PreTrainedTokenizerBase`, *optional*): tokenizer of the targets; `None` until it is trained.
        references (`dict[str, list[list[str]]]`, *optional*): for each split, the reference texts of each example.
    """

    modality: Modality
    arguments: DataArguments
    label_smoothing: float = 0.0
    tokenizer: PreTrainedTokenizerBase | None = None
    references: dict[str, list[list[str]]] = field(default_factory=dict)

    label_padding = "right"
    unsupported_columns = ("text_pair_column",)
    settings_class = TextGenerationSettings
    generates_text = True
    target_names: ClassVar[tuple[str, ...]]
    tokenizer_kind: ClassVar[str]

    # From raw data to batches.

    @classmethod
    def load(cls, arguments: DataArguments) -> TaskData:
        """Sources with their targets."""
        require("sacrebleu", extra="metrics")  # fails before the training, not after it
        return load_pairs(arguments, cls.modality_of(arguments), cls.target_names, cls.readers)

    @classmethod
    def prepared_rows(cls, rows: Dataset, arguments: DataArguments, where: str) -> Dataset:
        """See [`split_translations`]."""
        return split_translations(rows, arguments, where)

    @classmethod
    def modality_of(cls, arguments: DataArguments) -> Modality:
        """The modality of the files if the task reads it; otherwise the default modality of the task."""
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
        """The task for this data."""
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
        """The tokenizer of both sources and targets, or a processor of the sources and a tokenizer of the targets."""
        processor = modality.load_processor(source, **options)
        if modality.trains_tokenizer:
            return processor
        return ProcessorPair(processor, load_tokenizer(source, **options))

    def read_split(self, rows: Dataset, arguments: DataArguments, where: str) -> TaskData:
        """Rows with targets, as split `test`."""
        rows = self.prepared_rows(rows, arguments, where)
        columns = self.resolve(rows.column_names, arguments)
        rows = check_pairs(rows, self.modality, columns, where)
        return TaskData(DatasetDict({"test": rows}), self.modality, columns, "", where)

    def make_processor(self, data: TaskData, arguments: DataArguments, make_tokenizer: TokenizerMaker) -> Any:
        """The processor. If the sources are texts, one tokenizer is trained on sources and targets together (a joint
        vocabulary: Sennrich et al. 2016)."""
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
        """Sources with the tokens of their targets. In training, each target of a source is one example.

        The training split contains a copy of a source for each of its targets, so images need that much more memory.
        """
        encoded = self.modality.encode(data.splits, data.columns, inputs_of(processor), arguments)
        splits, shares = {}, {}
        for name, split in encoded.splits.items():
            self.references[name] = references_of(data.splits[name], str(data.columns.label))
            used = [texts if name == "train" else texts[:1] for texts in self.references[name]]
            labels, cut = encode_targets(
                list(chain(*used)), targets_of(processor), arguments.group(TextGenerationSettings).max_target_length
            )
            if len(labels) != len(split):
                split = split.select([row for row, texts in enumerate(used) for _ in texts])
            # The cost of a batch depends on both lengths.
            lengths = [size + len(row) for size, row in zip(split[LENGTH_COLUMN], labels, strict=True)]
            split = split.remove_columns(LENGTH_COLUMN).add_column(LENGTH_COLUMN, lengths)
            splits[name] = split.add_column(LABELS, labels)
            shares[name] = max(encoded.truncated_share[name], cut)
        return EncodedSplits(DatasetDict(splits), shares)

    # Configuration of the model.

    def scratch_values(self, model_type: str, values: dict[str, Any], overrides: dict[str, Any]) -> dict[str, Any]:
        """See [`encoder_decoder_settings`]."""
        source_values = self.modality.placeholder_values() if self.tokenizer is None else values
        positions = (self.arguments.token_limit, self.arguments.group(TextGenerationSettings).max_target_length)
        return encoder_decoder_settings(
            model_type,
            self.modality,
            source_values,
            target_values(self.tokenizer),
            (positions[0] + _SPARE_POSITIONS, positions[1] + _SPARE_POSITIONS),
            overrides,
        )

    def prepare_model(self, model: Any, new_parameters: Collection[str]) -> Any:
        """Sets the generation settings, which are saved with the model. Of the settings of a checkpoint, only the
        special tokens are kept."""
        # The lengths and penalties of a checkpoint were tuned for its own texts: a minimum length for summaries is
        # wrong for single sentences.
        settings = dict.fromkeys(_SEARCH_SETTINGS) | {
            "num_beams": self.arguments.group(TextGenerationSettings).num_beams,
            "max_new_tokens": self.arguments.group(TextGenerationSettings).max_target_length,
        }
        model.generation_config.update(**settings)
        return model

    # Training and evaluation.

    @property
    def default_metric(self) -> str:
        """The share of tokens that are predicted correctly from the true tokens before them."""
        return "accuracy"

    @property
    def ranking_metric(self) -> str:
        """The first of the task's metrics of generated text."""
        return default_metric(self.name)

    @property
    def metric_names(self) -> tuple[str, ...]:
        """The metrics that need no generation."""
        return ("accuracy", "perplexity")

    def model_inputs(self, model: Any, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """The sources, and the input tokens of the decoder."""
        labels = inputs[LABELS]
        return {
            **super().model_inputs(model, inputs),
            "decoder_input_ids": decoder_input_ids(model, labels),
            "decoder_attention_mask": labels.ne(-100).long(),
        }

    def loss(self, outputs: Any, inputs: Mapping[str, Any], num_items_in_batch: Any = None) -> torch.Tensor:
        """See [`sequence_to_sequence_loss`]."""
        return sequence_to_sequence_loss(outputs["logits"], inputs[LABELS], self.label_smoothing, num_items_in_batch)

    def predictions_of(self, outputs: Any, inputs: Mapping[str, Any]) -> torch.Tensor:
        """For each example: number of correct tokens, number of tokens, and negative log-likelihood; `(batch, 3)`."""
        logits, labels = outputs["logits"], inputs[LABELS]
        real = labels.ne(-100)
        nll = torch.nn.functional.cross_entropy(logits.float().transpose(1, 2), labels, reduction="none")
        correct = logits.argmax(-1).eq(labels) & real
        return torch.stack([correct.sum(1).float(), real.sum(1).float(), nll.sum(1)], 1)

    def compute_metrics(self, prediction: EvalPrediction) -> dict[str, float]:
        """Accuracy and perplexity of the tokens of a split."""
        correct, tokens, nll = np.asarray(prediction.predictions, dtype=np.float64).sum(0)
        return {"accuracy": float(correct / tokens), "perplexity": math.exp(min(nll / tokens, 700.0))}

    def generate(self, model: Any, inputs: Mapping[str, Any]) -> torch.Tensor:
        """The tokens that the model generates, without the start token. `num_beams` chooses greedy or beam search."""
        sources = {name: value for name, value in inputs.items() if name != LABELS}
        return model.generate(**sources)[:, 1:]

    def add_references(self, labels: np.ndarray, split: str) -> None:
        """Uses the texts of the labels as references, if the task has none for the split."""
        self.references.setdefault(split, [[text] for text in self.texts_of(labels)])

    def compute_generated_metrics(self, generated: np.ndarray, split: str) -> dict[str, float]:
        """Metrics of the generated texts."""
        found = self.score(self.texts_of(generated), self.references[split])
        return {name: found[name] for name in TASK_METRICS[self.name] if name in found}

    def generated_scores(self, generated: np.ndarray, split: str) -> np.ndarray | None:
        """See [`compute_text_scores`]; `None` if the metric is undefined for these texts."""
        return compute_text_scores(self.ranking_metric, self.texts_of(generated), self.references[split])

    def metric_sums(self, predictions: Any, labels: Any) -> dict[str, np.ndarray]:
        """Sums of the metrics that need no generation."""
        correct, tokens, nll = np.asarray(predictions, dtype=np.float64).T
        return {"accuracy": total_and_count(correct, tokens), "perplexity": total_and_count(nll, tokens)}

    def generated_sums(self, generated: np.ndarray, split: str) -> dict[str, np.ndarray]:
        """See [`text_sums`]."""
        return text_sums(TASK_METRICS[self.name], self.texts_of(generated), self.references[split])

    def generated_texts(self, generated: np.ndarray, split: str) -> tuple[list[str], list[list[str]]]:
        """The generated texts, and their references."""
        return self.texts_of(generated), self.references[split]

    def input_lengths(self, encoded: Dataset) -> np.ndarray | None:
        """The lengths of the sources, without those of the targets."""
        lengths = super().input_lengths(encoded)
        return None if lengths is None else lengths - np.array([len(row) for row in encoded[LABELS]])

    def score(self, texts: list[str], references: list[list[str]]) -> dict[str, float]:
        """The metrics of texts, each compared with one or several references."""
        raise NotImplementedError(f"{self.name} has no metrics")

    def texts_of(self, generated: Iterable[np.ndarray]) -> list[str]:
        """The texts of rows of tokens, each up to its first end token."""
        assert self.tokenizer is not None  # training and loading set it
        end = end_token(self.tokenizer)
        texts = []
        for row in generated:
            tokens = unpadded(row)
            tokens = tokens[: tokens.index(end)] if end in tokens else tokens
            texts.append(str(self.tokenizer.decode(tokens, skip_special_tokens=True)).strip())
        return texts

    # After the training.

    def predictions(self, outputs: list[Any], rows: Mapping[str, list], columns: Columns) -> list[Prediction]:
        """The generated texts."""
        return [Prediction(text=text) for text in self.texts_of(outputs)]


def reads_images(config: Any) -> bool:
    """Whether the encoder of a model reads images."""
    return getattr(getattr(config, "encoder", None), "num_channels", None) is not None
