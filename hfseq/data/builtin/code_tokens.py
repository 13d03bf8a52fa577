"""`builtin:code-tokens`: classify each token of a line of Python code.

The data is real source code: modules of the standard library of the running Python, which are parsed and not imported.
Each row is one logical line. The tag of a name comes from the syntax tree. It often cannot be predicted from the
tokens before the name alone.
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
from hfseq.data.builtin.storage import load_or_build
from hfseq.data.sources.features import TOKENS_AND_TAGS

NAME = "code-tokens"
TAGS = (
    "argument", "attribute", "builtin", "call", "class", "function", "import", "keyword", "name", "number", "operator",
    "parameter", "string",
)  # fmt: skip
SIZES = {"test": 800, "validation": 800, "train": 6000}
# Tokens are truncated to this length: otherwise long strings would be most of the text, without more information.
TOKEN_LENGTH = 20

# Part of the cache key: increase it if the rows change.
_VERSION = 1
# Limit per module, so that the rows come from many modules.
_ROWS_PER_FILE = 120
# Shorter lines have almost nothing to tag; longer lines are mostly tables of constants.
_MIN_TOKENS, _MAX_TOKENS = 3, 60
_BUILTINS = frozenset(dir(builtins))
_KINDS = {tokenize.NUMBER: "number", tokenize.STRING: "string", tokenize.OP: "operator"}

Row = tuple[tuple[str, ...], tuple[str, ...]]
Position = tuple[int, int]
# Line, column and text of a name. The text is needed because Python 3.11 gives wrong positions to some names in
# f-strings.
NamePosition = tuple[int, int, str]


def load(cache_dir: str | None = None) -> DatasetDict:
    """Loads the tagged lines from the cache, or builds them.

    Args:
        cache_dir (`str`, *optional*, defaults to the cache folder of `datasets`): folder to cache them in.

    Returns:
        `datasets.DatasetDict`: train, validation and test with the columns `tokens` and `tags`. The rows of a module
        are all in the same split, and all rows are distinct.

    Raises:
        HfseqError: the source of the standard library is not installed.
    """
    library = StandardLibrary(NAME)
    return load_or_build(NAME, f"{library.key()}-v{_VERSION}", lambda: build(library), cache_dir)


def describe() -> str:
    """Describes the data set, with the version of Python that it was made from."""
    return f"builtin:{NAME}, lines of the standard library of Python {platform.python_version()}, token by token"


def build(library: StandardLibrary) -> DatasetDict:
    """Tags modules until each split has enough rows. The rows depend only on the version of the library."""
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
        # Sorted by digest, so that the rows of different modules are mixed.
        mixed = sorted(rows[split], key=_digest)
        columns = {"tokens": [list(tokens) for tokens, _ in mixed], "tags": [list(tags) for _, tags in mixed]}
        splits[split] = Dataset.from_dict(columns, features=TOKENS_AND_TAGS)
    return DatasetDict(splits)


def tagged_lines(source: str, tree: ast.Module) -> Iterator[Row]:
    """Yields tokens and tags of the logical lines of a source text, except very short and very long lines.

    Args:
        source (`str`): the source text.
        tree (`ast.Module`): its syntax tree.
    """
    # The syntax tree counts columns in bytes, the tokenizer in characters. They are only equal for ASCII.
    if not source.isascii():
        return
    names = _Names(tree)
    line: list[tuple[str, str]] = []
    previous = ""
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.NEWLINE:
            if _MIN_TOKENS <= len(line) <= _MAX_TOKENS:
                yield tuple(text for text, _ in line), tuple(tag for _, tag in line)
            line, previous = [], ""
        elif tag := _tag(token, previous, names):
            line.append((token.string[:TOKEN_LENGTH], tag))
            previous = token.string


class _Names:
    """Tags of the names of a module, by their positions in the source text."""

    def __init__(self, tree: ast.Module):
        self.starts: dict[NamePosition, str] = {}
        # Attributes are stored by their end, because their start is that of the expression before the dot.
        self.ends: dict[NamePosition, str] = {}
        self.bound: set[str] = set()
        self._imports: list[tuple[Position, Position]] = []
        # Methods do not hide builtins of the same name.
        self._methods: set[int] = set()
        # Collected first, because `ast.walk` returns a called name after its call.
        nodes = list(ast.walk(tree))
        called = {id(node.func) for node in nodes if isinstance(node, ast.Call)}
        for node in nodes:
            self._add(node, id(node) in called)
        self._imports.sort()

    def in_import(self, position: Position) -> bool:
        index = bisect_right(self._imports, (position, (1 << 30, 0))) - 1
        return index >= 0 and position < self._imports[index][1]

    def _add(self, node: ast.AST, is_called: bool) -> None:
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


def _tag(token: tokenize.TokenInfo, previous: str, names: _Names) -> str | None:
    """The tag of a token, or `None` for white space and comments."""
    if token.type != tokenize.NAME:
        # Since Python 3.12, an f-string consists of several tokens, and some of them may be blank.
        is_part = "STRING_" in tokenize.tok_name[token.type] and token.string.strip()
        return "string" if is_part else _KINDS.get(token.type)
    text = token.string
    if keyword.iskeyword(text):
        return "keyword"
    if previous in ("def", "class"):
        return "function" if previous == "def" else "class"
    if names.in_import(token.start):
        return "import"
    tag = names.starts.get((*token.start, text))
    if tag in ("name", "call") and text in _BUILTINS and text not in names.bound:
        return "builtin"
    tag = tag or names.ends.get((*token.end, text))
    # Tokens without a node in the syntax tree are names, as in `except E as name`, or soft keywords such as `match`.
    return tag or ("keyword" if keyword.issoftkeyword(text) and text != "_" else "name")


def _digest(row: Row) -> bytes:
    return hashlib.sha256("\n".join(row[0]).encode()).digest()
