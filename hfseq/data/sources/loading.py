"""Where raw data comes from: a built-in set, a file or folder on disk, or the Hugging Face Hub."""

from pathlib import Path

import datasets
from datasets import Dataset, DatasetDict

from hfseq.data.builtin import load_builtin
from hfseq.data.sources.file_format import FileFormat
from hfseq.data.sources.files import align, read_files
from hfseq.data.sources.memory import load_memory
from hfseq.data.sources.places import BUILTIN_PREFIX, MEMORY_PREFIX, check_place, looks_like_path
from hfseq.data.sources.readers import data_extension
from hfseq.data.sources.split_files import read_split_files
from hfseq.data.sources.task_hints import task_hint
from hfseq.data.splits.names import SPLIT_WORDS, SPLITS, canonical_split
from hfseq.errors import HfseqError


def load_source(
    dataset: str,
    *,
    dataset_config_name: str | None = None,
    revision: str | None = None,
    cache_dir: str | None = None,
    form: FileFormat | None = None,
) -> DatasetDict:
    """Loads a data set, whatever it is, under the split names `train`, `validation` and `test`.

    Args:
        dataset (`str`): `builtin:NAME`; the path of a csv, tsv, json, jsonl (each also `.gz`) or parquet file, which
            becomes `train`; the path of a folder with one such file per split (or several, numbered as on the Hub),
            or of one written by `save_to_disk`; or a data set's id on the Hub. A path that does not exist is never
            looked for on the Hub.
        dataset_config_name (`str`, *optional*): the configuration of a Hub data set.
        revision (`str`, *optional*): branch, tag or commit of a Hub data set.
        cache_dir (`str`, *optional*): folder of `datasets`' cache, by default the library's own.
        form (`FileFormat`, *optional*): how csv, tsv, json and jsonl files are written, where that must be said.

    Returns:
        `datasets.DatasetDict`: those of the three splits that exist, at least one.

    Raises:
        HfseqError: there is no such data set, or it cannot be read.
    """
    check_place(dataset)
    local = dataset.startswith(BUILTIN_PREFIX) or looks_like_path(dataset)
    if local and (dataset_config_name or revision):
        given = "dataset_config_name" if dataset_config_name else "dataset_revision"
        raise HfseqError(f"--{given} is for data sets on the Hub, and {dataset!r} is not one: leave it out.")
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
        raise HfseqError(f"{path} looks like a folder of save_to_disk, but cannot be loaded: {error}") from error
    splits = DatasetDict({"train": saved}) if isinstance(saved, Dataset) else _canonical(saved, str(path))
    return align(splits, dict.fromkeys(splits, str(path)))


def _canonical(splits: DatasetDict, where: str) -> DatasetDict:
    """The splits under their canonical names; others are dropped, unless there is only one, which is for training."""
    found: dict[str, str] = {}
    # An exact name goes before one that only contains it: GLUE's MNLI has validation_matched, other sets train_extra.
    for name in sorted(splits, key=lambda name: (name.lower() not in SPLIT_WORDS, name)):
        split = canonical_split(str(name))
        if split is not None:
            found.setdefault(split, name)
    if not found and len(splits) == 1:
        found["train"] = next(iter(splits))
    if not found:
        raise HfseqError(f"{where} has no split for training, validation or test, only {', '.join(map(str, splits))}.")
    return DatasetDict({split: splits[found[split]] for split in SPLITS if split in found})


def _load_hub(name: str, config: str | None, revision: str | None, cache_dir: str | None) -> DatasetDict:
    asked = f"{name!r}" + (f", configuration {config!r}" if config else "")
    asked += f", revision {revision!r}" if revision else ""
    try:
        splits = datasets.load_dataset(name, config, revision=revision, cache_dir=cache_dir)
    except Exception as error:
        # The clients below raise errors of half a dozen libraries; all mean that the asked-for set is not to be had.
        raise HfseqError(_hub_message(asked, error)) from error
    return _canonical(splits, f"the Hub's {asked}")


def _hub_message(asked: str, error: Exception) -> str:
    reason = (str(error).strip() or "no reason given").splitlines()[0][:300]
    message = f"data set {asked} was not found on disk, and loading it from the Hub failed"
    # A wrong configuration's name and the like are ValueErrors, whose text says what there is.
    if isinstance(error, OSError) or type(error).__module__.partition(".")[0] in ("httpx", "huggingface_hub"):
        message += ": the Hub could not be reached, or has no such data set"
    return (
        f"{message} ({type(error).__name__}: {reason}). What would do: a local file or folder, builtin:docstrings, "
        "or, where the set does exist, a look at HF_ENDPOINT, HF_HUB_OFFLINE, and `hf auth login` for private ones."
    )
