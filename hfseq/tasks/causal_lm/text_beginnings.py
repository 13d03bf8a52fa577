"""The first tokens of texts, of which the rest is not tokenised."""

import re
from collections.abc import Sequence

from transformers import PreTrainedTokenizerBase

from hfseq.tasks.causal_lm.rows import TokenStream, read_documents

# Characters that are tokenised for each token that is wanted: few tokens are as long.
_CHARACTERS = 32
# How far white space is looked for, before which a text is cut.
_NEAR = 1_000
_BEFORE_SPACE = re.compile(r"(?<=\S)\s")


def read_beginnings(
    texts: Sequence[str], tokenizer: PreTrainedTokenizerBase, end_of_text: int, length: int
) -> list[TokenStream]:
    """Tokenises texts as [`read_documents`] does, but of each no more than its first `length` tokens need.

    Args:
        texts (`Sequence[str]`): the texts.
        tokenizer (`PreTrainedTokenizerBase`): its special tokens are not added.
        end_of_text (`int`): the token that each text begins with.
        length (`int`): how many tokens are wanted.

    Returns:
        `list[TokenStream]`: at most `length` tokens of each text.
    """
    found: dict[int, TokenStream] = {}
    waiting, characters = list(range(len(texts))), length * _CHARACTERS
    while waiting:
        heads = [_beginning(texts[number], characters) for number in waiting]
        documents = read_documents(heads, tokenizer, end_of_text)
        for number, head, document in zip(waiting, heads, documents, strict=True):
            # One token more than is wanted: the last one of what is cut off may be a part of another.
            if len(document.tokens) > length or len(head) == len(texts[number]):
                found[number] = TokenStream(document.tokens[:length], document.units[:length])
        waiting = [number for number in waiting if number not in found]
        characters *= 2
    return [found[number] for number in range(len(texts))]


def _beginning(text: str, characters: int) -> str:
    """About so many characters, up to white space where there is some near."""
    if len(text) <= characters + _NEAR:
        return text
    space = _BEFORE_SPACE.search(text, characters, characters + _NEAR)
    return text[: space.start() if space else characters]
