"""`builtin:docstrings`: predict from which library the summary sentence of a docstring is.

The texts are real English, written by hundreds of people. The four libraries are dependencies of hfseq, so they are
always installed. Their source is parsed and not imported.
"""

import ast
import hashlib
import importlib.metadata
import importlib.util
import re
from collections.abc import Iterator
from pathlib import Path

from datasets import ClassLabel, Dataset, DatasetDict, Features, Value

from hfseq.data.builtin.source_code import parse, python_files, statements
from hfseq.data.builtin.storage import load_or_build
from hfseq.errors import HfseqError

LIBRARIES = {"numpy": "numpy", "pandas": "pandas", "scipy": "scipy", "sklearn": "scikit-learn"}
MASK = "[LIB]"

# Part of the cache key: increase it if the rows change.
_VERSION = 1
_NAMES = re.compile(r"(?i:numpy|scipy|pandas|sklearn|scikit[-_ .]?learn)|(?<![A-Za-z0-9])(?:np|pd)(?![A-Za-z0-9])")
_SIGNATURE = re.compile(r"[\w.]+\s*\(.*\)(\s*->.*)?")
_ROLE = re.compile(r":[a-z]+(?::[a-z]+)?:`~?([^`<]+?)(?:\s*<[^`>]*>)?`")
_SENTENCE = re.compile(r".*?[.!?](?=\s+[A-Z\[]|$)")
_ABBREVIATION = re.compile(r"(?:\b(?:e\.g|i\.e|etc|vs|cf|al|approx|resp)|\b[A-Z])\.$")


def load(cache_dir: str | None = None) -> DatasetDict:
    """Loads the sentences from the cache, or builds them.

    Args:
        cache_dir (`str`, *optional*, defaults to the cache folder of `datasets`): folder to cache them in.

    Returns:
        `datasets.DatasetDict`: train, validation and test with the columns `text` and `label`.
    """
    return load_or_build("docstrings", _cache_key(), build, cache_dir)


def describe() -> str:
    """Describes the data set, with the versions of the libraries that it was made from."""
    named = ", ".join(f"{LIBRARIES[module]} {version}" for module, version in _versions().items())
    return f"builtin:docstrings, the summary sentences of the docstrings in {named}"


def build() -> DatasetDict:
    """Builds the splits from the installed libraries. The rows depend only on the versions of the libraries."""
    owners: dict[str, set[str]] = {}
    texts: dict[str, str] = {}
    for module in LIBRARIES:
        for text in _sentences(module):
            key = text.lower()
            owners.setdefault(key, set()).add(module)
            texts.setdefault(key, text)
    # Sorted by hash, so that the libraries are mixed. Split by hash, so that a sentence stays in its split if other
    # sentences are added or removed.
    digests = {key: hashlib.sha256(key.encode()).hexdigest() for key in texts if len(owners[key]) == 1}
    rows: dict[str, list[tuple[str, str]]] = {"train": [], "validation": [], "test": []}
    for key in sorted(digests, key=digests.__getitem__):
        tenth = int(digests[key][-8:], 16) % 10
        split = {0: "test", 1: "validation"}.get(tenth, "train")
        rows[split].append((texts[key], next(iter(owners[key]))))
    features = Features({"text": Value("string"), "label": ClassLabel(names=list(LIBRARIES))})
    splits = {}
    for split, pairs in rows.items():
        columns = {"text": [text for text, _ in pairs], "label": [list(LIBRARIES).index(name) for _, name in pairs]}
        splits[split] = Dataset.from_dict(columns, features=features)
    return DatasetDict(splits)


def summary(docstring: str) -> str:
    """Extracts the first sentence of a docstring, removes markup and masks the names of the libraries.

    Args:
        docstring (`str`): a docstring without indentation.

    Returns:
        `str`: the sentence on one line; empty if there is none.
    """
    for paragraph in re.split(r"\n\s*\n", docstring.strip()):
        lines = [line.strip() for line in paragraph.splitlines()]
        # Docstrings of compiled functions start with a line that repeats the signature.
        while lines and _SIGNATURE.fullmatch(lines[0]):
            lines.pop(0)
        # Headings of sections and directives such as ".. deprecated::" are not sentences.
        if not lines or (len(lines) > 1 and re.fullmatch(r"[-=~]{3,}", lines[1])):
            continue
        if lines[0].startswith((".. ", ">>> ", ":")):
            continue
        text = _ROLE.sub(r"\1", " ".join(lines)).replace("`", "").replace("**", "")
        return _NAMES.sub(MASK, _first_sentence(" ".join(text.split())))
    return ""


def _first_sentence(text: str) -> str:
    end = 0
    while match := _SENTENCE.match(text, end):
        end = match.end()
        if not _ABBREVIATION.search(text[:end]):
            return text[:end]
    return text


def _sentences(module: str) -> Iterator[str]:
    for path in _source_files(module):
        tree = parse(path.read_text(encoding="utf-8"), str(path))
        for node in () if tree is None else statements(tree):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
                text = summary(ast.get_docstring(node) or "")
                words = text.replace(MASK, "").split()
                if sum(bool(re.search("[A-Za-z]", word)) for word in words) >= 3:
                    yield text


def _source_files(module: str) -> list[Path]:
    spec = importlib.util.find_spec(module)
    if spec is None or not spec.submodule_search_locations:
        raise HfseqError(f"builtin:docstrings reads the source of {LIBRARIES[module]}, which is not installed.")
    root = Path(spec.submodule_search_locations[0])
    return [root / path for path in python_files(root)]


def _versions() -> dict[str, str]:
    versions = {}
    for module, name in LIBRARIES.items():
        try:
            versions[module] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError as error:
            raise HfseqError(f"builtin:docstrings needs {name}, which is not installed: pip install {name}") from error
    return versions


def _cache_key() -> str:
    return "-".join([*(f"{module}{version}" for module, version in _versions().items()), f"v{_VERSION}"])
