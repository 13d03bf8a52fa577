"""Token streams, and the rows that a language model is trained on."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from datasets import Dataset
from transformers import PreTrainedTokenizerBase

from hfseq.data.batching.encoded_splits import LENGTH_COLUMN
from hfseq.errors import HfseqError

# How many units (characters, or time steps of music) the predicted tokens of a row stand for.
UNITS_COLUMN = "units"

# Longer texts are tokenised in parts of about so many characters: one long string takes a tokenizer several times as
# long, and much memory.
_PART = 20_000
_PARTS_AT_A_TIME = 64


@dataclass(frozen=True)
class TokenStream:
    """Documents as one sequence of tokens.

    Attributes:
        tokens (`numpy.ndarray` of shape `(tokens,)`): the token ids.
        units (`numpy.ndarray` of shape `(tokens,)`): how many characters of the text each stands for.
    """

    tokens: np.ndarray
    units: np.ndarray


def text_parts(texts: Iterable[str]) -> Iterator[str]:
    """The texts, the long ones in parts, each of which but the first begins with white space.

    Put together again, the tokens of the parts are those of the text, wherever tokens do not reach over the beginning
    of white space.
    """
    for text in texts:
        yield from _parts(text)


def read_documents(texts: Sequence[str], tokenizer: PreTrainedTokenizerBase, end_of_text: int) -> list[TokenStream]:
    """Tokenises documents.

    Args:
        texts (`Sequence[str]`): the documents.
        tokenizer (`PreTrainedTokenizerBase`): its special tokens are not added.
        end_of_text (`int`): the token that each document begins with, as if another had ended there.

    Returns:
        `list[TokenStream]`: one a document. Its characters are counted as they stand in the text: what no token
        stands for, such as spaces between words, counts with the token after it, or else the last one.
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
    """One stream of several."""
    return TokenStream(
        np.concatenate([document.tokens for document in documents]),
        np.concatenate([document.units for document in documents]),
    )


def cut_blocks(stream: TokenStream, length: int, where: str) -> Dataset:
    """Cuts a stream into rows of at most `length` tokens, of which the first is the last one of the row before.

    So each token but the very first is predicted once, from what stands before it in its row.

    Args:
        stream (`TokenStream`): the tokens.
        length (`int`): tokens in a row, at least 2.
        where (`str`): what an error calls the stream.

    Returns:
        `datasets.Dataset`: see [`to_rows`].

    Raises:
        HfseqError: there is no token to predict, or `length` is below 2.
    """
    if length < 2:
        raise HfseqError(f"max_length is {length}, but must be at least 2: a token, and the one to predict after it")
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
        units (`Sequence[float]`): how many units the predicted tokens of each row stand for.

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
        end = _white_space_after(text, start + _PART)
        yield text[start:end]
        start = end
    if start < len(text):
        yield text[start:]


def _white_space_after(text: str, position: int) -> int:
    """Where white space begins next, or a place not far off where none does."""
    for end in range(position, min(position + _PART, len(text))):
        if text[end].isspace() and not text[end - 1].isspace():
            return end
    return position


def _encode(parts: list[str], tokenizer: Any) -> list[tuple[np.ndarray, np.ndarray]]:
    """The tokens of each part, and where in it each of them ends."""
    options = {"add_special_tokens": False, "return_attention_mask": False, "verbose": False}
    if not tokenizer.is_fast:
        # Tokenizers in Python do not say where a token stands: each gets the same share.
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
