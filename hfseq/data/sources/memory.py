"""Data sets in memory. They get a name, which can be used in settings and records."""

from typing import Any

import pyarrow as pa
from datasets import Dataset, DatasetDict
from datasets.exceptions import DatasetsError

from hfseq.data.sources.dataset_names import MEMORY_PREFIX
from hfseq.data.sources.files import align
from hfseq.data.splits.completion import fingerprint_splits
from hfseq.data.splits.names import SPLITS, canonical_split
from hfseq.errors import HfseqError, first_line

_DIGITS = 16

_known: dict[str, DatasetDict] = {}


def name_memory(dataset: Any) -> Any:
    """Registers data in memory, so that [`load_source`] can load it in this process.

    Args:
        dataset: a `datasets.Dataset`, a `datasets.DatasetDict` or a `pandas.DataFrame`. Other values are returned
            unchanged.

    Returns:
        `str`: `memory:` and a fingerprint of the rows. Equal data has the same name in every process.

    Raises:
        HfseqError: a column of a data frame has no common type, there are no rows, or there is no training split.
    """
    if isinstance(dataset, Dataset):
        splits = DatasetDict({"train": dataset})
    elif isinstance(dataset, DatasetDict):
        splits = _by_split(dataset)
    elif type(dataset).__module__.partition(".")[0] == "pandas" and hasattr(dataset, "columns"):
        splits = DatasetDict({"train": _from_frame(dataset)})
    else:
        return dataset
    if not all(len(split) for split in splits.values()):
        raise HfseqError("the data set in memory has no rows.")
    digest = fingerprint_splits(splits, splits["train"].column_names)
    name = f"{MEMORY_PREFIX}{digest[:_DIGITS]}"
    _known[name] = splits
    return name


def load_memory(name: str) -> DatasetDict:
    """Returns a data set that was registered by [`name_memory`].

    Raises:
        HfseqError: this process has no data of this name.
    """
    if name not in _known:
        raise HfseqError(
            f"{name!r} was in the memory of the program that trained on it, and is not available here. Save the data "
            "with to_csv or save_to_disk, and pass the path with --dataset."
        )
    return DatasetDict(_known[name])


def _by_split(dataset: DatasetDict) -> DatasetDict:
    found = {canonical_split(str(name)): split for name, split in dataset.items()}
    if "train" not in found:
        raise HfseqError(f"the DatasetDict in memory has no training split, only {', '.join(map(str, dataset))}.")
    splits = DatasetDict({split: found[split] for split in SPLITS if split in found})
    return align(splits, dict.fromkeys(splits, "in memory"))


def _from_frame(frame: Any) -> Dataset:
    names = [str(name) for name in frame.columns]
    if repeated := sorted({name for name in names if names.count(name) > 1}):
        raise HfseqError(f"the data frame has more than one column {repeated[0]!r}.")
    try:
        return Dataset.from_pandas(frame.set_axis(names, axis="columns"), preserve_index=False)
    except (pa.ArrowException, DatasetsError, TypeError, ValueError) as error:
        raise HfseqError(
            f"the data frame cannot be read: {first_line(error)}. Each column must have values of one type."
        ) from error
