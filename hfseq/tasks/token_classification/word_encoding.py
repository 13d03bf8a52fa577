"""Tokenises sentences of words, and locates the first token of each word."""

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from transformers import PreTrainedTokenizerBase


@dataclass(frozen=True)
class EncodedWords:
    """A tokenised sentence.

    Attributes:
        input_ids (`list[int]`): token ids, including special tokens.
        token_type_ids (`list[int]`): segment ids of the same length, as the tokenizer gives them to single texts.
        starts (`list[int]`): position of the first token of each word that is not truncated.
    """

    input_ids: list[int]
    token_type_ids: list[int]
    starts: list[int]


@dataclass(frozen=True)
class _SpecialTokens:
    """Special tokens before and after a text as pairs of token and segment id, and the unknown token."""

    before: list[tuple[int, int]]
    after: list[tuple[int, int]]
    segment: int
    unknown: int

    @classmethod
    def from_tokenizer(cls, tokenizer: PreTrainedTokenizerBase) -> "_SpecialTokens":
        probe = tokenizer("a", return_special_tokens_mask=True, return_token_type_ids=True)
        pairs = list(zip(probe["input_ids"], probe["token_type_ids"], strict=True))
        content = [position for position, flag in enumerate(probe["special_tokens_mask"]) if not flag]
        unknown = tokenizer.unk_token_id
        if unknown is None:  # byte-level tokenizers know every word that is not empty
            unknown = tokenizer.eos_token_id or 0
        return cls(pairs[: content[0]], pairs[content[-1] + 1 :], pairs[content[0]][1], unknown)

    def encode(self, pieces: list[list[int]], max_length: int) -> EncodedWords:
        room = max_length - len(self.before) - len(self.after)
        ids: list[int] = []
        starts: list[int] = []
        for word in pieces:
            if len(ids) + len(word) > room:
                if not starts:
                    # A first word that is too long is truncated, because otherwise the sentence would be empty.
                    starts, ids = [len(self.before)], word[:room]
                break
            starts.append(len(self.before) + len(ids))
            ids += word
        tokens = [*self.before, *((token, self.segment) for token in ids), *self.after] or [(self.unknown, 0)]
        return EncodedWords([token for token, _ in tokens], [segment for _, segment in tokens], starts)


def encode_words(
    sentences: Iterable[list[str]], tokenizer: PreTrainedTokenizerBase, max_length: int
) -> list[EncodedWords]:
    """Tokenises sentences, and truncates long sentences between two words.

    The words are joined with spaces, because byte-level tokenizers have different tokens after a space. A word without
    tokens, such as a control character, becomes `[UNK]`, so that it can have a tag.

    Args:
        sentences (`Iterable[list[str]]`): the words of each sentence.
        tokenizer (`PreTrainedTokenizerBase`): the tokenizer, which determines the special tokens.
        max_length (`int`): maximum number of tokens per sentence, including special tokens.

    Returns:
        `list[EncodedWords]`: one per sentence. If there are fewer `starts` than words, the last words were truncated.
    """
    sentences = list(sentences)
    if not sentences:
        return []
    special = _SpecialTokens.from_tokenizer(tokenizer)
    pieces = (
        _pieces_from_offsets(sentences, tokenizer) if tokenizer.is_fast else _pieces_of_words(sentences, tokenizer)
    )
    return [special.encode([word or [special.unknown] for word in words], max_length) for words in pieces]


def _pieces_from_offsets(sentences: list[list[str]], tokenizer: PreTrainedTokenizerBase) -> list[list[list[int]]]:
    """The tokens of each word of each sentence. Tokens of the space between two words belong to the first of them."""
    texts = [" ".join(words) for words in sentences]
    options: dict[str, Any] = {"add_special_tokens": False, "truncation": False, "verbose": False}
    encoded = tokenizer(texts, return_offsets_mapping=True, **options)
    rows = []
    for words, text, ids, spans in zip(sentences, texts, encoded["input_ids"], encoded["offset_mapping"], strict=True):
        word_starts = _word_starts(words)
        pieces: list[list[int]] = [[] for _ in words]
        for token, (start, end) in zip(ids, spans, strict=True):
            # In many tokenizers, the space is part of the token that follows it.
            blank = end - start - len(text[start:end].lstrip())
            at = start + blank if blank < end - start else start
            pieces[max(bisect_right(word_starts, at) - 1, 0)].append(token)
        rows.append(pieces)
    return rows


def _word_starts(words: list[str]) -> list[int]:
    word_starts, position = [], 0
    for word in words:
        word_starts.append(position)
        position += len(word) + 1
    return word_starts


def _pieces_of_words(sentences: list[list[str]], tokenizer: PreTrainedTokenizerBase) -> list[list[list[int]]]:
    """The same as [`_pieces_from_offsets`], for tokenizers without offsets."""
    known: dict[str, list[int]] = {}
    for word in {word for words in sentences for word in words}:
        known[word] = tokenizer(word, add_special_tokens=False, verbose=False)["input_ids"]
    return [[known[word] for word in words] for words in sentences]
