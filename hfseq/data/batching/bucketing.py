"""Batches of similar length, so that little of the computation goes into padding."""

from collections.abc import Iterator, Sequence

import numpy as np
from torch.utils.data import Sampler

# Batches are cut from a shuffled pool of this many batches, sorted by length: large enough to save nearly all padding,
# small enough that batches differ from epoch to epoch.
BATCHES_PER_POOL = 50


class LengthBucketSampler(Sampler[int]):
    """Training order: random, but examples of similar length stand together.

    The order depends on the seed, the epoch and the batch size alone, not on a global random state, so an interrupted
    epoch is taken up exactly, and several processes walk the same order as one.

    Args:
        lengths (`Sequence[int]` or `numpy.ndarray`): length of each example.
        batch_size (`int`): examples of one optimizer step, over all processes and accumulation steps.
        seed (`int`, *optional*, defaults to 0): seed of the order.
    """

    def __init__(self, lengths: Sequence[int] | np.ndarray, batch_size: int, seed: int = 0):
        self.lengths = np.asarray(lengths)
        self.batch_size = batch_size
        self.seed = seed
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Chooses the order of that epoch; Trainer calls it."""
        self.epoch = epoch

    def __len__(self) -> int:
        return len(self.lengths)

    def __iter__(self) -> Iterator[int]:
        random = np.random.default_rng((self.seed, self.epoch))
        order = random.permutation(len(self.lengths))
        pool = self.batch_size * BATCHES_PER_POOL
        batches: list[np.ndarray] = []
        for start in range(0, len(order), pool):
            members = order[start : start + pool]
            members = members[np.argsort(self.lengths[members], kind="stable")]
            batches += [members[i : i + self.batch_size] for i in range(0, len(members), self.batch_size)]
        # Only the last batch may be short, or it would shift the boundaries of those behind it.
        short = batches.pop() if batches and len(batches[-1]) < self.batch_size else None
        shuffled = [batches[i] for i in random.permutation(len(batches))]
        for batch in [*shuffled, short] if short is not None else shuffled:
            yield from batch.tolist()


class SortedByLengthSampler(Sampler[int]):
    """Evaluation order: the longest examples first, ties in the data set's order.

    Args:
        lengths (`Sequence[int]` or `numpy.ndarray`): length of each example.
    """

    def __init__(self, lengths: Sequence[int] | np.ndarray):
        self.order = np.argsort(-np.asarray(lengths, dtype=np.int64), kind="stable")

    def __len__(self) -> int:
        return len(self.order)

    def __iter__(self) -> Iterator[int]:
        return iter(self.order.tolist())
