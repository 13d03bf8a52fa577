"""Tokenised examples as flat arrays, from which a padded batch is cut in a few steps."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from datasets import Dataset
from transformers import BatchEncoding, PreTrainedTokenizerBase

from hfseq.data.arrow_columns import has_nulls, is_integer, is_list, is_number, list_sizes, read_lists, read_values
from hfseq.data.encoding import LENGTH_COLUMN
from hfseq.data.padding import PaddingRules, find_padding_obstacle
from hfseq.errors import HfseqError

LABELS_COLUMN = "labels"
_INT32 = np.iinfo(np.int32)


class TokenStore(torch.utils.data.Dataset):
    """A tokenised data set whose batches come padded: equal to what [`SequenceCollator`] makes of the same rows.

    All sequences of a column stand in one array, one after the other, so a batch takes a handful of array operations
    and none per row. A `DataLoader` asks a data set that has `__getitems__` for a whole batch, and hands what it gets
    to its `collate_fn`, which has only to pass it on.

    Args:
        sequences (`dict[str, numpy.ndarray]`): the integers of each sequence column, `(tokens,)`.
        offsets (`numpy.ndarray`): where each row begins and ends in them, `(rows + 1,)`.
        padding (`PaddingRules`): how a batch is padded.
        labels (`numpy.ndarray`, *optional*): `(rows,)` or `(rows, num_labels)`.
        lengths (`numpy.ndarray`, *optional*): the `length` column; by default the rows' lengths.
    """

    def __init__(
        self,
        sequences: dict[str, np.ndarray],
        offsets: np.ndarray,
        padding: PaddingRules,
        labels: np.ndarray | None = None,
        lengths: np.ndarray | None = None,
    ):
        self.padding = padding
        self._sequences = {name: _narrowed(values) for name, values in sequences.items()}
        self._starts = offsets[:-1]
        self._sizes = np.diff(offsets)
        self._fill = {name: np.int64(value) for name, value in padding.fill}
        self._labels = labels
        self._label_dtype = None if labels is None else _batch_dtype(labels.dtype)
        self._lengths = lengths

    @classmethod
    def from_dataset(
        cls, dataset: Dataset, processing_class: PreTrainedTokenizerBase, pad_to_multiple_of: int | None = None
    ) -> "TokenStore":
        """Reads a tokenised data set, from its Arrow table.

        Args:
            dataset (`datasets.Dataset`): columns of integer lists that the tokenizer pads, and perhaps `labels` and
                `length`.
            processing_class (`PreTrainedTokenizerBase`): the tokenizer; how it pads is noted here once and for all.
            pad_to_multiple_of (`int`, *optional*): rounds the padded length up, for tensor cores.

        Raises:
            HfseqError: where [`find_obstacle`] finds one.
        """
        obstacle = find_obstacle(dataset, processing_class)
        if obstacle is not None:
            raise HfseqError(
                f"these examples do not fit a token store, because {obstacle}; batch them with a SequenceCollator"
            )
        padding = PaddingRules.of(processing_class, pad_to_multiple_of)
        sequences, offsets = {}, np.zeros(1, dtype=np.int64)
        extra: dict[str, np.ndarray | None] = {LABELS_COLUMN: None, LENGTH_COLUMN: None}
        for name in _column_names(dataset):
            if name in extra:
                extra[name] = read_values(dataset, name)
            else:
                sequences[name], offsets = read_lists(dataset, name)
        return cls(sequences, offsets, padding, extra[LABELS_COLUMN], extra[LENGTH_COLUMN])

    @property
    def lengths(self) -> np.ndarray:
        """Length of each example, `(rows,)`: the `length` column where there is one, else the number of tokens."""
        return self._sizes if self._lengths is None else self._lengths

    def __len__(self) -> int:
        return len(self._sizes)

    def __getitem__(self, index: int) -> dict[str, Any]:
        """One example, unpadded, as the data set gives it."""
        start, size = self._starts[index], self._sizes[index]
        example = {name: values[start : start + size].tolist() for name, values in self._sequences.items()}
        for name, column in ((LABELS_COLUMN, self._labels), (LENGTH_COLUMN, self._lengths)):
            if column is not None:
                example[name] = column[index].tolist()
        return example

    def __getitems__(self, indices: Sequence[int]) -> BatchEncoding:
        """The padded batch of some rows.

        Args:
            indices (`Sequence[int]`): the rows, at least one, in the order of the batch.

        Returns:
            `BatchEncoding`: `torch.int64` tensors of shape `(batch, length)`, and `labels` as [`SequenceCollator`]
            makes them.
        """
        rows = np.asarray(indices)
        sizes = self._sizes[rows, None]  # (batch, 1)
        steps = np.arange(self.padding.width(int(sizes.max())))  # (length,)
        if self.padding.left:
            steps = steps + (sizes - len(steps))  # (batch, length)
            real = steps >= 0
        else:
            real = steps < sizes  # (batch, length)
        # Where there is padding, a position points to a neighbour's tokens; its fill value is put over them.
        positions = self._starts[rows, None] + steps  # (batch, length)
        batch = {}
        for name, values in self._sequences.items():
            tokens = np.where(real, values.take(positions, mode="clip"), self._fill[name])
            batch[name] = torch.from_numpy(tokens)
        if self.padding.attention_mask and "attention_mask" not in batch:
            batch["attention_mask"] = torch.from_numpy(real.astype(np.int64))
        if self._labels is not None:
            batch[LABELS_COLUMN] = torch.from_numpy(self._labels[rows]).to(self._label_dtype)
        return BatchEncoding(batch)


def find_obstacle(dataset: Dataset, processing_class: PreTrainedTokenizerBase) -> str | None:
    """Why examples cannot become a [`TokenStore`] whose batches are those of a [`SequenceCollator`].

    Args:
        dataset (`datasets.Dataset`): tokenised examples.
        processing_class (`PreTrainedTokenizerBase`): what would pad them.

    Returns:
        `str`, *optional*: the reason, to be read after "because"; `None` where nothing stands in the way.
    """
    if obstacle := find_padding_obstacle(processing_class):
        return obstacle
    if len(dataset) == 0:
        return "there are none"
    if dataset.format["type"] is not None:
        return f"the data set has the format {dataset.format['type']!r}"
    padding = PaddingRules.of(processing_class)
    columns = {name: dataset.data.column(name) for name in _column_names(dataset)}
    if padding.main_input not in columns:
        return f"there is no column {padding.main_input!r}"
    padded = {name for name, _ in padding.fill}
    for name, column in columns.items():
        if name not in padded | {LABELS_COLUMN, LENGTH_COLUMN}:
            return f"the tokenizer does not pad the column {name!r}"
        if obstacle := _obstacle_in_column(name, column):
            return obstacle
    sizes = list_sizes(columns[padding.main_input])
    for name in padded & columns.keys():
        if not np.array_equal(list_sizes(columns[name]), sizes):
            return f"the lists in {name!r} are not as long as those in {padding.main_input!r}"
    return None


def _obstacle_in_column(name: str, column: pa.ChunkedArray) -> str | None:
    kind = column.type
    if name == LABELS_COLUMN:
        if not is_number(kind.value_type if is_list(kind) else kind):
            return f"the column {name!r} holds neither numbers nor lists of them, but {kind}"
    elif name == LENGTH_COLUMN:
        if not is_integer(kind):
            return f"the column {name!r} holds no integers, but {kind}"
    elif not is_list(kind) or not is_integer(kind.value_type):
        return f"the column {name!r} holds no lists of integers, but {kind}"
    if has_nulls(column):
        return f"values are missing in the column {name!r}"
    if name == LABELS_COLUMN and is_list(kind):
        sizes = np.unique(list_sizes(column))
        if len(sizes) != 1 or sizes[0] == 0:
            return f"the lists in {name!r} are of lengths {', '.join(map(str, sizes[:5]))}, not of one"
    return None


def _column_names(dataset: Dataset) -> list[str]:
    """The columns that an example of the data set has."""
    return dataset.column_names if dataset.format["output_all_columns"] else dataset.format["columns"]


def _narrowed(values: np.ndarray) -> np.ndarray:
    """The integers in four bytes each where they fit, and no wider than they came."""
    if values.dtype.itemsize <= _INT32.dtype.itemsize:
        return values
    fits = len(values) == 0 or (values.min() >= _INT32.min and values.max() <= _INT32.max)
    return values.astype(np.int32) if fits else values


def _batch_dtype(labels: np.dtype) -> torch.dtype:
    """What `torch.tensor` makes of a list of such numbers."""
    if labels.kind == "f":
        return torch.get_default_dtype()
    return torch.bool if labels.kind == "b" else torch.int64
