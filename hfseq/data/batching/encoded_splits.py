"""Encoded splits, and the names of the columns that hfseq adds to them."""

from dataclasses import dataclass

from datasets import DatasetDict

# Number of steps of an example.
LENGTH_COLUMN = "length"
# Whether an example was truncated.
TRUNCATED_COLUMN = "was_truncated"


@dataclass(frozen=True)
class EncodedSplits:
    """Encoded splits, and the share of truncated examples.

    Attributes:
        splits (`datasets.DatasetDict`): splits with the input columns of the model, such as `input_ids`, and `length`.
        truncated_share (`dict[str, float]`): share of truncated examples of each split.
    """

    splits: DatasetDict
    truncated_share: dict[str, float]
