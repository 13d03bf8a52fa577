"""Tagged tokens: the column formats of the CoNLL shared tasks, CoNLL-U, and lists in tables."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from datasets import ClassLabel, Dataset, Features, List, Value

from hfseq.data.formats.plain_text import numbered_lines
from hfseq.errors import HfseqError, nearest

TOKENS_AND_TAGS = Features({"tokens": List(Value("string")), "tags": List(Value("string"))})

# https://universaldependencies.org/format.html
_CONLL_U = ("id", "form", "lemma", "upos", "xpos", "feats", "head", "deprel", "deps", "misc")
# Tjong Kim Sang & De Meulder 2003.
_CONLL_2003 = ("token", "pos", "chunk", "ner")
# How a line begins that separates the documents of CoNLL-2003, in the form of a token.
_DOCUMENT = "-DOCSTART-"


def read_conll(path: Path, tag_column: str | None = None, tags_required: bool = True) -> Dataset:
    """Reads a file with a token a line, its columns separated by tabs or spaces, and a blank line after a sentence.

    Files with ten columns separated by tabs are CoNLL-U; the lines of multiword tokens (`3-4`) and empty nodes (`3.1`)
    are left out. In all others the token stands first. A line in front of a sentence that begins with `#` is a
    comment, unless it has as many columns as the tokens have, and a tag that other tokens have: "#" may be one itself.

    Args:
        path (`Path`): the file, may be packed with gzip.
        tag_column (`str`, *optional*): the column of the tag. For CoNLL-U its name, by default `upos`; for files of
            four columns also `pos`, `chunk` or `ner`; for all, its number from 1. By default the last column.
        tags_required (`bool`, *optional*, defaults to `True`): whether it is an error to find a single column; where
            it is not, that is the column of the tokens.

    Returns:
        `datasets.Dataset`: the columns `tokens` and, unless there are none, `tags`; a sentence a row.

    Raises:
        HfseqError: the file is empty, damaged, not UTF-8, there is no such column, or a line has another number of
            columns than the first, or no token.
    """
    cells, count = _layout(path, least=2 if tags_required else 1)
    if count == 1 and tag_column is None:
        return _tokens_alone(path)
    is_conll_u = count == len(_CONLL_U) and cells is _by_tabs
    token_at = 1 if is_conll_u else 0
    names = _CONLL_U if is_conll_u else _CONLL_2003 if count == len(_CONLL_2003) else ()
    default = "upos" if is_conll_u else str(count)
    tag_at = _column(default if tag_column is None else tag_column, names, count, token_at, path)
    tokens: list[list[str]] = []
    tags: list[list[str]] = []
    known = _known_tags(path, cells, count, tag_at)
    for sentence in _sentences(path, cells, count, (token_at, tag_at), known):
        words = [row for row in sentence if not (is_conll_u and re.search(r"[-.]", row[0]))]
        if words:
            tokens.append([row[token_at] for row in words])
            tags.append([row[tag_at] for row in words])
    if not tokens:
        raise HfseqError(f"{path} has no sentences.")
    return Dataset.from_dict({"tokens": tokens, "tags": tags}, features=TOKENS_AND_TAGS)


def tokens_and_tags(dataset: Dataset, tokens_column: str, tags_column: str, where: str) -> Dataset:
    """Tagged tokens from two columns of a table.

    Args:
        dataset (`datasets.Dataset`): rows with lists, or, as csv has them, strings with spaces in between. Tags may be
            the ids of a `ClassLabel`, and become names.
        tokens_column (`str`): the column of the tokens.
        tags_column (`str`): the column of the tags.
        where (`str`): what the table is, for messages.

    Returns:
        `datasets.Dataset`: the columns `tokens` and `tags`, lists of strings, without the rows that are
            empty in both.

    Raises:
        HfseqError: a column is missing, a cell is neither list nor string, a row has not as many tags as tokens, or
            there are no tokens at all.
    """
    for name in (tokens_column, tags_column):
        if name not in dataset.column_names:
            raise HfseqError(f"{where} has no column {name!r}: {nearest(name, dataset.column_names)}")
    name_of = _namer(dataset.features[tags_column])
    columns: dict[str, list[list[str]]] = {"tokens": [], "tags": []}
    pairs = zip(dataset[tokens_column], dataset[tags_column], strict=True)
    for row, (raw_tokens, raw_tags) in enumerate(pairs):
        tokens = _words(raw_tokens, str, f"{where}, row {row}, column {tokens_column!r}")
        tags = _words(raw_tags, name_of, f"{where}, row {row}, column {tags_column!r}")
        if len(tokens) != len(tags):
            raise HfseqError(
                f"{where}, row {row}: {len(tokens)} tokens in column {tokens_column!r}, but {len(tags)} tags in "
                f"column {tags_column!r}: each token needs one tag."
            )
        # Empty sentences, which some published sets hold, have nothing to learn from.
        if tokens:
            columns["tokens"].append(tokens)
            columns["tags"].append(tags)
    if not columns["tokens"]:
        raise HfseqError(f"{where} has no rows with tokens in column {tokens_column!r}.")
    return Dataset.from_dict(columns, features=TOKENS_AND_TAGS)


def _tokens_alone(path: Path) -> Dataset:
    sentences = [[row[0] for row in rows] for rows in _sentences(path, _by_spaces, 1, (0, 0))]
    return Dataset.from_dict({"tokens": sentences}, features=Features({"tokens": List(Value("string"))}))


def _by_tabs(line: str) -> list[str]:
    return line.split("\t")


def _by_spaces(line: str) -> list[str]:
    # Other white space, such as a no-break space, may be part of a token.
    return re.split("[ \t]+", line.strip(" \t"))


def _layout(path: Path, least: int) -> tuple[Callable[[str], list[str]], int]:
    """How a line is cut into cells, and how many there are, as the first token has it."""
    # What begins with "#" may be a comment or a token: any other line is the better witness.
    lines = (line for _, line in numbered_lines(path) if not _separates(line))
    first = next((line for line in lines if not line.startswith("#")), None)
    if first is None:
        raise HfseqError(f"{path} has no sentences.")
    cells = _by_tabs if "\t" in first else _by_spaces
    count = len(cells(first))
    if count < least:
        raise HfseqError(
            f"{path}: expected a token and its tag on each line, with a tab or a space in between, got {first[:40]!r}."
        )
    return cells, count


def _separates(line: str) -> bool:
    # A separator may hold white space itself.
    return not line.strip(" \t") or line.startswith(_DOCUMENT)


def _known_tags(path: Path, cells: Callable[[str], list[str]], count: int, tag_at: int) -> set[str]:
    """The tags of the lines that are no comments for certain: those that begin otherwise, or stand in a sentence."""
    found: set[str] = set()
    inside = False
    for _, line in numbered_lines(path):
        if _separates(line):
            inside = False
        elif inside or not line.startswith("#"):
            inside = True
            row = cells(line)
            if len(row) == count:
                found.add(row[tag_at])
    return found


def _sentences(
    path: Path,
    cells: Callable[[str], list[str]],
    count: int,
    used: tuple[int, int],
    known: set[str] | None = None,
) -> Iterator[list[list[str]]]:
    sentence: list[list[str]] = []
    for number, line in numbered_lines(path):
        if _separates(line):
            if sentence:
                yield sentence
            sentence = []
            continue
        row = cells(line)
        if (
            line.startswith("#")
            and not sentence
            and (len(row) != count or (known is not None and row[used[1]] not in known))
        ):
            continue
        if len(row) != count:
            kind = "tabs" if cells is _by_tabs else "spaces"
            raise HfseqError(
                f"{path}, line {number}: {len(row)} columns separated by {kind}, but the first token has {count}: "
                f"{line[:60]!r}. A blank line separates sentences."
            )
        if empty := [index for index in used if not row[index].strip(" ")]:
            raise HfseqError(f"{path}, line {number}: column {empty[0] + 1} is empty: {line[:60]!r}.")
        sentence.append(row)
    if sentence:
        yield sentence


def _column(name: str, names: tuple[str, ...], count: int, token_at: int, path: Path) -> int:
    places = {column: index for index, column in enumerate(names)}
    places |= {str(number): number - 1 for number in range(1, count + 1)}
    places = {column: index for column, index in places.items() if index > token_at}
    if name.lower() not in places:
        choices = nearest(name.lower(), places)
        raise HfseqError(f"{path} has {count} columns, none of which is a tag named {name!r}: {choices}")
    return places[name.lower()]


def _namer(feature: Any) -> Callable[[Any], str]:
    inner = getattr(feature, "feature", feature)
    return inner.int2str if isinstance(inner, ClassLabel) else str


def _words(value: Any, name_of: Callable[[Any], str], where: str) -> list[str]:
    if isinstance(value, str):
        return [word for word in re.split("[ \t\r\n]+", value) if word]
    if not isinstance(value, list):
        raise HfseqError(f"{where} is {str(value)[:40]!r}, expected a list, or words with spaces in between.")
    words = []
    for position, element in enumerate(value):
        if element is None or isinstance(element, (list, dict)):
            raise HfseqError(f"{where}: element {position} is {str(element)[:40]!r}, expected a string.")
        try:
            words.append(name_of(element))
        except ValueError as error:
            # -1 is how sets whose labels are secret leave them out.
            raise HfseqError(f"{where}: element {position} is {element!r}, which is the id of no class.") from error
    return words
