"""Causal language modelling of texts or music."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from datasets import Dataset
from torch.nn import functional as F
from transformers import AutoModelForCausalLM, EvalPrediction

from hfseq.data.arguments import DataArguments
from hfseq.data.batching.encoded_splits import EncodedSplits
from hfseq.data.labels.columns import Columns
from hfseq.errors import HfseqError
from hfseq.metrics import compute_language_metrics
from hfseq.metrics.example_sums import language_sums, total_and_count
from hfseq.modalities import Modality, find_modality
from hfseq.modalities.previews import MOST_CHARACTERS, shortened
from hfseq.modalities.text.modality import Text
from hfseq.models.recurrent.losses import causal_lm_loss
from hfseq.registry import modalities, register_task
from hfseq.tasks.base import Task, TokenizerMaker
from hfseq.tasks.causal_lm.content import LanguageContent
from hfseq.tasks.causal_lm.pieces import Pieces
from hfseq.tasks.causal_lm.rows import UNITS_COLUMN
from hfseq.tasks.causal_lm.running_text import RunningText, read_text_path
from hfseq.tasks.causal_lm.settings import CausalLMSettings
from hfseq.tasks.example_scores import ratio_scores
from hfseq.tasks.loss_settings import LossSettings
from hfseq.tasks.prediction import Prediction
from hfseq.tasks.task_data import TaskData

# By `Modality.language_model`.
CONTENTS: dict[str | None, LanguageContent] = {"running_text": RunningText(), "pieces": Pieces()}


@register_task
@dataclass(frozen=True)
class CausalLM(Task):
    """Prediction of the next token at every token.

    The inputs are also the labels: each token is predicted from the tokens before it in its row. Metrics are computed
    from sums over all rows, so they do not depend on the batches.

    Args:
        modality (`Modality`, *optional*, defaults to text): modality of the inputs.
        label_smoothing (`float`, *optional*, defaults to 0.0): share of the target spread over the vocabulary in
            training. Metrics are computed without it.
        positions (`int`, *optional*): maximum number of tokens that a saved model can read.
    """

    modality: Modality = field(default_factory=Text)
    label_smoothing: float = 0.0
    positions: int | None = None

    name = "causal_lm"
    settings_class = CausalLMSettings
    auto_class = AutoModelForCausalLM
    architecture = "ForCausalLM"
    pipeline_tag = "text-generation"
    in_pipelines = True
    peft_task_type = "CAUSAL_LM"
    readers = (read_text_path,)
    unsupported_columns = ("label_column", "target_column", "text_pair_column")
    special_ids = ("bos_token_id", "eos_token_id")
    batch_columns = (UNITS_COLUMN,)

    @property
    def content(self) -> LanguageContent:
        """The content: how rows of this modality are made and counted."""
        return CONTENTS[self.modality.language_model]

    @classmethod
    def load(cls, arguments: DataArguments) -> TaskData:
        """See [`RunningText`] and [`Pieces`]."""
        modality = find_modality(arguments)
        if modality.language_model not in CONTENTS:
            known = [name for name, one in modalities().items() if one.language_model in CONTENTS]
            raise HfseqError(f"{cls.name} reads {' or '.join(known)}, not {modality.name}")
        return CONTENTS[modality.language_model].load(arguments, modality)

    @classmethod
    def from_data(cls, data: TaskData, arguments: DataArguments, loss: LossSettings) -> "CausalLM":
        """The task for this data."""
        if loss.class_weights is not None:
            raise HfseqError(f"class_weights are for classification, not for {cls.name}: leave them out")
        return cls(data.modality, loss.label_smoothing)

    @classmethod
    def from_saved(cls, model: Any, processor: Any, arguments: DataArguments, modality: Modality) -> "CausalLM":
        """The task of a saved language model."""
        return cls(modality, positions=getattr(model.config, "max_position_embeddings", None))

    def resolve(self, column_names: list[str], arguments: DataArguments, require_label: bool = True) -> Columns:
        """The column to read. There is no label."""
        return self.content.resolve(column_names, arguments, self.modality)

    def read_split(self, rows: Dataset, arguments: DataArguments, where: str) -> TaskData:
        """Documents or pieces, as split `test`."""
        return self.content.read_split(rows, arguments, where, self.modality)

    def make_processor(self, data: TaskData, arguments: DataArguments, make_tokenizer: TokenizerMaker) -> Any:
        """The tokenizer, fitted on the training split only."""
        return self.content.make_processor(data, arguments, make_tokenizer)

    def encode(self, data: TaskData, processor: Any, arguments: DataArguments) -> EncodedSplits:
        """Rows of `input_ids`, with the number of characters or time steps of their predicted tokens as `units`."""
        encoded = self.content.encode(data, processor, arguments)
        for split in encoded.splits.values():
            self._check_lengths([max(split["length"])])
        return encoded

    def encode_rows(
        self, rows: Mapping[str, list], columns: Columns, processor: Any, arguments: DataArguments
    ) -> dict[str, list]:
        """The first block of each text, or each piece."""
        encoded = self.content.encode_rows(rows, columns, processor, arguments)
        self._check_lengths([len(row) for row in encoded["input_ids"]])
        return encoded

    def _check_lengths(self, lengths: list[int]) -> None:
        for row, length in enumerate(lengths):
            if self.positions is not None and length > self.positions:
                raise HfseqError(
                    f"example {row} has {length:,} tokens, but the model reads at most {self.positions:,}: shorten "
                    "it, or train a recurrent model, which has no such limit"
                )

    def longest_input(self, processor: Any, arguments: DataArguments) -> int:
        """Maximum number of tokens per row."""
        return self.content.max_tokens(processor, arguments)

    @property
    def default_metric(self) -> str:
        """Bits per character, which are comparable between tokenizers; for music, nats per time step."""
        return self.content.metric

    @property
    def metric_names(self) -> tuple[str, ...]:
        """See [`compute_language_metrics`]; and the accuracy of the most probable next token."""
        return (self.content.metric, "perplexity", "bits_per_token", "accuracy")

    def model_inputs(self, model: Any, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """The batch without the number of units."""
        return {name: value for name, value in inputs.items() if name != UNITS_COLUMN}

    def loss(self, outputs: Any, inputs: Mapping[str, Any], num_items_in_batch: Any = None) -> torch.Tensor:
        """See [`causal_lm_loss`]."""
        targets = next_tokens(inputs)
        return causal_lm_loss(
            outputs["logits"].flatten(0, 1), targets.flatten(), self.label_smoothing, num_items_in_batch
        )

    def count_items(self, inputs: Mapping[str, Any]) -> torch.Tensor:
        """The number of predicted tokens."""
        return next_tokens(inputs).ne(-100).sum()

    def predictions_of(self, outputs: Any, inputs: Mapping[str, Any]) -> torch.Tensor:
        """For each row: the negative log-likelihood in nats, the number of predicted tokens, the number of correct
        ones, and the number of units; `(batch, 4)`."""
        targets = next_tokens(inputs)
        for token in self.content.ignored_in_metrics:
            targets = targets.masked_fill(targets == token, -100)
        # Row by row, because a second tensor as large as the logits of a large vocabulary may not fit into memory.
        sums = [_row_sums(logits, wanted) for logits, wanted in zip(outputs["logits"], targets, strict=True)]
        return torch.cat([torch.stack(sums), self.labels_of(inputs)], dim=1)  # (batch, 4)

    def labels_of(self, inputs: Mapping[str, Any]) -> torch.Tensor:
        """The units, `(batch, 1)`; 0 if the data set has no such column. The tokens themselves are not stored."""
        tokens = inputs["input_ids"]
        return inputs[UNITS_COLUMN] if UNITS_COLUMN in inputs else tokens.new_zeros(len(tokens), 1, dtype=torch.float)

    def compute_metrics(self, prediction: EvalPrediction) -> dict[str, float]:
        """Metrics of the sums over all rows."""
        return self._metrics(np.asarray(prediction.predictions, dtype=np.float64).sum(0))

    def _metrics(self, sums: np.ndarray) -> dict[str, float]:
        nll, tokens, correct, units = (float(value) for value in sums)
        counts = {"bits_per_character": "num_characters", "nll_per_frame": "num_frames"}
        known = {counts[self.content.metric]: int(units)} if units else {}
        metrics = compute_language_metrics(nll, int(tokens), **known)
        return {**metrics, "accuracy": correct / tokens}

    def example_scores(self, predictions: np.ndarray, labels: np.ndarray) -> np.ndarray | None:
        """The [`ratio_scores`] of negative log-likelihoods and units."""
        nll, units = (np.asarray(predictions, dtype=np.float64)[:, column] for column in (0, 3))
        if self.content.metric == "bits_per_character":
            nll = nll / math.log(2)
        return ratio_scores(nll, units)

    def metric_sums(self, predictions: Any, labels: Any) -> dict[str, np.ndarray]:
        """Sums of all metrics."""
        nll, tokens, correct, units = np.asarray(predictions, dtype=np.float64).T
        per_unit = {self.content.metric: units} if units.any() else {}
        return {**language_sums(nll, tokens, per_unit), "accuracy": total_and_count(correct, tokens)}

    def groups(self, encoded: Dataset, processor: Any) -> np.ndarray | None:
        """See [`LanguageContent.groups`]."""
        return self.content.groups(encoded, processor)

    def previews(
        self, data: TaskData, split: str, encoded: Dataset, processor: Any, numbers: Sequence[int]
    ) -> list[dict[str, Any]]:
        """The text or the events of each row."""
        rows = encoded.select(numbers)["input_ids"]
        return [{"text": shortened(processor.decode(row[:MOST_CHARACTERS]))} for row in rows]

    def predictions(self, outputs: list[Any], rows: Mapping[str, list], columns: Columns) -> list[Prediction]:
        """The metric and the number of tokens of each example; for texts, of their first block. Lower is better."""
        scored = []
        for row in outputs:
            sums = np.asarray(row, dtype=np.float64)
            # The metric of an example without predicted tokens is 0.
            value = self._metrics(sums)[self.content.metric] if sums[1] and sums[3] else 0.0
            scored.append(Prediction(scores={self.content.metric: value, "tokens": float(sums[1])}))
        return scored


def next_tokens(inputs: Mapping[str, Any]) -> torch.Tensor:
    """The next token at each position, `(batch, length)`; -100 at padding and at the last token of a row."""
    ids = inputs["input_ids"]
    targets = torch.cat([ids[:, 1:], ids.new_full((len(ids), 1), -100)], dim=1)  # (batch, length)
    mask = inputs.get("attention_mask")
    if mask is not None:
        real = F.pad(mask.bool(), (0, 1))  # (batch, length + 1)
        targets = targets.masked_fill(~(real[:, :-1] & real[:, 1:]), -100)
    return targets


def _row_sums(logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    wanted = targets.ne(-100)
    nll = F.cross_entropy(logits.float(), targets, reduction="sum")
    return torch.stack([nll, wanted.sum(), (logits.argmax(-1).eq(targets) & wanted).sum()]).float()
