"""The splits that a saved model was trained, validated and tested on."""

import dataclasses
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from datasets import Dataset

from hfseq.data.sources.memory import memory_fingerprint
from hfseq.errors import HfseqError
from hfseq.hub.public_record import relative_name
from hfseq.training.preparation import load_data


def splits_of_training(predictor: Any, dataset: str | None, cache_dir: str | None) -> Mapping[str, Dataset] | None:
    """The splits of the training, those that were cut from the training split included.

    Args:
        predictor (`Predictor`): the model.
        dataset (`str`, *optional*): what to evaluate on. By default the data of the training.
        cache_dir (`str`, *optional*): folder of the cache of `datasets`.

    Returns:
        `dict` or `None`: `None` if the model was trained on other data.

    Raises:
        HfseqError: the data of the training has changed, or does not exist any more.
    """
    record, trained_on = predictor.record, predictor.trained_on
    if record is None or trained_on is None:
        return None
    place = trained_on if dataset is None else dataset
    same = dataset is None or _is_same(dataset, trained_on)
    # A file may have been moved since; its content decides.
    if not same and relative_name(os.path.abspath(place)) != relative_name(os.path.abspath(trained_on)):
        return None
    if dataset is None and trained_on.startswith("./") and not Path(trained_on).exists():
        raise HfseqError(
            f"the data that this model was trained on, {trained_on[2:]!r}, is not in this folder: name it with "
            "--dataset"
        )
    try:
        data = load_data(dataclasses.replace(predictor.arguments, dataset=place, cache_dir=cache_dir))
    except HfseqError:
        if same:
            raise
        return None  # another data set of the same name, whose errors are reported when it is read
    if data.fingerprint == record.data.get("fingerprint"):
        return data.splits
    if not same:
        return None
    raise HfseqError(
        f"{place!r} has changed since the model was trained on it, so its splits are not known any more; give the "
        "file to evaluate on with --dataset, under another name"
    )


def _is_same(dataset: str, trained_on: str) -> bool:
    """Whether two names are of one data set: there are several ways to write a path."""
    if dataset == trained_on:
        return True
    # Data in memory, and the folder in which a comparison keeps it.
    fingerprint = memory_fingerprint(dataset)
    if fingerprint is not None and fingerprint == memory_fingerprint(trained_on):
        return True
    given, known = Path(dataset).expanduser(), Path(trained_on).expanduser()
    return given.exists() and known.exists() and given.resolve() == known.resolve()
