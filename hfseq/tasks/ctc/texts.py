"""Texts of the tokens that a CTC model writes: one for each step, with repetitions and blanks."""

from tokenizers import decoders
from transformers import PreTrainedTokenizerBase

# As a tokenizer names it in its settings.
_COLLAPSING = b'"CTC"'


def collapse_when_decoding(tokenizer: PreTrainedTokenizerBase) -> None:
    """Makes `tokenizer.decode` merge repetitions and drop blanks, as the pipelines of transformers expect it of a CTC
    model's tokenizer. The blank is the padding token.

    A tokenizer without a backend of the `tokenizers` library is left as it is, as is one that collapses already.
    """
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if backend is None or collapses(tokenizer) or tokenizer.pad_token is None:
        return
    # A tokenizer without a decoder joins tokens with a space.
    rest = backend.decoder or decoders.WordPiece(prefix="##", cleanup=False)
    backend.decoder = decoders.Sequence([decoders.CTC(pad_token=str(tokenizer.pad_token), cleanup=False), rest])


def collapses(tokenizer: PreTrainedTokenizerBase) -> bool:
    """Whether `tokenizer.decode` merges repetitions, by its decoder."""
    decoder = getattr(getattr(tokenizer, "backend_tokenizer", None), "decoder", None)
    return decoder is not None and _COLLAPSING in decoder.__getstate__()


def decode_merged(tokenizer: PreTrainedTokenizerBase, tokens: list[int], skip_special_tokens: bool = False) -> str:
    """The text of tokens whose repetitions were merged before, and of labels: nothing more is merged.

    Args:
        tokenizer (`PreTrainedTokenizerBase`): one that [`collapses`].
        tokens (`list[int]`): the tokens, without blanks.
        skip_special_tokens (`bool`, *optional*, defaults to `False`): whether to leave out special tokens.
    """
    blank = int(tokenizer.pad_token_id)
    special = set(tokenizer.all_special_ids) if skip_special_tokens else {blank}
    # A blank between two tokens keeps them apart.
    apart = [one for token in tokens if token not in special for one in (token, blank)]
    return str(tokenizer.decode(apart))
