"""Python source code as data, for the built-in data sets that read installed code. The code is never imported."""

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
    """Parses a source text. The result is `None` for invalid syntax (templates, code for other versions of Python).

    Args:
        source (`str`): the source text.
        name (`str`): name of the file.
    """
    with warnings.catch_warnings():
        # The user cannot fix warnings about installed code, such as invalid escape sequences.
        warnings.simplefilter("ignore")
        try:
            return ast.parse(source, filename=name)
        except SyntaxError:
            return None


def statements(tree: ast.AST) -> Iterator[ast.AST]:
    """Yields all statements. This is faster than `ast.walk`, which also visits all expressions."""
    nodes = [tree]
    while nodes:
        node = nodes.pop()
        yield node
        for name in ("body", "orelse", "handlers", "finalbody", "cases"):
            # The body of a lambda or of a conditional expression is not a list of statements.
            children = getattr(node, name, None)
            if isinstance(children, list):
                nodes.extend(children)


def python_files(root: Path) -> list[Path]:
    """Sorted paths of the source files in a folder and its subfolders, relative to the folder, without tests."""
    return sorted(path for path in (file.relative_to(root) for file in root.rglob("*.py")) if not _is_test(path))


class StandardLibrary:
    """Source code of the standard library of the running Python.

    Args:
        name (`str`): name of the built-in data set, for the error message.

    Raises:
        HfseqError: the source of the standard library is not installed.
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
                f"builtin:{name} needs the source code of Python's standard library, but {self.root} does not contain "
                "it. Use a Python installation with the source code of the standard library."
            )
        # Shuffled in a fixed order, so that the first files are modules of all kinds.
        self.files = sorted(files, key=lambda path: hashlib.sha256(path.as_posix().encode()).digest())

    def key(self) -> str:
        """Cache key: the version, and a digest of file names and sizes, because distributions may change modules."""
        listing = "\n".join(f"{path.as_posix()} {(self.root / path).stat().st_size}" for path in self.files)
        return f"python{platform.python_version()}-{hashlib.sha256(listing.encode()).hexdigest()[:8]}"

    def sources(self) -> Iterator[tuple[Path, str, ast.Module]]:
        """Yields path, text and syntax tree of each file, in a random but fixed order."""
        for path in self.files:
            try:
                source = (self.root / path).read_text(encoding="utf-8")
            except UnicodeDecodeError:
                # A few files have another encoding.
                continue
            tree = parse(source, str(path))
            if tree is not None:
                yield path, source, tree


def _is_test(path: Path) -> bool:
    folders = {"tests", "test", "_tests", "idle_test"}
    return bool(folders & set(path.parts)) or path.name.startswith(("test_", "conftest"))
