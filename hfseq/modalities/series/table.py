"""Series from a table, in one of four layouts: see [`series_from_table`]."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
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
from hfseq.modalities.series.known_columns import in_known_order
from hfseq.modalities.series.list_columns import series_from_lists
from hfseq.modalities.series.long_table import group_steps
from hfseq.modalities.series.row_names import check_named_once
from hfseq.modalities.series.row_numbers import is_unnamed_index
from hfseq.modalities.series.step_roles import find_step_roles, split_names, times_of
from hfseq.modalities.series.table_roles import ROLES, TableRoles, left_out_note, roles_feature
from hfseq.modalities.series.table_values import innermost
from hfseq.modalities.series.wide_table import find_wide_roles, series_from_wide


@dataclass(frozen=True, kw_only=True)
class TableSettings:
    """Layout of a table of series, from the settings and from a saved model.

    Attributes:
        label_column (`str`, *optional*): the label. Without it, the result has no column `label`.
        channels (`int`, *optional*): the number of channels. In a wide table, and in a column of lists of numbers, so
            many numbers belong to one step (1 by default). Elsewhere it is only checked.
        id_column (`str`, *optional*): the column that tells series apart in a table with one row per step.
        time_column (`str`, *optional*): the column that the rows of a series are sorted by: numbers, dates, or texts
            of dates. Several columns are separated by commas. In a table with one row per step, it is found by
            default; without a column of times, the rows keep their order.
        time_format (`str`, *optional*): format of the dates in that column, such as `%d.%m.%Y`.
        file_column (`str`, *optional*): the column of paths, by default the only column of texts beside the label.
        folder (`Path`, *optional*): the folder that these paths are relative to.
        ignore_columns (`Sequence[str]`, *optional*): columns that are not part of a series.
        name_columns (`Sequence[str]`, *optional*): columns of the names of rows, which are not part of a series. In a
            wide table, each name must occur once, except in ignored columns.
        known_columns (`Sequence[str]`, *optional*): the channels or steps that a model was trained on. The columns of
            the table are sorted into their order. A column of lists has no such names.
        known_roles (`TableRoles`, *optional*): the roles of the other columns of the training.
        form (`FileFormat`, *optional*): format of the files of series.
        missing_values (`Sequence[str]`, *optional*): cells of these files that mean a missing value.
    """

    label_column: str | None = None
    channels: int | None = None
    id_column: str | None = None
    time_column: str | None = None
    time_format: str | None = None
    file_column: str | None = None
    folder: Path | None = None
    ignore_columns: Sequence[str] = ()
    name_columns: Sequence[str] = ()
    known_columns: Sequence[str] | None = None
    known_roles: TableRoles | None = None
    form: FileFormat | None = None
    missing_values: Sequence[str] = ()


@dataclass(frozen=True)
class _Found:
    """The series of a table: their arrays `(steps, channels)`, and the columns that they were read from.

    `rows` holds the first row of each series if a series has several rows.
    """

    series: list[np.ndarray]
    names: list[str] | None
    roles: TableRoles
    rows: list[int] | None = None


def series_from_table(dataset: Dataset, settings: TableSettings, where: str) -> Dataset:
    """Turns a table into the columns `series`, `label`, and `series_id` where rows or series have names.

    The settings and the columns decide which layout the table has:

    - files: `folder` is given. A column holds paths of csv or tsv files in it: one file per series, with a header and
      one row per step.
    - long: `id_column` or `time_column` is given. A row is a step, and all rows of one id are a series. Without
      `id_column`, the whole table is one series.
    - lists: one column holds lists of steps, or lists of numbers. Or several columns hold lists of numbers, one column
      per channel.
    - wide: otherwise. A row is a series, and every column is a step, or one channel of a step.

    Args:
        dataset (`datasets.Dataset`): the table.
        settings (`TableSettings`): its columns.
        where (`str`): split and data set, for messages. Rows are counted from 0.

    Returns:
        `datasets.Dataset`: `series`, with `None` for a missing value, and `label` as in the table. Features keep the
        columns that the series were read from (see [`columns_of`]) and the roles of the others (see [`roles_of`]).

    Raises:
        HfseqError: a column is missing or holds no numbers, a series has no steps, series differ in their channels,
            labels differ within a series, or a file is missing or malformed. The message names the row. Or the columns
            are not those that a model was trained on.
    """
    used = _used_columns(dataset, settings)
    _check_settings(dataset, settings, used, where)
    table = dataset.with_format("arrow")[:]
    others = [name for name in table.column_names if name not in (*used, *settings.name_columns)]
    check_readable(dataset, others if settings.folder is None else [settings.file_column])
    if settings.folder is not None:
        found = _from_files(table, others, settings.folder, settings, where)
    elif settings.id_column is not None or settings.time_column is not None:
        found = _from_steps(table, others, settings, where)
    elif any(is_list(innermost(table.schema.field(name).type, 0)) for name in others):
        found = _from_lists(table, others, settings, where)
    else:
        found = _from_wide(table, others, settings, where)
    channels = found.series[0].shape[1]
    if settings.channels not in (None, channels):
        raise HfseqError(f"{where}: the series have {channels} channels, but {settings.channels} were asked for.")
    return _with_columns(found, dataset, settings)


def _used_columns(dataset: Dataset, settings: TableSettings) -> list[str]:
    """The columns that the settings name for something else than values."""
    times = split_names(settings.time_column, dataset.column_names) if settings.folder is None else []
    named = (settings.label_column, settings.id_column, settings.file_column, *times, *settings.ignore_columns)
    return [name for name in named if name is not None]


def _check_settings(dataset: Dataset, settings: TableSettings, used: list[str], where: str) -> None:
    for name in used:
        if name not in dataset.column_names:
            raise HfseqError(f"{where}: there is no column {name!r}, {nearest(name, dataset.column_names)}")
        if used.count(name) > 1:
            raise HfseqError(f"{where}: column {name!r} cannot have two roles.")
    if settings.channels is not None and settings.channels < 1:
        raise HfseqError(f"{where}: channels is {settings.channels}, expected 1 or more.")
    if not len(dataset):
        raise HfseqError(f"{where} has no rows.")
    if settings.folder is not None and settings.id_column is not None:
        raise HfseqError(f"{where}: set folder or id_column, but not both: a file is one series.")


def _from_files(table: pa.Table, others: list[str], folder: Path, settings: TableSettings, where: str) -> _Found:
    roles = TableRoles(None, settings.time_column, settings.time_format)
    if settings.time_column is None and settings.known_roles is not None:
        roles = replace(settings.known_roles, left_out=())
    series, names, roles = read_listed(
        table, others, settings.file_column, folder, roles, where,
        find_time=settings.known_columns is None, form=settings.form, missing=settings.missing_values,
    )  # fmt: skip
    in_known_order(names, settings.known_columns, where)
    return _Found(series, names, roles)


def _from_steps(table: pa.Table, others: list[str], settings: TableSettings, where: str) -> _Found:
    taken = (settings.label_column, *settings.name_columns, *settings.ignore_columns, *(settings.known_columns or ()))
    given = TableRoles(settings.id_column, settings.time_column, settings.time_format)
    roles = find_step_roles(table, others, given, where, taken, settings.known_roles)
    names = [name for name in others if name not in roles.no_values]
    names = in_known_order(names, settings.known_columns, where)
    times = times_of(table, roles, where)
    series, steps = group_steps(table, names, settings.id_column, times, settings.label_column, where)
    return _Found(series, names, roles, [int(rows.min()) for rows in steps])


def _from_lists(table: pa.Table, others: list[str], settings: TableSettings, where: str) -> _Found:
    index = [name for name in others if is_unnamed_index(name)]
    columns = [name for name in others if name not in index]
    roles = TableRoles(left_out=tuple(index), notes=(left_out_note(index),) if index else ())
    names = in_known_order(columns, settings.known_columns, where) if len(columns) > 1 else None
    return _Found(series_from_lists(table, names or columns, settings.channels, where), names, roles)


def _from_wide(table: pa.Table, others: list[str], settings: TableSettings, where: str) -> _Found:
    # The columns of a trained model already say that a row is a series.
    if settings.known_columns is None:
        for name in settings.name_columns:
            if name not in settings.ignore_columns:
                check_named_once(table, name, where)
    roles = find_wide_roles(table, others, settings.known_columns, settings.known_roles, where)
    names = [name for name in others if name not in roles.left_out]
    names = in_known_order(names, settings.known_columns, where)
    return _Found(series_from_wide(table, names, settings.channels or 1, where), names, roles)


def _with_columns(found: _Found, dataset: Dataset, settings: TableSettings) -> Dataset:
    """The series with their labels and names, and with the columns that they were read from."""
    rows = dataset if found.rows is None else dataset.select(found.rows)
    names = (settings.id_column, *settings.name_columns, settings.file_column)
    kept = {"label": settings.label_column, ROW_NAME: next((name for name in names if name is not None), None)}
    sources = {column: source for column, source in kept.items() if source is not None}
    columns: dict[str, list[Any]] = {column: rows[source][:] for column, source in sources.items()}
    features: dict[str, Any] = {column: rows.features[source] for column, source in sources.items()}
    if found.names is not None:
        columns[COLUMNS], features[COLUMNS] = [0] * len(found.series), columns_feature(found.names)
        columns[ROLES], features[ROLES] = [0] * len(found.series), roles_feature(found.roles)
    return series_dataset(found.series, columns, features)
