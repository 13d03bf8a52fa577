"""Transcription of recordings by connectionist temporal classification (CTC)."""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from datasets import Dataset, DatasetDict
from torch import Tensor
from transformers import AutoModelForCTC, EvalPrediction, PreTrainedTokenizerBase

from hfseq.data.arguments import DataArguments
from hfseq.data.batching.encoded_splits import LENGTH_COLUMN, EncodedSplits
from hfseq.data.batching.processor_pair import ProcessorPair, targets_of
from hfseq.data.labels.columns import Columns
from hfseq.errors import HfseqError
from hfseq.extras import require
from hfseq.metrics import TASK_METRICS, character_edits, compute_speech_metrics, default_metric
from hfseq.metrics.speech import speech_sums
from hfseq.modalities import Modality, find_modality
from hfseq.modalities.numeric import INPUT_FEATURES, Numeric
from hfseq.modalities.tokens import load_tokenizer
from hfseq.models.recurrent.ctc_decoding import ctc_decode
from hfseq.models.recurrent.losses import ctc_loss
from hfseq.registry import get_modality, modalities, register_task
from hfseq.tasks.base import LABELS, Task, TokenizerMaker
from hfseq.tasks.ctc.settings import CTCSettings
from hfseq.tasks.ctc.steps import align_left, greedy_labels
from hfseq.tasks.ctc.texts import collapse_when_decoding, decode_labels, reference_texts
from hfseq.tasks.ctc.transcripts import check_recordings, load_transcripts, resolve_transcripts, short_recordings_note
from hfseq.tasks.example_scores import ratio_scores, unpadded
from hfseq.tasks.loss_settings import LossSettings
from hfseq.tasks.prediction import Prediction
from hfseq.tasks.task_data import TaskData

# Used to check a configuration before the tokenizer is trained.
_PLACEHOLDERS = {"vocab_size": 100, "pad_token_id": 0}


@register_task
@dataclass
class CTC(Task):
    """A transcript for each recording, or for any other numeric sequence (Graves et al. 2006).

    At each step, a model predicts a symbol or the blank, which is the padding token of the tokenizer. The evaluation
    after each epoch uses greedy decoding. After the training, `num_beams` above 1 selects beam search. Transcripts are
    compared after a round trip through the tokenizer, so case is ignored unless the tokenizer keeps it.

    Args:
        modality (`Modality`): modality of the recordings.
        num_beams (`int`, *optional*, defaults to 1): beam width (1 = greedy).
        augment_batch (`Callable`, *optional*): random augmentation of the inputs of each training batch.
        processor (`ProcessorPair`, *optional*): processor of recordings and transcripts; `None` until it is made.
        references (`dict[str, list[str]]`, *optional*): the transcripts of each split.
    """

    modality: Modality
    num_beams: int = 1
    augment_batch: Callable[[dict[str, Any]], dict[str, Any]] | None = None
    processor: ProcessorPair | None = None
    references: dict[str, list[str]] = field(default_factory=dict)

    name = "ctc"
    settings_class = CTCSettings
    auto_class = AutoModelForCTC
    architecture = "ForCTC"
    pipeline_tag = "automatic-speech-recognition"
    default_modality = "audio"
    label_padding = "right"
    unsupported_columns = ("text_pair_column",)

    # From raw data to batches.

    @classmethod
    def load(cls, arguments: DataArguments) -> TaskData:
        """Recordings with their transcripts."""
        require("jiwer", extra="metrics")  # fails before the training, not after the first epoch
        return load_transcripts(arguments, cls.modality_of(arguments))

    @classmethod
    def modality_of(cls, arguments: DataArguments) -> Modality:
        """The modality of the files if it is numeric sequences, otherwise audio."""
        found = find_modality(arguments)
        if isinstance(found, Numeric):
            return found
        if arguments.modality is None:
            return get_modality(cls.default_modality)
        numeric = [name for name, modality in modalities().items() if isinstance(modality, Numeric)]
        raise HfseqError(f"ctc reads numeric sequences ({', '.join(numeric)}), not {found.name}")

    @classmethod
    def from_data(cls, data: TaskData, arguments: DataArguments, loss: LossSettings) -> "CTC":
        """The task for this data."""
        if loss.class_weights is not None or loss.label_smoothing:
            raise HfseqError("class_weights and label_smoothing_factor are for classification, not for ctc")
        return cls(data.modality, arguments.group(CTCSettings).num_beams, data.modality.batch_augmentation(arguments))

    @classmethod
    def from_saved(cls, model: Any, processor: Any, arguments: DataArguments, modality: Modality) -> "CTC":
        """The task of a saved model."""
        return cls(modality, arguments.group(CTCSettings).num_beams, processor=processor)

    def resolve(self, column_names: list[str], arguments: DataArguments, require_label: bool = True) -> Columns:
        """See [`resolve_transcripts`]."""
        return resolve_transcripts(column_names, arguments, self.modality, require_label)

    @classmethod
    def load_processor(cls, modality: Modality, source: str, **options: Any) -> ProcessorPair:
        """The processor of the recordings, and the tokenizer of the transcripts."""
        return ProcessorPair(modality.load_processor(source, **options), load_tokenizer(source, **options))

    def read_split(self, rows: Dataset, arguments: DataArguments, where: str) -> TaskData:
        """Rows with transcripts, as split `test`."""
        columns = self.resolve(rows.column_names, arguments)
        rows = check_recordings(rows, self.modality, columns, where)
        return TaskData(DatasetDict({"test": rows}), self.modality, columns, "", where)

    def make_processor(
        self, data: TaskData, arguments: DataArguments, make_tokenizer: TokenizerMaker
    ) -> ProcessorPair:
        """A processor of the recordings, and a tokenizer of the transcripts, by default of characters."""
        train, columns = data.splits["train"], data.columns
        inputs = self.modality.make_processor(train, columns, arguments)
        tokenizer = make_tokenizer(train[columns.label], kind="character", add_cls=False)
        collapse_when_decoding(tokenizer)
        self.processor = ProcessorPair(inputs, tokenizer)
        return self.processor

    def encode(self, data: TaskData, processor: Any, arguments: DataArguments) -> EncodedSplits:
        """The recordings, with the tokens of their transcripts as `labels`.

        Raises:
            HfseqError: if every recording of the training split is too short for its transcript.
        """
        encoded = super().encode(data, processor, arguments)
        train = encoded.splits.get("train")
        if train is not None:
            note = short_recordings_note(train[LENGTH_COLUMN], train[LABELS])
            if note and note not in data.notes:
                data.notes.append(note)
        return encoded

    def labels_of_split(self, data: TaskData, split: str, processor: Any) -> list[list[int]]:
        """The tokens of the transcripts, without special tokens."""
        texts = list(data.splits[split][str(data.columns.label)])
        # A transcript may contain the characters of a special token.
        tokens = targets_of(processor)(texts, add_special_tokens=False, split_special_tokens=True)["input_ids"]
        self.references[split] = self._references(tokens)
        return tokens

    # Configuration of the model.

    def input_values(self, processor: Any) -> dict[str, Any]:
        """The number of features per step, the vocabulary size, and the blank."""
        tokenizer = targets_of(processor)
        return {
            **super().input_values(processor),
            "vocab_size": len(tokenizer),
            "pad_token_id": tokenizer.pad_token_id,
        }

    def placeholder_values(self) -> dict[str, Any]:
        """See [`Task.placeholder_values`]."""
        return {**super().placeholder_values(), **_PLACEHOLDERS}

    def prepare_model(self, model: Any, new_parameters: Collection[str]) -> Any:
        """Checks that inputs and vocabulary of the model match the processor.

        Raises:
            HfseqError: if those of a pretrained model differ.
        """
        name = type(model).__name__
        if model.main_input_name != INPUT_FEATURES:
            raise HfseqError(
                f"{name} reads {model.main_input_name}, but the inputs of ctc are {INPUT_FEATURES} "
                f"({self.modality.name}): use hfseq_recurrent or hfseq_feature_transformer"
            )
        for key, given in self.input_values(self.processor).items():
            known = getattr(model.config, key, given)
            if known != given:
                raise HfseqError(
                    f"{name} has {key} {known}, but this data has {given}: use the num_mel_bins, the frame_stack and "
                    "the tokenizer of its training"
                )
        return model

    # Training and evaluation.

    @property
    def default_metric(self) -> str:
        """The character error rate."""
        return default_metric(self.name)

    @property
    def metric_names(self) -> tuple[str, ...]:
        """See [`compute_speech_metrics`]."""
        return TASK_METRICS[self.name]

    def loss(self, outputs: Any, inputs: Mapping[str, Any], num_items_in_batch: Any = None) -> Tensor:
        """See [`ctc_loss`]. The loss of a recording that is too short for its transcript is 0."""
        logits, mask = outputs["logits"], inputs.get("attention_mask")
        if mask is None:
            lengths = torch.full((logits.size(0),), logits.size(1), device=logits.device)
        else:
            lengths = mask.sum(1)
            logits = align_left(logits, mask)
        return ctc_loss(logits, lengths, inputs[LABELS], self._blank, num_items_in_batch, zero_infinity=True)

    def predictions_of(self, outputs: Any, inputs: Mapping[str, Any]) -> Tensor:
        """Greedy decoding: see [`greedy_labels`]."""
        return greedy_labels(outputs["logits"], inputs.get("attention_mask"), self._blank)

    def compute_metrics(self, prediction: EvalPrediction) -> dict[str, float]:
        """Error rates of greedy decoding."""
        return compute_speech_metrics(self._texts(prediction.predictions), self._references(prediction.label_ids))

    def example_scores(self, predictions: Any, labels: Any) -> np.ndarray | None:
        """The [`ratio_scores`] of the character error rate."""
        return ratio_scores(*character_edits(self._references(labels), self._texts(predictions)))

    def metric_sums(self, predictions: Any, labels: Any) -> dict[str, np.ndarray]:
        """See [`speech_sums`]; those of greedy decoding."""
        return speech_sums(self._texts(predictions), self._references(labels))

    @property
    def generates_text(self) -> bool:  # type: ignore[override]
        """Whether transcripts are decoded by beam search."""
        return self.num_beams > 1

    def generate(self, model: Any, inputs: Mapping[str, Any]) -> Tensor:
        """The transcripts found by beam search: see [`ctc_decode`]."""
        logits = model(**self.model_inputs(model, inputs))["logits"]
        found = ctc_decode(logits, inputs.get("attention_mask"), self._blank, self.num_beams)
        rows = [torch.tensor(row, dtype=torch.long) for row in [*found, [-100]]]
        padded = torch.nn.utils.rnn.pad_sequence(rows, batch_first=True, padding_value=-100)
        return padded[:-1].to(logits.device)

    def add_references(self, labels: np.ndarray, split: str) -> None:
        """Uses the texts of the labels as references, if the task has none for the split."""
        self.references.setdefault(split, self._references(labels))

    def compute_generated_metrics(self, generated: np.ndarray, split: str) -> dict[str, float]:
        """Error rates of beam search."""
        return compute_speech_metrics(self._texts(generated), self.references[split])

    def generated_scores(self, generated: np.ndarray, split: str) -> np.ndarray | None:
        """The [`ratio_scores`] of the character error rate of beam search."""
        return ratio_scores(*character_edits(self.references[split], self._texts(generated)))

    def generated_sums(self, generated: np.ndarray, split: str) -> dict[str, np.ndarray]:
        """See [`speech_sums`]; those of beam search."""
        return speech_sums(self._texts(generated), self.references[split])

    def generated_texts(self, generated: np.ndarray, split: str) -> tuple[list[str], list[list[str]]]:
        """The transcripts, and the correct ones."""
        return self._texts(generated), [[text] for text in self.references[split]]

    # After the training.

    def predictions(self, outputs: list[Any], rows: Mapping[str, list], columns: Columns) -> list[Prediction]:
        """The transcripts."""
        return [Prediction(text=text) for text in self._texts(outputs)]

    @property
    def _tokenizer(self) -> PreTrainedTokenizerBase:
        assert self.processor is not None  # training and loading set it
        return targets_of(self.processor)

    @property
    def _blank(self) -> int:
        return int(self._tokenizer.pad_token_id)

    def _texts(self, predictions: Iterable[Any]) -> list[str]:
        return [decode_labels(self._tokenizer, unpadded(row), skip_special_tokens=True) for row in predictions]

    def _references(self, labels: Iterable[Any]) -> list[str]:
        return reference_texts(self._tokenizer, labels)
