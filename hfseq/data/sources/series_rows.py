"""Numeric series as rows of a `datasets.Dataset`, in the column `series`: a list of steps, one value per channel."""

import gzip
from pathlib import Path
from typing import IO, Any

import numpy as np
import pyarrow as pa
from datasets import ClassLabel, Dataset, Features, List, Value

SERIES = List(List(Value("float64")))
# Name of a column whose feature contains the names of the original columns of a table of series. A feature is passed
# on with the data set and needs no space per row. A list of names in each row of a wide table would be larger than the
# table itself.
COLUMNS = "series_columns"
# Name of the column with the names of the rows, or of the series, in the original table.
ROW_NAME = "series_id"


def series_dataset(
    series: list[np.ndarray], columns: dict[str, list[Any]] | None = None, features: dict[str, Any] | None = None
) -> Dataset:
    """Creates a data set of series without converting the values to Python objects.

    Args:
        series (`list[numpy.ndarray]`): arrays of shape `(steps, channels)`, all with the same number of channels. NaN
            means a missing value and becomes `None`.
        columns (`dict[str, list]`, *optional*): additional columns, for example labels.
        features (`dict[str, Any]`, *optional*): features of the additional columns.

    Returns:
        `datasets.Dataset`: the column `series` and the additional columns.
    """
    channels = series[0].shape[1] if series else 1
    flat = np.concatenate([one.reshape(-1) for one in series]) if series else np.empty(0)
    values = pa.array(flat, type=pa.float64(), mask=np.isnan(flat))
    ends = np.cumsum([0, *(len(one) for one in series)], dtype=np.int32)
    steps = pa.ListArray.from_arrays(pa.array(np.arange(0, len(flat) + 1, channels, dtype=np.int32)), values)
    column = pa.ListArray.from_arrays(pa.array(ends), steps)
    return Dataset.from_dict({"series": column, **(columns or {})}, Features({"series": SERIES, **(features or {})}))


def columns_feature(names: list[str]) -> ClassLabel:
    """Feature of the column `COLUMNS` that contains these names."""
    return ClassLabel(names=list(names))


def columns_of(dataset: Dataset) -> list[str] | None:
    """Names in the feature of the column `COLUMNS`; `None` if there is no such column."""
    return list(dataset.features[COLUMNS].names) if COLUMNS in dataset.features else None


def open_text(path: Path) -> IO[str]:
    """Opens a UTF-8 text file, packed with gzip where its name ends with `.gz`."""
    # utf-8-sig drops the mark that spreadsheets write.
    if path.name.lower().endswith(".gz"):
        return gzip.open(path, "rt", encoding="utf-8-sig")
    return open(path, encoding="utf-8-sig")
