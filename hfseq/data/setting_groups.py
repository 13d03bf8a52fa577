"""The settings of modalities and tasks: one dataclass each, in `hfseq/modalities/<name>/settings.py` and
`hfseq/tasks/<name>/settings.py`, and those of plug-ins."""

import importlib
from functools import cache
from pathlib import Path

from hfseq.data.settings import ModalitySettings, Setting, Settings, TaskSettings, declared_settings
from hfseq.errors import HfseqError

_PACKAGES = ("hfseq.modalities", "hfseq.tasks")
_plugin_groups: dict[str, type[Settings]] = {}


def add_group(cls: type[Settings]) -> None:
    """Makes the settings of a plug-in known to the command line and to YAML files.

    Args:
        cls (`type[Settings]`): a dataclass of settings with a `group` name.

    Raises:
        HfseqError: another group has this name, or a setting is declared elsewhere with another type, default or help.
    """
    known = setting_groups()
    if known.get(cls.group) is cls:
        return
    if cls.group in known and (known[cls.group].__module__, known[cls.group].__qualname__) != (
        cls.__module__,
        cls.__qualname__,
    ):
        raise HfseqError(f"there are two groups of settings called {cls.group!r}: choose another name")
    settings = group_settings()
    for name, item in declared_settings(cls).items():
        if name in settings and settings[name] != item and cls.group not in known:
            raise HfseqError(f"the setting {name} of {cls.group} is declared elsewhere in another way: rename it")
    _plugin_groups[cls.group] = cls


def setting_groups() -> dict[str, type[Settings]]:
    """The dataclasses of settings by the name of their group: modalities, tasks, plug-ins."""
    return {**_own_groups(), **_plugin_groups}


def group_settings() -> dict[str, Setting]:
    """The settings of all groups by name."""
    return {name: item for cls in setting_groups().values() for name, item in declared_settings(cls).items()}


def owners(name: str) -> list[type[Settings]]:
    """The groups that a setting belongs to; none for a setting that all data has."""
    return [cls for cls in setting_groups().values() if name in declared_settings(cls)]


def users(cls: type[Settings]) -> tuple[str, ...]:
    """The names of the modalities or tasks that read the settings of a group."""
    return cls.used_by or (cls.group,)


def modality_names() -> tuple[str, ...]:
    """The names of the modalities that declare settings."""
    return _users_of(ModalitySettings)


def task_names() -> tuple[str, ...]:
    """The names of the tasks that declare settings."""
    return _users_of(TaskSettings)


def _users_of(kind: type[Settings]) -> tuple[str, ...]:
    return tuple(name for cls in setting_groups().values() if issubclass(cls, kind) for name in users(cls))


@cache
def _own_groups() -> dict[str, type[Settings]]:
    groups = {}
    for package in _PACKAGES:
        for folder in importlib.import_module(package).__path__:
            for path in sorted(Path(folder).glob("*/settings.py")):
                module = importlib.import_module(f"{package}.{path.parent.name}.settings")
                for cls in vars(module).values():
                    if isinstance(cls, type) and cls.__module__ == module.__name__ and "group" in vars(cls):
                        groups[cls.group] = cls
    return groups
