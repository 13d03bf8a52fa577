"""Columns of a table that say which series, or which row, the others belong to."""

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
    """The columns that name a table's rows: texts or whole numbers under a usual name of ids.

    Args:
        dataset (`datasets.Dataset`): the table.
        taken (`Collection[str]`, *optional*): columns that are known to be something else.
    """
    usual = [name for name in dataset.column_names if name.lower() in ID_NAMES and name not in taken]
    if not usual:
        return []
    # Of a wide table, only these few columns are read.
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
    """The name of a row: what stands under the first usual name of ids or files; `None` where nothing does.

    Args:
        row (`dict[str, Any]`): its cells, by column.
        taken (`Collection[str]`, *optional*): columns that are known to be something else.
    """
    by_name = {name.lower(): value for name, value in row.items() if name not in taken}
    for name in (*ID_NAMES, *FILE_NAMES):
        value = by_name.get(name)
        if value is not None and not isinstance(value, (list, dict)):
            return value if isinstance(value, (str, int)) else str(value)
    return None


def check_named_once(table: pa.Table, column: str, where: str) -> None:
    """Makes sure that no two rows of a table with one series a row have the same name.

    Args:
        table (`pyarrow.Table`): the table.
        column (`str`): the names.
        where (`str`): split and data set, for the message.

    Raises:
        HfseqError: a name comes again, as it would with one row a step.
    """
    seen: dict[object, int] = {}
    for row, name in enumerate(table.column(column).to_pylist()):
        if name is not None and seen.setdefault(name, row) != row:
            time = next((other for other in table.column_names if other.lower() in TIME_NAMES), None)
            ordered = "" if time is None else f" --time_column {time}"
            raise HfseqError(
                f"{where}: {name!r} stands in column {column!r} in row {seen[name]} and again in row {row}. Where "
                f"each row is a step of that series, give --id_column {column}{ordered}; where each row is a whole "
                f"series, --ignore_columns {column}"
            )


def check_rows_are_series(table: pa.Table, names: list[str], where: str) -> None:
    """Makes sure that a table without flags has one series per row, and not one step per row.

    Raises:
        HfseqError: each value of a column comes with one time after the other of a column that is called a time.
    """
    for time in (name for name in names if name.lower() in TIME_NAMES):
        for name in names:
            column = table.column(name)
            if name == time or not (is_integer(column.type) or pa.types.is_string(column.type)) or column.null_count:
                continue
            rows = pd.DataFrame({"id": column.to_pylist(), "time": table.column(time).to_pylist()})
            if 1 < rows["id"].nunique() <= len(rows) / 3 and _have_same_times(rows):
                raise HfseqError(
                    f"{where}: each value of the column {name!r} comes with the same times in the column {time!r}, as "
                    f"with one row per step. If so, give --id_column {name} --time_column {time}; where each row is a "
                    f"whole series, --ignore_columns {time}"
                )


def _have_same_times(rows: pd.DataFrame) -> bool:
    """Whether the times of each id are those of the longest, from the first on."""
    times = [sorted(some) for _, some in rows.groupby("id", sort=False)["time"]]
    longest = max(times, key=len)
    return len(set(longest)) == len(longest) and all(some == longest[: len(some)] for some in times)
