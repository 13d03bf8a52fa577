"""Tokenises only the beginning of texts."""

import re
from collections.abc import Sequence

from transformers import PreTrainedTokenizerBase

from hfseq.tasks.causal_lm.rows import TokenStream, tokenize_documents

# Number of characters to tokenise per token. Few tokens are longer.
_CHARACTERS = 32
# Texts are cut before white space if there is any within this number of characters.
_NEAR = 1_000
_BEFORE_SPACE = re.compile(r"(?<=\S)\s")


def tokenize_beginnings(
    texts: Sequence[str], tokenizer: PreTrainedTokenizerBase, end_of_text: int, length: int
) -> list[TokenStream]:
    """Tokenises the beginning of texts as [`tokenize_documents`] does for whole texts.

    Args:
        texts (`Sequence[str]`): the texts.
        tokenizer (`PreTrainedTokenizerBase`): its special tokens are not added.
        end_of_text (`int`): the first token of each text.
        length (`int`): maximum number of tokens per text.

    Returns:
        `list[TokenStream]`: at most `length` tokens of each text.
    """
    found: dict[int, TokenStream] = {}
    waiting, characters = list(range(len(texts))), length * _CHARACTERS
    while waiting:
        heads = [_beginning(texts[number], characters) for number in waiting]
        documents = tokenize_documents(heads, tokenizer, end_of_text)
        for number, head, document in zip(waiting, heads, documents, strict=True):
            # Requires one more token than needed, because the last token of a cut text may be incomplete.
            if len(document.tokens) > length or len(head) == len(texts[number]):
                found[number] = TokenStream(document.tokens[:length], document.units[:length])
        waiting = [number for number in waiting if number not in found]
        characters *= 2
    return [found[number] for number in range(len(texts))]


def _beginning(text: str, characters: int) -> str:
    """About this number of characters of a text, up to white space if there is any nearby."""
    if len(text) <= characters + _NEAR:
        return text
    space = _BEFORE_SPACE.search(text, characters, characters + _NEAR)
    return text[: space.start() if space else characters]
