"""Launchers of runs: processes on this machine, and the queues of clusters.

Each module registers one launcher. [`make_launcher`] makes the one that the options of a comparison name.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hfseq.lazy import lazy_names

if TYPE_CHECKING:
    from hfseq.comparison.launchers.base import Handle, Launcher, LaunchSettings

__all__ = ["Handle", "LaunchSettings", "Launcher", "make_launcher"]

__getattr__, __dir__ = lazy_names(__name__, {"Handle": ".base", "LaunchSettings": ".base", "Launcher": ".base"})


def make_launcher(name: str, folder: Path, jobs: int | None, options: Mapping[str, Any] | str | None) -> "Launcher":
    """The launcher of a comparison.

    Args:
        name (`str`): name of the launcher.
        folder (`Path`): folder of the comparison.
        jobs (`int`, *optional*): number of runs at the same time.
        options (`Mapping` or `str`, *optional*): `launcher_options`.

    Raises:
        HfseqError: there is no launcher of this name, an option is not valid, or a package is missing.
    """
    from hfseq.comparison.launchers.base import LaunchSettings
    from hfseq.registry import get_launcher
    from hfseq.training.overrides import parse_overrides

    parsed: dict[str, Any] = parse_overrides(options, "launcher_options")
    return get_launcher(name)(LaunchSettings(folder.absolute(), jobs, parsed))
