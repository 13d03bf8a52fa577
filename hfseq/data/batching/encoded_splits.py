"""Splits whose examples are model inputs, and the names of the columns that hfseq adds to them."""

from dataclasses import dataclass

from datasets import DatasetDict

# Number of steps of an example.
LENGTH_COLUMN = "length"
# Whether an example was longer than the model reads.
TRUNCATED_COLUMN = "was_truncated"


@dataclass(frozen=True)
class EncodedSplits:
    """Encoded splits, and how much of them was truncated.

    Attributes:
        splits (`datasets.DatasetDict`): the columns that the model reads, such as `input_ids`, and `length`.
        truncated_share (`dict[str, float]`): for each split, the share of its examples that were truncated.
    """

    splits: DatasetDict
    truncated_share: dict[str, float]
