"""Padding rules of processors, as plain values."""

from dataclasses import dataclass
from typing import Any

from transformers import PreTrainedTokenizerBase
from transformers.feature_extraction_sequence_utils import SequenceFeatureExtractor
from transformers.image_processing_utils import BaseImageProcessor

from hfseq.data.batching.processor_pair import inputs_of

# Label that is ignored by the loss, as in transformers.
LABEL_FILL = -100

# Attribute of an overridden `pad` or `_pad` method. True means that its result equals that of transformers.
PADS_LIKE_TRANSFORMERS = "pads_like_transformers"


@dataclass(frozen=True)
class PaddingRules:
    """Padding rules of a processor.

    Attributes:
        main_input (`str`): name of the column that determines the lengths.
        fill (`tuple[tuple[str, int | float], ...]`): names of the padded columns, and their padding values.
        attention_mask (`bool`): whether a batch gets an attention mask if the examples have none.
        left (`bool`): whether the padding is on the left.
        multiple (`int`, *optional*): the padded length is rounded up to a multiple of this number.
    """

    main_input: str
    fill: tuple[tuple[str, int | float], ...]
    attention_mask: bool
    left: bool
    multiple: int | None = None

    @classmethod
    def from_processor(cls, processing_class: Any, pad_to_multiple_of: int | None = None) -> "PaddingRules":
        """Creates the rules from the current settings of a processor.

        Args:
            processing_class: a tokenizer, a sequence feature extractor, an image processor, or a pair, of which the
                first one is used. [`find_padding_obstacle`] must return `None` for it.
            pad_to_multiple_of (`int`, *optional*): as in `tokenizer.pad`.
        """
        processor = inputs_of(processing_class)
        names = processor.model_input_names
        if isinstance(processor, BaseImageProcessor):
            return cls(names[0], (), attention_mask=False, left=False)
        masked = "attention_mask" in names
        left = processor.padding_side == "left"
        if isinstance(processor, SequenceFeatureExtractor):
            return cls(names[0], ((names[0], processor.padding_value),), masked, left, pad_to_multiple_of)
        fill = {
            names[0]: processor.pad_token_id,
            "token_type_ids": processor.pad_token_type_id,
            "special_tokens_mask": 1,
        }
        if masked:
            fill["attention_mask"] = 0
        return cls(names[0], tuple(fill.items()), masked, left, pad_to_multiple_of)

    def fill_of(self, name: str) -> int | float:
        """Padding value of a column."""
        return dict(self.fill)[name]

    def width(self, longest: int) -> int:
        """Padded length of a batch whose longest sequence has `longest` steps."""
        return longest if self.multiple is None else -(-longest // self.multiple) * self.multiple


def find_padding_obstacle(processing_class: Any) -> str | None:
    """Reason why [`PaddingRules`] cannot describe the padding of a processor; `None` if they can."""
    processor = inputs_of(processing_class)
    name = type(processor).__name__
    if isinstance(processor, BaseImageProcessor):
        return None
    base = SequenceFeatureExtractor if isinstance(processor, SequenceFeatureExtractor) else PreTrainedTokenizerBase
    for method in ("pad", "_pad"):
        bound = getattr(processor, method, None)
        function = getattr(bound, "__func__", None)
        if function is not getattr(base, method) and not getattr(function, PADS_LIKE_TRANSFORMERS, False):
            return f"{name} has its own padding method"
    if processor.padding_side not in ("left", "right"):
        return f"{name} pads on the side {processor.padding_side!r}"
    if base is PreTrainedTokenizerBase and processor.pad_token_id is None:
        return f"{name} has no padding token"
    return None
