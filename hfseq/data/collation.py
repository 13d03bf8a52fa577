"""From a list of examples to one padded batch."""

from dataclasses import dataclass
from typing import Any

import torch
from transformers import BatchEncoding, PreTrainedTokenizerBase

from hfseq.data.encoding import LENGTH_COLUMN


@dataclass
class SequenceCollator:
    """Pads a batch to its longest sequence with `processing_class.pad`, and stacks the labels.

    Padding happens here and nowhere else, so a short batch stays short. The processor decides on the side, the padding
    token and the attention mask.

    Args:
        processing_class (`PreTrainedTokenizerBase`): the processor, anything with `pad`.
        pad_to_multiple_of (`int`, *optional*): rounds the padded length up, for tensor cores.
    """

    processing_class: PreTrainedTokenizerBase
    pad_to_multiple_of: int | None = None

    def __call__(self, examples: list[dict[str, Any]]) -> BatchEncoding:
        """Gives `input_ids`, `attention_mask` (and what else the processor pads) of shape `(batch, length)`, and
        `labels`: `torch.int64` of shape `(batch,)`, or `torch.float32` of shape `(batch,)` or `(batch, num_labels)`.
        """
        left_out = {LENGTH_COLUMN, "labels"}
        inputs = [{name: value for name, value in example.items() if name not in left_out} for example in examples]
        batch = self.processing_class.pad(
            inputs, padding=True, pad_to_multiple_of=self.pad_to_multiple_of, return_tensors="pt"
        )
        if "labels" in examples[0]:
            batch["labels"] = torch.tensor([example["labels"] for example in examples])
        return batch
