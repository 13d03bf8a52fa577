"""Series in a table with one row per step."""

from itertools import combinations

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from hfseq.data.batching.arrow_columns import is_integer
from hfseq.errors import HfseqError
from hfseq.modalities.series.table_values import number_matrix
from hfseq.modalities.series.times import Times


def group_steps(
    table: pa.Table,
    names: list[str],
    id_column: str | None,
    times: Times | None,
    label_column: str | None,
    where: str,
) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Groups the rows by id. The rows of each id are one series.

    Args:
        table (`pyarrow.Table`): the table, one row per step.
        names (`list[str]`): the columns of the values, one per channel.
        id_column (`str`, *optional*): the column that tells series apart. Without it, all rows are one series.
        times (`Times`, *optional*): the times that the rows of a series are sorted by.
        label_column (`str`, *optional*): the label, which is the same in all rows of a series.
        where (`str`): split and data set, for error messages.

    Returns:
        `tuple`: the arrays of shape `(steps, channels)` in the order of the first rows of the ids, and the row numbers
        of the steps of each series.

    Raises:
        HfseqError: an id is missing, a time is repeated in a series, or the label changes within a series.
    """
    if id_column is None and label_column is not None:
        raise HfseqError(
            f"{where}: without id_column the whole table is one series, but a label column has a label per row. Set "
            "id_column, or no label_column."
        )
    ids, codes = series_codes(table, id_column, where)
    order = np.argsort(codes, kind="stable")
    if times is not None:
        check_times(table, times, id_column, where)
        order = np.lexsort((times.numbers, codes))
    if label_column is not None:
        _, first = np.unique(codes, return_index=True)
        _check_labels(table.column(label_column), ids, codes, first, where)
    values = number_matrix(table, names, where)  # (rows, channels)
    rows = np.split(order, np.flatnonzero(np.diff(codes[order])) + 1)
    return [values[some] for some in rows], rows


def check_times(table: pa.Table, times: Times, id_column: str | None, where: str) -> None:
    """Checks that times are not repeated in a series.

    Raises:
        HfseqError: a time is repeated. Without `id_column`, the message names a column that may tell series apart.
    """
    ids, codes = series_codes(table, id_column, where)
    order = np.lexsort((times.numbers, codes))
    again = (np.diff(times.numbers[order]) == 0) & (np.diff(codes[order]) == 0)
    if again.any():
        before, after = order[int(again.argmax())], order[int(again.argmax()) + 1]
        raise HfseqError(
            f"{where}, row {int(after)}: the time {times.written(times.numbers[after])!r} of "
            f"{ids[codes[after]].as_py()!r} is already in row {int(before)}"
            f"{'' if id_column else _id_hint(table, times)}."
        )


def series_codes(table: pa.Table, id_column: str | None, where: str) -> tuple[pa.Array, np.ndarray]:
    """The ids of the series in a table, in the order of their first rows, and the index of the id of each row.

    Raises:
        HfseqError: an id is missing. The message names the row.
    """
    if id_column is None:
        return pa.array(["the table"]), np.zeros(len(table), dtype=np.int64)
    return _encoded(table.column(id_column), f"{where}: column {id_column!r}")


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
        # NaN is not equal to itself.
        if raw[row] != raw[row]:
            raise HfseqError(f"{where}, row {row}: the label is missing.")
        if raw[row] != raw[start]:
            raise HfseqError(
                f"{where}, row {row}: the label of {ids[code].as_py()!r} is {raw[row]!r} here, but {raw[start]!r} in "
                f"row {start}. All rows of a series must have the same label."
            )


def _id_hint(table: pa.Table, times: Times) -> str:
    """A hint how to tell series apart: by a column for whose values the times are not repeated."""
    hint = ". If the table holds several series, name the column that tells them apart"
    names: dict[str, np.ndarray] = {}
    for name in table.column_names:
        column = table.column(name)
        is_text = pa.types.is_string(column.type)
        if not column.null_count and (is_text or is_integer(column.type)):
            codes = column.combine_chunks().dictionary_encode().indices.to_numpy()
            # Whole numbers with few rows each may have different times by chance.
            if 1 <= codes.max() < len(codes) / (1 if is_text else 3) - 1:
                names[name] = codes
    for size in (1, 2):
        for some in combinations(
            sorted(names, key=lambda name: not pa.types.is_string(table.column(name).type)), size
        ):
            if not pd.DataFrame([times.numbers, *(names[name] for name in some)]).T.duplicated().any():
                together = f", joined into one: {' and '.join(some)} do so together (--id_column)"
                return hint + (f", such as --id_column {some[0]}" if size == 1 else together)
    return f"{hint} with --id_column"
