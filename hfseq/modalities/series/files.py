"""Reads series from one file per series, which a table lists."""

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa

from hfseq.data.sources.cells import to_numbers
from hfseq.data.sources.file_format import FileFormat
from hfseq.data.sources.readers import data_extension, inspect_file
from hfseq.data.sources.tables import table_layout, table_rows
from hfseq.errors import HfseqError
from hfseq.modalities.series.find_times import find_time_columns
from hfseq.modalities.series.row_names import FILE_NAMES
from hfseq.modalities.series.row_numbers import is_unnamed_index
from hfseq.modalities.series.table_roles import TableRoles, left_out_note, time_note
from hfseq.modalities.series.table_values import LARGEST, check_finite, listed
from hfseq.modalities.series.times import read_times


def read_listed(
    table: pa.Table,
    names: list[str],
    file_column: str | None,
    folder: Path,
    roles: TableRoles,
    where: str,
    find_time: bool = True,
    form: FileFormat | None = None,
    missing: Sequence[str] = (),
) -> tuple[list[np.ndarray], list[str], TableRoles]:
    """Reads the files that a table lists.

    Args:
        table (`pyarrow.Table`): the table, one row per file.
        names (`list[str]`): the columns that may hold the paths if `file_column` is not given.
        file_column (`str`, *optional*): the column of paths.
        folder (`Path`): the folder that the paths are relative to.
        roles (`TableRoles`): the time column of the files, and the format of its dates.
        where (`str`): split and data set, for error messages.
        find_time (`bool`, *optional*, defaults to `True`): whether to detect the time column in the first file if it
            is not given.
        form (`FileFormat`, *optional*): format of the files.
        missing (`Sequence[str]`, *optional*): cells that mean a missing value, in addition to empty cells.

    Returns:
        `tuple`: the arrays of shape `(steps, channels)`; the names of the channels, sorted so that their order is the
        same in every split; and the roles of the other columns.

    Raises:
        HfseqError: there is no column of paths, a file is missing, empty or malformed, or the files differ in their
            columns. The message names the row of the table.
    """
    column = file_column or _file_column(table, names, where)
    series: list[np.ndarray] = []
    channels: list[str] = []
    left_out: list[str] = []
    for row, name in enumerate(table.column(column).to_pylist()):
        place = f"{where}, row {row}"
        if not name:
            raise HfseqError(f"{place}: column {column!r} names no file.")
        path = folder / str(name)
        if not path.is_file():
            raise HfseqError(f"{place}: there is no file {str(name)!r} in {folder}.")
        try:
            if find_time and not series and roles.time_column is None:
                roles = _with_time(path, roles, form)
            found, values, index = _read_steps(path, roles.time_column, roles.time_format, form, missing)
        except HfseqError as error:
            raise HfseqError(f"{place}: {error}") from error
        channels, left_out = channels or sorted(found), left_out or index
        if sorted(found) != channels:
            raise HfseqError(
                f"{place}: {path} has the columns {listed(found)}, but the first file {listed(channels)}."
            )
        series.append(values[:, [found.index(channel) for channel in channels]])
    notes = (*roles.notes, left_out_note(left_out)) if left_out else roles.notes
    return series, channels, replace(roles, left_out=tuple(left_out), notes=notes)


def _with_time(path: Path, roles: TableRoles, form: FileFormat | None) -> TableRoles:
    """Adds the column of a file that looks like times to the roles, if there is exactly one."""
    if data_extension(path.name) not in ("csv", "tsv"):
        return roles  # _read_steps raises an error
    inspect_file(path, form=form)
    rows = [cells for _, cells in table_rows(path, form)]
    if not rows:
        return roles
    columns = {name: to_numbers(pa.chunked_array([[cells[name] for cells in rows]], pa.string())) for name in rows[0]}
    times = find_time_columns(pa.table(columns), list(columns), np.zeros(len(rows), int), str(path), strict=False)
    if len(times) != 1 or len(columns) < 2:
        return roles
    order = _order([cells[times[0]] for cells in rows], f"{path}, column {times[0]!r}", roles.time_format)
    note = time_note(times, moved=bool((np.diff(order) < 0).any()))
    return replace(roles, time_column=times[0], notes=(*roles.notes, note))


def _file_column(table: pa.Table, names: list[str], where: str) -> str:
    texts = [name for name in names if pa.types.is_string(table.schema.field(name).type)]
    known = [name for name in texts if name.lower() in FILE_NAMES]
    for candidates in (known, texts):
        if len(candidates) == 1:
            return candidates[0]
    raise HfseqError(
        f"{where}: which column holds the paths of the files? Columns of texts: {listed(texts) or 'none'}. "
        "Name it with file_column."
    )


def _read_steps(
    path: Path, time_column: str | None, time_format: str | None, form: FileFormat | None, missing: Sequence[str]
) -> tuple[list[str], np.ndarray, list[str]]:
    """The names of the channels, the values of shape `(steps, channels)`, and the columns that are left out."""
    if data_extension(path.name) not in ("csv", "tsv"):
        raise HfseqError(f"{path} is not a .csv or .tsv file (or .gz).")
    inspect_file(path, form=form)
    layout = table_layout(path, form)
    if time_column is not None and time_column not in layout.names:
        raise HfseqError(f"{path} has no column {time_column!r} to sort by, only {listed(layout.names)}.")
    names = [name for name in layout.names if name != time_column]
    index = [name for name in names if is_unnamed_index(name)] if len(names) > 1 else []
    names = [name for name in names if name not in index]
    if not names:
        raise HfseqError(f"{path} has no column of values.")
    steps: list[list[float]] = []
    times: list[str | None] = []
    for line, cells in table_rows(path, form, layout):
        if time_column is not None:
            times.append(cells[time_column])
        places = ((cells[name], f"{path}, line {line}, column {name!r}") for name in names)
        steps.append([math.nan if cell in missing else _number(cell, layout.decimal, at) for cell, at in places])
    values = np.array(steps, dtype=np.float64)
    if time_column is not None:
        values = values[_order(times, f"{path}, column {time_column!r}", time_format)]
    return names, values, index


def _order(times: list[str | None], where: str, format: str | None) -> np.ndarray:
    cells = pa.chunked_array([pa.array(times, pa.string())])
    return np.argsort(read_times(cells if format else to_numbers(cells), where, format).numbers, kind="stable")


def _number(cell: str | None, decimal: str, where: str) -> float:
    if cell is None:
        return math.nan
    try:
        value = float(cell.replace(",", ".") if decimal == "," else cell)
    except ValueError as error:
        raise HfseqError(
            f"{where}: {cell[:40]!r} is not a number (if the value is missing, leave the cell empty, or set "
            "--missing_values)."
        ) from error
    if abs(value) > LARGEST:
        check_finite(np.array([value]), lambda _: where)
    return value


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
