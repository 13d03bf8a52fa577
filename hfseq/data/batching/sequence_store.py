"""Store of encoded examples as flat arrays, from which padded batches are created in a few array operations."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from datasets import Dataset
from transformers import BatchEncoding

from hfseq.data.batching.arrow_columns import read_lists, read_values
from hfseq.data.batching.encoded_splits import LENGTH_COLUMN
from hfseq.data.batching.padding import LABEL_FILL, PaddingRules
from hfseq.data.batching.store_obstacles import LABELS_COLUMN, column_names, find_obstacle, is_fixed
from hfseq.errors import HfseqError

__all__ = ["SequenceStore", "Targets", "find_obstacle"]

_INT32 = np.iinfo(np.int32)


@dataclass(frozen=True)
class Targets:
    """Labels that are sequences: one tag per token, or target tokens.

    Attributes:
        values (`numpy.ndarray` of shape `(items,)`): class ids or token ids of all rows.
        offsets (`numpy.ndarray` of shape `(rows + 1,)`): start and end of each row in `values`.
        aligned (`bool`): whether each label belongs to one step of the inputs and is padded like the inputs.
            Otherwise, the padding is on the right.
    """

    values: np.ndarray
    offsets: np.ndarray
    aligned: bool


class SequenceStore(torch.utils.data.Dataset):
    """An encoded data set that returns padded batches, equal to those of [`SequenceCollator`] for the same rows.

    All sequences of a column are concatenated in one array, so that a batch needs only a few array operations and no
    loop over rows. A `DataLoader` requests whole batches from a data set with `__getitems__`. Its `collate_fn` must
    return them unchanged.

    Args:
        sequences (`dict[str, numpy.ndarray]`): concatenated steps of each sequence column: integers of shape
            `(steps,)` or floats of shape `(steps, features)`.
        offsets (`numpy.ndarray`): start and end of each row in `sequences`, of shape `(rows + 1,)`.
        padding (`PaddingRules`): padding rules of the batches.
        labels (`numpy.ndarray` or `Targets`, *optional*): labels of shape `(rows,)` or `(rows, ...)`, or sequences.
        lengths (`numpy.ndarray`, *optional*, defaults to the numbers of steps): the `length` column.
        fixed (`dict[str, numpy.ndarray]`, *optional*): columns with the same shape in all rows, such as images, of
            shape `(rows, ...)`.
    """

    def __init__(
        self,
        sequences: dict[str, np.ndarray],
        offsets: np.ndarray,
        padding: PaddingRules,
        labels: "np.ndarray | Targets | None" = None,
        lengths: np.ndarray | None = None,
        fixed: dict[str, np.ndarray] | None = None,
    ):
        self.padding = padding
        self._sequences = {name: _narrowed(values) for name, values in sequences.items()}
        self._starts = offsets[:-1]
        self._sizes = np.diff(offsets)
        self._fill = {name: self._sequences[name].dtype.type(padding.fill_of(name)) for name in self._sequences}
        self._targets = labels if isinstance(labels, Targets) else None
        self._target_starts = self._target_sizes = np.zeros(0, dtype=np.int64)
        if isinstance(labels, Targets):
            self._target_starts, self._target_sizes = labels.offsets[:-1], np.diff(labels.offsets)
        self._labels = None if isinstance(labels, Targets) else labels
        self._lengths = lengths
        self._fixed = {name: _narrowed(values) for name, values in (fixed or {}).items()}

    @classmethod
    def from_dataset(
        cls,
        dataset: Dataset,
        processing_class: Any,
        pad_to_multiple_of: int | None = None,
        label_padding: str | None = None,
    ) -> "SequenceStore":
        """Reads an encoded data set from its Arrow table.

        Args:
            dataset (`datasets.Dataset`): columns of lists that the processor pads or that have the same shape in all
                rows, and optionally `labels` and `length`.
            processing_class: the processor. Later changes of its padding settings have no effect.
            pad_to_multiple_of (`int`, *optional*): rounds the padded length up to a multiple, for tensor cores.
            label_padding (`str`, *optional*): as in [`SequenceCollator`].

        Raises:
            HfseqError: [`find_obstacle`] returns a reason.
        """
        obstacle = find_obstacle(dataset, processing_class, label_padding)
        if obstacle is not None:
            raise HfseqError(
                f"these examples cannot be put into a SequenceStore, because {obstacle}; use a SequenceCollator"
            )
        padding = PaddingRules.from_processor(processing_class, pad_to_multiple_of)
        padded = {name for name, _ in padding.fill}
        sequences, fixed = {}, {}
        offsets = np.zeros(len(dataset) + 1, dtype=np.int64)
        extra: dict[str, Any] = {LABELS_COLUMN: None, LENGTH_COLUMN: None}
        for name in column_names(dataset):
            kind = dataset.data.column(name).type
            if name == LABELS_COLUMN and label_padding is not None:
                extra[name] = read_lists(dataset, name)
            elif name in extra:
                extra[name] = read_values(dataset, name)
            elif is_fixed(kind) and name not in padded:
                fixed[name] = read_values(dataset, name)
            else:
                sequences[name], offsets = read_lists(dataset, name)
        labels = extra[LABELS_COLUMN]
        if isinstance(labels, tuple):
            values, bounds = labels
            labels = Targets(values, bounds, aligned=label_padding == "inputs")
        return cls(sequences, offsets, padding, labels, extra[LENGTH_COLUMN], fixed)

    @property
    def lengths(self) -> np.ndarray:
        """Length of each example, `(rows,)`: the `length` column if there is one, else the number of steps."""
        return self._sizes if self._lengths is None else self._lengths

    def __len__(self) -> int:
        return len(self._sizes)

    def __getitem__(self, index: int) -> dict[str, Any]:
        """One example without padding, as in the data set."""
        start, size = self._starts[index], self._sizes[index]
        example = {name: values[start : start + size].tolist() for name, values in self._sequences.items()}
        example |= {name: values[index].tolist() for name, values in self._fixed.items()}
        for name, column in ((LABELS_COLUMN, self._labels), (LENGTH_COLUMN, self._lengths)):
            if column is not None:
                example[name] = column[index].tolist()
        if self._targets is not None:
            start, size = self._target_starts[index], self._target_sizes[index]
            example[LABELS_COLUMN] = self._targets.values[start : start + size].tolist()
        return example

    def __getitems__(self, indices: Sequence[int]) -> BatchEncoding:
        """Creates the padded batch of the given rows.

        Args:
            indices (`Sequence[int]`): indices of the rows, at least one, in the order of the batch.

        Returns:
            `BatchEncoding`: `torch.int64` tensors of shape `(batch, length)`, `torch.float32` tensors of shape
            `(batch, length, features)`, and `labels` as in [`SequenceCollator`].
        """
        rows = np.asarray(indices)
        batch: dict[str, torch.Tensor] = {}
        if self._sequences:
            positions, real = _positions(self._starts[rows], self._sizes[rows], self.padding)
            for name, values in self._sequences.items():
                batch[name] = _taken(values, positions, real, self._fill[name])
            if self.padding.attention_mask and "attention_mask" not in batch:
                batch["attention_mask"] = torch.from_numpy(real.astype(np.int64))
            if self._targets is not None and self._targets.aligned:
                batch[LABELS_COLUMN] = _taken(self._targets.values, positions, real, np.int64(LABEL_FILL))
        for name, values in self._fixed.items():
            batch[name] = torch.from_numpy(values[rows])
        if self._targets is not None and not self._targets.aligned:
            positions, real = _positions(self._target_starts[rows], self._target_sizes[rows], None)
            batch[LABELS_COLUMN] = _taken(self._targets.values, positions, real, np.int64(LABEL_FILL))
        if self._labels is not None:
            batch[LABELS_COLUMN] = torch.from_numpy(self._labels[rows]).to(_batch_dtype(self._labels.dtype))
        return BatchEncoding(batch)


def _positions(starts: np.ndarray, sizes: np.ndarray, padding: PaddingRules | None) -> tuple[np.ndarray, np.ndarray]:
    """Index of each element of a padded batch in the flat array, `(batch, length)`, and whether it is not padding."""
    starts, sizes = starts[:, None], sizes[:, None]  # (batch, 1)
    longest = int(sizes.max())
    steps = np.arange(longest if padding is None else padding.width(longest))  # (length,)
    if padding is not None and padding.left:
        steps = steps + (sizes - len(steps))  # (batch, length)
        real = steps >= 0
    else:
        real = steps < sizes  # (batch, length)
    # Positions of padding point to steps of other rows. These values are replaced by the padding value later.
    return starts + steps, real


def _taken(values: np.ndarray, positions: np.ndarray, real: np.ndarray, fill: Any) -> torch.Tensor:
    if len(values) == 0:  # no row has a step
        empty = np.full((*real.shape, *values.shape[1:]), fill)
        return torch.from_numpy(empty if values.ndim > 1 else empty.astype(np.int64))
    found = values.take(positions, axis=0, mode="clip")  # (batch, length) or (batch, length, features)
    if values.ndim == 1:
        return torch.from_numpy(np.where(real, found, np.int64(fill)))
    found[~real] = fill
    return torch.from_numpy(found)


def _narrowed(values: np.ndarray) -> np.ndarray:
    """Converts floats to float32, and integers to int32 if they fit."""
    if values.dtype.kind == "f":
        return values.astype(np.float32, copy=False)
    if values.dtype.itemsize <= _INT32.dtype.itemsize:
        return values
    fits = len(values) == 0 or (values.min() >= _INT32.min and values.max() <= _INT32.max)
    return values.astype(np.int32) if fits else values


def _batch_dtype(labels: np.dtype) -> torch.dtype:
    """The dtype that `torch.tensor` uses for a list of such labels."""
    if labels.kind == "f":
        return torch.get_default_dtype()
    return torch.bool if labels.kind == "b" else torch.int64
