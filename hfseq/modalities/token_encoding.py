"""Turns texts into token ids, and truncates long texts."""

from typing import Any

from transformers import PreTrainedTokenizerBase

from hfseq.errors import HfseqError, nearest
from hfseq.modalities.shared_settings import TRUNCATIONS


def check_max_length(max_length: int, tokenizer: PreTrainedTokenizerBase, pairs: bool = False) -> None:
    """
    Raises:
        HfseqError: `max_length` leaves no room for a token beside the special tokens, or exceeds the maximum length of
            the model.
    """
    special = tokenizer.num_special_tokens_to_add(pair=pairs)
    if max_length <= special:
        raise HfseqError(
            f"max_length is {max_length}, but must be at least {special + 1}: the tokenizer adds {special} special "
            "tokens to each example"
        )
    if max_length > tokenizer.model_max_length:
        raise HfseqError(
            f"max_length is {max_length}, but the model reads at most {tokenizer.model_max_length} tokens: set "
            f"--max_length to {tokenizer.model_max_length} or less"
        )


def encode_texts(
    texts: list[str],
    text_pairs: list[str] | None,
    tokenizer: PreTrainedTokenizerBase,
    max_length: int,
    truncation: str = "head",
) -> tuple[dict[str, list[list[int]]], list[bool]]:
    """Tokenizes texts and truncates long ones.

    Args:
        texts (`list[str]`): the texts.
        text_pairs (`list[str]`, *optional*): the second text of each pair.
        tokenizer (`PreTrainedTokenizerBase`): the tokenizer. Its special tokens are never truncated.
        max_length (`int`): maximum number of tokens of an example, including special tokens.
        truncation (`str`, *optional*, defaults to `"head"`): the part of a long text that is kept: its beginning
            (`"head"`), its end (`"tail"`), or half of each (`"head+tail"`, Sun et al. 2019). In a pair, the longer
            text is truncated first.

    Returns:
        `tuple`: the model inputs as ragged lists without attention mask, and whether each example was truncated.

    Raises:
        HfseqError: `truncation` is unknown, or it is `"head+tail"` for pairs.
    """
    if truncation not in TRUNCATIONS:
        raise HfseqError(f"unknown truncation {truncation!r}: {nearest(truncation, TRUNCATIONS)}")
    if text_pairs is not None and truncation == "head+tail":
        raise HfseqError("truncation 'head+tail' is for single texts: use 'head' or 'tail' for text pairs")
    wanted: dict[str, Any] = {"return_attention_mask": False, "return_special_tokens_mask": True, "verbose": False}
    encoded = tokenizer(texts, text_pairs, truncation=False, **wanted)
    masks = encoded.pop("special_tokens_mask")
    columns: dict[str, list[list[int]]] = {name: list(values) for name, values in encoded.items()}
    cut = [len(ids) > max_length for ids in columns["input_ids"]]
    for row in (row for row, too_long in enumerate(cut) if too_long):
        if text_pairs is None:
            kept = _kept_positions(masks[row], max_length, truncation)
            for values in columns.values():
                values[row] = [values[row][position] for position in kept]
        else:
            shorter = _cut_pair(texts[row], text_pairs[row], tokenizer, max_length, truncation)
            for name, values in columns.items():
                values[row] = shorter[name]
    return columns, cut


def _kept_positions(special_tokens_mask: list[int], max_length: int, truncation: str) -> list[int]:
    special = [position for position, flag in enumerate(special_tokens_mask) if flag]
    content = [position for position, flag in enumerate(special_tokens_mask) if not flag]
    room = max_length - len(special)
    head = {"head": room, "tail": 0, "head+tail": (room + 1) // 2}[truncation]
    tail = room - head
    return sorted(special + content[:head] + (content[-tail:] if tail else []))


def _cut_pair(text: str, pair: str, tokenizer: PreTrainedTokenizerBase, max_length: int, truncation: str) -> Any:
    side = tokenizer.truncation_side
    tokenizer.truncation_side = "right" if truncation == "head" else "left"
    try:
        return tokenizer(
            text, pair, truncation="longest_first", max_length=max_length, return_attention_mask=False, verbose=False
        )
    finally:
        tokenizer.truncation_side = side
