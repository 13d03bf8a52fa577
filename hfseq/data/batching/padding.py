"""What a processor's `pad` does to a batch, as plain values."""

from dataclasses import dataclass
from typing import Any

from transformers import PreTrainedTokenizerBase
from transformers.feature_extraction_sequence_utils import SequenceFeatureExtractor
from transformers.image_processing_utils import BaseImageProcessor

from hfseq.data.batching.processor_pair import inputs_of

# What marks a target that takes no part in the loss, as everywhere in transformers.
LABEL_FILL = -100

# A processor whose own `pad` or `_pad` gives the result of transformers' method sets this attribute to True on it.
PADS_LIKE_TRANSFORMERS = "pads_like_transformers"


@dataclass(frozen=True)
class PaddingRules:
    """How a processor pads.

    Attributes:
        main_input (`str`): the column whose lengths count.
        fill (`tuple[tuple[str, int | float], ...]`): the columns that are padded, and what with.
        attention_mask (`bool`): whether a batch gets an attention mask where the examples bring none.
        left (`bool`): whether the padding stands on the left.
        multiple (`int`, *optional*): what the padded length is rounded up to a multiple of.
    """

    main_input: str
    fill: tuple[tuple[str, int | float], ...]
    attention_mask: bool
    left: bool
    multiple: int | None = None

    @classmethod
    def of(cls, processing_class: Any, pad_to_multiple_of: int | None = None) -> "PaddingRules":
        """The rules of a processor as it is set now; of one that [`find_padding_obstacle`] objects to, there are none.

        Args:
            processing_class: a tokenizer, a feature extractor of sequences, an image processor, or a pair of which
                the first counts.
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
        """What a column is padded with."""
        return dict(self.fill)[name]

    def width(self, longest: int) -> int:
        """The padded length of a batch whose longest sequence has that many steps."""
        return longest if self.multiple is None else -(-longest // self.multiple) * self.multiple


def find_padding_obstacle(processing_class: Any) -> str | None:
    """Why a processor's padding cannot be told by [`PaddingRules`]; `None` where it can."""
    processor = inputs_of(processing_class)
    name = type(processor).__name__
    if isinstance(processor, BaseImageProcessor):
        return None
    base = SequenceFeatureExtractor if isinstance(processor, SequenceFeatureExtractor) else PreTrainedTokenizerBase
    for method in ("pad", "_pad"):
        bound = getattr(processor, method, None)
        function = getattr(bound, "__func__", None)
        if function is not getattr(base, method) and not getattr(function, PADS_LIKE_TRANSFORMERS, False):
            return f"{name} pads in a way of its own"
    if processor.padding_side not in ("left", "right"):
        return f"{name} pads on the side {processor.padding_side!r}"
    if base is PreTrainedTokenizerBase and processor.pad_token_id is None:
        return f"{name} has no padding token"
    return None
