"""Nested subsets of a training split, for learning curves."""

import numpy as np
from datasets import Dataset

from hfseq.errors import HfseqError


def nested_subset(train: Dataset, size: int, label_column: str | None, seed: int) -> Dataset:
    """A random subset of a training split. A smaller subset with the same seed is contained in a larger one.

    Args:
        train (`datasets.Dataset`): the training split.
        size (`int`): number of rows.
        label_column (`str`, *optional*): column of the class. The subset has the same proportions of the classes, and
            at least one row of each class, if there are as many rows as classes.
        seed (`int`): random seed.

    Returns:
        `datasets.Dataset`: the rows in their original order.

    Raises:
        HfseqError: the split has fewer rows.
    """
    if size > len(train):
        raise HfseqError(f"train_size is {size:,}, but the training split has {len(train):,} examples")
    order = np.random.default_rng(seed).permutation(len(train))
    if label_column is not None:
        labels = list(train[label_column])
        counts: dict[object, int] = {}
        ranks = np.empty(len(train))
        for row in order:
            ranks[row] = counts[labels[row]] = counts.get(labels[row], -1) + 1
        # The first row of each class comes first, then the classes alternate in proportion to their sizes.
        shares = np.array([rank / (counts[label] + 1) for rank, label in zip(ranks, labels, strict=True)])
        order = order[np.argsort(shares[order], kind="stable")]
    return train.select(sorted(order[:size].tolist()))
