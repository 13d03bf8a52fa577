"""Recognises files of tagged tokens by their names and, if a name is ambiguous, by their content."""

import re
from collections.abc import Collection
from itertools import pairwise
from pathlib import Path

from hfseq.data.sources.readers import data_extension
from hfseq.data.sources.visible_files import visible_files
from hfseq.data.splits.names import SPLITS, canonical_split
from hfseq.errors import HfseqError
from hfseq.modalities.text.plain_text import numbered_lines
from hfseq.tasks.token_classification.conll_layout import is_separator, split_at_spaces, split_at_tabs

# Plain text is included because the shared tasks published `train.txt`.
TAG_FILE_EXTENSIONS = (
    "conll", "conllu", "conllx", "conllup", "cupt", "bio", "iob", "iob1", "iob2", "bioes", "iobes", "bilou", "bmes",
    "annotated", "txt",
)  # fmt: skip
# The names of CoNLL-2003 end with the split: eng.train, eng.testa, eng.testb.
_SPLIT_EXTENSIONS = {
    "train": "train", "dev": "validation", "valid": "validation", "testa": "validation", "test": "test",
    "testb": "test",
}  # fmt: skip
# As in `wnut17train.conll`, which has no separator before the name of the split.
_ENDS_WITH_SPLIT = re.compile(r"(train|dev|valid|test)$")
_LISTED = (
    "train.conll, dev.conll and test.conll (or .conllu, .bio, .iob, .txt, .tsv; or eng.train, eng.testa, eng.testb)"
)
# Minimum share of lines that end with a known tag in a file of tagged tokens.
_TAGGED_SHARE = 0.9


def tag_files(path: Path) -> dict[str, Path]:
    """The files of tagged tokens at a path, by split.

    Args:
        path (`Path`): a file, which becomes the split `train`, or a folder.

    Raises:
        HfseqError: if two files belong to the same split, or the type of the files is unknown.
    """
    if path.is_file():
        if is_tag_file(path):
            return {"train": path}
        if data_extension(path.name) is None:
            raise HfseqError(f"{path}: unknown file type. Name files with one token per line {_LISTED}.")
        return {}
    if not path.is_dir():
        return {}
    entries = visible_files(path)
    files: dict[str, Path] = {}
    for file in filter(is_tag_file, entries):
        split = _split_of(file)
        if split is not None and split in files:
            raise HfseqError(f"{path} has two files for split {split!r}: {files[split].name} and {file.name}")
        if split is not None:
            files[split] = file
    is_other = (path / "dataset_dict.json").is_file() or (path / "state.json").is_file()
    if not files and entries and not is_other and not any(data_extension(file.name) for file in entries):
        found = ", ".join(file.name for file in entries[:5])
        raise HfseqError(
            f"{path} has no file for a split. Name files with one token per line {_LISTED}. Found: {found}."
        )
    return {split: files[split] for split in SPLITS if split in files}


def is_tag_file(path: Path) -> bool:
    """Whether a file contains tagged tokens. A `.tsv` file without blank lines between sentences is a table."""
    extension = _parts(path)[1]
    if extension == "tsv":
        return _has_sentences(path)
    return extension in TAG_FILE_EXTENSIONS or extension in _SPLIT_EXTENSIONS


def has_token_lines(path: Path, tags: Collection[str]) -> bool:
    """Whether a text file has one token per line, and not one text per line.

    Args:
        path (`Path`): the file.
        tags (`Collection[str]`): the tags of a model.

    Returns:
        `bool`: `True` if at least 90 % of the lines end with a known tag; or if all lines have the same number of
            columns, and either tabs separate the columns or blank lines separate groups of two lines on average.
    """
    sizes, counts, known, rows, tabs = [0], set(), 0, 0, 0
    for _, line in numbered_lines(path, may_be_empty=True):
        if is_separator(line):
            sizes.append(0)
        elif sizes[-1] or not line.startswith("#"):
            row = split_at_tabs(line) if "\t" in line else split_at_spaces(line)
            sizes[-1] += 1
            rows, tabs = rows + 1, tabs + ("\t" in line)
            known += len(row) > 1 and row[-1] in tags
            counts.add(len(row))
    if rows and known >= _TAGGED_SHARE * rows:
        return True
    sentences = [size for size in sizes if size]
    return len(counts) == 1 and (tabs == rows > 0 or (len(sentences) > 1 and sum(sentences) >= 2 * len(sentences)))


def _parts(path: Path) -> tuple[str, str]:
    stem, _, extension = path.name.lower().removesuffix(".gz").rpartition(".")
    return stem, extension


def _has_sentences(path: Path) -> bool:
    blank = [not line.strip(" \t") for _, line in numbered_lines(path, may_be_empty=True)]
    return any(before and not after for before, after in pairwise(blank))


def _split_of(path: Path) -> str | None:
    stem, extension = _parts(path)
    found = _SPLIT_EXTENSIONS.get(extension) or canonical_split(stem)
    if found is None and (match := _ENDS_WITH_SPLIT.search(stem)):
        found = canonical_split(match[1])
    return found
