"""Series in columns of lists, with one row per series."""

from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa

from hfseq.data.batching.arrow_columns import is_list
from hfseq.errors import HfseqError
from hfseq.modalities.series.table_values import check_finite, innermost, listed


def series_from_lists(table: pa.Table, names: list[str], channels: int | None, where: str) -> list[np.ndarray]:
    """Reads one column of lists of steps or of numbers, or several columns of lists of numbers.

    Args:
        table (`pyarrow.Table`): the table.
        names (`list[str]`): the columns of lists. If there are several, each is one channel.
        channels (`int`, *optional*, defaults to 1): how many numbers of a single list of numbers belong to one step.
        where (`str`): split and data set, for messages.

    Returns:
        `list[np.ndarray]`: arrays of shape `(steps, channels)`.

    Raises:
        HfseqError: a column holds anything else, a series has no steps, or the series differ in their channels.
    """
    types = {name: table.schema.field(name).type for name in names}
    for name, kind in types.items():
        innermost(kind, 2, f"{where}: column {name!r}")
    nested = [name for name in names if is_list(innermost(types[name], 1))]
    if nested and len(names) > 1:
        raise HfseqError(
            f"{where}: columns {listed(names)} could all be the series. Name those that are not part of it in "
            "ignore_columns."
        )
    columns = [table.column(name).to_pylist() for name in names]
    series: list[np.ndarray] = []
    for row, values in enumerate(zip(*columns, strict=True)):
        place = f"{where}, row {row}"
        if not all(values):
            raise HfseqError(f"{place}: the series has no steps. Drop the row.")
        one = _steps(values[0], place) if nested else _interleaved(values, names, channels or 1, place)
        check_finite(one.reshape(-1), partial("{}, value {}".format, place))
        if series and one.shape[1] != series[0].shape[1]:
            raise HfseqError(f"{place}: {one.shape[1]} channels, but the first row has {series[0].shape[1]}.")
        series.append(one)
    return series


def _steps(steps: list[Any], where: str) -> np.ndarray:
    for number, step in enumerate(steps):
        if not step:
            raise HfseqError(f"{where}: step {number} is missing or empty.")
        if len(step) != len(steps[0]):
            raise HfseqError(f"{where}: step {number} has {len(step)} channels, but step 0 has {len(steps[0])}.")
    return np.array(steps, dtype=np.float64)  # (steps, channels)


def _interleaved(lists: tuple[list[Any], ...], names: list[str], channels: int, where: str) -> np.ndarray:
    """The steps in one list of numbers, or in one list per channel."""
    if len(lists) == 1:
        if len(lists[0]) % channels:
            raise HfseqError(f"{where}: {len(lists[0])} numbers do not make steps of {channels} channels.")
        return np.array(lists[0], dtype=np.float64).reshape(-1, channels)
    lengths = [len(one) for one in lists]
    if len(set(lengths)) > 1:
        raise HfseqError(f"{where}: columns {listed(names)} hold lists of different lengths ({listed(lengths)}).")
    return np.array(lists, dtype=np.float64).T
