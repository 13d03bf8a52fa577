"""`builtin:code-tokens`: what is each token of a line of Python?

Real source: modules of the running Python's standard library, parsed and never imported. A row is one logical line.
What a name is follows from the syntax tree, and often cannot be seen from the left of it alone.
"""

import ast
import builtins
import hashlib
import io
import keyword
import platform
import tokenize
from bisect import bisect_right
from collections.abc import Iterator

from datasets import Dataset, DatasetDict

from hfseq.data.builtin.source_code import StandardLibrary
from hfseq.data.builtin.storage import kept
from hfseq.data.sources.features import TOKENS_AND_TAGS

NAME = "code-tokens"
TAGS = (
    "argument", "attribute", "builtin", "call", "class", "function", "import", "keyword", "name", "number", "operator",
    "parameter", "string",
)  # fmt: skip
SIZES = {"test": 800, "validation": 800, "train": 6000}
# Long strings would be most of the text, and say nothing that their first characters do not.
TOKEN_LENGTH = 20

# Part of the cache's key: raise it whenever the rows would come out differently.
_LAYOUT = 1
# No module gives more, so that there are many styles.
_ROWS_PER_FILE = 120
# Below, there is nothing to tag; above, there are tables of constants.
_FEWEST_TOKENS, _MOST_TOKENS = 3, 60
_BUILTINS = frozenset(dir(builtins))
_KINDS = {tokenize.NUMBER: "number", tokenize.STRING: "string", tokenize.OP: "operator"}

Row = tuple[tuple[str, ...], tuple[str, ...]]
Position = tuple[int, int]
# With the text, since Python 3.11 gives wrong places to some names within formatted strings.
Place = tuple[int, int, str]


def load(cache_dir: str | None = None) -> DatasetDict:
    """The tagged lines, from the cache where they were made before.

    Args:
        cache_dir (`str`, *optional*): folder to keep them in, by default the cache folder of `datasets`.

    Returns:
        `datasets.DatasetDict`: train, validation and test with the columns `tokens` and `tags`. No module gives rows
        to two splits, and no row is there twice.

    Raises:
        HfseqError: this Python comes without the source of its standard library.
    """
    library = StandardLibrary(NAME)
    return kept(NAME, f"{library.key()}-v{_LAYOUT}", lambda: build(library), cache_dir)


def describe() -> str:
    """What the set is, with the version it was made from."""
    return f"builtin:{NAME}, lines of the standard library of Python {platform.python_version()}, token by token"


def build(library: StandardLibrary) -> DatasetDict:
    """Tags modules until there are enough rows for each split; the same library always gives the same rows."""
    rows: dict[str, list[Row]] = {split: [] for split in SIZES}
    seen: set[tuple[str, ...]] = set()
    sources = library.sources()
    for split, size in SIZES.items():
        while len(rows[split]) < size and (found := next(sources, None)):
            _, source, tree = found
            new = {row[0]: row for row in tagged_lines(source, tree) if row[0] not in seen}
            chosen = sorted(new.values(), key=_digest)[: min(_ROWS_PER_FILE, size - len(rows[split]))]
            rows[split] += chosen
            seen.update(tokens for tokens, _ in chosen)
    splits = {}
    for split in ("train", "validation", "test"):
        # Neighbours are from one module otherwise.
        mixed = sorted(rows[split], key=_digest)
        columns = {"tokens": [list(tokens) for tokens, _ in mixed], "tags": [list(tags) for _, tags in mixed]}
        splits[split] = Dataset.from_dict(columns, features=TOKENS_AND_TAGS)
    return DatasetDict(splits)


def tagged_lines(source: str, tree: ast.Module) -> Iterator[Row]:
    """The tokens and tags of the logical lines of a source text that are neither very short nor very long.

    Args:
        source (`str`): the text.
        tree (`ast.Module`): its syntax tree.
    """
    # The tree counts columns in bytes and the tokenizer in characters.
    if not source.isascii():
        return
    names = _Names(tree)
    line: list[tuple[str, str]] = []
    before = ""
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.NEWLINE:
            if _FEWEST_TOKENS <= len(line) <= _MOST_TOKENS:
                yield tuple(text for text, _ in line), tuple(tag for _, tag in line)
            line, before = [], ""
        elif tag := _tag(token, before, names):
            line.append((token.string[:TOKEN_LENGTH], tag))
            before = token.string


class _Names:
    """What the names of a module are, by their places."""

    def __init__(self, tree: ast.Module):
        self.starts: dict[Place, str] = {}
        # An attribute is found by its end: its beginning is that of the expression in front.
        self.ends: dict[Place, str] = {}
        self.bound: set[str] = set()
        self._imports: list[tuple[Position, Position]] = []
        # A method named like a builtin does not hide it.
        self._methods: set[int] = set()
        # Calls are looked at later than what they call.
        nodes = list(ast.walk(tree))
        called = {id(node.func) for node in nodes if isinstance(node, ast.Call)}
        for node in nodes:
            self._note(node, id(node) in called)
        self._imports.sort()

    def in_import(self, position: Position) -> bool:
        index = bisect_right(self._imports, (position, (1 << 30, 0))) - 1
        return index >= 0 and position < self._imports[index][1]

    def _note(self, node: ast.AST, is_called: bool) -> None:
        match node:
            case ast.Name():
                self.starts[node.lineno, node.col_offset, node.id] = "call" if is_called else "name"
                if not isinstance(node.ctx, ast.Load):
                    self.bound.add(node.id)
            case ast.Attribute(end_lineno=int(line), end_col_offset=int(column)):
                self.ends[line, column, node.attr] = "call" if is_called else "attribute"
            case ast.arg():
                self.starts[node.lineno, node.col_offset, node.arg] = "parameter"
                self.bound.add(node.arg)
            case ast.keyword(arg=str(name)):
                self.starts[node.lineno, node.col_offset, name] = "argument"
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                if id(node) not in self._methods:
                    self.bound.add(node.name)
                if isinstance(node, ast.ClassDef):
                    self._methods.update(map(id, node.body))
            case ast.Import() | ast.ImportFrom():
                end = (node.end_lineno or node.lineno, node.end_col_offset or 0)
                self._imports.append(((node.lineno, node.col_offset), end))
                self.bound.update(alias.asname or alias.name for alias in node.names)


def _tag(token: tokenize.TokenInfo, before: str, names: _Names) -> str | None:
    """The tag of a token, or `None` where it is layout or a comment."""
    if token.type != tokenize.NAME:
        # Since Python 3.12 a formatted string is several tokens, of which some may be blank.
        is_part = "STRING_" in tokenize.tok_name[token.type] and token.string.strip()
        return "string" if is_part else _KINDS.get(token.type)
    text = token.string
    if keyword.iskeyword(text):
        return "keyword"
    if before in ("def", "class"):
        return "function" if before == "def" else "class"
    if names.in_import(token.start):
        return "import"
    place = names.starts.get((*token.start, text))
    if place in ("name", "call") and text in _BUILTINS and text not in names.bound:
        return "builtin"
    place = place or names.ends.get((*token.end, text))
    # What the tree gives no place to is a name, as in `except E as name`, or a word such as match in front of a case.
    return place or ("keyword" if keyword.issoftkeyword(text) and text != "_" else "name")


def _digest(row: Row) -> bytes:
    return hashlib.sha256("\n".join(row[0]).encode()).digest()
