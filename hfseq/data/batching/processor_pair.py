"""Pair of processors of one model: one for its inputs, one for its targets."""

import os
from typing import Any

from transformers import ImageProcessingMixin, PreTrainedTokenizerBase

# The class of both in hfseq/modalities/image/caption_processor.py, which the pipelines of transformers load.
CAPTION_PROCESSOR = "CaptionProcessor"


class ProcessorPair:
    """The processor of the inputs and the tokenizer of the targets.

    For speech and images, the inputs have a feature extractor or an image processor. For translation, both are the
    same tokenizer.

    Args:
        inputs: a tokenizer, a feature extractor or an image processor.
        targets (`PreTrainedTokenizerBase`): tokenizer of the target texts.
    """

    def __init__(self, inputs: Any, targets: PreTrainedTokenizerBase):
        self.inputs = inputs
        self.targets = targets

    def save_pretrained(self, save_directory: str | os.PathLike, **kwargs: Any) -> None:
        """Saves both to one folder. Their files have different names."""
        # The class that AutoProcessor loads.
        if isinstance(self.inputs, ImageProcessingMixin):
            self.targets._set_processor_class(CAPTION_PROCESSOR)
        elif hasattr(self.inputs, "processor_with_tokenizer"):
            self.inputs.processor_class = self.inputs.processor_with_tokenizer
            self.targets._set_processor_class(self.inputs.processor_with_tokenizer)
        self.inputs.save_pretrained(save_directory, **kwargs)
        if self.targets is not self.inputs:
            self.targets.save_pretrained(save_directory, **kwargs)


def start_token(tokenizer: PreTrainedTokenizerBase) -> int:
    """The start token of a decoder."""
    tokens = (tokenizer.cls_token_id, tokenizer.bos_token_id, tokenizer.pad_token_id, 0)
    return next(int(token) for token in tokens if token is not None)


def inputs_of(processing_class: Any) -> Any:
    """The processor of the inputs, from a pair or from a single processor."""
    return processing_class.inputs if isinstance(processing_class, ProcessorPair) else processing_class


def targets_of(processing_class: Any) -> PreTrainedTokenizerBase:
    """The tokenizer of the targets, from a pair or from a single processor."""
    return processing_class.targets if isinstance(processing_class, ProcessorPair) else processing_class
