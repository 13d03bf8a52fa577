"""The test examples with which costs are measured: the same for all models."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from datasets import Dataset, are_progress_bars_disabled, disable_progress_bars, enable_progress_bars

MAX_EXAMPLES = 100
_MAX_BINS = 5
_MIN_EXAMPLES_PER_BIN = 4


@dataclass(frozen=True)
class Examples:
    """Raw test examples.

    Attributes:
        rows (`datasets.Dataset`): the examples.
        columns (`Columns`): the columns that the models read.
    """

    rows: Dataset
    columns: Any

    def single(self) -> list[dict[str, list]]:
        """Each example as a batch of one."""
        return [{name: [value] for name, value in row.items()} for row in self.rows]


def choose_examples(rows: Dataset, columns: Any) -> Examples:
    """Draws test examples, always the same, in random order: every part of them is a sample of the test split.

    Args:
        rows (`datasets.Dataset`): the test split.
        columns (`Columns`): the columns that the models read.
    """
    order = np.random.default_rng(0).permutation(len(rows))[:MAX_EXAMPLES]
    with _no_progress_bar():
        return Examples(rows.select(order).flatten_indices(keep_in_memory=True), columns)


@contextmanager
def _no_progress_bar() -> Iterator[None]:
    """Turns off the progress bars of `datasets`, which would show an operation of milliseconds."""
    disabled = are_progress_bars_disabled()
    disable_progress_bars()
    try:
        yield
    finally:
        if not disabled:
            enable_progress_bars()


def length_bins(lengths: Sequence[int]) -> list[list[int]]:
    """Groups examples of similar length: at most 5 groups, of about the same size.

    Args:
        lengths (`Sequence[int]`): length of each example.

    Returns:
        `list[list[int]]`: the positions of the examples of each group, the shortest first. Empty if the lengths do not
        differ.
    """
    count = min(_MAX_BINS, len(lengths) // _MIN_EXAMPLES_PER_BIN)
    if count < 2:
        return []
    values = np.asarray(lengths)
    edges = np.unique(np.quantile(values, np.arange(1, count) / count, method="higher"))
    groups = np.searchsorted(edges, values, side="left")
    bins = [np.flatnonzero(groups == group).tolist() for group in range(len(edges) + 1)]
    bins = [members for members in bins if members]
    return bins if len(bins) > 1 else []
