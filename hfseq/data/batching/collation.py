"""Collation of a list of examples into one padded batch."""

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
    """Pads a batch to the length of its longest sequence, and stacks or pads the labels.

    Examples are padded only here, so that short batches remain short. The processor determines the padding side, the
    padding value and the attention mask. Tokens, and inputs whose processor overrides `pad` of transformers, are
    padded by the `pad` method of the processor.

    Args:
        processing_class: the processor: a tokenizer, a sequence feature extractor, an image processor, or a pair.
        pad_to_multiple_of (`int`, *optional*): rounds the padded length up to a multiple, for tensor cores.
        label_padding (`str`, *optional*): `"inputs"` if there is one label per step of the inputs: the labels are
            padded like the inputs, and labels of truncated steps are appended at the end. `"right"` if the labels are
            independent sequences. By default, all labels have the same shape.
    """

    processing_class: Any
    pad_to_multiple_of: int | None = None
    label_padding: Literal["inputs", "right"] | None = None

    def __call__(self, examples: list[dict[str, Any]]) -> BatchEncoding:
        """Collates examples.

        Returns:
            `BatchEncoding`: `input_ids`, `attention_mask` and other token columns of shape `(batch, length)`,
            `input_features` of shape `(batch, length, features)`, columns with the same shape in all rows as
            `(batch, ...)`, and `labels`. Labels are `torch.int64` of shape `(batch,)`, `torch.float32` of shape
            `(batch,)` or `(batch, ...)`, or, with `label_padding`, `torch.int64` of shape `(batch, length)`, padded
            with -100.
        """
        excluded = {LENGTH_COLUMN, "labels"}
        inputs = [{name: value for name, value in example.items() if name not in excluded} for example in examples]
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
                # Stacked first, because torch converts a list of arrays element by element.
                stacked = np.stack(labels) if isinstance(labels[0], np.ndarray) else labels
                batch["labels"] = torch.tensor(stacked)
        return batch

    def _features(self, inputs: list[dict[str, Any]]) -> BatchEncoding:
        rules = PaddingRules.from_processor(self.processing_class, self.pad_to_multiple_of)
        padded = {name for name, _ in rules.fill}
        batch: dict[str, torch.Tensor] = {}
        for name in inputs[0]:
            if name == ATTENTION_MASK and rules.main_input in padded:
                continue  # it is padded together with the main input
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
        rules = PaddingRules.from_processor(self.processing_class)
        sizes = [len(row[rules.main_input]) for row in inputs]
        inside = [row[:size] for row, size in zip(rows, sizes, strict=True)]
        truncated = [row[size:] for row, size in zip(rows, sizes, strict=True)]
        aligned = _padded(inside, batch[rules.main_input].size(1), LABEL_FILL, rules.left)  # (batch, length)
        rest = _padded(truncated, max(map(len, truncated)), LABEL_FILL, left=False)  # (batch, truncated)
        return torch.cat([aligned, rest], 1) if rest.size(1) else aligned


def _padded(rows: list[np.ndarray], width: int, fill: int | float, left: bool) -> torch.Tensor:
    shape = max(rows, key=len).shape[1:]  # a row without steps may lack the feature dimension
    batch = np.full((len(rows), width, *shape), fill, dtype=rows[0].dtype)
    for row, values in zip(batch, rows, strict=True):
        row[width - len(values) if left else 0 :][: len(values)] = values.reshape(-1, *shape)
    return torch.from_numpy(batch)
