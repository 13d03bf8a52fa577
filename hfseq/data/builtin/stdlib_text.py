"""`builtin:stdlib-text`: docstrings of the standard library of the running Python, for language models.

The texts are real English with some code. The source is parsed and not imported.
"""

import ast
import hashlib
import platform

from datasets import Dataset, DatasetDict, Features, Value

from hfseq.data.builtin.source_code import StandardLibrary, statements
from hfseq.data.builtin.storage import load_or_build

NAME = "stdlib-text"
# Number of characters of all splits together. The whole standard library has less than twice as many.
SIZE = 1_000_000

# Part of the cache key: increase it if the rows change.
_VERSION = 1
# Shorter docstrings are very similar to each other.
_MIN_LENGTH = 40


def load(cache_dir: str | None = None) -> DatasetDict:
    """Loads the docstrings from the cache, or builds them.

    Args:
        cache_dir (`str`, *optional*, defaults to the cache folder of `datasets`): folder to cache them in.

    Returns:
        `datasets.DatasetDict`: train, validation and test with the column `text`, one docstring per row. All
            docstrings
        of a module are in the same split, in the order of the source.

    Raises:
        HfseqError: the source of the standard library is not installed.
    """
    library = StandardLibrary(NAME)
    return load_or_build(NAME, f"{library.key()}-v{_VERSION}", lambda: build(library), cache_dir)


def describe() -> str:
    """Describes the data set, with the version of Python that it was made from."""
    return f"builtin:{NAME}, docstrings of the standard library of Python {platform.python_version()}"


def build(library: StandardLibrary) -> DatasetDict:
    """Reads modules until there are `SIZE` characters. The rows depend only on the version of the library."""
    texts: dict[str, list[str]] = {"train": [], "validation": [], "test": []}
    seen: set[str] = set()
    size = 0
    for path, _, tree in library.sources():
        # Split by hash, so that a module stays in its split if other modules are added or removed.
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
    """Docstrings of a module, its classes and its functions, in the order of the source.

    Args:
        tree (`ast.Module`): syntax tree of the module.
    """
    documented = [
        node
        for node in statements(tree)
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef))
    ]
    documented.sort(key=lambda node: 0 if isinstance(node, ast.Module) else node.lineno)
    texts = [(ast.get_docstring(node) or "").strip() for node in documented]
    return [text for text in texts if len(text) >= _MIN_LENGTH]
