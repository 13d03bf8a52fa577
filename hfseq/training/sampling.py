"""The order in which a trainer reads examples: batches of similar length in training, long before short otherwise."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from datasets import Dataset
from transformers import TrainingArguments

from hfseq.data.batching.bucketing import LengthBucketSampler
from hfseq.data.batching.encoded_splits import LENGTH_COLUMN
from hfseq.data.batching.processor_pair import inputs_of
from hfseq.data.batching.sequence_store import SequenceStore


def example_lengths(dataset: Any, input_name: str = "input_ids") -> Sequence[int] | np.ndarray | None:
    """The length of each example of a data set.

    Args:
        dataset (`SequenceStore`, `datasets.Dataset` or another data set): the encoded examples.
        input_name (`str`, *optional*, defaults to `"input_ids"`): the column whose lists are measured where the data
            set has no column `length`.

    Returns:
        `Sequence[int]` or `np.ndarray` of shape `(examples,)`, or `None` for data sets of other libraries.
    """
    if isinstance(dataset, SequenceStore):
        return dataset.lengths
    if not isinstance(dataset, Dataset):
        return None
    if LENGTH_COLUMN in dataset.column_names:
        return list(dataset[LENGTH_COLUMN])
    return [len(steps) for steps in dataset[input_name]]


def main_input_name(processing_class: Any) -> str:
    """The column that a processor makes for the main input of a model, such as `"input_ids"`."""
    return (getattr(inputs_of(processing_class), "model_input_names", None) or ["input_ids"])[0]


def length_bucket_sampler(lengths: Sequence[int] | np.ndarray, args: TrainingArguments) -> LengthBucketSampler:
    """The sampler of a training: its order is the same for every number of processes.

    Args:
        lengths (`Sequence[int]` or `np.ndarray`): the length of each example.
        args (`TrainingArguments`): batch size, accumulation steps, number of processes and seed.
    """
    step_size = args.train_batch_size * args.gradient_accumulation_steps * args.world_size
    return LengthBucketSampler(lengths, step_size, args.seed if args.data_seed is None else args.data_seed)


def reorder(values: Any, positions: np.ndarray) -> Any:
    """Rows of predictions or labels in another order.

    Args:
        values (`np.ndarray`, `tuple` or `None`): of shape `(examples, ...)` each.
        positions (`np.ndarray` of shape `(examples,)`): for each row of the result, its row in `values`.
    """
    if isinstance(values, tuple):
        return tuple(reorder(value, positions) for value in values)
    return None if values is None else values[positions]
