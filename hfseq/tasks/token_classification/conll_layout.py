"""Detects the columns of a CoNLL file: CoNLL-U, CoNLL-U Plus, CoNLL-2003, CoNLL-2012, or tokens with tags."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

from hfseq.errors import HfseqError, nearest
from hfseq.modalities.text.plain_text import numbered_lines

# https://universaldependencies.org/format.html
CONLL_U = ("id", "form", "lemma", "upos", "xpos", "feats", "head", "deprel", "deps", "misc")
# https://universaldependencies.org/ext-format.html
_GLOBAL_COLUMNS = re.compile(r"#\s*global\.columns\s*=\s*(.+)")
# Tjong Kim Sang & De Meulder 2003.
CONLL_2003 = ("token", "pos", "chunk", "ner")
# Pradhan et al. 2012. These columns are followed by one column per predicate of the sentence, and coreference.
CONLL_2012 = (
    "document", "part", "number", "token", "pos", "parse", "lemma", "frameset", "sense", "speaker", "ner"
)  # fmt: skip
_BEGINNING_2012 = "#begin document"
# Beginning of a line that separates documents in CoNLL-2003. It has the form of a token.
_DOCUMENT = "-DOCSTART-"
# An id in CoNLL-U: of a word, a multiword token (3-4) or an empty node (3.1).
_ID = re.compile(r"\d+([-.]\d+)?")

LineSplitter = Callable[[str], list[str]]


@dataclass(frozen=True)
class Layout:
    """The columns of a file.

    Attributes:
        cells (`Callable`): splits a line into cells.
        count (`int`): number of columns; the minimum number if `is_ragged`.
        names (`tuple[str, ...]`): names of the first columns, in lower case; empty if they have none.
        token_index (`int`, *optional*, defaults to 0): index of the column of the token, from 0.
        id_index (`int`, *optional*): index of the column of ids in CoNLL-U.
        default_tag (`int`, *optional*, defaults to -1): index of the column of the tag, unless the user names one.
        is_ragged (`bool`, *optional*, defaults to `False`): whether the number of columns varies between sentences,
            as in CoNLL-2012.
    """

    cells: LineSplitter
    count: int
    names: tuple[str, ...] = ()
    token_index: int = 0
    id_index: int | None = None
    default_tag: int = -1
    is_ragged: bool = False

    def matches(self, row: list[str]) -> bool:
        """Whether a line has the right number of columns."""
        return len(row) >= self.count if self.is_ragged else len(row) == self.count

    def is_word(self, row: list[str]) -> bool:
        """Whether a line is a word, and not a multiword token or an empty node of CoNLL-U."""
        return self.id_index is None or not re.search(r"[-.]", row[self.id_index])

    def column(self, name: str, path: Path) -> int:
        """The index of a column of tags, given by its name or by its number from 1."""
        places = {column: index for index, column in enumerate(self.names)}
        places |= {str(number): number - 1 for number in range(1, self.count + 1)}
        places = {column: at for column, at in places.items() if at not in (self.token_index, self.id_index)}
        if name.lower() not in places:
            choices = nearest(name.lower(), places)
            raise HfseqError(f"{path} has {self.count} columns, but no column of tags named {name!r}: {choices}")
        return places[name.lower()]


def detect_layout(path: Path, input_column: str | None = None, min_columns: int = 1) -> Layout:
    """Detects the columns of a file.

    Args:
        path (`Path`): the file.
        input_column (`str`, *optional*): the column of the token, as a name or a number from 1.
        min_columns (`int`, *optional*, defaults to 1): required number of columns.

    Raises:
        HfseqError: if the file has no tokens, too few columns, or not the named column; or if the first column, which
            should contain the tokens, contains consecutive numbers or a constant.
    """
    first, comments = _first_token_line(path)
    cells = split_at_tabs if "\t" in first else split_at_spaces
    row = cells(first)
    if len(row) < min_columns:
        raise HfseqError(
            f"{path}: expected a token and its tag on each line, separated by a tab or a space, got {first[:40]!r}."
        )
    layout = _known_layout(path, row, cells, comments)
    token_index = None if input_column is None else _token_column(input_column, layout, path)
    if token_index is not None:
        default = layout.default_tag if layout.default_tag != token_index else -1
        return replace(layout, token_index=token_index, default_tag=default)
    if layout.id_index is None and not layout.is_ragged and layout.count > 1:
        _check_first_column(path, cells, layout.token_index)
    return layout


def is_separator(line: str) -> bool:
    """Whether a line separates two sentences: a line of white space, or the beginning of a document."""
    return not line.strip(" \t") or line.startswith(_DOCUMENT)


def split_at_tabs(line: str) -> list[str]:
    """The cells of a line, separated by single tabs."""
    return line.split("\t")


def split_at_spaces(line: str) -> list[str]:
    """The cells of a line, separated by spaces or tabs. A no-break space can be part of a token."""
    return re.split("[ \t]+", line.strip(" \t"))


def _first_token_line(path: Path) -> tuple[str, list[str]]:
    """The first line with a token, and the comments before it."""
    comments = []
    for _, line in numbered_lines(path):
        # A line that begins with "#" may be a comment or a token. Other lines are certainly tokens.
        if line.startswith("#"):
            comments.append(line)
        elif not is_separator(line):
            return line, comments
    raise HfseqError(f"{path} has no sentences.")


def _known_layout(path: Path, row: list[str], cells: LineSplitter, comments: list[str]) -> Layout:
    count = len(row)
    declared = next((match[1] for line in comments if (match := _GLOBAL_COLUMNS.match(line))), None)
    if declared is not None:
        return _declared_layout(path, declared.lower().split(), count, cells)
    if count > len(CONLL_2012) and any(line.startswith(_BEGINNING_2012) for line in comments):
        ner = CONLL_2012.index("ner")
        return Layout(cells, len(CONLL_2012) + 1, CONLL_2012, CONLL_2012.index("token"), None, ner, is_ragged=True)
    is_treebank = ".conllu" in path.name.lower() and count > len(CONLL_U)
    if (count == len(CONLL_U) or is_treebank) and _ID.fullmatch(row[0]):
        return Layout(cells, count, CONLL_U, 1, 0, CONLL_U.index("upos"))
    return Layout(cells, count, CONLL_2003 if count == len(CONLL_2003) else (), default_tag=count - 1)


def _declared_layout(path: Path, names: list[str], count: int, cells: LineSplitter) -> Layout:
    if len(names) != count:
        raise HfseqError(f"{path}: '# global.columns' names {len(names)} columns, but the first token has {count}.")
    if "form" not in names:
        raise HfseqError(f"{path}: '# global.columns' has no FORM: {' '.join(names).upper()}.")
    tag = names.index("upos") if "upos" in names else count - 1
    return Layout(cells, count, tuple(names), names.index("form"), names.index("id") if "id" in names else None, tag)


def _token_column(name: str, layout: Layout, path: Path) -> int | None:
    """The index of the token; `None` for a name that the file does not have, for example of a column of a table."""
    if name.lower() in layout.names:
        return layout.names.index(name.lower())
    if not name.isdecimal():
        return None
    if not 1 <= int(name) <= layout.count:
        raise HfseqError(f"{path} has {layout.count} columns, so --input_column cannot be {name}.")
    return int(name) - 1


def _check_first_column(path: Path, cells: LineSplitter, at: int) -> None:
    """Rejects a first column of word, sentence or document numbers, which would otherwise be read as words."""
    if _counts_up(path, cells, at):
        found = "consecutive numbers"
    elif _is_constant(path, cells, at):
        found = "the same value for all words of a sentence"
    else:
        return
    raise HfseqError(
        f"{path}: the first column contains {found} instead of words. Name the column of the words with "
        "--input_column, for example --input_column 2, and the column of the tags with --target_column."
    )


def _counts_up(path: Path, cells: LineSplitter, at: int) -> bool:
    longest = 0
    for column in _columns(path, cells, at):
        if not all(re.fullmatch(r"[0-9]{1,9}", cell) for cell in column):
            return False
        if any(int(after) != int(before) + 1 for before, after in pairwise(column)):
            return False
        longest = max(longest, len(column))
    return longest > 1


def _is_constant(path: Path, cells: LineSplitter, at: int) -> bool:
    repeated = 0
    for column in _columns(path, cells, at):
        if len(set(column)) > 1:
            return False
        repeated += len(column) - 1
    # A single sentence that repeats one word is not sufficient evidence.
    return repeated > 1


def _columns(path: Path, cells: LineSplitter, at: int) -> Iterator[list[str]]:
    """One column of each sentence."""
    column: list[str] = []
    for _, line in numbered_lines(path):
        if is_separator(line):
            if column:
                yield column
            column = []
        elif (column or not line.startswith("#")) and at < len(row := cells(line)):
            column.append(row[at])
    if column:
        yield column
