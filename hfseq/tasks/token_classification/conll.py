"""Reads tagged tokens: column formats of the CoNLL shared tasks, CoNLL-U, and tables with lists."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from datasets import ClassLabel, Dataset, Features, List, Value

from hfseq.data.sources.features import TOKENS_AND_TAGS
from hfseq.errors import HfseqError, nearest
from hfseq.modalities.text.plain_text import numbered_lines
from hfseq.tasks.token_classification.conll_layout import Layout, detect_layout, is_separator, split_at_tabs


def read_conll(
    path: Path, tag_column: str | None = None, tags_required: bool = True, input_column: str | None = None
) -> Dataset:
    """Reads a file with one token per line. Tabs or spaces separate columns, blank lines separate sentences.

    The columns of CoNLL-U (ten columns, the first contains ids), CoNLL-U Plus (`# global.columns`) and CoNLL-2012
    (`#begin document`) are known by name. Lines of multiword tokens (`3-4`) and empty nodes (`3.1`) are skipped. In
    all other files, the token is the first column.

    A line before a sentence that begins with `#` is a comment. It is a token if it has the same number of columns as
    the other tokens and a tag that also occurs elsewhere, because "#" can be a token.

    Args:
        path (`Path`): the file, which may be compressed with gzip.
        tag_column (`str`, *optional*, defaults to the last column): the column of the tag, as a number from 1 or as a
            name. CoNLL-U has names (default `upos`), and so has CoNLL-2012 (default `ner`, converted to IOB2). Files
            with four columns have the names `pos`, `chunk` and `ner`.
        tags_required (`bool`, *optional*, defaults to `True`): whether a file with a single column is an error.
            Otherwise this column contains the tokens.
        input_column (`str`, *optional*): the column of the token, as a name or a number from 1.

    Returns:
        `datasets.Dataset`: the columns `tokens` and, if the file has tags, `tags`; one sentence per row.

    Raises:
        HfseqError: if the file is empty, damaged or not UTF-8; if the column does not exist; if lines differ in their
            number of columns; if a token is missing; or if the first column contains ids instead of words.
    """
    layout = detect_layout(path, input_column, min_columns=2 if tags_required else 1)
    if layout.count == 1 and tag_column is None:
        return _without_tags(path, layout)
    tag_index = layout.default_tag % layout.count if tag_column is None else layout.column(tag_column, path)
    if tag_index == layout.token_index:
        raise HfseqError(
            f"{path}: column {tag_index + 1} contains the words. Name the column of the tags with --target_column."
        )
    tokens: list[list[str]] = []
    tags: list[list[str]] = []
    for sentence in _sentences(path, layout, (layout.token_index, tag_index), _known_tags(path, layout, tag_index)):
        words = [row for row in sentence if layout.is_word(row)]
        if words:
            tokens.append([row[layout.token_index] for row in words])
            tags.append([row[tag_index] for row in words])
    if not tokens:
        raise HfseqError(f"{path} has no sentences.")
    if layout.is_ragged and layout.names[tag_index : tag_index + 1] == ("ner",):
        tags = [brackets_to_iob2(row) for row in tags]
    return Dataset.from_dict({"tokens": tokens, "tags": tags}, features=TOKENS_AND_TAGS)


def brackets_to_iob2(cells: list[str]) -> list[str]:
    """Converts the brackets of CoNLL-2012, such as `(PERSON*`, `*`, `*)` and `(GPE)`, to tags; keeps other cells."""
    tags, kind = [], None
    for cell in cells:
        if cell.startswith("("):
            kind = cell.strip("()*")
            tags.append(f"B-{kind}")
        elif set(cell) <= {"*", ")"}:
            tags.append("O" if kind is None else f"I-{kind}")
        else:
            tags.append(cell)
        if cell.endswith(")"):
            kind = None
    return tags


def tokens_and_tags(dataset: Dataset, tokens_column: str, tags_column: str, where: str) -> Dataset:
    """Tagged tokens from two columns of a table.

    Args:
        dataset (`datasets.Dataset`): rows with lists, or with strings of words separated by spaces, as in csv files.
            Tags may be ids of a `ClassLabel`; they are converted to names.
        tokens_column (`str`): the column of the tokens.
        tags_column (`str`): the column of the tags.
        where (`str`): name of the table in error messages.

    Returns:
        `datasets.Dataset`: the columns `tokens` and `tags`, which are lists of strings. Rows without tokens are
            removed.

    Raises:
        HfseqError: if a column is missing, a cell is neither a list nor a string, the numbers of tags and tokens of a
            row differ, or there are no tokens at all.
    """
    for name in (tokens_column, tags_column):
        if name not in dataset.column_names:
            raise HfseqError(f"{where} has no column {name!r}: {nearest(name, dataset.column_names)}")
    name_of = _tag_to_name(dataset.features[tags_column])
    columns: dict[str, list[list[str]]] = {"tokens": [], "tags": []}
    pairs = zip(dataset[tokens_column], dataset[tags_column], strict=True)
    for row, (raw_tokens, raw_tags) in enumerate(pairs):
        tokens = _words(raw_tokens, str, f"{where}, row {row}, column {tokens_column!r}")
        tags = _words(raw_tags, name_of, f"{where}, row {row}, column {tags_column!r}")
        if len(tokens) != len(tags):
            raise HfseqError(
                f"{where}, row {row}: {len(tokens)} tokens in column {tokens_column!r}, but {len(tags)} tags in "
                f"column {tags_column!r}. Each token needs exactly one tag."
            )
        # Some published data sets contain empty sentences. They are skipped.
        if tokens:
            columns["tokens"].append(tokens)
            columns["tags"].append(tags)
    if not columns["tokens"]:
        raise HfseqError(f"{where} has no rows with tokens in column {tokens_column!r}.")
    return Dataset.from_dict(columns, features=TOKENS_AND_TAGS)


def _without_tags(path: Path, layout: Layout) -> Dataset:
    sentences = [[row[0] for row in rows] for rows in _sentences(path, layout, (0, 0))]
    return Dataset.from_dict({"tokens": sentences}, features=Features({"tokens": List(Value("string"))}))


def _known_tags(path: Path, layout: Layout, tag_index: int) -> set[str]:
    """The tags of lines that cannot be comments: lines within a sentence, or without `#` at the beginning."""
    found: set[str] = set()
    inside = False
    for _, line in numbered_lines(path):
        if is_separator(line):
            inside = False
        elif inside or not line.startswith("#"):
            inside = True
            row = layout.cells(line)
            if layout.matches(row):
                found.add(row[tag_index])
    return found


def _sentences(
    path: Path, layout: Layout, used: tuple[int, int], known: set[str] | None = None
) -> Iterator[list[list[str]]]:
    sentence: list[list[str]] = []
    for number, line in numbered_lines(path):
        if is_separator(line):
            if sentence:
                yield sentence
            sentence = []
            continue
        row = layout.cells(line)
        is_comment = line.startswith("#") and not sentence
        if is_comment and (not layout.matches(row) or (known is not None and row[used[1]] not in known)):
            continue
        if not layout.matches(row):
            kind = "tabs" if layout.cells is split_at_tabs else "spaces"
            raise HfseqError(
                f"{path}, line {number}: {len(row)} columns separated by {kind}, but the first token has "
                f"{layout.count}: {line[:60]!r}. A blank line separates sentences."
            )
        if empty := [index for index in used if not row[index].strip(" ")]:
            raise HfseqError(f"{path}, line {number}: column {empty[0] + 1} is empty: {line[:60]!r}.")
        sentence.append(row)
    if sentence:
        yield sentence


def _tag_to_name(feature: Any) -> Callable[[Any], str]:
    inner = getattr(feature, "feature", feature)
    return inner.int2str if isinstance(inner, ClassLabel) else str


def _words(value: Any, name_of: Callable[[Any], str], where: str) -> list[str]:
    if isinstance(value, str):
        return [word for word in re.split("[ \t\r\n]+", value) if word]
    if not isinstance(value, list):
        raise HfseqError(f"{where} is {str(value)[:40]!r}, expected a list, or words separated by spaces.")
    words = []
    for position, element in enumerate(value):
        if element is None or isinstance(element, (list, dict)):
            raise HfseqError(f"{where}: element {position} is {str(element)[:40]!r}, expected a string.")
        try:
            words.append(name_of(element))
        except ValueError as error:
            # Data sets with secret labels publish -1 in their place.
            raise HfseqError(f"{where}: element {position} is {element!r}, which is not the id of a class.") from error
    return words
