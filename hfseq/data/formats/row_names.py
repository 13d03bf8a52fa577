"""Columns of a table that say which series, or which row, the others belong to."""

from collections.abc import Collection, Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from datasets import Dataset

from hfseq.data.arrow_columns import is_integer
from hfseq.data.cells import holds_whole_numbers, with_numbers
from hfseq.errors import HfseqError

ID_NAMES = ("id", "unique_id", "series_id", "item_id", "series", "name")
TIME_NAMES = ("date", "datetime", "timestamp", "time", "ds", "step", "index")
FILE_NAMES = ("file", "filename", "file_name", "path", "filepath", "file_path")
# What the index of a data frame is called in a file.
_INDEX_NAMES = ("index", "unnamed: 0")


def find_row_names(dataset: Dataset, taken: Collection[str | None] = ()) -> list[str]:
    """The columns that name a table's rows: texts or whole numbers under a usual name of ids, and counts of the rows.

    Args:
        dataset (`datasets.Dataset`): the table.
        taken (`Collection[str]`, *optional*): columns that are known to be something else.
    """
    usual = [name for name in dataset.column_names if name.lower() in (*ID_NAMES, *_INDEX_NAMES) and name not in taken]
    if not usual:
        return []
    # Of a wide table, only these few columns are read.
    dataset = dataset.select_columns(usual)
    table = with_numbers(dataset).with_format("arrow")[:]
    found = []
    for name in usual:
        column = table.column(name)
        is_name = is_integer(column.type) or pa.types.is_string(column.type) or holds_whole_numbers(dataset, name)
        is_id = name.lower() in ID_NAMES and is_name
        if is_id or (name.lower() in _INDEX_NAMES and _counts(column)):
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


def _counts(column: pa.ChunkedArray) -> bool:
    """Whether whole numbers go up by one from row to row."""
    if not is_integer(column.type) or column.null_count or len(column) < 2:
        return False
    numbers = column.combine_chunks()
    return bool(pc.all(pc.equal(pc.subtract(numbers[1:], numbers[:-1]), 1)).as_py())
