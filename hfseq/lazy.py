"""Lazy import of public names: their modules are imported on first use, so that importing a package is fast."""

import importlib
import sys
from collections.abc import Callable
from typing import Any


def lazy_names(package: str, modules: dict[str, str]) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """Creates `__getattr__` and `__dir__` (PEP 562) for a package whose names are defined in other modules.

    Args:
        package (`str`): `__name__` of the package.
        modules (`dict[str, str]`): public name -> module that defines it. A module that starts with a dot is relative
            to the package.

    Returns:
        `tuple`: the two functions, which the `__init__.py` of the package assigns.
    """

    def __getattr__(name: str) -> Any:
        if name not in modules:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(importlib.import_module(modules[name], package), name)

    def __dir__() -> list[str]:
        return sorted({*vars(sys.modules[package]), *modules})

    return __getattr__, __dir__
