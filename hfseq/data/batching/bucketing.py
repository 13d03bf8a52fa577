"""Batches of examples of similar length, so that little computation is spent on padding."""

from collections.abc import Iterator, Sequence

import numpy as np
from torch.utils.data import Sampler

# Batches are taken from a shuffled pool of this many batches, which is sorted by length. The pool is large enough to
# avoid almost all padding, and small enough that the batches differ between epochs.
BATCHES_PER_POOL = 50


class LengthBucketSampler(Sampler[int]):
    """Random training order in which examples of similar length are in the same batch.

    The order depends only on the seed, the epoch and the batch size, not on a global random state. Therefore an
    interrupted epoch can be resumed exactly, and several processes use the same order as one process.

    Args:
        lengths (`Sequence[int]` or `numpy.ndarray`): length of each example.
        batch_size (`int`): number of examples per optimizer step, over all processes and accumulation steps.
        seed (`int`, *optional*, defaults to 0): random seed of the order.
    """

    def __init__(self, lengths: Sequence[int] | np.ndarray, batch_size: int, seed: int = 0):
        self.lengths = np.asarray(lengths)
        self.batch_size = batch_size
        self.seed = seed
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Selects the order of an epoch. The Trainer calls it."""
        self.epoch = epoch

    def __len__(self) -> int:
        return len(self.lengths)

    def __iter__(self) -> Iterator[int]:
        rng = np.random.default_rng((self.seed, self.epoch))
        order = rng.permutation(len(self.lengths))
        pool = self.batch_size * BATCHES_PER_POOL
        batches: list[np.ndarray] = []
        for start in range(0, len(order), pool):
            members = order[start : start + pool]
            members = members[np.argsort(self.lengths[members], kind="stable")]
            batches += [members[i : i + self.batch_size] for i in range(0, len(members), self.batch_size)]
        # A short batch must be the last one, because it would shift the boundaries of all following batches.
        short = batches.pop() if batches and len(batches[-1]) < self.batch_size else None
        shuffled = [batches[i] for i in rng.permutation(len(batches))]
        for batch in [*shuffled, short] if short is not None else shuffled:
            yield from batch.tolist()


class SortedByLengthSampler(Sampler[int]):
    """Evaluation order: the longest examples first. Examples of equal length keep their order.

    Args:
        lengths (`Sequence[int]` or `numpy.ndarray`): length of each example.
    """

    def __init__(self, lengths: Sequence[int] | np.ndarray):
        self.order = np.argsort(-np.asarray(lengths, dtype=np.int64), kind="stable")

    def __len__(self) -> int:
        return len(self.order)

    def __iter__(self) -> Iterator[int]:
        return iter(self.order.tolist())
