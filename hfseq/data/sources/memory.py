"""Data sets in memory. They get a name, which can be used in settings and records."""

import os
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from datasets import Dataset, DatasetDict

from hfseq.data.sources.dataset_names import MEMORY_PREFIX
from hfseq.data.sources.files import align
from hfseq.data.sources.memory_tables import is_frame, table_from_columns, table_from_frame, table_from_rows
from hfseq.data.splits.completion import fingerprint_splits
from hfseq.data.splits.names import canonical_split, choose_splits
from hfseq.errors import HfseqError

_DIGITS = 16
# Names of the columns of data that comes without names.
_TEXT, _SERIES, _LABEL = "text", "series", "label"
_ACCEPTED = (
    "the path of a file or folder, the id of a data set on the Hub, a pandas.DataFrame, a datasets.Dataset or "
    "DatasetDict, a list of dicts, a dict of columns, a dict of splits, a NumPy array, or a tuple (inputs, labels)"
)

# Name of the folder that holds data in memory for other processes.
_SAVED_PREFIX = "memory-"
_SAVED_NAME = re.compile(rf"{_SAVED_PREFIX}([0-9a-f]{{{_DIGITS}}})")

_known: dict[str, DatasetDict] = {}


def name_memory(dataset: Any) -> Any:
    """Gives data in memory a name, under which [`load_source`] finds it in this process.

    Args:
        dataset: the data, in one of these forms:

            - a `pandas.DataFrame`, a `datasets.Dataset`, a list of dicts (rows), or a dict of columns: lists,
              arrays or `pandas.Series` of the same length;
            - a tuple `(inputs, labels)`: texts, or series as an array of shape `(series, steps)` or
              `(series, steps, channels)` or as a list of arrays `(steps, channels)`. The columns are `text` or
              `series`, and `label`;
            - an array of shape `(steps,)` or `(steps, channels)`: one series to forecast, or of shape
              `(series, steps, channels)`: several;
            - a `datasets.DatasetDict`, or a dict from `train`, `validation` and `test` to tables of these forms.

            A `str` or a `Path` is returned as a `str`.

    Returns:
        `str`: `memory:` and a fingerprint of the content. The same content has the same name in every process.

    Raises:
        HfseqError: the data has another form, a column holds values of several types, there are no rows, or there is
            no training split.
    """
    if dataset is None or isinstance(dataset, str | os.PathLike):
        return dataset if dataset is None else os.fspath(dataset)
    splits = _splits(dataset)
    if not all(len(split) for split in splits.values()):
        raise HfseqError("the data set in memory has no rows.")
    digest = fingerprint_splits(splits, splits["train"].column_names)
    name = f"{MEMORY_PREFIX}{digest[:_DIGITS]}"
    _known[name] = splits
    return name


def load_memory(name: str) -> DatasetDict:
    """The data set with a name that [`name_memory`] gave.

    Raises:
        HfseqError: this process has no data of this name.
    """
    if name not in _known:
        raise HfseqError(
            f"{name!r} was in the memory of the program that trained on it, and is not available here. Save the data "
            "with to_csv or save_to_disk, and pass the path with --dataset."
        )
    return DatasetDict(_known[name])


def save_memory(name: str, folder: Path) -> Path:
    """Saves data in memory for other processes. Data that was saved before is not written again.

    Args:
        name (`str`): a name that [`name_memory`] gave.
        folder (`Path`): parent folder.

    Returns:
        `Path`: the folder `memory-<fingerprint>` in it, as `save_to_disk` writes it.
    """
    path = folder / name.replace(MEMORY_PREFIX, _SAVED_PREFIX, 1)
    if not path.is_dir():
        staging = path.with_name(f".{path.name}.partial")
        shutil.rmtree(staging, ignore_errors=True)
        load_memory(name).save_to_disk(staging)
        staging.rename(path)
    return path


def memory_fingerprint(dataset: str) -> str | None:
    """The fingerprint of data in memory, by its name or by the folder that [`save_memory`] wrote.

    Args:
        dataset (`str`): value of the setting `dataset`.

    Returns:
        `str` or `None`: `None` for other data.
    """
    if dataset.startswith(MEMORY_PREFIX):
        return dataset.removeprefix(MEMORY_PREFIX)
    found = _SAVED_NAME.fullmatch(Path(dataset).name)
    return found.group(1) if found else None


def _splits(dataset: Any) -> DatasetDict:
    if isinstance(dataset, Mapping) and dataset and all(_is_split(*item) for item in dataset.items()):
        chosen = choose_splits(list(map(str, dataset)), "the data set in memory")
        if "train" not in chosen:
            raise HfseqError(f"the data set in memory has no training split, only {', '.join(map(str, dataset))}.")
        tables = {split: _table(dataset[name], f"split {split!r}") for split, name in chosen.items()}
    else:
        tables = {"train": _table(dataset, "the data set in memory")}
    return align(DatasetDict(tables), dict.fromkeys(tables, "in memory"))


def _is_split(name: Any, value: Any) -> bool:
    """Whether an item of a mapping is a split, and not a column."""
    if isinstance(value, Dataset) or is_frame(value):
        return True
    if canonical_split(str(name)) is None:
        return False
    rows = isinstance(value, list) and bool(value) and all(isinstance(row, Mapping) for row in value)
    return rows or isinstance(value, Mapping) or _is_pair(value)


def _table(value: Any, where: str) -> Dataset:
    if isinstance(value, Dataset):
        return value.with_format(None)
    if is_frame(value):
        return table_from_frame(value, where)
    if isinstance(value, Mapping) and all(hasattr(column, "__len__") for column in value.values()):
        if text := next((name for name, column in value.items() if isinstance(column, str)), None):
            raise HfseqError(f"{where}: column {text!r} is one text, not a list of texts")
        return table_from_columns(value, where)
    if isinstance(value, list) and all(isinstance(row, Mapping) for row in value):
        return table_from_rows(value, where)
    if _is_pair(value):
        inputs, labels = value
        return table_from_columns({_TEXT if _are_texts(inputs) else _SERIES: _examples(inputs), _LABEL: labels}, where)
    if isinstance(value, np.ndarray) and value.dtype.kind in "biuf" and value.ndim in (1, 2, 3):
        return _series_table(value, where)
    raise HfseqError(f"{where} is a {type(value).__name__}; dataset takes {_ACCEPTED}")


def _is_pair(value: Any) -> bool:
    return isinstance(value, tuple) and len(value) == 2 and all(hasattr(part, "__len__") for part in value)


def _are_texts(inputs: Any) -> bool:
    return all(isinstance(one, str) for one in inputs)


def _examples(inputs: Any) -> Any:
    """Series with an axis of channels."""
    if isinstance(inputs, np.ndarray) and inputs.ndim == 2 and inputs.dtype.kind in "biuf":
        return inputs[..., None]
    if isinstance(inputs, list | tuple) and all(isinstance(one, np.ndarray) and one.ndim == 1 for one in inputs):
        return [one[:, None] for one in inputs]
    return inputs


def _series_table(array: np.ndarray, where: str) -> Dataset:
    """One row per step, or with three dimensions one row per series."""
    if array.ndim == 3:
        return table_from_columns({_SERIES: array}, where)
    steps = array.reshape(len(array), -1)  # (steps, channels)
    return table_from_columns({str(channel): steps[:, channel] for channel in range(steps.shape[1])}, where)
