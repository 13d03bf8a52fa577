"""Cache of the built-in data sets."""

import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

import datasets
from datasets import DatasetDict


def load_or_build(name: str, key: str, build: Callable[[], DatasetDict], cache_dir: str | None = None) -> DatasetDict:
    """Loads a built-in data set from the cache. If it is not in the cache, it is built and saved there.

    Args:
        name (`str`): name of the data set.
        key (`str`): cache key, which contains all versions that the rows depend on.
        build (`Callable`): function that builds the splits.
        cache_dir (`str`, *optional*, defaults to the cache folder of `datasets`): folder of the cache.

    Returns:
        `datasets.DatasetDict`: the splits.
    """
    root = Path(cache_dir).expanduser() if cache_dir else Path(datasets.config.HF_DATASETS_CACHE)
    folder = root / "hfseq" / name / key
    if not folder.exists():
        _save(build(), folder)
    return datasets.load_from_disk(str(folder))


def _save(splits: DatasetDict, folder: Path) -> None:
    """Writes to a temporary folder and renames it, so that killed or concurrent processes cannot break the cache."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(dir=folder.parent, prefix=".partial-"))
    try:
        splits.save_to_disk(str(partial / "splits"))
        os.rename(partial / "splits", folder)
    except OSError:
        # If the folder exists now, another process has saved the same rows. Otherwise it is a real error.
        if not folder.exists():
            raise
    finally:
        shutil.rmtree(partial, ignore_errors=True)
