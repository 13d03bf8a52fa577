"""Numeric series out of a table, in any of the four ways that they are kept in one."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from datasets import Dataset

from hfseq.data.batching.arrow_columns import is_list
from hfseq.data.sources.cells import check_readable
from hfseq.data.sources.file_format import FileFormat
from hfseq.data.sources.series_rows import COLUMNS, ROW_NAME, columns_feature, series_dataset
from hfseq.errors import HfseqError, nearest
from hfseq.modalities.series.files import read_listed
from hfseq.modalities.series.long_table import group_steps
from hfseq.modalities.series.row_names import check_named_once, check_rows_are_series
from hfseq.modalities.series.row_numbers import find_row_numbers, is_unnamed_index
from hfseq.modalities.series.step_roles import find_step_roles, split_names, times_of
from hfseq.modalities.series.table_roles import ROLES, TableRoles, left_out_note, roles_feature
from hfseq.modalities.series.table_values import check_finite, innermost, listed, number_matrix


def series_from_table(
    dataset: Dataset,
    *,
    label_column: str | None = None,
    channels: int | None = None,
    id_column: str | None = None,
    time_column: str | None = None,
    time_format: str | None = None,
    file_column: str | None = None,
    folder: Path | None = None,
    ignore_columns: Sequence[str] = (),
    name_columns: Sequence[str] = (),
    known_columns: Sequence[str] | None = None,
    known_roles: TableRoles | None = None,
    form: FileFormat | None = None,
    missing_values: Sequence[str] = (),
    where: str,
) -> Dataset:
    """Turns a table into the columns `series` and `label`, and notes from which of its columns: see [`columns_of`].

    Where the rows or the series have names, these become the column `series_id`.

    The arguments and the columns say which way the series are kept:

    - files: `folder` is given, and a column holds the path of each series' own csv or tsv file in it, with a header
      and one row a step.
    - long: `id_column` is given; one row a step, and the rows of one id are a series. With `time_column` alone, the
      whole table is one series.
    - lists: one column holds lists of steps, each a list of channels, or lists of plain numbers; or several hold lists
      of plain numbers, one column a channel.
    - wide: otherwise; one row a series, and every other column is a step, or with `channels` the value of a channel,
      all channels of the first step coming first. Steps that are missing at the end of a row are no part of it.

    Args:
        dataset (`datasets.Dataset`): the table.
        label_column (`str`, *optional*): what is predicted; without it the result has no `label`.
        channels (`int`, *optional*): the number of channels. Where numbers stand in one row or list, that many belong
            to one step (by default 1); elsewhere it is checked.
        id_column (`str`, *optional*): which series a row belongs to.
        time_column (`str`, *optional*): what the rows of one series are sorted by: numbers, dates, or texts of dates;
            several columns are separated by commas. In a table with one row per step it is found by default. Where
            nothing looks like a time, the rows keep their order.
        time_format (`str`, *optional*): how the dates of that column are written, such as `%d.%m.%Y`.
        file_column (`str`, *optional*): the paths; by default the one column of texts beside the label.
        folder (`Path`, *optional*): the folder that the paths are relative to.
        ignore_columns (`Sequence[str]`, *optional*): columns that are no part of a series.
        name_columns (`Sequence[str]`, *optional*): columns that name the rows, and are no part of a series either. In
            a table with one series a row, each name stands once; those that are ignored need not.
        known_columns (`Sequence[str]`, *optional*): the columns that a model was trained on, in their order; those of
            the table are brought into it, whether they are channels or steps. A column of lists has no such names.
        known_roles (`TableRoles`, *optional*): what the other columns were for there.
        form (`FileFormat`, *optional*): how the files of the series are written.
        missing_values (`Sequence[str]`, *optional*): what stands in their cells where a value is missing.
        where (`str`): split and data set, for messages; rows are counted from 0.

    Returns:
        `datasets.Dataset`: `series`, with `None` for a missing value, and `label` as it stood in the table; and the
        roles of the other columns, in a feature: see [`roles_of`].

    Raises:
        HfseqError: a column is not there or holds no numbers, a series has no steps, series differ in their channels,
            a label changes within a series, or a file is missing or malformed; with the row. Or the columns are not
            those that a model was trained on.
    """
    times = split_names(time_column, dataset.column_names) if folder is None else []
    given = (label_column, id_column, file_column, *times, *ignore_columns)
    _check_columns(dataset, [name for name in given if name is not None], where)
    if channels is not None and channels < 1:
        raise HfseqError(f"{where}: channels is {channels}, expected 1 or more.")
    if not len(dataset):
        raise HfseqError(f"{where} has no rows.")
    table = dataset.with_format("arrow")[:]
    others = [name for name in table.column_names if name not in (*given, *name_columns)]
    check_readable(dataset, others if folder is None else [file_column])
    taken = (label_column, file_column, *name_columns, *ignore_columns, *(known_columns or ()))
    roles = TableRoles(id_column, time_column, time_format)
    rows, names = None, None
    if folder is not None:
        if id_column is not None:
            raise HfseqError(f"{where}: give folder or id_column, not both: a file is one series already.")
        if time_column is None and known_roles is not None:
            roles = replace(known_roles, left_out=())
        find_time = known_columns is None
        series, names, roles = read_listed(
            table, others, file_column, folder, roles, where, find_time, form, missing_values
        )
        _in_known_order(names, known_columns, where)
    elif id_column is not None or time_column is not None:
        roles = find_step_roles(table, others, roles, where, taken, known_roles)
        names = _in_known_order([name for name in others if name not in roles.no_values], known_columns, where)
        series, steps = group_steps(table, names, id_column, times_of(table, roles, where), label_column, where)
        rows = [int(some.min()) for some in steps]
    elif any(is_list(innermost(table.schema.field(name).type, 0)) for name in others):
        index = [name for name in others if is_unnamed_index(name)]
        others = [name for name in others if name not in index]
        roles = replace(roles, left_out=tuple(index), notes=(left_out_note(index),) if index else ())
        if len(others) > 1:
            names = _in_known_order(others, known_columns, where)
        series = _from_lists(table, names or others, channels, where)
    else:
        # What a model was trained on tells as well that a row is a series.
        for name in name_columns if known_columns is None else ():
            if name not in ignore_columns:
                check_named_once(table, name, where)
        roles = _wide_roles(table, others, name_columns, known_columns, known_roles, where)
        names = _in_known_order([name for name in others if name not in roles.left_out], known_columns, where)
        series = _from_wide(table, names, channels or 1, where)
    if channels is not None and series[0].shape[1] != channels:
        raise HfseqError(f"{where}: the series have {series[0].shape[1]} channels, but {channels} were asked for.")
    row_name = next((name for name in (id_column, *name_columns, file_column) if name is not None), None)
    kept = {"label": label_column, ROW_NAME: row_name}
    return _with_columns(series, dataset if rows is None else dataset.select(rows), kept, names, roles)


def _wide_roles(
    table: pa.Table,
    names: list[str],
    name_columns: Sequence[str],
    known_columns: Sequence[str] | None,
    known_roles: TableRoles | None,
    where: str,
) -> TableRoles:
    """Which columns only number the rows of a table with one series per row."""
    if known_columns is not None:
        usual = known_roles.left_out if known_roles else ()
        left_out = [name for name in names if name in usual or is_unnamed_index(name)]
        return TableRoles(left_out=tuple(name for name in left_out if name not in known_columns))
    check_rows_are_series(table, names, where)
    found = find_row_numbers(table, names)
    return TableRoles(left_out=tuple(found), notes=(left_out_note(found),) if found else ())


def _with_columns(
    series: list[np.ndarray], table: Dataset, kept: dict[str, str | None], names: list[str] | None, roles: TableRoles
) -> Dataset:
    """The series with what of the table is kept of each: the new name of a column, and the old one, if any."""
    sources = {column: source for column, source in kept.items() if source is not None}
    columns: dict[str, list[Any]] = {column: table[source][:] for column, source in sources.items()}
    features: dict[str, Any] = {column: table.features[source] for column, source in sources.items()}
    if names is not None:
        columns[COLUMNS], features[COLUMNS] = [0] * len(series), columns_feature(names)
        columns[ROLES], features[ROLES] = [0] * len(series), roles_feature(roles)
    return series_dataset(series, columns, features)


def _in_known_order(names: list[str], known: Sequence[str] | None, where: str) -> list[str]:
    """The columns of the values, those that a model knows in its order.

    Raises:
        HfseqError: one that it knows is not there, or there are others.
    """
    if known is None:
        return names
    missing = [name for name in known if name not in names]
    unknown = [name for name in names if name not in known]
    if missing or unknown:
        parts = []
        if missing:
            parts.append(
                f"there is no column {_first_of(missing)} (add it, with empty cells where values are missing)"
            )
        if unknown:
            parts.append(f"it knows no column {_first_of(unknown)} (--ignore_columns {' '.join(unknown[:5])})")
        raise HfseqError(f"{where} has other columns than the model was trained on; {', and '.join(parts)}.")
    return list(known)


def _first_of(names: list[str]) -> str:
    return repr(names[0]) if len(names) == 1 else f"{names[0]!r} and {len(names) - 1} more"


def _check_columns(dataset: Dataset, names: list[str], where: str) -> None:
    for name in names:
        if name not in dataset.column_names:
            raise HfseqError(f"{where}: there is no column {name!r}, {nearest(name, dataset.column_names)}")
        if names.count(name) > 1:
            raise HfseqError(f"{where}: column {name!r} cannot have two roles.")


def _from_wide(table: pa.Table, names: list[str], channels: int, where: str) -> list[np.ndarray]:
    values = number_matrix(table, names, where)  # (rows, columns)
    if len(names) % channels:
        raise HfseqError(
            f"{where}: {len(names)} columns ({listed(names)}) do not make steps of {channels} channels. Name the "
            "columns that are no part of the series in ignore_columns."
        )
    steps = values.reshape(len(values), -1, channels)  # (rows, steps, channels)
    present = ~np.isnan(steps).all(axis=2)
    lengths = np.where(present.any(axis=1), present.shape[1] - present[:, ::-1].argmax(axis=1), 0)
    if not lengths.all():
        raise HfseqError(f"{where}, row {int(lengths.argmin())}: every value is missing. Drop the row.")
    return [row[:length] for row, length in zip(steps, lengths, strict=True)]


def _from_lists(table: pa.Table, names: list[str], channels: int | None, where: str) -> list[np.ndarray]:
    types = {name: table.schema.field(name).type for name in names}
    for name, kind in types.items():
        innermost(kind, 2, f"{where}: column {name!r}")
    nested = [name for name in names if is_list(innermost(types[name], 1))]
    if nested and len(names) > 1:
        raise HfseqError(
            f"{where}: columns {listed(names)} could all be the series. Name those that are no part of it in "
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
    """The steps of one list of numbers, or of one list a channel."""
    if len(lists) == 1:
        if len(lists[0]) % channels:
            raise HfseqError(f"{where}: {len(lists[0])} numbers do not make steps of {channels} channels.")
        return np.array(lists[0], dtype=np.float64).reshape(-1, channels)
    lengths = [len(one) for one in lists]
    if len(set(lengths)) > 1:
        raise HfseqError(f"{where}: columns {listed(names)} hold lists of different lengths ({listed(lengths)}).")
    return np.array(lists, dtype=np.float64).T
