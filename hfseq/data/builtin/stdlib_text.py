"""`builtin:stdlib-text`: the documentation strings of the running Python's standard library.

Real English with some code in it, for language models; parsed, never imported.
"""

import ast
import hashlib
import platform

from datasets import Dataset, DatasetDict, Features, Value

from hfseq.data.builtin.source_code import StandardLibrary, statements
from hfseq.data.builtin.storage import kept

NAME = "stdlib-text"
# Characters of all splits together; the whole library has less than twice as many.
SIZE = 1_000_000

# Part of the cache's key: raise it whenever the rows would come out differently.
_LAYOUT = 1
# Shorter ones are mostly the same few words.
_SHORTEST = 40


def load(cache_dir: str | None = None) -> DatasetDict:
    """The documentation strings, from the cache where they were made before.

    Args:
        cache_dir (`str`, *optional*): folder to keep them in, by default the cache folder of `datasets`.

    Returns:
        `datasets.DatasetDict`: train, validation and test with the column `text`, one documentation string a row. All
        of a module are in one split, in the order in which they stand there.

    Raises:
        HfseqError: this Python comes without the source of its standard library.
    """
    library = StandardLibrary(NAME)
    return kept(NAME, f"{library.key()}-v{_LAYOUT}", lambda: build(library), cache_dir)


def describe() -> str:
    """What the set is, with the version it was made from."""
    return f"builtin:{NAME}, documentation strings of the standard library of Python {platform.python_version()}"


def build(library: StandardLibrary) -> DatasetDict:
    """Reads modules up to `SIZE` characters; the same library always gives the same rows."""
    texts: dict[str, list[str]] = {"train": [], "validation": [], "test": []}
    seen: set[str] = set()
    size = 0
    for path, _, tree in library.sources():
        # By hash, so that a module stays in its split when others come and go.
        tenth = hashlib.sha256(f"split {path.as_posix()}".encode()).digest()[0] % 10
        split = {0: "test", 1: "validation"}.get(tenth, "train")
        new = [text for text in dict.fromkeys(docstrings(tree)) if text not in seen]
        texts[split] += new
        seen.update(new)
        size += sum(map(len, new))
        if size >= SIZE:
            break
    features = Features({"text": Value("string")})
    return DatasetDict({split: Dataset.from_dict({"text": rows}, features=features) for split, rows in texts.items()})


def docstrings(tree: ast.Module) -> list[str]:
    """The documentation strings of a module, its classes and functions, in the order of the source.

    Args:
        tree (`ast.Module`): the module's syntax tree.
    """
    documented = [
        node
        for node in statements(tree)
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef))
    ]
    documented.sort(key=lambda node: 0 if isinstance(node, ast.Module) else node.lineno)
    texts = [(ast.get_docstring(node) or "").strip() for node in documented]
    return [text for text in texts if len(text) >= _SHORTEST]
