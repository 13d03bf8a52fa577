"""Reads the extensions of setup.py without building them."""

import runpy
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]


def read_setup(machine: str | None = None) -> tuple[dict[str, Any], dict[str, Any]]:
    """The names that setup.py defines, and the arguments of its call of `setup`.

    Args:
        machine (`str`, *optional*, defaults to this one): the processor, as in `platform.machine`.
    """
    arguments: dict[str, Any] = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)
        patch.setattr("setuptools.setup", lambda **given: arguments.update(given))
        if machine is not None:
            patch.setattr("platform.machine", lambda: machine)
        names = runpy.run_path("setup.py")
    return names, arguments
