"""Converts the tokens of a CTC model, one per step with repetitions and blanks, to texts."""

import inspect
from collections.abc import Iterable
from typing import Any

from tokenizers import decoders
from transformers import PreTrainedTokenizerBase

from hfseq.tasks.example_scores import unpadded

# Replaces characters that the tokenizer does not know in references. No model generates it, so it counts as an error.
_UNKNOWN = "\ufffd"

# Name of the decoder in the settings of a tokenizer.
_COLLAPSING = b'"CTC"'


def collapse_when_decoding(tokenizer: PreTrainedTokenizerBase) -> None:
    """Makes `tokenizer.decode` merge repetitions and remove blanks (the padding token).

    The pipelines of transformers expect this from the tokenizer of a CTC model. A tokenizer that already does so, or
    that has no backend of the `tokenizers` library, is not changed.
    """
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if backend is None or collapses(tokenizer) or tokenizer.pad_token is None:
        return
    # A tokenizer without a decoder joins tokens with a space.
    rest = backend.decoder or decoders.WordPiece(prefix="##", cleanup=False)
    backend.decoder = decoders.Sequence([decoders.CTC(pad_token=str(tokenizer.pad_token), cleanup=False), rest])


def collapses(tokenizer: PreTrainedTokenizerBase) -> bool:
    """Whether the decoder of the tokenizer merges repetitions."""
    decoder = getattr(getattr(tokenizer, "backend_tokenizer", None), "decoder", None)
    return decoder is not None and _COLLAPSING in decoder.__getstate__()


def decode_merged(tokenizer: PreTrainedTokenizerBase, tokens: list[int], skip_special_tokens: bool = False) -> str:
    """The text of labels, or of tokens whose repetitions are merged already. No further tokens are merged.

    Args:
        tokenizer (`PreTrainedTokenizerBase`): a tokenizer that [`collapses`].
        tokens (`list[int]`): the tokens, without blanks.
        skip_special_tokens (`bool`, *optional*, defaults to `False`): whether to remove special tokens.
    """
    blank = int(tokenizer.pad_token_id)
    special = set(tokenizer.all_special_ids) if skip_special_tokens else {blank}
    # A blank after each token prevents the decoder from merging equal tokens.
    apart = [one for token in tokens if token not in special for one in (token, blank)]
    return str(tokenizer.decode(apart))


def decode_labels(tokenizer: PreTrainedTokenizerBase, tokens: list[int], **options: Any) -> str:
    """The text of tokens whose repetitions are merged already, with any tokenizer.

    Args:
        tokenizer (`PreTrainedTokenizerBase`): the tokenizer. If it merges repetitions by itself, it is prevented from
            doing so.
        tokens (`list[int]`): the tokens, without blanks.
        options: options of `tokenizer.decode`.
    """
    if collapses(tokenizer):
        return decode_merged(tokenizer, tokens, **options)
    decode = getattr(tokenizer, "_decode", tokenizer.decode)
    if "group_tokens" in inspect.signature(decode).parameters:
        options["group_tokens"] = False
    return str(tokenizer.decode(tokens, **options))


def reference_texts(tokenizer: PreTrainedTokenizerBase, rows: Iterable[Iterable[int]]) -> list[str]:
    """The texts of the labels of transcripts. The unknown token becomes a character that no model generates.

    Args:
        tokenizer (`PreTrainedTokenizerBase`): the tokenizer of the transcripts.
        rows (`Iterable[Iterable[int]]`): labels, padded with -100.
    """
    unknown = tokenizer.unk_token
    texts = (decode_labels(tokenizer, unpadded(row)) for row in rows)
    return [text if unknown is None else text.replace(str(unknown), _UNKNOWN) for text in texts]
