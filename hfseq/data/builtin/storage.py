"""Where built-in sets are kept once they are made."""

import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

import datasets
from datasets import DatasetDict


def kept(name: str, key: str, build: Callable[[], DatasetDict], cache_dir: str | None = None) -> DatasetDict:
    """A built-in set from the cache; made, and put there, where it is not.

    Args:
        name (`str`): the set's name.
        key (`str`): what its rows depend on, such as versions: another key is another set.
        build (`Callable`): makes the splits.
        cache_dir (`str`, *optional*): the folder to keep it in, by default the cache folder of `datasets`.

    Returns:
        `datasets.DatasetDict`: the splits.
    """
    root = Path(cache_dir).expanduser() if cache_dir else Path(datasets.config.HF_DATASETS_CACHE)
    folder = root / "hfseq" / name / key
    if not folder.exists():
        _save(build(), folder)
    return datasets.load_from_disk(str(folder))


def _save(splits: DatasetDict, folder: Path) -> None:
    """Writes beside the folder and renames: a process that is killed, or another one that builds too, does no harm."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(dir=folder.parent, prefix=".partial-"))
    try:
        splits.save_to_disk(str(partial / "splits"))
        os.rename(partial / "splits", folder)
    except OSError:
        # Another process came first, with the same rows; anything else is a real failure.
        if not folder.exists():
            raise
    finally:
        shutil.rmtree(partial, ignore_errors=True)
