"""Columns of names: of rows, series or files."""

from collections.abc import Collection, Mapping
from typing import Any

import pandas as pd
import pyarrow as pa
from datasets import Dataset

from hfseq.data.batching.arrow_columns import is_integer
from hfseq.data.sources.cells import convert_numbers, holds_whole_numbers
from hfseq.errors import HfseqError

ID_NAMES = ("id", "unique_id", "series_id", "item_id", "series", "name")
TIME_NAMES = (
    "date", "datetime", "timestamp", "time", "ds", "step", "index", "t", "year", "open_time", "time_step", "timestep",
)  # fmt: skip
FILE_NAMES = ("file", "filename", "file_name", "path", "filepath", "file_path")


def find_row_names(dataset: Dataset, taken: Collection[str | None] = ()) -> list[str]:
    """Finds the columns that name the rows of a table: texts or whole numbers under a usual name of ids.

    Args:
        dataset (`datasets.Dataset`): the table.
        taken (`Collection[str]`, *optional*): columns that are known to have another role.
    """
    usual = [name for name in dataset.column_names if name.lower() in ID_NAMES and name not in taken]
    if not usual:
        return []
    # Only read these columns: a table may have many.
    dataset = dataset.select_columns(usual)
    table = convert_numbers(dataset).with_format("arrow")[:]
    found = []
    for name in usual:
        column = table.column(name)
        is_name = is_integer(column.type) or pa.types.is_string(column.type) or holds_whole_numbers(dataset, name)
        if is_name:
            found.append(name)
    return found


def shown_name(row: Mapping[str, Any], taken: Collection[str | None] = ()) -> str | int | None:
    """The name of a row: the cell of the first column with a usual name of ids or files. `None` without one.

    Args:
        row (`dict[str, Any]`): the cells by column.
        taken (`Collection[str]`, *optional*): columns that are known to have another role.
    """
    by_name = {name.lower(): value for name, value in row.items() if name not in taken}
    for name in (*ID_NAMES, *FILE_NAMES):
        value = by_name.get(name)
        if value is not None and not isinstance(value, (list, dict)):
            return value if isinstance(value, (str, int)) else str(value)
    return None


def check_named_once(table: pa.Table, column: str, where: str) -> None:
    """Checks that the rows of a table with one row per series have different names.

    Args:
        table (`pyarrow.Table`): the table.
        column (`str`): the column of names.
        where (`str`): split and data set, for the error message.

    Raises:
        HfseqError: a name is repeated, as in a table with one row per step.
    """
    seen: dict[object, int] = {}
    for row, name in enumerate(table.column(column).to_pylist()):
        if name is not None and seen.setdefault(name, row) != row:
            time = next((other for other in table.column_names if other.lower() in TIME_NAMES), None)
            ordered = "" if time is None else f" --time_column {time}"
            raise HfseqError(
                f"{where}: {name!r} is in column {column!r} in row {seen[name]} and again in row {row}. If each row "
                f"is a step of that series, set --id_column {column}{ordered}. If each row is a whole series, set "
                f"--ignore_columns {column}"
            )


def check_rows_are_series(table: pa.Table, names: list[str], where: str) -> None:
    """Checks that a table has one row per series, and not one row per step, if no setting says it.

    Raises:
        HfseqError: each value of one column occurs with the same times of a column with a usual name of times.
    """
    for time in (name for name in names if name.lower() in TIME_NAMES):
        for name in names:
            column = table.column(name)
            if name == time or not (is_integer(column.type) or pa.types.is_string(column.type)) or column.null_count:
                continue
            rows = pd.DataFrame({"id": column.to_pylist(), "time": table.column(time).to_pylist()})
            if 1 < rows["id"].nunique() <= len(rows) / 3 and _have_same_times(rows):
                raise HfseqError(
                    f"{where}: each value of the column {name!r} occurs with the same times in the column {time!r}, "
                    f"as in a table with one row per step. If so, set --id_column {name} --time_column {time}. If "
                    f"each row is a whole series, set --ignore_columns {time}"
                )


def _have_same_times(rows: pd.DataFrame) -> bool:
    """Whether the times of each id are the first times of the longest series."""
    times = [sorted(some) for _, some in rows.groupby("id", sort=False)["time"]]
    longest = max(times, key=len)
    return len(set(longest)) == len(longest) and all(some == longest[: len(some)] for some in times)
