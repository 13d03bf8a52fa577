"""Loading of raw data from built-in data sets, memory, files and folders, or the Hugging Face Hub."""

from pathlib import Path
from typing import Any

import datasets
from datasets import Dataset, DatasetDict

from hfseq.data.builtin import load_builtin
from hfseq.data.sources.dataset_names import BUILTIN_PREFIX, MEMORY_PREFIX, check_dataset_name, looks_like_path
from hfseq.data.sources.file_format import FileFormat
from hfseq.data.sources.files import align, read_files
from hfseq.data.sources.memory import load_memory, name_memory
from hfseq.data.sources.readers import data_extension
from hfseq.data.sources.split_files import read_split_files
from hfseq.data.sources.task_hints import task_hint
from hfseq.data.splits.names import choose_splits
from hfseq.errors import HfseqError


def load_source(
    dataset: Any,
    *,
    dataset_config_name: str | None = None,
    revision: str | None = None,
    cache_dir: str | None = None,
    form: FileFormat | None = None,
) -> DatasetDict:
    """Loads a data set from any source, with the split names `train`, `validation` and `test`.

    Args:
        dataset (`str` or data in memory): one of:

            - data in memory, such as a `pandas.DataFrame`: see [`name_memory`].
            - `builtin:NAME`.
            - a csv, tsv, json, jsonl (also compressed as `.gz`) or parquet file, which becomes `train`.
            - a folder with one such file per split, or several numbered files per split as on the Hub.
            - a folder of `save_to_disk`.
            - the id of a data set on the Hub. Names that look like paths are never searched on the Hub.
        dataset_config_name (`str`, *optional*): configuration of a data set on the Hub.
        revision (`str`, *optional*): branch, tag or commit of a data set on the Hub.
        cache_dir (`str`, *optional*, defaults to the cache folder of `datasets`): folder of the cache.
        form (`FileFormat`, *optional*): format of csv, tsv, json and jsonl files.

    Returns:
        `datasets.DatasetDict`: the existing splits, at least one.

    Raises:
        HfseqError: the data set does not exist, or it cannot be read.

    Example:

    ```py
    >>> import hfseq
    >>> hfseq.load_source("reviews.csv")["train"].column_names
    ['text', 'label']
    ```
    """
    dataset = name_memory(dataset)
    check_dataset_name(dataset)
    local = dataset.startswith(BUILTIN_PREFIX) or looks_like_path(dataset)
    if local and (dataset_config_name or revision):
        given = "dataset_config_name" if dataset_config_name else "dataset_revision"
        raise HfseqError(f"--{given} is for data sets on the Hub, but {dataset!r} is not on the Hub: remove it.")
    if dataset.startswith(MEMORY_PREFIX):
        return load_memory(dataset)
    if dataset.startswith(BUILTIN_PREFIX):
        return load_builtin(dataset.removeprefix(BUILTIN_PREFIX), cache_dir=cache_dir)
    if local:
        return _load_path(dataset, cache_dir, form)
    return _load_hub(dataset, dataset_config_name, revision, cache_dir)


def _load_path(dataset: str, cache_dir: str | None, form: FileFormat | None) -> DatasetDict:
    path = Path(dataset).expanduser().absolute()
    if not path.is_dir():
        hint = "" if data_extension(path.name) else task_hint(path)
        if hint:
            raise HfseqError(f"{path} is not a table.{hint}")
        return read_files({"train": path}, cache_dir, form)
    if (path / "dataset_dict.json").is_file() or (path / "state.json").is_file():
        return _load_saved(path)
    return read_split_files(path, cache_dir, form)


def _load_saved(path: Path) -> DatasetDict:
    try:
        saved = datasets.load_from_disk(str(path))
    except (OSError, ValueError, KeyError) as error:
        raise HfseqError(f"{path} looks like a folder of save_to_disk, but it cannot be loaded: {error}") from error
    splits = DatasetDict({"train": saved}) if isinstance(saved, Dataset) else _canonical(saved, str(path))
    return align(splits, dict.fromkeys(splits, str(path)))


def _canonical(splits: DatasetDict, where: str) -> DatasetDict:
    """Renames the splits to their canonical names. Other splits are dropped, but a single split becomes `train`."""
    return DatasetDict({split: splits[name] for split, name in choose_splits(map(str, splits), where).items()})


def _load_hub(name: str, config: str | None, revision: str | None, cache_dir: str | None) -> DatasetDict:
    asked = f"{name!r}" + (f", configuration {config!r}" if config else "")
    asked += f", revision {revision!r}" if revision else ""
    try:
        splits = datasets.load_dataset(name, config, revision=revision, cache_dir=cache_dir)
    except Exception as error:
        # Many libraries are involved and raise different errors. All mean that the data set cannot be loaded.
        raise HfseqError(_hub_message(asked, error)) from error
    return _canonical(splits, f"data set {asked} on the Hub")


def _hub_message(asked: str, error: Exception) -> str:
    reason = (str(error).strip() or "no reason given").splitlines()[0][:300]
    message = f"data set {asked} was not found on disk, and it could not be downloaded from the Hub"
    # Other errors, for example for a wrong configuration name, are ValueErrors with a helpful message.
    if isinstance(error, OSError) or type(error).__module__.partition(".")[0] in ("httpx", "huggingface_hub"):
        message += ": the Hub could not be reached, or the data set does not exist"
    return (
        f"{message} ({type(error).__name__}: {reason}). Use a local file or folder, or builtin:docstrings. If the "
        "data set exists on the Hub, check HF_ENDPOINT and HF_HUB_OFFLINE, and run `hf auth login` if it is private."
    )
