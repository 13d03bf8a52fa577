"""Imports of plug-ins: packages outside hfseq that register something when they are imported.

hfseq imports the modules that installed packages name in the entry-point group `hfseq.plugins`, and the modules that
the setting `plugins` names. [`hfseq.registry`] describes what a plug-in can register.
"""

import importlib
import os
import sys
from collections.abc import Iterable
from functools import cache
from importlib.metadata import entry_points, packages_distributions

from hfseq.errors import HfseqError, first_line

ENTRY_POINT_GROUP = "hfseq.plugins"


def load_plugins(modules: Iterable[str]) -> None:
    """Imports modules that register something. They may also lie in the working directory.

    Args:
        modules (`Iterable[str]`): names of modules, such as `"my_package.my_module"`.

    Raises:
        HfseqError: a module cannot be imported.
    """
    folder = os.getcwd()
    if folder not in sys.path and "" not in sys.path:
        sys.path.append(folder)  # behind all others, so that no file there replaces an installed module
    for module in modules:
        _import_plugin(module, module)


def load_saved_plugins(modules: Iterable[str], model: str) -> None:
    """Imports the plug-ins that the record of a saved model names.

    Modules are imported if they belong to an installed package. A record must not make this process run any other
    code, so other modules have to be imported before.

    Args:
        modules (`Iterable[str]`): names of modules.
        model (`str`): the model, for messages.

    Raises:
        HfseqError: a module is not installed and not imported yet, or cannot be imported.
    """
    missing = [module for module in modules if module not in sys.modules]
    installed = packages_distributions() if missing else {}
    for module in missing:
        if module.partition(".")[0] not in installed:
            raise HfseqError(
                f"{model} was trained with the plug-in {module!r}, which is not an installed package: give "
                f"--plugins {module}, or import it before the model is loaded"
            )
        _import_plugin(module, module)


@cache
def load_entry_points() -> None:
    """Imports the modules that installed packages name in the entry-point group `hfseq.plugins`.

    Raises:
        HfseqError: a module cannot be imported.
    """
    for point in entry_points(group=ENTRY_POINT_GROUP):
        _import_plugin(point.module, f"{point.name} = {point.value}")


def _import_plugin(module: str, shown: str) -> None:
    try:
        importlib.import_module(module)
    except HfseqError:
        raise
    except Exception as error:
        raise HfseqError(
            f"the plug-in {shown!r} cannot be imported: {type(error).__name__}: {first_line(error)}. Check the name, "
            "and that the package is installed or its folder is in PYTHONPATH"
        ) from error
