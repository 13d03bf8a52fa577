"""Tagged tokens: the column formats of the CoNLL shared tasks, CoNLL-U, and lists in tables."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from datasets import ClassLabel, Dataset, Features, List, Value

from hfseq.data.sources.features import TOKENS_AND_TAGS
from hfseq.errors import HfseqError, nearest
from hfseq.modalities.text.plain_text import numbered_lines
from hfseq.tasks.token_classification.conll_layout import Layout, split_at_tabs, detect_layout, is_separator


def read_conll(
    path: Path, tag_column: str | None = None, tags_required: bool = True, input_column: str | None = None
) -> Dataset:
    """Reads a file with a token per line, its columns separated by tabs or spaces, and a blank line after a sentence.

    The columns of CoNLL-U (ten, the first of them ids), of CoNLL-U Plus (`# global.columns`) and of CoNLL-2012
    (`#begin document`) are known by name. The lines of multiword tokens (`3-4`) and empty nodes (`3.1`) are left out.
    In all other files the token is the first column. A line in front of a sentence that begins with `#` is a
    comment, unless it has as many columns as the tokens have, and a tag that other tokens have: "#" may be one itself.

    Args:
        path (`Path`): the file, may be packed with gzip.
        tag_column (`str`, *optional*): the column of the tag. For CoNLL-U its name, by default `upos`; for CoNLL-2012
            likewise, by default `ner`, which is converted to IOB2; for files of four columns also `pos`, `chunk` or
            `ner`; for all, its number from 1. By default the last column.
        tags_required (`bool`, *optional*, defaults to `True`): whether it is an error to find a single column; where
            it is not, that is the column of the tokens.
        input_column (`str`, *optional*): the column of the token, by name or by number from 1.

    Returns:
        `datasets.Dataset`: the columns `tokens` and, unless there are none, `tags`; a sentence per row.

    Raises:
        HfseqError: the file is empty, damaged, not UTF-8, there is no such column, or a line has another number of
            columns than the first, or no token; or the first column holds ids and not words.
    """
    layout = detect_layout(path, input_column, min_columns=2 if tags_required else 1)
    if layout.count == 1 and tag_column is None:
        return _without_tags(path, layout)
    tag_index = layout.default_tag % layout.count if tag_column is None else layout.column(tag_column, path)
    if tag_index == layout.token_index:
        raise HfseqError(f"{path}: column {tag_index + 1} holds the words and cannot hold the tags: add --target_column.")
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
    """Tags from the brackets of CoNLL-2012: `(PERSON*`, `*`, `*)` and `(GPE)`; others are kept as they are."""
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
    name_of = _tag_to_name(dataset.features[tags_column])
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


def _without_tags(path: Path, layout: Layout) -> Dataset:
    sentences = [[row[0] for row in rows] for rows in _sentences(path, layout, (0, 0))]
    return Dataset.from_dict({"tokens": sentences}, features=Features({"tokens": List(Value("string"))}))


def _known_tags(path: Path, layout: Layout, tag_index: int) -> set[str]:
    """The tags of the lines that are no comments for certain: those that begin otherwise, or stand in a sentence."""
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
                f"{layout.count}: {line[:60]!r}. A blank line is_separator sentences."
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
