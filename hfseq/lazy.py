"""Public names that are looked up when they are first used, so that importing a package stays cheap."""

import importlib
import sys
from collections.abc import Callable
from typing import Any


def lazy_names(package: str, modules: dict[str, str]) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """The `__getattr__` and `__dir__` (PEP 562) of a package whose names live in other modules.

    Args:
        package (`str`): the package's `__name__`.
        modules (`dict[str, str]`): public name to the module that defines it; a module that begins with a dot is
            relative to the package.

    Returns:
        `tuple`: the two functions, to be assigned in the package's `__init__.py`.
    """

    def __getattr__(name: str) -> Any:
        if name not in modules:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(importlib.import_module(modules[name], package), name)

    def __dir__() -> list[str]:
        return sorted({*vars(sys.modules[package]), *modules})

    return __getattr__, __dir__
