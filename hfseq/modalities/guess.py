"""Guesses the modality of a file or folder."""

import gzip
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from hfseq.data.labels.columns import TEXT_NAMES
from hfseq.data.sources.readers import data_extension, json_rows
from hfseq.data.sources.split_files import table_files, tables_by_split
from hfseq.data.sources.split_folders import split_folders
from hfseq.data.sources.tables import table_rows
from hfseq.data.sources.visible_files import visible_files, walk_files
from hfseq.errors import HfseqError
from hfseq.modalities.base import Modality
from hfseq.modalities.media_folder import METADATA, SAVED
from hfseq.registry import get_task

_DEFAULT = "text"
# Maximum number of rows of a table, files of a folder, and characters of a JSON file that are read.
_ROWS, _FILES, _BEGINNING = 5, 10_000, 1_000_000
# Files that describe the others.
_ABOUT = ("readme", "license", "licence", "citation", METADATA)


@dataclass(frozen=True)
class Guess:
    """The guessed modality of a data set.

    Args:
        modality (`str`): the name of the modality.
        source (`str`): the file or files that the guess is based on.
    """

    modality: str
    source: str


def guess_path(path: Path, task: str | None, modalities: Mapping[str, Modality]) -> Guess:
    """Guesses the modality of an existing file or folder.

    Tables named after splits come first: they are text, unless they name existing media files. Then comes a
    `metadata.csv`, whose modality is that of the files that it names. Otherwise, a modality is chosen if more than
    half of the files are of its kind.

    Args:
        path (`Path`): the file or folder.
        task (`str`, *optional*): the task in the settings.
        modalities (`Mapping[str, Modality]`): all modalities by name, in the order in which they are tried.
    """
    if path.is_file():
        own = next((name for name, modality in modalities.items() if modality.recognizes(path)), None)
        if own is None and data_extension(path.name) and not _has_text(path):
            return _by_table(path, task, modalities)
        return Guess(own or _DEFAULT, path.name)
    saved = next((name for name in SAVED if (path / name).is_file()), None)
    if saved is not None:
        return guess_features(_saved_features(path), saved, modalities)
    tables = [table for files in tables_by_split(path).values() for table in files]
    if tables:
        return _by_table(tables[0], task, modalities)
    for folder in (path, *split_folders(path).values()):
        if (folder / METADATA).is_file():
            return _by_table(folder / METADATA, task, modalities)
    return _by_files(path, task, modalities)


def guess_features(features: Mapping[str, Any], source: str, modalities: Mapping[str, Modality]) -> Guess:
    """The modality of a table that `datasets` holds, by the types of its columns.

    Args:
        features (`dict[str, Any]`): the features of the table.
        source (`str`): what the notes call the table.
        modalities (`Mapping[str, Modality]`): all modalities by name, the most specific first.
    """
    if not _has_text_column(features):
        for name, modality in modalities.items():
            if any(modality.recognizes_column(*column) for column in features.items()):
                return Guess(name, source)
    return Guess(_DEFAULT, source)


def _saved_features(folder: Path) -> Mapping[str, Any]:
    """The features of a data set in a folder of `save_to_disk`; none where it cannot be read, which its reader
    reports."""
    import datasets

    try:
        saved = datasets.load_from_disk(str(folder))
    except (OSError, ValueError, KeyError):
        return {}
    return (next(iter(saved.values())) if isinstance(saved, dict) else saved).features


def _by_table(table: Path, task: str | None, modalities: Mapping[str, Modality]) -> Guess:
    """The modality of the media files that a table names; text if it names none."""
    rows = _first_rows(table)
    reads_images = task is not None and get_task(task).describes_images
    columns = {name: [row.get(name) for row in rows] for name in (rows[0] if rows else ())}
    for name, modality in modalities.items():
        # A table of texts may name an image beside each text. Only a task that describes images reads them.
        if modality.is_visual and not reads_images and _has_text_column(columns):
            continue
        for cells in columns.values():
            paths = [table.parent / cell for cell in cells if isinstance(cell, str) and cell]
            if modality.files_in_tables and paths and all(map(modality.is_example, paths)):
                return Guess(name, f"{table.name}, which names {next(filter(None, cells))}")
    return Guess(_DEFAULT, table.name)


def _by_files(folder: Path, task: str | None, modalities: Mapping[str, Modality]) -> Guess:
    files = [file for file in islice(walk_files(folder), _FILES) if not file.name.lower().startswith(_ABOUT)]
    for name, modality in modalities.items():
        own = [file for file in files if modality.is_part(file)]
        if 2 * len(own) > len(files) and modality.recognizes(folder):
            example = own[0].relative_to(folder).as_posix()
            return Guess(name, f"{len(own):,} files such as {example}" if len(own) > 1 else example)
    tables = table_files(folder)
    if len(tables) == 1:
        return _by_table(tables[0], task, modalities)
    first = next(iter([*tables, *visible_files(folder), *files]), None)
    return Guess(_DEFAULT, first.relative_to(folder).as_posix() if first else "an empty folder")


def _first_rows(table: Path) -> list[dict[str, Any]]:
    """The first rows of a table. The list is empty if the table cannot be read; its reader reports the error later."""
    extension = data_extension(table.name)
    rows: Iterable[dict[str, Any]]
    try:
        if extension == "json":
            return _first_objects(table)
        if extension == "parquet":
            import pyarrow.parquet as pq

            rows = next(pq.ParquetFile(table).iter_batches(batch_size=_ROWS)).to_pylist()
        elif extension == "jsonl":
            rows = json_rows(table)
        else:
            rows = (row for _, row in table_rows(table))
        return list(islice(rows, _ROWS))
    except (HfseqError, OSError, ValueError, EOFError, StopIteration):
        return []


def _first_objects(table: Path) -> list[dict[str, Any]]:
    """The first objects of a JSON file. Only the beginning of the file is read."""
    with gzip.open(table, "rt") if table.name.lower().endswith(".gz") else open(table, encoding="utf-8-sig") as file:
        beginning = file.read(_BEGINNING).lstrip().removeprefix("[")
    found: list[dict[str, Any]] = []
    decoder = json.JSONDecoder()
    while len(found) < _ROWS:
        beginning = beginning.lstrip().removeprefix(",").lstrip()
        try:
            row, end = decoder.raw_decode(beginning)
        except (ValueError, RecursionError):  # the end of the file, or of the part that was read
            break
        found += [row] if isinstance(row, dict) else []
        beginning = beginning[end:]
    return found


def _has_text(table: Path) -> bool:
    return _has_text_column(next(iter(_first_rows(table)), {}))


def _has_text_column(columns: Iterable[str]) -> bool:
    return any(name.lower() in TEXT_NAMES for name in columns)
