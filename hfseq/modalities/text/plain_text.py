"""Reads plain text: one document per file, one row per line, or parallel text in two languages."""

import gzip
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO

from datasets import Dataset, DatasetDict, Features, Value

from hfseq.data.sources.readers import inspect_file
from hfseq.data.sources.visible_files import visible_entries, visible_files
from hfseq.errors import HfseqError, nearest

# Arguments to open a stream of lines. The encoding drops the byte order mark that some editors write.
LINE_ENCODING, LINE_END = "utf-8-sig", "\n"


def numbered_lines(path: Path, may_be_empty: bool = False) -> Iterator[tuple[int, str]]:
    r"""Yields the lines of a UTF-8 text file with their numbers, which start at 1. Lines end with `\n` or `\r\n` only.

    `str.splitlines` also splits at characters such as U+2028 or U+0085, which occur in texts from the web. Then the
    numbers would differ from those of other programs.

    Args:
        path (`Path`): the file. It may be compressed with gzip.
        may_be_empty (`bool`, *optional*, defaults to `False`): whether the file may be empty or only have blank lines.

    Raises:
        HfseqError: the file is empty, damaged, unreadable, or not UTF-8.
    """
    inspect_file(path, may_be_empty)
    with _open(path) as stream:
        yield from enumerate(lines_of(stream), start=1)


def lines_of(stream: Iterable[str]) -> Iterator[str]:
    """Yields the lines of a stream, opened with `LINE_ENCODING` and `LINE_END`, without their line ends."""
    for line in stream:
        yield line.removesuffix("\n").removesuffix("\r")


def read_text(path: Path, by_line: bool = False) -> Dataset:
    """Reads a text for language modeling.

    Args:
        path (`Path`): a `.txt` or `.txt.gz` file.
        by_line (`bool`, *optional*, defaults to `False`): whether each line that is not blank is a row. By default,
            the whole file is one row.

    Returns:
        `datasets.Dataset`: the column `text`.

    Raises:
        HfseqError: the file is empty, damaged, or not UTF-8.
    """
    if by_line:
        texts = [line for _, line in numbered_lines(path) if line.strip()]
    else:
        inspect_file(path)
        with _open(path) as stream:
            texts = [stream.read().replace("\r\n", "\n")]
    return Dataset.from_dict({"text": texts}, features=Features({"text": Value("string")}))


def read_parallel(path: Path, source_lang: str, target_lang: str, test: str | None = None) -> DatasetDict:
    """Reads parallel text: for each split, one file per language. Line n of one file translates line n of the other.

    The files are named `<split>.<language>` or `<split>.<language>.gz`. The split is `train`; `val`, `valid`,
    `validation` or `dev`; or any name that starts with `test`.

    Args:
        path (`Path`): the folder of the files, or a folder and a prefix of their names, such as `corpora/news` for
            `corpora/news.train.de`. `corpora/news.de` without a split is the training split.
        source_lang (`str`): the extension of the files to translate from, such as `en`.
        target_lang (`str`): the extension of the files to translate to.
        test (`str`, *optional*): name of the test set if there are several, such as `test_2016_flickr`. By default
            `test`, or else the first by name.

    Returns:
        `datasets.DatasetDict`: the splits that exist, with the columns `source` and `target`.

    Raises:
        HfseqError: there are no such files, a language lacks a split, or two files differ in their number of lines.
    """
    if source_lang == target_lang:
        raise HfseqError(f"source_lang and target_lang are both {source_lang!r}: choose two languages.")
    sides = [_files(path, language) for language in (source_lang, target_lang)]
    names = _split_names(sorted(sides[0].keys() | sides[1].keys()), path, test)
    if not names:
        raise HfseqError(
            f"{path} has no split of parallel text: expected files named train.{source_lang} and train.{target_lang} "
            f"(or .gz){_found(path)}."
        )
    splits = DatasetDict()
    for split, name in names.items():
        for side, other, language in ((sides[0], sides[1], target_lang), (sides[1], sides[0], source_lang)):
            if name not in other:
                raise HfseqError(f"there is no file beside {side[name]} that ends in .{language} or .{language}.gz.")
        splits[split] = _aligned(sides[0][name], sides[1][name])
    return splits


def _open(path: Path) -> IO[str]:
    if path.name.lower().endswith(".gz"):
        return gzip.open(path, "rt", encoding=LINE_ENCODING, newline=LINE_END)
    return open(path, encoding=LINE_ENCODING, newline=LINE_END)


def _files(path: Path, language: str) -> dict[str, Path]:
    """The files of a language, by the part of their names between the prefix and the language."""
    folder, prefix = (path, "") if path.is_dir() else (path.parent, path.name)
    pattern = re.compile(rf"{re.escape(prefix)}(.*)\.{re.escape(language)}(\.gz)?")
    files: dict[str, Path] = {}
    # In this order, an uncompressed file replaces a compressed one of the same name.
    for file in reversed(visible_files(folder) if folder.is_dir() else []):
        match = pattern.fullmatch(file.name)
        if match:
            files[match.group(1).lstrip("._-") or "train"] = file
    return files


def _split_names(found: list[str], path: Path, test: str | None) -> dict[str, str]:
    """The name of each split among the names that were found."""
    names = {"train": "train"} if "train" in found else {}
    validation = [name for name in found if name in ("val", "valid", "validation", "dev")]
    if len(validation) > 1:
        raise HfseqError(f"{path} has several validation splits, {' and '.join(validation)}: keep one of them.")
    if validation:
        names["validation"] = validation[0]
    tests = [name for name in found if name.startswith("test")]
    if test is not None and test not in tests:
        choices = nearest(test, tests) if tests else "there is no file whose name starts with test"
        raise HfseqError(f"{path} has no test set {test!r}: {choices}")
    if tests:
        names["test"] = test or tests[0]
    return names


def _aligned(source: Path, target: Path) -> Dataset:
    columns = {
        name: [line for _, line in numbered_lines(path)] for name, path in (("source", source), ("target", target))
    }
    counts = [len(lines) for lines in columns.values()]
    if counts[0] != counts[1]:
        raise HfseqError(
            f"{source} has {counts[0]:,} lines, but {target} has {counts[1]:,}: each line must be the translation of "
            "the same line of the other file."
        )
    return Dataset.from_dict(columns, features=Features({name: Value("string") for name in columns}))


def _found(path: Path) -> str:
    folder = path if path.is_dir() else path.parent
    if not folder.is_dir():
        return f", but the folder {folder} does not exist"
    names = [entry.name for entry in visible_entries(folder)]
    return f", found {', '.join(names[:5])}{', ...' if len(names) > 5 else ''}" if names else ", found an empty folder"
