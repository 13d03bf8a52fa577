"""From a list of examples to one padded batch."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from transformers import BatchEncoding
from transformers.tokenization_utils_base import PreTrainedTokenizerBase

from hfseq.data.batching.encoded_splits import LENGTH_COLUMN
from hfseq.data.batching.padding import LABEL_FILL, PaddingRules, find_padding_obstacle
from hfseq.data.batching.processor_pair import inputs_of

ATTENTION_MASK = "attention_mask"


@dataclass
class SequenceCollator:
    """Pads a batch to its longest sequence, and stacks or pads the labels.

    Padding happens here and nowhere else, so a short batch stays short. The processor decides on the side, the padding
    value and the attention mask: tokens are padded by its own `pad`, and so is what has one unlike transformers'.

    Args:
        processing_class: the processor: a tokenizer, a feature extractor of sequences, an image processor, or a pair.
        pad_to_multiple_of (`int`, *optional*): rounds the padded length up, for tensor cores.
        label_padding (`str`, *optional*): `"inputs"` where there is a label for each step of the inputs, padded like
            it, and those of steps that were cut off, if any, behind them all; `"right"` where the labels are sequences
            of their own; by default they all have one shape.
    """

    processing_class: Any
    pad_to_multiple_of: int | None = None
    label_padding: Literal["inputs", "right"] | None = None

    def __call__(self, examples: list[dict[str, Any]]) -> BatchEncoding:
        """Gives `input_ids`, `attention_mask` (and what else the processor pads) of shape `(batch, length)`,
        `input_features` of shape `(batch, length, features)`, what has one shape in all rows as `(batch, ...)`, and
        `labels`: `torch.int64` of shape `(batch,)`, or `torch.float32` of shape `(batch,)` or `(batch, ...)`, or,
        with `label_padding`, `torch.int64` of shape `(batch, length)`, filled with -100.
        """
        left_out = {LENGTH_COLUMN, "labels"}
        inputs = [{name: value for name, value in example.items() if name not in left_out} for example in examples]
        processor = inputs_of(self.processing_class)
        if isinstance(processor, PreTrainedTokenizerBase) or find_padding_obstacle(processor) is not None:
            batch = processor.pad(
                inputs, padding=True, pad_to_multiple_of=self.pad_to_multiple_of, return_tensors="pt"
            )
        else:
            batch = self._features(inputs)
        if "labels" in examples[0]:
            labels = [example["labels"] for example in examples]
            if self.label_padding is not None:
                batch["labels"] = self._padded_labels(labels, inputs, batch)
            else:
                # torch takes a list of arrays number by number.
                whole = np.stack(labels) if isinstance(labels[0], np.ndarray) else labels
                batch["labels"] = torch.tensor(whole)
        return batch

    def _features(self, inputs: list[dict[str, Any]]) -> BatchEncoding:
        rules = PaddingRules.of(self.processing_class, self.pad_to_multiple_of)
        padded = {name for name, _ in rules.fill}
        batch: dict[str, torch.Tensor] = {}
        for name in inputs[0]:
            if name == ATTENTION_MASK and rules.main_input in padded:
                continue  # it goes with the main input
            rows = [np.asarray(row[name], dtype=np.float32) for row in inputs]
            if name not in padded:
                batch[name] = torch.from_numpy(np.stack(rows))
                continue
            width = rules.width(max(len(row) for row in rows))
            batch[name] = _padded(rows, width, rules.fill_of(name), rules.left)  # (batch, length, features)
            if name == rules.main_input and (rules.attention_mask or ATTENTION_MASK in inputs[0]):
                masks = [
                    np.asarray(row.get(ATTENTION_MASK, np.ones(len(values))), dtype=np.int64)
                    for row, values in zip(inputs, rows, strict=True)
                ]
                batch[ATTENTION_MASK] = _padded(masks, width, 0, rules.left)  # (batch, length)
        return BatchEncoding(batch)

    def _padded_labels(
        self, labels: list[list[int]], inputs: list[dict[str, Any]], batch: BatchEncoding
    ) -> torch.Tensor:
        rows = [np.asarray(row, dtype=np.int64) for row in labels]
        if self.label_padding == "right":
            return _padded(rows, max(len(row) for row in rows), LABEL_FILL, left=False)
        rules = PaddingRules.of(self.processing_class)
        sizes = [len(row[rules.main_input]) for row in inputs]
        read = [row[:size] for row, size in zip(rows, sizes, strict=True)]
        cut = [row[size:] for row, size in zip(rows, sizes, strict=True)]
        aligned = _padded(read, batch[rules.main_input].size(1), LABEL_FILL, rules.left)
        behind = _padded(cut, max(map(len, cut)), LABEL_FILL, left=False)
        return torch.cat([aligned, behind], 1) if behind.size(1) else aligned


def _padded(rows: list[np.ndarray], width: int, fill: int | float, left: bool) -> torch.Tensor:
    shape = max(rows, key=len).shape[1:]  # a row without steps does not know it
    batch = np.full((len(rows), width, *shape), fill, dtype=rows[0].dtype)
    for row, values in zip(batch, rows, strict=True):
        row[width - len(values) if left else 0 :][: len(values)] = values.reshape(-1, *shape)
    return torch.from_numpy(batch)
