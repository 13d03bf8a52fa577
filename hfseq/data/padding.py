"""What `tokenizer.pad` does to a batch, as plain values."""

from dataclasses import dataclass
from typing import Any

from transformers import PreTrainedTokenizerBase


@dataclass(frozen=True)
class PaddingRules:
    """How a tokenizer pads.

    Attributes:
        main_input (`str`): the column whose lengths count.
        fill (`tuple[tuple[str, int], ...]`): the columns that are padded, and what with.
        attention_mask (`bool`): whether a batch gets an attention mask where the examples bring none.
        left (`bool`): whether the padding stands on the left.
        multiple (`int`, *optional*): what the padded length is rounded up to a multiple of.
    """

    main_input: str
    fill: tuple[tuple[str, int], ...]
    attention_mask: bool
    left: bool
    multiple: int | None = None

    @classmethod
    def of(cls, processing_class: PreTrainedTokenizerBase, pad_to_multiple_of: int | None = None) -> "PaddingRules":
        """The rules of a tokenizer as it is set now; of one that [`find_padding_obstacle`] objects to, there are none.

        Args:
            processing_class (`PreTrainedTokenizerBase`): the tokenizer.
            pad_to_multiple_of (`int`, *optional*): as in `tokenizer.pad`.
        """
        names = processing_class.model_input_names
        masked = "attention_mask" in names
        fill = {
            names[0]: processing_class.pad_token_id,
            "token_type_ids": processing_class.pad_token_type_id,
            "special_tokens_mask": 1,
        }
        if masked:
            fill["attention_mask"] = 0
        left = processing_class.padding_side == "left"
        return cls(names[0], tuple(fill.items()), masked, left, pad_to_multiple_of)

    def width(self, longest: int) -> int:
        """The padded length of a batch whose longest sequence has that many tokens."""
        return longest if self.multiple is None else -(-longest // self.multiple) * self.multiple


def find_padding_obstacle(processing_class: Any) -> str | None:
    """Why a processor's padding cannot be told by [`PaddingRules`]; `None` where it can."""
    name = type(processing_class).__name__
    for method in ("pad", "_pad"):
        bound = getattr(processing_class, method, None)
        if getattr(bound, "__func__", None) is not getattr(PreTrainedTokenizerBase, method):
            return f"{name} pads in a way of its own"
    if processing_class.pad_token_id is None:
        return f"{name} has no padding token"
    if processing_class.padding_side not in ("left", "right"):
        return f"{name} pads on the side {processing_class.padding_side!r}"
    return None
