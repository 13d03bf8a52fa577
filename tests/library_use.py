"""Finds the methods of a library that hfseq overrides, and the places where the library calls them."""

import ast
import importlib
import inspect
import pkgutil
import textwrap
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import hfseq

PACKAGE = Path(hfseq.__file__).parent
# Compiled modules, and the module that runs the command line when it is imported.
_NOT_IMPORTED = ("hfseq.kernels._", "hfseq.__main__")


def own_classes() -> Iterator[type]:
    """All classes that the modules of hfseq define."""
    for module in pkgutil.walk_packages(hfseq.__path__, "hfseq."):
        if not module.name.startswith(_NOT_IMPORTED):
            for value in vars(importlib.import_module(module.name)).values():
                if inspect.isclass(value) and value.__module__ == module.name:
                    yield value


def library_bases(cls: type, libraries: tuple[str, ...]) -> list[type]:
    """The base classes of a class that come from one of the libraries."""
    return [base for base in cls.__mro__[1:] if base.__module__.partition(".")[0] in libraries]


def overrides(cls: type, libraries: tuple[str, ...]) -> Iterator[tuple[type, str]]:
    """The methods and private attributes of a library that a class of hfseq defines again.

    Yields:
        `tuple[type, str]`: the library's class that defines the name, and the name.
    """
    for name, value in vars(cls).items():
        base = next((base for base in library_bases(cls, libraries) if name in vars(base)), None)
        if base is None:
            continue
        # The methods that a dataclass generates are written in no file of hfseq.
        function = _function(value)
        if _is_written_in_hfseq(function) or (function is None and is_private(name)):
            yield base, name


def is_private(name: str) -> bool:
    """Whether a name begins with one underscore."""
    return name.startswith("_") and not name.startswith("__")


def _function(value: Any) -> Any:
    """The function behind a method, a property, a class method or a static method; `None` for other attributes."""
    value = value.fget if isinstance(value, property) else getattr(value, "__func__", value)
    return value if inspect.isfunction(value) else None


def _is_written_in_hfseq(function: Any) -> bool:
    """Whether a file of hfseq has the code of a function. A decorator of another library may be around it."""
    while function is not None:
        if Path(function.__code__.co_filename).is_relative_to(PACKAGE):
            return True
        function = getattr(function, "__wrapped__", None)
    return False


def signature(cls: type, name: str) -> str | None:
    """The parameters of a method and their defaults, without annotations; `None` for other attributes."""
    value = inspect.getattr_static(cls, name)
    if isinstance(value, property) or _function(value) is None:
        return None
    found = inspect.signature(_function(value))  # the one of the wrapped function, where a decorator is around it
    parameters = [item.replace(annotation=inspect.Parameter.empty) for item in found.parameters.values()]
    return str(inspect.Signature(parameters))


def call_sites(module: ModuleType, name: str) -> dict[str, list[str]]:
    """The places in a module that call or pass on a method.

    Args:
        module: the module of the library.
        name (`str`): the name of the method.

    Returns:
        `dict[str, list[str]]`: the function that has the place, such as `"Trainer.evaluate"`, and the calls in it, as
        `ast.unparse` writes them.
    """
    found: dict[str, list[str]] = {}
    for cls in ast.parse(inspect.getsource(module)).body:
        for function in cls.body if isinstance(cls, ast.ClassDef) else [cls]:
            if isinstance(function, ast.FunctionDef):
                place = f"{cls.name}.{function.name}" if isinstance(cls, ast.ClassDef) else function.name
                if calls := list(_calls(function, name)):
                    found[place] = calls
    return found


def _calls(function: ast.FunctionDef, name: str) -> Iterator[str]:
    """Each mention of `self.name` in a function, with its arguments or with the argument that it is given as."""
    outer: dict[ast.AST, ast.AST] = {
        inner: node for node in ast.walk(function) for inner in ast.iter_child_nodes(node)
    }
    for node in ast.walk(function):
        if isinstance(node, ast.Attribute) and node.attr == name and ast.unparse(node.value) in ("self", "cls"):
            parent = outer[node]
            if isinstance(parent, ast.Call) and parent.func is node:
                yield ast.unparse(parent)
            elif isinstance(parent, ast.keyword):
                yield f"{parent.arg}={ast.unparse(node)}"
            else:
                yield ast.unparse(node)


def source_of(place: str) -> str:
    """The code of a function, such as `"transformers.trainer:Trainer.evaluate"`, as `ast.unparse` writes it."""
    return ast.unparse(ast.parse(textwrap.dedent(inspect.getsource(pkgutil.resolve_name(place)))))


def foreign_private_names() -> dict[str, list[str]]:
    """Private attributes that hfseq reads although no file of hfseq defines them, with the places that read them."""
    defined, read = set(), {}
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            match node:
                case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                    defined.add(name)
                case ast.Attribute(attr=name, ctx=ast.Store()) | ast.Name(id=name, ctx=ast.Store()):
                    defined.add(name)
                case ast.Attribute(attr=name) if is_private(name):
                    read.setdefault(name, []).append(f"{path.relative_to(PACKAGE)}:{node.lineno}")
    return {name: places for name, places in read.items() if name not in defined}
