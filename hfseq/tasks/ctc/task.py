"""Transcription by connectionist temporal classification: what is said in a recording, without being told when."""

import inspect
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
from hfseq.data.splits.completion import fingerprint_splits
from hfseq.data.splits.overlap import overlap_notes
from hfseq.errors import HfseqError
from hfseq.extras import require
from hfseq.metrics import TASK_METRICS, character_edits, compute_speech_metrics, default_metric
from hfseq.modalities import Modality, find_modality
from hfseq.modalities.numeric import INPUT_FEATURES, Numeric
from hfseq.modalities.rows import load_rows
from hfseq.modalities.tokens import load_tokenizer
from hfseq.models.recurrent.ctc_decoding import ctc_decode
from hfseq.models.recurrent.losses import ctc_loss
from hfseq.registry import get_modality, modalities, register_task
from hfseq.tasks.base import LABELS, Task, TokenizerMaker
from hfseq.tasks.ctc.settings import CTCSettings
from hfseq.tasks.ctc.steps import left_aligned, likeliest_labels
from hfseq.tasks.ctc.texts import collapse_when_decoding, collapses, decode_merged
from hfseq.tasks.ctc.transcripts import checked_transcripts, note_too_short, resolve_transcripts
from hfseq.tasks.example_scores import ratio_scores, unpadded
from hfseq.tasks.loss_settings import LossSettings
from hfseq.tasks.prediction import Prediction
from hfseq.tasks.task_data import TaskData, cut_splits, describe_source

# In the place of a tokenizer that is not yet made.
_STAND_IN = {"vocab_size": 100, "pad_token_id": 0}
# What a character that the tokenizer does not know is compared as: nothing that a model writes is equal to it.
_UNKNOWN = "\ufffd"


@register_task
@dataclass
class CTC(Task):
    """A transcript for each recording, or any other series of numbers (Graves et al. 2006).

    A model says at each step which symbol begins there, or the blank, which is the tokenizer's padding token. After
    each epoch the likeliest symbol of each step is taken; when the training is over, with `num_beams` above 1, the
    likeliest transcript is searched for. Both are compared with the transcripts as the tokenizer has them: without
    case, unless the tokenizer keeps it.

    Args:
        modality (`Modality`): what a recording is.
        num_beams (`int`, *optional*, defaults to 1): how many beginnings of a transcript the search follows.
        perturb (`Callable`, *optional*): what changes each batch at random in training.
        processor (`ProcessorPair`, *optional*): the processor of recordings and transcripts, once it was made.
        references (`dict[str, list[str]]`, *optional*): by split, the transcripts.
    """

    modality: Modality
    num_beams: int = 1
    perturb: Callable[[dict[str, Any]], dict[str, Any]] | None = None
    processor: ProcessorPair | None = None
    references: dict[str, list[str]] = field(default_factory=dict)

    name = "ctc"
    settings_class = CTCSettings
    auto_class = AutoModelForCTC
    architecture = "ForCTC"
    pipeline_tag = "automatic-speech-recognition"
    default_modality = "audio"
    label_padding = "right"

    # From raw data to batches.

    @classmethod
    def load(cls, arguments: DataArguments) -> TaskData:
        """Recordings with their transcripts."""
        require("jiwer", extra="metrics")  # now, not when the first epoch is over
        modality = cls.modality_of(arguments)
        dataset = arguments.dataset
        splits = load_rows(arguments, modality)
        columns = resolve_transcripts(splits["train"].column_names, arguments, modality)
        for name, split in splits.items():
            splits[name] = _checked(split, modality, columns, f"split {name!r} of {dataset!r}")
        splits, cuts = cut_splits(splits, columns, arguments)
        return TaskData(
            splits,
            modality,
            columns,
            fingerprint=fingerprint_splits(splits, [columns.text, str(columns.label)]),
            description=describe_source(dataset, f"{columns.text} with transcripts"),
            notes=[*cuts, *overlap_notes(splits, columns.texts, "content")],
        )

    @classmethod
    def modality_of(cls, arguments: DataArguments) -> Modality:
        """That of the files if it is a sequence of numbers, else recordings."""
        found = find_modality(arguments)
        if isinstance(found, Numeric):
            return found
        if arguments.modality is None:
            return get_modality(cls.default_modality)
        numeric = [name for name, modality in modalities().items() if isinstance(modality, Numeric)]
        raise HfseqError(f"ctc transcribes sequences of numbers ({', '.join(numeric)}), not {found.name}")

    @classmethod
    def from_data(cls, data: TaskData, arguments: DataArguments, loss: LossSettings) -> "CTC":
        """The task for some data."""
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
        """Rows with transcripts, under `test`."""
        columns = self.resolve(rows.column_names, arguments)
        rows = _checked(rows, self.modality, columns, where)
        return TaskData(DatasetDict({"test": rows}), self.modality, columns, "", where)

    def make_processor(
        self, data: TaskData, arguments: DataArguments, make_tokenizer: TokenizerMaker
    ) -> ProcessorPair:
        """That of the recordings, and a tokenizer of the transcripts, by default of their characters."""
        train, columns = data.splits["train"], data.columns
        inputs = self.modality.make_processor(train, columns, arguments)
        tokenizer = make_tokenizer(train[columns.label], kind="character", add_cls=False)
        collapse_when_decoding(tokenizer)
        self.processor = ProcessorPair(inputs, tokenizer)
        return self.processor

    def encode(self, data: TaskData, processor: Any, arguments: DataArguments) -> EncodedSplits:
        """The recordings, with the tokens of their transcripts as `labels`.

        Raises:
            HfseqError: where every recording of the training split is too short for its transcript.
        """
        encoded = super().encode(data, processor, arguments)
        train = encoded.splits.get("train")
        if train is not None:
            note = note_too_short(train[LENGTH_COLUMN], train[LABELS])
            if note and note not in data.notes:
                data.notes.append(note)
        return encoded

    def labels_of_split(self, data: TaskData, split: str, processor: Any) -> list[list[int]]:
        """The tokens of the transcripts, without special ones."""
        texts = list(data.splits[split][str(data.columns.label)])
        # A transcript may hold the very characters of a special token.
        tokens = targets_of(processor)(texts, add_special_tokens=False, split_special_tokens=True)["input_ids"]
        self.references[split] = self._references(tokens)
        return tokens

    # What the model is told.

    def input_values(self, processor: Any) -> dict[str, Any]:
        """The size of a step, the vocabulary, and the blank."""
        tokenizer = targets_of(processor)
        return {
            **super().input_values(processor),
            "vocab_size": len(tokenizer),
            "pad_token_id": tokenizer.pad_token_id,
        }

    def placeholder_values(self) -> dict[str, Any]:
        """See [`Task.placeholder_values`]."""
        return {**super().placeholder_values(), **_STAND_IN}

    def prepare_model(self, model: Any, new_parameters: Collection[str]) -> Any:
        """The model, once it is sure that it reads and writes what the processor does.

        Raises:
            HfseqError: where a pretrained model reads or writes something else.
        """
        name = type(model).__name__
        if model.main_input_name != INPUT_FEATURES:
            raise HfseqError(
                f"{name} reads {model.main_input_name}, but ctc gives {INPUT_FEATURES} ({self.modality.name}): "
                "hfseq_recurrent and hfseq_feature_transformer read them"
            )
        for key, given in self.input_values(self.processor).items():
            known = getattr(model.config, key, given)
            if known != given:
                raise HfseqError(
                    f"{name} has {key} {known}, but this data comes with {given}: give it the num_mel_bins and "
                    "frame_stack that it was trained with, and its own tokenizer"
                )
        return model

    # Training and evaluation.

    @property
    def default_metric(self) -> str:
        """The share of characters that are wrong."""
        return default_metric(self.name)

    @property
    def metric_names(self) -> tuple[str, ...]:
        """See [`compute_speech_metrics`]."""
        return TASK_METRICS[self.name]

    def loss(self, outputs: Any, inputs: Mapping[str, Any], num_items_in_batch: Any = None) -> Tensor:
        """See [`ctc_loss`]; a recording that is too short for its transcript counts nothing."""
        logits, mask = outputs["logits"], inputs.get("attention_mask")
        if mask is None:
            lengths = torch.full((logits.size(0),), logits.size(1), device=logits.device)
        else:
            lengths = mask.sum(1)
            logits = left_aligned(logits, mask)
        return ctc_loss(logits, lengths, inputs[LABELS], self._blank, num_items_in_batch, zero_infinity=True)

    def predictions_of(self, outputs: Any, inputs: Mapping[str, Any]) -> Tensor:
        """The likeliest symbol of each step, repetitions merged and blanks dropped; `(batch, symbols)`, then -100."""
        return likeliest_labels(outputs["logits"], inputs.get("attention_mask"), self._blank)

    def compute_metrics(self, prediction: EvalPrediction) -> dict[str, float]:
        """Error rates of the likeliest symbols."""
        return compute_speech_metrics(self._texts(prediction.predictions), self._references(prediction.label_ids))

    def example_scores(self, predictions: Any, labels: Any) -> np.ndarray | None:
        """Each recording's part in the character error rate."""
        return ratio_scores(*character_edits(self._references(labels), self._texts(predictions)))

    @property
    def generates_text(self) -> bool:  # type: ignore[override]
        """Whether transcripts are searched for."""
        return self.num_beams > 1

    def generate(self, model: Any, inputs: Mapping[str, Any]) -> Tensor:
        """The likeliest transcripts that a search finds: see [`ctc_decode`]."""
        logits = model(**self.model_inputs(model, inputs))["logits"]
        found = ctc_decode(logits, inputs.get("attention_mask"), self._blank, self.num_beams)
        rows = [torch.tensor(row, dtype=torch.long) for row in [*found, [-100]]]
        padded = torch.nn.utils.rnn.pad_sequence(rows, batch_first=True, padding_value=-100)
        return padded[:-1].to(logits.device)

    def add_references(self, labels: np.ndarray, split: str) -> None:
        """Uses the texts of the labels as references, if the task has none for the split."""
        self.references.setdefault(split, self._references(labels))

    def compute_generated_metrics(self, written: np.ndarray, split: str) -> dict[str, float]:
        """Error rates of the transcripts that were searched for."""
        return compute_speech_metrics(self._texts(written), self.references[split])

    def generated_scores(self, written: np.ndarray, split: str) -> np.ndarray | None:
        """Each recording's part in the character error rate of the transcripts that were searched for."""
        return ratio_scores(*character_edits(self.references[split], self._texts(written)))

    # After the training.

    def predictions(self, outputs: list[Any], rows: Mapping[str, list], columns: Columns) -> list[Prediction]:
        """The transcripts."""
        return [Prediction(text=text) for text in self._texts(outputs)]

    @property
    def _tokenizer(self) -> PreTrainedTokenizerBase:
        assert self.processor is not None  # made, or loaded, before anything is read
        return targets_of(self.processor)

    @property
    def _blank(self) -> int:
        return int(self._tokenizer.pad_token_id)

    def _texts(self, predictions: Iterable[Any]) -> list[str]:
        return [self._decode(unpadded(row), skip_special_tokens=True) for row in predictions]

    def _references(self, labels: Iterable[Any]) -> list[str]:
        """Transcripts as the tokenizer has them; what it does not know is not left out."""
        unknown = self._tokenizer.unk_token
        texts = (self._decode(unpadded(row)) for row in labels)
        return [text if unknown is None else text.replace(str(unknown), _UNKNOWN) for text in texts]

    def _decode(self, tokens: list[int], **options: Any) -> str:
        # Repetitions were merged before: a tokenizer made for CTC must not merge what is left.
        if collapses(self._tokenizer):
            return decode_merged(self._tokenizer, tokens, **options)
        decode = getattr(self._tokenizer, "_decode", self._tokenizer.decode)
        if "group_tokens" in inspect.signature(decode).parameters:
            options["group_tokens"] = False
        return str(self._tokenizer.decode(tokens, **options))


def _checked(rows: Dataset, modality: Modality, columns: Columns, where: str) -> Dataset:
    rows = checked_transcripts(rows, str(columns.label), where)
    return modality.check(rows, columns, where)
