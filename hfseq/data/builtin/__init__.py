"""Data sets that need no network: they are made from what is installed."""

from collections.abc import Callable
from typing import NamedTuple

from datasets import DatasetDict

from hfseq.data.builtin import docstrings
from hfseq.errors import HfseqError, nearest


class Builtin(NamedTuple):
    """A built-in data set.

    Args:
        load (`Callable`): makes the splits, or takes them from the cache folder that it is given.
        describe (`Callable`): a sentence that says what the set is and which versions it was made from.
    """

    load: Callable[[str | None], DatasetDict]
    describe: Callable[[], str]


BUILTINS = {"docstrings": Builtin(docstrings.load, docstrings.describe)}


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


def _find(name: str) -> Builtin:
    if name not in BUILTINS:
        raise HfseqError(f"there is no built-in data set {name!r}: {nearest(name, BUILTINS)}")
    return BUILTINS[name]
