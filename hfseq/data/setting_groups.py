"""The settings of modalities and tasks: one dataclass each, in `hfseq/modalities/<name>/settings.py` and
`hfseq/tasks/<name>/settings.py`, and those of plug-ins."""

import importlib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Literal

from hfseq.data.settings import ModalitySettings, Setting, Settings, TaskSettings, declared_settings
from hfseq.errors import HfseqError
from hfseq.registry import registered_names, registered_settings

Kind = Literal["modality", "task"]

_PACKAGES = ("hfseq.modalities", "hfseq.tasks")
_BASES: dict[str, type[Settings]] = {"modality": ModalitySettings, "task": TaskSettings}


def setting_groups() -> dict[str, type[Settings]]:
    """The dataclasses of settings by the name of their group: modalities, tasks, plug-ins.

    Raises:
        HfseqError: two groups have the same name, or declare a setting of the same name differently.
    """
    groups = dict(_own_groups())
    for cls in registered_settings().values():
        if cls is not None and groups.get(cls.group) is not cls:
            _check_new_group(cls, groups)
            groups[cls.group] = cls
    return groups


def _check_new_group(cls: type[Settings], groups: Mapping[str, type[Settings]]) -> None:
    if cls.group in groups:
        raise HfseqError(
            f"two plug-ins have settings called {cls.group!r}, or a plug-in and hfseq: rename one of them"
        )
    known = {name: item for group in groups.values() for name, item in declared_settings(group).items()}
    for name, item in declared_settings(cls).items():
        if known.get(name, item) != item:
            raise HfseqError(
                f"the setting {name!r} of {cls.group!r} differs from the setting of hfseq with that name: rename it"
            )


def group_settings() -> dict[str, Setting]:
    """The settings of all groups by name."""
    return {name: item for cls in setting_groups().values() for name, item in declared_settings(cls).items()}


def owners(name: str) -> list[type[Settings]]:
    """The groups that a setting belongs to; none for a setting that all data has."""
    return [cls for cls in setting_groups().values() if name in declared_settings(cls)]


def users(cls: type[Settings]) -> tuple[str, ...]:
    """The names of the modalities or tasks that read the settings of a group."""
    others = [name for name, own in registered_settings().items() if own is not None and issubclass(own, cls)]
    return tuple(dict.fromkeys([*(cls.used_by or (cls.group,)), *others]))


def modality_names() -> tuple[str, ...]:
    """The names of all modalities."""
    return tuple(dict.fromkeys([*_users_of(ModalitySettings), *registered_names("modality")]))


def task_names() -> tuple[str, ...]:
    """The names of all tasks."""
    return tuple(dict.fromkeys([*_users_of(TaskSettings), *registered_names("task")]))


def _users_of(kind: type[Settings]) -> tuple[str, ...]:
    return tuple(
        name for cls in _own_groups().values() if issubclass(cls, kind) for name in cls.used_by or (cls.group,)
    )


def settings_class(kind: Kind, name: str) -> type[Settings] | None:
    """The dataclass with the settings of a modality or a task; `None` if it has none."""
    if name in registered_names(kind):
        return registered_settings()[name]
    return next((cls for cls in _own_groups().values() if issubclass(cls, _BASES[kind]) and name in users(cls)), None)


@cache
def _own_groups() -> dict[str, type[Settings]]:
    groups = {}
    for package in _PACKAGES:
        for folder in importlib.import_module(package).__path__:
            for path in sorted(Path(folder).glob("*/settings.py")):
                module = importlib.import_module(f"{package}.{path.parent.name}.settings")
                for cls in vars(module).values():
                    own = isinstance(cls, type) and cls.__module__ == module.__name__
                    if own and issubclass(cls, Settings) and "group" in vars(cls):
                        groups[cls.group] = cls
    return groups
