"""From tagged words to the inputs and labels of a model."""

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
    with_cut: bool = False,
) -> dict[str, list]:
    """Token ids of sentences, and for each token a label: at the first of a word the number of its tag, else -100.

    Args:
        batch (`dict[str, list]`): the sentences, lists of words, and their tags.
        columns (`Columns`): where they stand. Without a column of tags, the labels only tell where words begin: all
            are 0.
        tags (`Sequence[str]`): the names of the tags, in the order of their numbers.
        processor (`PreTrainedTokenizerBase`): the tokenizer.
        max_length (`int`): the most tokens a sentence keeps.
        with_cut (`bool`, *optional*, defaults to `False`): whether the tags of the words that are cut off are put
            behind the labels, which are longer than the inputs then.

    Returns:
        `dict[str, list]`: `input_ids`, `token_type_ids` where the model reads them, `labels`, `length`, and
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
        labels.append(label + (found[len(row.starts) :] if with_cut else []))
    segments = {"token_type_ids": [row.token_type_ids for row in encoded]}
    return {
        "input_ids": [row.input_ids for row in encoded],
        **(segments if "token_type_ids" in processor.model_input_names else {}),
        "labels": labels,
        LENGTH_COLUMN: [len(row.input_ids) for row in encoded],
        TRUNCATED_COLUMN: [len(row.starts) < len(words) for row, words in zip(encoded, sentences, strict=True)],
    }
