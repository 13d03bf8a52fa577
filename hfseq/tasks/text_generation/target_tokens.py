"""Tokens of the targets: encoding, special tokens, and the inputs of the decoder."""

from typing import Any

import torch
from transformers import PreTrainedTokenizerBase

from hfseq.data.batching.processor_pair import start_token
from hfseq.errors import HfseqError

# Used to check a configuration before the tokenizer is trained.
_PLACEHOLDERS = {
    "vocab_size": 100, "pad_token_id": 0, "bos_token_id": 2, "eos_token_id": 3, "decoder_start_token_id": 2,
}  # fmt: skip


def target_values(tokenizer: PreTrainedTokenizerBase | None) -> dict[str, Any]:
    """Settings of the decoder that follow from the tokenizer: the vocabulary size and the special tokens.

    Args:
        tokenizer (`PreTrainedTokenizerBase`, *optional*): tokenizer of the targets. Without it, placeholders are
            returned, with which the rest of a configuration can be checked.
    """
    if tokenizer is None:
        return dict(_PLACEHOLDERS)
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
        HfseqError: if the tokenizer has none.
    """
    end = tokenizer.sep_token_id if tokenizer.eos_token_id is None else tokenizer.eos_token_id
    if end is None:
        raise HfseqError("the tokenizer has neither an eos_token nor a sep_token to end a text; use another tokenizer")
    return end


def encode_targets(
    texts: list[str], tokenizer: PreTrainedTokenizerBase, max_length: int
) -> tuple[list[list[int]], float]:
    """Tokenises texts and adds the end token to each.

    Args:
        texts (`list[str]`): at least one text.
        tokenizer (`PreTrainedTokenizerBase`): adds its own special tokens for targets.
        max_length (`int`): maximum number of tokens per text, including the end token.

    Returns:
        `tuple[list[list[int]], float]`: the tokens, and the share of truncated texts.
    """
    end = end_token(tokenizer)
    rows = []
    cut = 0
    for tokens in tokenizer(text_target=texts, return_attention_mask=False, verbose=False)["input_ids"]:
        whole = tokens if tokens and tokens[-1] == end else [*tokens, end]
        cut += len(whole) > max_length
        rows.append(whole if len(whole) <= max_length else [*whole[: max_length - 1], end])
    return rows, cut / max(len(rows), 1)


def decoder_input_ids(model: Any, labels: torch.Tensor) -> torch.Tensor:
    """Inputs of the decoder for teacher forcing: the start token, followed by all labels but the last.

    Args:
        model: an encoder-decoder.
        labels (`torch.LongTensor` of shape `(batch, length)`): labels, padded on the right with -100.
    """
    prepare = getattr(model, "prepare_decoder_input_ids_from_labels", None)
    if prepare is not None:
        return prepare(labels=labels)
    before = labels.new_full(labels.shape, model.config.decoder_start_token_id)
    before[:, 1:] = labels[:, :-1]
    return before.masked_fill(before.eq(-100), model.config.pad_token_id)
