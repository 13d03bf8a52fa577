"""Data sets that need no network: they are made from what is installed."""

import importlib
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from hfseq.errors import HfseqError, nearest

if TYPE_CHECKING:
    from datasets import DatasetDict


class Builtin(NamedTuple):
    """A built-in data set.

    Args:
        module (`str`): the module of this package that makes it. Its `load(cache_dir)` returns the splits, and its
            `describe()` returns a sentence on what the data set is and which versions it was made from.
        task (`str`, *optional*, defaults to `"sequence_classification"`): the task that it is for.
        modality (`str`, *optional*, defaults to `"text"`): the modality of its examples.
        settings (`dict`, *optional*): default settings for this data set; keys as on the command line.
    """

    module: str
    task: str = "sequence_classification"
    modality: str = "text"
    settings: Mapping[str, Any] = MappingProxyType({})


# A module is imported when its data set is used: it needs libraries that take seconds to import.
BUILTINS = {
    "code-tokens": Builtin("code_tokens", "token_classification"),
    # A date has to be right to the digit, and pieces of words hide them.
    "dates": Builtin(
        "dates",
        "sequence_to_sequence",
        "text",
        {
            "tokenizer_name": "character",
            "max_length": 64,
            "max_target_length": 16,
            "per_device_train_batch_size": 32,
        },
    ),
    "docstrings": Builtin("docstrings"),
    # Each key lasts for ten frames or more, and no model needs long to tell them apart.
    "dtmf": Builtin("dtmf", "ctc", "audio", {"frame_stack": 2, "num_train_epochs": 15}),
    "digits-captions": Builtin("digits_captions", "captioning", "image"),
    "digits-rows": Builtin("digits_rows", "sequence_classification", "series"),
    "moving-digits": Builtin(
        "moving_digits", "sequence_classification", "video", {"image_size": 16, "num_channels": 1}
    ),
    "promoters": Builtin("promoters", "sequence_classification", "dna"),
    "seasonal": Builtin("seasonal", "forecasting", "series"),
    "melodies": Builtin("melodies", "causal_lm", "music"),
    "stdlib-text": Builtin("stdlib_text", "causal_lm"),
}


def builtin_names() -> list[str]:
    """The names that may follow `builtin:`."""
    return sorted(BUILTINS)


def check_builtin(name: str) -> None:
    """
    Raises:
        HfseqError: there is no built-in data set of this name.
    """
    _find(name)


def load_builtin(name: str, cache_dir: str | None = None) -> "DatasetDict":
    """Loads a built-in data set.

    Args:
        name (`str`): one of `builtin_names()`.
        cache_dir (`str`, *optional*): folder to keep it in, by default the cache folder of `datasets`.

    Returns:
        `datasets.DatasetDict`: its splits.

    Raises:
        HfseqError: there is no such set.
    """
    return _module(name).load(cache_dir)


def describe_builtin(name: str) -> str:
    """What a built-in data set was made from, for a report.

    Args:
        name (`str`): one of `builtin_names()`.

    Raises:
        HfseqError: there is no such set.
    """
    return _module(name).describe()


def builtin_task(name: str) -> str:
    """The task that a built-in data set is for.

    Raises:
        HfseqError: there is no such set.
    """
    return _find(name).task


def builtin_settings(name: str) -> dict[str, Any]:
    """What a built-in data set is read and trained with, unless one says otherwise.

    Raises:
        HfseqError: there is no such set.
    """
    return dict(_find(name).settings)


def builtin_modality(name: str) -> str:
    """What an example of a built-in data set is.

    Raises:
        HfseqError: there is no such set.
    """
    return _find(name).modality


def _find(name: str) -> Builtin:
    if name not in BUILTINS:
        raise HfseqError(f"there is no built-in data set {name!r}: {nearest(name, BUILTINS)}")
    return BUILTINS[name]


def _module(name: str) -> Any:
    return importlib.import_module(f"{__name__}.{_find(name).module}")
