"""Identifies files by a digest of their content: copies of a file are the same example."""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import datasets
from datasets import Dataset, Features, Value

from hfseq.errors import HfseqError

DIGEST = "digest"
_CHECKED = "_checked"


def with_digests(
    split: Dataset,
    column: str,
    where: str,
    describe: Callable[[Any], dict[str, Any]],
    kinds: dict[str, Value] | None = None,
) -> Dataset:
    """Adds to each file in a column a digest of its content, and further fields.

    Args:
        split (`datasets.Dataset`): the examples.
        column (`str`): the column of the files: paths, or dictionaries with `path` and perhaps `bytes`.
        where (`str`): split and data set, for error messages.
        describe (`Callable`): takes the value of a cell, reads the file, and returns its `digest` and other fields.
        kinds (`dict[str, Value]`, *optional*): the types of those other fields.

    Returns:
        `datasets.Dataset`: the same rows. The column holds dictionaries of `path`, `digest`, the other fields, and
        `bytes` if there were any. [`content_key`] reads the digest.

    Raises:
        HfseqError: a file cannot be read. The message names the row.
    """
    types = {"path": Value("string"), DIGEST: Value("string"), **(kinds or {})}
    kind = split.features[column]
    if isinstance(kind, datasets.Image | datasets.Audio) or (isinstance(kind, dict) and "bytes" in kind):
        # The data set holds the files themselves: two copies may not fit into memory.
        types["bytes"] = Value("binary")
        return split.map(
            _describe_cell,
            with_indices=True,
            fn_kwargs={"column": column, "where": where, "describe": describe},
            features=Features({**split.features, column: types}),
        )
    found = []
    for row, item in enumerate(split.select_columns([column]).with_format(None)):
        found.append(_describe_cell(item, row, column, where, describe)[column])
    checked = split.add_column(_CHECKED, found, feature=Features(types))
    return checked.remove_columns(column).rename_column(_CHECKED, column)


def _describe_cell(
    item: dict[str, Any], row: int, column: str, where: str, describe: Callable[[Any], dict[str, Any]]
) -> dict[str, Any]:
    value = item[column]
    known = value if isinstance(value, dict) else {"path": value}
    try:
        return {column: {**known, **describe(value)}}
    except (ValueError, OSError) as error:  # an HfseqError is a ValueError
        raise HfseqError(f"{where}, row {row}: {error}") from error


def has_digests(split: Dataset, column: str) -> bool:
    """Whether [`with_digests`] made this column."""
    kind = split.features[column]
    return isinstance(kind, dict) and DIGEST in kind


def path_of(value: Any) -> Any:
    """The path of a file with a digest. Other values are returned unchanged."""
    return value["path"] if isinstance(value, dict) and DIGEST in value else value


def file_digest(path: str | Path) -> str:
    """The sha256 of the content of a file, in hexadecimal."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
