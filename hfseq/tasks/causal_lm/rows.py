"""Streams of tokens, and their conversion to rows for the training of a language model."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from datasets import Dataset
from transformers import PreTrainedTokenizerBase

from hfseq.data.batching.encoded_splits import LENGTH_COLUMN
from hfseq.errors import HfseqError

# Number of units (characters, or time steps of music) of the predicted tokens of a row.
UNITS_COLUMN = "units"

# Longer texts are tokenised in parts of about this number of characters, because tokenizers need several times more
# time for a single long string, and much memory.
_PART = 20_000
_PARTS_AT_A_TIME = 64


@dataclass(frozen=True)
class TokenStream:
    """Documents as one sequence of tokens.

    Attributes:
        tokens (`numpy.ndarray` of shape `(tokens,)`): the token ids.
        units (`numpy.ndarray` of shape `(tokens,)`): number of characters of each token.
    """

    tokens: np.ndarray
    units: np.ndarray


def split_long_texts(texts: Iterable[str]) -> Iterator[str]:
    """Splits long texts into parts. Each part but the first begins with white space.

    The joined tokens of the parts equal the tokens of the text if no token extends from a word into white space.
    """
    for text in texts:
        yield from _parts(text)


def tokenize_documents(
    texts: Sequence[str], tokenizer: PreTrainedTokenizerBase, end_of_text: int
) -> list[TokenStream]:
    """Tokenises documents.

    Args:
        texts (`Sequence[str]`): the documents.
        tokenizer (`PreTrainedTokenizerBase`): its special tokens are not added.
        end_of_text (`int`): the first token of each document, which marks the end of the previous one.

    Returns:
        `list[TokenStream]`: one per document. All characters of the text are counted: characters without a token,
            such as spaces between words, belong to the next token, or to the last one.
    """
    documents = []
    parts = [(number, part) for number, text in enumerate(texts) for part in _parts(text)]
    tokens: list[list[np.ndarray]] = [[np.array([end_of_text], dtype=np.int32)] for _ in texts]
    ends: list[list[np.ndarray]] = [[np.zeros(1, dtype=np.int64)] for _ in texts]
    bases = [0] * len(texts)
    for start in range(0, len(parts), _PARTS_AT_A_TIME):
        group = parts[start : start + _PARTS_AT_A_TIME]
        encoded = _encode([part for _, part in group], tokenizer)
        for (number, part), (ids, part_ends) in zip(group, encoded, strict=True):
            tokens[number].append(ids)
            ends[number].append(part_ends + bases[number])
            bases[number] += len(part)
    for number, text in enumerate(texts):
        positions = np.maximum.accumulate(np.concatenate(ends[number]))
        positions[-1] = len(text)
        documents.append(TokenStream(np.concatenate(tokens[number]), np.diff(positions, prepend=0)))
    return documents


def join_documents(documents: Sequence[TokenStream]) -> TokenStream:
    """Joins several streams to one."""
    return TokenStream(
        np.concatenate([document.tokens for document in documents]),
        np.concatenate([document.units for document in documents]),
    )


def split_into_blocks(stream: TokenStream, length: int, where: str) -> Dataset:
    """Splits a stream into rows of at most `length` tokens, which overlap by one token.

    Each token but the first of the stream is predicted exactly once, from the tokens before it in its row.

    Args:
        stream (`TokenStream`): the tokens.
        length (`int`): number of tokens per row, at least 2.
        where (`str`): name of the stream in error messages.

    Returns:
        `datasets.Dataset`: see [`to_rows`].

    Raises:
        HfseqError: if there is no token to predict, or `length` is below 2.
    """
    if length < 2:
        raise HfseqError(f"max_length is {length}, but must be at least 2: one token to read and one to predict")
    starts = np.arange(0, len(stream.tokens) - 1, length - 1)
    if not len(starts):
        raise HfseqError(f"{where} has nothing to predict: its texts are empty.")
    ends = np.minimum(starts + length, len(stream.tokens))
    bounds = list(zip(starts.tolist(), ends.tolist(), strict=True))
    rows = [stream.tokens[start:end] for start, end in bounds]
    return to_rows(rows, [float(stream.units[start + 1 : end].sum()) for start, end in bounds])


def to_rows(rows: Sequence[np.ndarray], units: Sequence[float]) -> Dataset:
    """Rows of tokens as a data set.

    Args:
        rows (`Sequence[numpy.ndarray]`): the tokens of each row.
        units (`Sequence[float]`): number of units of the predicted tokens of each row.

    Returns:
        `datasets.Dataset`: the columns `input_ids`, `length`, and `units`, a list of one number.
    """
    lengths = np.array([len(row) for row in rows], dtype=np.int64)
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
    table = {
        "input_ids": pa.ListArray.from_arrays(pa.array(offsets), pa.array(np.concatenate(rows).astype(np.int32))),
        LENGTH_COLUMN: pa.array(lengths),
        UNITS_COLUMN: pa.FixedSizeListArray.from_arrays(pa.array(np.asarray(units, dtype=np.float32)), 1),
    }
    return Dataset(pa.table(table))


def _parts(text: str) -> Iterator[str]:
    start = 0
    while len(text) - start > 2 * _PART:
        end = _find_white_space(text, start + _PART)
        yield text[start:end]
        start = end
    if start < len(text):
        yield text[start:]


def _find_white_space(text: str, position: int) -> int:
    """The next position where white space begins; `position` itself if there is none nearby."""
    for end in range(position, min(position + _PART, len(text))):
        if text[end].isspace() and not text[end - 1].isspace():
            return end
    return position


def _encode(parts: list[str], tokenizer: Any) -> list[tuple[np.ndarray, np.ndarray]]:
    """The tokens of each part, and the end position of each token in it."""
    options = {"add_special_tokens": False, "return_attention_mask": False, "verbose": False}
    if not tokenizer.is_fast:
        # Tokenizers in Python have no offsets, so the characters are distributed equally over the tokens.
        found = tokenizer(parts, **options)["input_ids"]
        return [
            (np.array(ids, dtype=np.int32), np.linspace(0, len(part), len(ids) + 1)[1:].astype(np.int64))
            for ids, part in zip(found, parts, strict=True)
        ]
    encoded = tokenizer(parts, return_offsets_mapping=True, **options)
    return [
        (np.array(ids, dtype=np.int32), np.array([end for _, end in offsets], dtype=np.int64))
        for ids, offsets in zip(encoded["input_ids"], encoded["offset_mapping"], strict=True)
    ]
