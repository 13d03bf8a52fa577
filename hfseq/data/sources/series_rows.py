"""Numeric series as rows of a `datasets.Dataset`: the column `series`, a list of steps of one value a channel."""

import gzip
from pathlib import Path
from typing import IO, Any

import numpy as np
import pyarrow as pa
from datasets import ClassLabel, Dataset, Features, List, Value

SERIES = List(List(Value("float64")))
# The column whose feature knows which columns of a table the series were read from. A feature goes wherever the data
# set goes, and takes no room in the rows: a list of names in each row of a wide table would be larger than the table.
COLUMNS = "series_columns"
# The column of what the rows of a table, or its series, are called there.
ROW_NAME = "series_id"


def series_dataset(
    series: list[np.ndarray], columns: dict[str, list[Any]] | None = None, features: dict[str, Any] | None = None
) -> Dataset:
    """A data set of series, made without a Python object for each value.

    Args:
        series (`list[numpy.ndarray]`): arrays of shape `(steps, channels)`, all with the same number of channels;
            nan stands for a missing value and becomes `None`.
        columns (`dict[str, list]`, *optional*): further columns, such as the labels.
        features (`dict[str, Any]`, *optional*): the features of those columns.

    Returns:
        `datasets.Dataset`: the columns `series` and the further ones.
    """
    channels = series[0].shape[1] if series else 1
    flat = np.concatenate([one.reshape(-1) for one in series]) if series else np.empty(0)
    values = pa.array(flat, type=pa.float64(), mask=np.isnan(flat))
    ends = np.cumsum([0, *(len(one) for one in series)], dtype=np.int32)
    steps = pa.ListArray.from_arrays(pa.array(np.arange(0, len(flat) + 1, channels, dtype=np.int32)), values)
    column = pa.ListArray.from_arrays(pa.array(ends), steps)
    return Dataset.from_dict({"series": column, **(columns or {})}, Features({"series": SERIES, **(features or {})}))


def columns_feature(names: list[str]) -> ClassLabel:
    """The feature of `COLUMNS`, which keeps these names."""
    return ClassLabel(names=list(names))


def columns_of(dataset: Dataset) -> list[str] | None:
    """The names that the feature of `COLUMNS` keeps, `None` where there is no such column."""
    return list(dataset.features[COLUMNS].names) if COLUMNS in dataset.features else None


def open_text(path: Path) -> IO[str]:
    """Opens a UTF-8 text file, packed with gzip where its name ends with `.gz`."""
    # utf-8-sig drops the mark that spreadsheets write.
    if path.name.lower().endswith(".gz"):
        return gzip.open(path, "rt", encoding="utf-8-sig")
    return open(path, encoding="utf-8-sig")
