"""Built-in data sets. They need no network, because they are made from installed packages or generated."""

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
        module (`str`): name of the module in this package that makes the data set. Its `load(cache_dir)` returns the
            splits. Its `describe()` returns a sentence that describes the data set and the versions it was made from.
        task (`str`, *optional*, defaults to `"sequence_classification"`): task of the data set.
        modality (`str`, *optional*, defaults to `"text"`): modality of the examples.
        settings (`dict`, *optional*): default settings for this data set, named like the flags.
    """

    module: str
    task: str = "sequence_classification"
    modality: str = "text"
    settings: Mapping[str, Any] = MappingProxyType({})


# A module is only imported when its data set is used, because it needs libraries that take seconds to import.
BUILTINS = {
    "code-tokens": Builtin("code_tokens", "token_classification"),
    # Every digit of a date counts, so the tokens are characters and not subwords.
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
    # Each key lasts at least 10 frames, so 2 frames can be stacked per step. All models learn this task in 15 epochs.
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
    """Names of the built-in data sets, which can follow `builtin:`."""
    return sorted(BUILTINS)


def check_builtin(name: str) -> None:
    """Checks that a built-in data set exists.

    Raises:
        HfseqError: there is no built-in data set of this name.
    """
    _find(name)


def load_builtin(name: str, cache_dir: str | None = None) -> "DatasetDict":
    """Loads a built-in data set.

    Args:
        name (`str`): one of `builtin_names()`.
        cache_dir (`str`, *optional*, defaults to the cache folder of `datasets`): folder to cache it in.

    Returns:
        `datasets.DatasetDict`: the splits.

    Raises:
        HfseqError: there is no built-in data set of this name.
    """
    return _module(name).load(cache_dir)


def describe_builtin(name: str) -> str:
    """Describes a built-in data set in one sentence, for reports.

    Args:
        name (`str`): one of `builtin_names()`.

    Raises:
        HfseqError: there is no built-in data set of this name.
    """
    return _module(name).describe()


def builtin_task(name: str) -> str:
    """Task of a built-in data set.

    Raises:
        HfseqError: there is no built-in data set of this name.
    """
    return _find(name).task


def builtin_settings(name: str) -> dict[str, Any]:
    """Default settings of a built-in data set.

    Raises:
        HfseqError: there is no built-in data set of this name.
    """
    return dict(_find(name).settings)


def builtin_modality(name: str) -> str:
    """Modality of a built-in data set.

    Raises:
        HfseqError: there is no built-in data set of this name.
    """
    return _find(name).modality


def _find(name: str) -> Builtin:
    if name not in BUILTINS:
        raise HfseqError(f"there is no built-in data set {name!r}: {nearest(name, BUILTINS)}")
    return BUILTINS[name]


def _module(name: str) -> Any:
    return importlib.import_module(f"{__name__}.{_find(name).module}")
