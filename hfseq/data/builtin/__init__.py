"""Data sets that need no network: they are made from what is installed."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from datasets import DatasetDict

from hfseq.data.builtin import (
    code_tokens,
    dates,
    digits_captions,
    digits_rows,
    docstrings,
    dtmf,
    melodies,
    moving_digits,
    promoters,
    seasonal,
    stdlib_text,
)
from hfseq.errors import HfseqError, nearest


class Builtin(NamedTuple):
    """A built-in data set.

    Args:
        load (`Callable`): makes the splits, or takes them from the cache folder that it is given.
        describe (`Callable`): a sentence that says what the set is and which versions it was made from.
        task (`str`, *optional*, defaults to `"sequence_classification"`): what it is for.
        modality (`str`, *optional*, defaults to `"text"`): what an example is.
        settings (`dict`, *optional*): what it is read and trained with, unless one says otherwise; keys as on the
            command line.
    """

    load: Callable[[str | None], DatasetDict]
    describe: Callable[[], str]
    task: str = "sequence_classification"
    modality: str = "text"
    settings: Mapping[str, Any] = MappingProxyType({})


BUILTINS = {
    "code-tokens": Builtin(code_tokens.load, code_tokens.describe, "token_classification"),
    # A date has to be right to the digit, and pieces of words hide them.
    "dates": Builtin(
        dates.load,
        dates.describe,
        "sequence_to_sequence",
        "text",
        {
            "tokenizer_name": "character",
            "max_length": 64,
            "max_target_length": 16,
            "per_device_train_batch_size": 32,
        },
    ),
    "docstrings": Builtin(docstrings.load, docstrings.describe),
    # Each key lasts for ten frames or more, and no model needs long to tell them apart.
    "dtmf": Builtin(dtmf.load, dtmf.describe, "ctc", "audio", {"frame_stack": 2, "num_train_epochs": 15}),
    "digits-captions": Builtin(digits_captions.load, digits_captions.describe, "captioning", "image"),
    "digits-rows": Builtin(digits_rows.load, digits_rows.describe, "sequence_classification", "series"),
    "moving-digits": Builtin(
        moving_digits.load,
        moving_digits.describe,
        "sequence_classification",
        "video",
        {"image_size": moving_digits.CANVAS, "num_channels": 1},
    ),
    "promoters": Builtin(promoters.load, promoters.describe, "sequence_classification", "dna"),
    "seasonal": Builtin(seasonal.load, seasonal.describe, "forecasting", "series"),
    "melodies": Builtin(melodies.load, melodies.describe, "causal_lm", "music"),
    "stdlib-text": Builtin(stdlib_text.load, stdlib_text.describe, "causal_lm"),
}


def builtin_names() -> list[str]:
    """The names that may follow `builtin:`."""
    return sorted(BUILTINS)


def load_builtin(name: str, cache_dir: str | None = None) -> DatasetDict:
    """Loads a built-in data set.

    Args:
        name (`str`): one of `builtin_names()`.
        cache_dir (`str`, *optional*): folder to keep it in, by default the cache folder of `datasets`.

    Returns:
        `datasets.DatasetDict`: its splits.

    Raises:
        HfseqError: there is no such set.
    """
    return _find(name).load(cache_dir)


def describe_builtin(name: str) -> str:
    """What a built-in data set was made from, for a report.

    Args:
        name (`str`): one of `builtin_names()`.

    Raises:
        HfseqError: there is no such set.
    """
    return _find(name).describe()


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
