"""Lengths of the sequences in the benchmarks, which are typical for sentences and documents."""

import math
from collections.abc import Callable

import numpy as np

# Function that draws lengths, and their limits, by name.
_LENGTHS: dict[str, tuple[Callable[[np.random.Generator, int], np.ndarray], int, int]] = {
    # Sentences of SST-2 have a mean length of 19.
    "sentences": (lambda random, count: random.gamma(4.0, 19.5 / 4.0, count), 2, 64),
    # Reviews of IMDb have a median length of about 175 and a mean of about 230.
    "documents": (lambda random, count: random.lognormal(math.log(175.0), 0.7, count), 10, 512),
}


def draw_lengths(workload: str, count: int, seed: int = 0, quick: bool = False) -> np.ndarray:
    """Lengths of sequences.

    Args:
        workload (`str`): `"sentences"` or `"documents"`.
        count (`int`): number of sequences.
        seed (`int`, *optional*, defaults to 0): random seed.
        quick (`bool`, *optional*, defaults to `False`): whether to use a tenth of the length.
    """
    draw, shortest, longest = _LENGTHS[workload]
    lengths = np.rint(draw(np.random.default_rng(seed), count)).astype(np.int64).clip(shortest, longest)
    return np.maximum(lengths // 10, 1) if quick else lengths


def draw_tokens(count: int, vocab_size: int, seed: int = 0) -> np.ndarray:
    """Token ids from 1 to `vocab_size - 1` by Zipf's law: the n-th word is 1/n as frequent as the first."""
    frequencies = 1 / np.arange(1, vocab_size)
    words = np.random.default_rng(seed).choice(vocab_size - 1, size=count, p=frequencies / frequencies.sum())
    return words + 1
