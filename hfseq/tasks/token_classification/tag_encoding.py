"""Encodes tagged words as inputs and labels of a model."""

from collections.abc import Mapping, Sequence
from typing import Any

from hfseq.data.batching.encoded_splits import LENGTH_COLUMN, TRUNCATED_COLUMN
from hfseq.data.batching.padding import LABEL_FILL as UNTAGGED
from hfseq.data.labels.columns import Columns
from hfseq.tasks.token_classification.word_encoding import encode_words

__all__ = ["UNTAGGED", "encode_tagged"]


def encode_tagged(
    batch: Mapping[str, list],
    columns: Columns,
    tags: Sequence[str],
    processor: Any,
    max_length: int,
    with_truncated: bool = False,
) -> dict[str, list]:
    """Token ids and labels of sentences. The first token of a word has the id of its tag, all others have -100.

    Args:
        batch (`dict[str, list]`): the sentences, which are lists of words, and their tags.
        columns (`Columns`): their columns. Without a column of tags, the labels only mark the first token of each
            word with 0.
        tags (`Sequence[str]`): names of the tags, in the order of their ids.
        processor (`PreTrainedTokenizerBase`): the tokenizer.
        max_length (`int`): maximum number of tokens per sentence.
        with_truncated (`bool`, *optional*, defaults to `False`): whether to append the tags of truncated words to the
            labels. The labels are then longer than the inputs.

    Returns:
        `dict[str, list]`: `input_ids`, `token_type_ids` if the model uses them, `labels`, `length`, and
            `was_truncated`.
    """
    numbers = {tag: number for number, tag in enumerate(tags)}
    sentences = batch[columns.text]
    encoded = encode_words(sentences, processor, max_length)
    labels = []
    for index, row in enumerate(encoded):
        found = [numbers[tag] for tag in batch[columns.label][index]] if columns.label else [0] * len(row.starts)
        label = [UNTAGGED] * len(row.input_ids)
        for start, tag in zip(row.starts, found, strict=False):
            label[start] = tag
        labels.append(label + (found[len(row.starts) :] if with_truncated else []))
    segments = {"token_type_ids": [row.token_type_ids for row in encoded]}
    return {
        "input_ids": [row.input_ids for row in encoded],
        **(segments if "token_type_ids" in processor.model_input_names else {}),
        "labels": labels,
        LENGTH_COLUMN: [len(row.input_ids) for row in encoded],
        TRUNCATED_COLUMN: [len(row.starts) < len(words) for row, words in zip(encoded, sentences, strict=True)],
    }
