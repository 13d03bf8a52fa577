"""The lengths of sequences that the benchmarks are measured on: what sentences and documents are like."""

import math
from collections.abc import Callable

import numpy as np

# By name: draws lengths, and the limits they are cut to.
_LENGTHS: dict[str, tuple[Callable[[np.random.Generator, int], np.ndarray], int, int]] = {
    # The mean of SST-2's sentences is 19.
    "sentences": (lambda random, count: random.gamma(4.0, 19.5 / 4.0, count), 2, 64),
    # The median of IMDb's reviews is about 175, their mean about 230.
    "documents": (lambda random, count: random.lognormal(math.log(175.0), 0.7, count), 10, 512),
}


def draw_lengths(workload: str, count: int, seed: int = 0, quick: bool = False) -> np.ndarray:
    """Lengths of sequences.

    Args:
        workload (`str`): `"sentences"` or `"documents"`.
        count (`int`): how many.
        seed (`int`, *optional*, defaults to 0): the same lengths for the same seed.
        quick (`bool`, *optional*, defaults to `False`): a tenth of the length.
    """
    draw, shortest, longest = _LENGTHS[workload]
    lengths = np.rint(draw(np.random.default_rng(seed), count)).astype(np.int64).clip(shortest, longest)
    return np.maximum(lengths // 10, 1) if quick else lengths


def draw_tokens(count: int, vocab_size: int, seed: int = 0) -> np.ndarray:
    """Token ids from 1 to `vocab_size - 1` by Zipf's law: the n-th word is 1/n as frequent as the first."""
    frequencies = 1 / np.arange(1, vocab_size)
    words = np.random.default_rng(seed).choice(vocab_size - 1, size=count, p=frequencies / frequencies.sum())
    return words + 1
