"""Series kept with one row a step."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from hfseq.data.arrow_columns import is_number
from hfseq.data.formats.table_values import number_matrix
from hfseq.errors import HfseqError, first_line


def group_steps(
    table: pa.Table,
    names: list[str],
    id_column: str | None,
    time_column: str | None,
    label_column: str | None,
    where: str,
) -> tuple[list[np.ndarray], list[int]]:
    """The rows of each id as one series, in the order in which the ids come.

    Args:
        table (`pyarrow.Table`): the table, one row a step.
        names (`list[str]`): the columns of the values, one a channel.
        id_column (`str`, *optional*): which series a row belongs to; without it all belong to one.
        time_column (`str`, *optional*): what the rows of a series are sorted by.
        label_column (`str`, *optional*): the label, the same in all rows of a series.
        where (`str`): split and data set, for messages.

    Returns:
        `tuple`: the arrays `(steps, channels)`, and the first row of each, which has its label.

    Raises:
        HfseqError: an id or a time is missing, a time stands twice in a series, or the label changes within one.
    """
    if id_column is None and label_column is not None:
        raise HfseqError(
            f"{where}: without id_column the whole table is one series, which a label in every row does not fit. "
            "Give id_column, or no label_column."
        )
    values = number_matrix(table, names, where)  # (rows, channels)
    ids, codes = series_codes(table, id_column, where)
    _, first = np.unique(codes, return_index=True)
    if label_column is not None:
        _check_labels(table.column(label_column), ids, codes, first, where)
    order = np.argsort(codes, kind="stable")
    if time_column is not None:
        times = sortable_times(table.column(time_column), f"{where}: column {time_column!r}")
        order = np.lexsort((times, codes))
        _check_times(times, codes, order, ids, table.column(time_column), where)
    bounds = np.flatnonzero(np.diff(codes[order])) + 1
    return np.split(values[order], bounds), first.tolist()


def series_codes(table: pa.Table, id_column: str | None, where: str) -> tuple[pa.Array, np.ndarray]:
    """The ids of the series in a table, in the order in which they come, and the number of its id for each row.

    Raises:
        HfseqError: an id is missing, with the row.
    """
    if id_column is None:
        return pa.array(["the table"]), np.zeros(len(table), dtype=np.int64)
    return _encoded(table.column(id_column), f"{where}: column {id_column!r}")


def sortable_times(column: pa.ChunkedArray | pa.Array, where: str) -> np.ndarray:
    """A column of points in time as numbers that sort as they do.

    Args:
        column (`pyarrow.ChunkedArray`): numbers, dates, times, or ISO 8601 texts.
        where (`str`): the column, for messages.

    Raises:
        HfseqError: one is missing, or a text is no date, with the row; or they are of a kind that has no order.
    """
    if column.null_count:
        raise HfseqError(f"{where}, row {_first_null(column)}: the time is missing.")
    if is_number(column.type):
        numbers = column.to_numpy()
        missing = np.isnan(numbers) if numbers.dtype.kind == "f" else np.zeros(len(numbers), dtype=bool)
        if missing.any():
            raise HfseqError(f"{where}, row {int(missing.argmax())}: the time is missing.")
        return numbers
    if pa.types.is_temporal(column.type):
        return _temporal_numbers(column, where)
    texts = [str(text) for text in column.to_pylist()]
    times = pd.to_datetime(pd.Series(texts), format="ISO8601", utc=True, errors="coerce")
    if times.isna().any():
        row = int(times.isna().to_numpy().argmax())
        raise HfseqError(f"{where}, row {row}: {texts[row][:40]!r} is no number and no ISO 8601 date or time.")
    return times.dt.tz_localize(None).to_numpy().astype("datetime64[us]").astype(np.int64)


def _temporal_numbers(column: pa.ChunkedArray | pa.Array, where: str) -> np.ndarray:
    # Counted in nanoseconds, 64 bits end in the year 2262 and begin in 1677.
    kind = column.type
    target = pa.timestamp("us", getattr(kind, "tz", None))
    if pa.types.is_time(kind):
        target = pa.time64("us")
    elif pa.types.is_duration(kind):
        target = pa.duration("us")
    try:
        # Unsafe as to the nanoseconds, which are cut off.
        fine = getattr(kind, "unit", None) == "ns"
        return pc.cast(pc.cast(column, target, safe=not fine), pa.int64()).to_numpy()
    except pa.ArrowException as error:
        raise HfseqError(f"{where} holds {kind}, which cannot be sorted by: {first_line(error)}.") from error


def _encoded(column: pa.ChunkedArray, where: str) -> tuple[pa.Array, np.ndarray]:
    if column.null_count:
        raise HfseqError(f"{where}, row {_first_null(column)}: the id is missing.")
    encoded = column.combine_chunks().dictionary_encode()
    return encoded.dictionary, encoded.indices.to_numpy().astype(np.int64)


def _first_null(column: pa.ChunkedArray | pa.Array) -> int:
    return pc.index(pc.is_null(column), True).as_py()


def _check_labels(column: pa.ChunkedArray, ids: pa.Array, codes: np.ndarray, first: np.ndarray, where: str) -> None:
    raw = column.to_pylist()
    for row, code in enumerate(codes):
        start = int(first[code])
        # NaN is equal to nothing, not even to itself.
        if raw[row] != raw[row]:
            raise HfseqError(f"{where}, row {row}: the label is missing.")
        if raw[row] != raw[start]:
            raise HfseqError(
                f"{where}, row {row}: the label of {ids[code].as_py()!r} is {raw[row]!r} here, but {raw[start]!r} in "
                f"row {start}. A series has one label."
            )


def _check_times(
    times: np.ndarray, codes: np.ndarray, order: np.ndarray, ids: pa.Array, column: pa.ChunkedArray, where: str
) -> None:
    again = (np.diff(times[order]) == 0) & (np.diff(codes[order]) == 0)
    if again.any():
        before, after = order[int(again.argmax())], order[int(again.argmax()) + 1]
        raise HfseqError(
            f"{where}, row {int(after)}: the time {column[int(after)].as_py()!r} of {ids[codes[after]].as_py()!r} "
            f"stands in row {int(before)} already."
        )
