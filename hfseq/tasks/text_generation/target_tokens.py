"""The tokens of what is written: their encoding, their special ones, and what a decoder reads."""

from typing import Any

import torch
from transformers import PreTrainedTokenizerBase

from hfseq.data.batching.processor_pair import start_token
from hfseq.errors import HfseqError

# In the place of a tokenizer that is not yet made.
_STAND_IN = {
    "vocab_size": 100, "pad_token_id": 0, "bos_token_id": 2, "eos_token_id": 3, "decoder_start_token_id": 2,
}  # fmt: skip


def target_values(tokenizer: PreTrainedTokenizerBase | None) -> dict[str, Any]:
    """What a decoder's configuration is told of a tokenizer: the vocabulary, where targets begin and where they end.

    Args:
        tokenizer (`PreTrainedTokenizerBase`, *optional*): without it, values that serve to check all else.
    """
    if tokenizer is None:
        return dict(_STAND_IN)
    start = start_token(tokenizer)
    return {
        "vocab_size": len(tokenizer),
        "pad_token_id": tokenizer.pad_token_id,
        "bos_token_id": start,
        "eos_token_id": end_token(tokenizer),
        "decoder_start_token_id": start,
    }


def end_token(tokenizer: PreTrainedTokenizerBase) -> int:
    """The token that ends a text.

    Raises:
        HfseqError: where the tokenizer has none.
    """
    end = tokenizer.sep_token_id if tokenizer.eos_token_id is None else tokenizer.eos_token_id
    if end is None:
        raise HfseqError("the tokenizer has neither an eos_token nor a sep_token to end a text with; take another")
    return end


def encode_targets(
    texts: list[str], tokenizer: PreTrainedTokenizerBase, max_length: int
) -> tuple[list[list[int]], float]:
    """The tokens of texts, each with the token that ends it.

    Args:
        texts (`list[str]`): at least one.
        tokenizer (`PreTrainedTokenizerBase`): its special tokens, as it adds them to a target.
        max_length (`int`): the most tokens that are kept of each, that at the end included.

    Returns:
        `tuple[list[list[int]], float]`: the tokens, and the share of the texts that were cut.
    """
    end = end_token(tokenizer)
    rows = []
    cut = 0
    for tokens in tokenizer(text_target=texts, return_attention_mask=False, verbose=False)["input_ids"]:
        whole = tokens if tokens and tokens[-1] == end else [*tokens, end]
        cut += len(whole) > max_length
        rows.append(whole if len(whole) <= max_length else [*whole[: max_length - 1], end])
    return rows, cut / max(len(rows), 1)


def tokens_read(model: Any, labels: torch.Tensor) -> torch.Tensor:
    """What a decoder reads to be asked for the labels: the start token, and then each label but the last.

    Args:
        model: an encoder-decoder.
        labels (`torch.LongTensor` of shape `(batch, length)`): padded on the right with -100.
    """
    prepare = getattr(model, "prepare_decoder_input_ids_from_labels", None)
    if prepare is not None:
        return prepare(labels=labels)
    before = labels.new_full(labels.shape, model.config.decoder_start_token_id)
    before[:, 1:] = labels[:, :-1]
    return before.masked_fill(before.eq(-100), model.config.pad_token_id)
