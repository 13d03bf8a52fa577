"""Python source as data: what the built-in sets made of installed code share. Nothing of it is ever imported."""

import ast
import hashlib
import platform
import sys
import sysconfig
import warnings
from collections.abc import Iterator
from pathlib import Path

from hfseq.errors import HfseqError


def parse(source: str, name: str) -> ast.Module | None:
    """The tree of a source text, or `None` where it is none: a template, or written for another Python.

    Args:
        source (`str`): the text.
        name (`str`): the file's name.
    """
    with warnings.catch_warnings():
        # Stray backslashes in installed code are not this user's concern.
        warnings.simplefilter("ignore")
        try:
            return ast.parse(source, filename=name)
        except SyntaxError:
            return None


def statements(tree: ast.AST) -> Iterator[ast.AST]:
    """All statements, without the expressions, which `ast.walk` would spend most of its time on."""
    nodes = [tree]
    while nodes:
        node = nodes.pop()
        yield node
        for name in ("body", "orelse", "handlers", "finalbody", "cases"):
            # The body of a lambda or of an expression's if is no list of statements.
            children = getattr(node, name, None)
            if isinstance(children, list):
                nodes.extend(children)


def python_files(root: Path) -> list[Path]:
    """The source files below a folder, relative to it and in order, without tests."""
    return sorted(path for path in (file.relative_to(root) for file in root.rglob("*.py")) if not _is_test(path))


class StandardLibrary:
    """The source of the running Python's standard library.

    Args:
        name (`str`): the built-in set that wants it, for the message.

    Raises:
        HfseqError: this Python comes without the source.
    """

    def __init__(self, name: str):
        self.root = Path(sysconfig.get_paths()["stdlib"])
        files = []
        for module in sorted(sys.stdlib_module_names):
            folder = self.root / module
            if folder.is_dir():
                files += [Path(module, path) for path in python_files(folder)]
            elif (path := self.root / f"{module}.py").is_file() and not _is_test(Path(path.name)):
                files.append(Path(path.name))
        if not files:
            raise HfseqError(
                f"builtin:{name} reads the source of Python's standard library, of which there is none in "
                f"{self.root}: take a Python that is installed with it."
            )
        # A fixed shuffle, so that those who stop early have read modules of every kind.
        self.files = sorted(files, key=lambda path: hashlib.sha256(path.as_posix().encode()).digest())

    def key(self) -> str:
        """The version, and a digest of names and sizes, since distributions leave out, or patch, some modules."""
        listing = "\n".join(f"{path.as_posix()} {(self.root / path).stat().st_size}" for path in self.files)
        return f"python{platform.python_version()}-{hashlib.sha256(listing.encode()).hexdigest()[:8]}"

    def sources(self) -> Iterator[tuple[Path, str, ast.Module]]:
        """Path, text and tree of each file, in an order that is random and always the same."""
        for path in self.files:
            try:
                source = (self.root / path).read_text(encoding="utf-8")
            except UnicodeDecodeError:
                # A few files declare another encoding.
                continue
            tree = parse(source, str(path))
            if tree is not None:
                yield path, source, tree


def _is_test(path: Path) -> bool:
    folders = {"tests", "test", "_tests", "idle_test"}
    return bool(folders & set(path.parts)) or path.name.startswith(("test_", "conftest"))
