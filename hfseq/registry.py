"""Parts of hfseq and of plug-ins by name: modalities, tasks, baselines, cells, metrics, presets, launchers, checks.

A plug-in is a package outside hfseq that registers something of its own when it is imported:

```py
from hfseq import Modality, register_modality


@register_modality
class Weather(Modality):
    name = "weather"
    ...
```

[`hfseq.plugins`] imports plug-ins. hfseq registers its own parts in the same way: each folder in `hfseq/modalities`
and `hfseq/tasks` registers what it defines.
"""

import importlib
import pkgutil
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import Any, NamedTuple, TypeVar

from hfseq.errors import HfseqError, nearest
from hfseq.models.recurrent import cell_types as _cell_table
from hfseq.models.recurrent.cell_types import CELL_TYPES
from hfseq.plugins import load_entry_points

# Classes that are registered. They are not imported here, because their modules import this one.
_ModalityClass = TypeVar("_ModalityClass", bound=type[Any])
_TaskClass = TypeVar("_TaskClass", bound=type[Any])
_MetricClass = TypeVar("_MetricClass", bound=type[Any])
_LauncherClass = TypeVar("_LauncherClass", bound=type[Any])
_BaselineClass = TypeVar("_BaselineClass", bound=type[Any])
_CheckClass = TypeVar("_CheckClass", bound=type[Any])
_CellClass = TypeVar("_CellClass", bound=type[Any])
_Settings = Mapping[str, Any]
# Makes the settings of a preset for a recurrent cell.
MakePreset = Callable[[str], dict[str, Any]]


class _Scope(NamedTuple):
    """Task and modality that a preset is for; `None` for all."""

    task: str | None
    modality: str | None


_modalities: dict[str, Any] = {}
_tasks: dict[str, type[Any]] = {}
_metrics: dict[str, type[Any]] = {}
_launchers: dict[str, type[Any]] = {}
_baselines: dict[str, type[Any]] = {}
_checks: dict[str, type[Any]] = {}
_greater_is_better: dict[str, bool] = {}
_presets: dict[str, dict[_Scope, _Settings]] = {}
_recurrent_presets: dict[_Scope, tuple[MakePreset, tuple[str, ...] | None]] = {}
_family_settings: dict[str, dict[_Scope, _Settings]] = {}


# Registration.


def register_modality(modality_class: _ModalityClass) -> _ModalityClass:
    """Registers a modality under its `name`. Use it as a decorator.

    Args:
        modality_class (`type[Modality]`): a subclass of [`Modality`] that takes no arguments.

    Raises:
        HfseqError: another modality has this name.
    """
    _add(_modalities, modality_class.name, modality_class(), "modality")
    return modality_class


def register_task(task_class: _TaskClass) -> _TaskClass:
    """Registers a task under its `name`. Use it as a decorator.

    Args:
        task_class (`type[Task]`): a subclass of [`Task`].

    Raises:
        HfseqError: another task has this name.
    """
    _add(_tasks, task_class.name, task_class, "task")
    return task_class


def register_cell(name: str) -> Callable[[_CellClass], _CellClass]:
    """Registers a recurrent cell, a value of `cell_type`. Use it as a decorator.

    The cell also gets a preset of its name, with the settings of the other recurrent presets. The file of the class is
    saved next to the weights of a model that uses the cell: see [`RecurrentCell`].

    Args:
        name (`str`): the name.

    Raises:
        HfseqError: the name is not valid, another cell has it, or the class is not a [`RecurrentCell`].
    """

    def register(cell_class: _CellClass) -> _CellClass:
        try:
            return _cell_table.register_cell(name)(cell_class)
        except ValueError as error:
            raise HfseqError(str(error)) from error

    return register


def register_metric(name: str, *, greater_is_better: bool = True) -> Callable[[_MetricClass], _MetricClass]:
    """Registers a metric. Use it as a decorator of a subclass of `evaluate.Metric`.

    Args:
        name (`str`): the name, which is also the key of its value in results.
        greater_is_better (`bool`, *optional*, defaults to `True`): direction of the metric.

    Raises:
        HfseqError: another metric has this name.
    """

    def register(metric_class: _MetricClass) -> _MetricClass:
        _add(_metrics, name, metric_class, "metric")
        register_metric_direction(name, greater_is_better=greater_is_better)
        return metric_class

    return register


def register_metric_direction(*names: str, greater_is_better: bool) -> None:
    """Registers keys of results that have no `evaluate.Metric` of their own, such as `f1_macro`.

    Args:
        names (`str`): keys of results, without the prefixes `eval_` and `test_`.
        greater_is_better (`bool`): direction of these metrics.

    Raises:
        HfseqError: one of them is registered with the other direction.
    """
    for name in names:
        if _greater_is_better.setdefault(name, greater_is_better) != greater_is_better:
            raise HfseqError(f"the metric {name!r} is already registered with the other direction")


def register_launcher(launcher_class: _LauncherClass) -> _LauncherClass:
    """Registers a launcher of the runs of a comparison under its `name`. Use it as a decorator.

    Args:
        launcher_class (`type[Launcher]`): a subclass of [`Launcher`].

    Raises:
        HfseqError: another launcher has this name.
    """
    _add(_launchers, launcher_class.name, launcher_class, "launcher")
    return launcher_class


def register_baseline(baseline_class: _BaselineClass) -> _BaselineClass:
    """Registers a baseline of comparisons under its `name`. Use it as a decorator.

    Args:
        baseline_class (`type[Baseline]`): a subclass of [`Baseline`] that takes no arguments.

    Raises:
        HfseqError: another baseline has this name.
    """
    _add(_baselines, baseline_class.name, baseline_class, "baseline")
    return baseline_class


def register_check(check_class: _CheckClass) -> _CheckClass:
    """Registers a check of comparisons under its `code`. Use it as a decorator.

    Args:
        check_class (`type[Check]`): a subclass of [`Check`].

    Raises:
        HfseqError: another check has this code.
    """
    _add(_checks, check_class.code, check_class, "check")
    return check_class


def register_preset(name: str, settings: _Settings, *, task: str | None = None, modality: str | None = None) -> None:
    """Registers what a name after `--model` stands for.

    Args:
        name (`str`): the name of the preset.
        settings (`dict`): flat settings, with the keys of the command line and YAML files.
        task (`str`, *optional*): the task that these settings are for. By default all tasks.
        modality (`str`, *optional*): the modality that these settings are for. By default all modalities.

    Raises:
        HfseqError: there are other settings for this name, task and modality.
    """
    scopes = _presets.setdefault(name, {})
    _check_free(scopes, _Scope(task, modality), settings, f"the preset {name!r}")
    scopes[_Scope(task, modality)] = settings


def register_recurrent_presets(
    make: MakePreset,
    *,
    task: str | None = None,
    modality: str | None = None,
    cells: Iterable[str] | None = None,
) -> None:
    """Registers a preset for each recurrent cell, those of plug-ins included. The preset has the name of the cell.

    Args:
        make (`Callable[[str], dict]`): returns the flat settings of the preset for a `cell_type`.
        task (`str`, *optional*): the task that these settings are for. By default all tasks.
        modality (`str`, *optional*): the modality that these settings are for. By default all modalities.
        cells (`Iterable[str]`, *optional*): the cells that can be used. By default all.

    Raises:
        HfseqError: there are other recurrent presets for this task and modality.
    """
    value = make, None if cells is None else tuple(cells)
    _check_free(_recurrent_presets, _Scope(task, modality), value, "the recurrent presets")
    _recurrent_presets[_Scope(task, modality)] = value


def register_family_settings(
    family: str, settings: _Settings, *, task: str | None = None, modality: str | None = None
) -> None:
    """Registers training settings of a family of models that differ from the general ones of the family.

    Args:
        family (`str`): the family, such as `"recurrent"` or `"attention"`.
        settings (`dict`): flat settings, such as `num_train_epochs`.
        task (`str`, *optional*): the task that these settings are for. By default all tasks.
        modality (`str`, *optional*): the modality that these settings are for. By default all modalities.

    Raises:
        HfseqError: there are other settings for this family, task and modality.
    """
    scopes = _family_settings.setdefault(family, {})
    _check_free(scopes, _Scope(task, modality), settings, f"the settings of the family {family!r}")
    scopes[_Scope(task, modality)] = settings


def _add(table: dict[Any, Any], key: Any, value: Any, what: str) -> None:
    if key in table and not _is_same(table[key], value):
        raise HfseqError(f"the {what} {key!r} is registered twice: choose another name")
    table[key] = value


def _check_free(table: Mapping[_Scope, Any], scope: _Scope, value: Any, what: str) -> None:
    if scope in table and table[scope] != value:
        task, modality = (part or "all" for part in scope)
        raise HfseqError(f"{what} for task {task} and modality {modality} are registered twice")


def _is_same(known: Any, value: Any) -> bool:
    """Whether two registered values are the same definition, as when a module is imported again."""
    known, value = (item if isinstance(item, type) else type(item) for item in (known, value))
    return (known.__module__, known.__qualname__) == (value.__module__, value.__qualname__)


# Lookup.


def modalities() -> Mapping[str, Any]:
    """All modalities ([`Modality`]) by name. Those that are tried first when hfseq guesses a modality come first."""
    _load_folders(f"{__package__}.modalities", "modality")
    load_entry_points()
    return dict(sorted(_modalities.items(), key=lambda item: item[1].guess_order))


def get_modality(name: str) -> Any:
    """The modality ([`Modality`]) of a name.

    Raises:
        HfseqError: there is no modality of this name; the message names the nearest one.
    """
    return _get(modalities(), name, "modality")


def tasks() -> Mapping[str, type[Any]]:
    """All tasks (subclasses of [`Task`]) by name."""
    _load_folders(f"{__package__}.tasks", "task")
    load_entry_points()
    return dict(_tasks)


def get_task(name: str) -> type[Any]:
    """The task (a subclass of [`Task`]) of a name.

    Raises:
        HfseqError: there is no task of this name; the message names the nearest one.
    """
    return _get(tasks(), name, "task")


def labels_sequences(task: str | None) -> bool:
    """Whether a task gives each example one label: see [`Task.labels_sequences`].

    Args:
        task (`str`, *optional*): name of the task. By default sequence classification, which does so.
    """
    return task is None or get_task(task).labels_sequences


def metrics() -> Mapping[str, type[Any]]:
    """All metrics (subclasses of `evaluate.Metric`) by name."""
    _load_metrics()
    return dict(_metrics)


def metric_directions() -> Mapping[str, bool]:
    """Whether greater is better, for each key of results."""
    _load_metrics()
    return dict(_greater_is_better)


def get_launcher(name: str) -> type[Any]:
    """The launcher (a subclass of [`Launcher`]) of a name.

    Raises:
        HfseqError: there is no launcher of this name; the message names the nearest one.
    """
    _import_modules(f"{__package__}.comparison.launchers")
    load_entry_points()
    return _get(_launchers, name, "launcher")


def baselines() -> Mapping[str, type[Any]]:
    """All baselines (subclasses of [`Baseline`]) by name. Those of hfseq come first."""
    _load_folders(f"{__package__}.tasks", "baselines")
    load_entry_points()
    return dict(_baselines)


def get_baseline(name: str) -> type[Any]:
    """The baseline (a subclass of [`Baseline`]) of a name.

    Raises:
        HfseqError: there is no baseline of this name; the message names the nearest one.
    """
    return _get(baselines(), name, "baseline")


def registered_checks() -> list[type[Any]]:
    """All checks of comparisons (subclasses of [`Check`]), in the order of their codes."""
    _import_modules(f"{__package__}.comparison.checks")
    load_entry_points()
    return [_checks[code] for code in sorted(_checks)]


def registered_names(kind: str) -> list[str]:
    """The names of the modalities or tasks whose modules are imported. All plug-ins are imported by then.

    Args:
        kind (`str`): `"modality"` or `"task"`.
    """
    load_entry_points()
    return list({"modality": _modalities, "task": _tasks}[kind])


def registered_settings() -> dict[str, type[Any] | None]:
    """The classes of settings of the modalities and tasks whose modules are imported, by their names."""
    load_entry_points()
    return {name: part.settings_class for table in (_modalities, _tasks) for name, part in table.items()}


def cell_types() -> tuple[str, ...]:
    """The names of all recurrent cells: values of `cell_type`."""
    load_entry_points()
    return tuple(CELL_TYPES)


def preset_names() -> list[str]:
    """The names of all presets: names that may follow `--model`."""
    _load_presets()
    return list(dict.fromkeys([*cell_types(), *_presets]))


def preset_settings(name: str, task: str, modality: str, like: str | None = None) -> dict[str, Any]:
    """The settings that the name of a preset stands for, of the narrowest scope that has some.

    Args:
        name (`str`): one of `preset_names()`.
        task (`str`): the task of the run.
        modality (`str`): the modality of the run.
        like (`str`, *optional*): the modality whose presets this modality shares: see [`Modality.presets_like`].

    Raises:
        HfseqError: there is no preset of this name; the message names the nearest one.
    """
    _load_presets()
    _get(dict.fromkeys(preset_names()), name, "preset")
    for scope in _scopes(task, modality, like):
        if scope in _presets.get(name, {}):
            return dict(_presets[name][scope])
        make, cells = _recurrent_presets.get(scope, (None, ()))
        if make is not None and name in (cell_types() if cells is None else cells):
            return make(name)
    raise HfseqError(f"the preset {name!r} is not for {task} of {modality}")


def preset_config_fields() -> set[str]:
    """The fields of configurations that recurrent presets set, such as `hidden_size`."""
    _load_presets()
    made = [make(cells[0] if cells else cell_types()[0]) for make, cells in _recurrent_presets.values()]
    return {field for settings in made for field in settings.get("config_overrides", {})}


def family_settings(family: str, task: str, modality: str, like: str | None = None) -> dict[str, Any]:
    """The training settings of a family of models for a task and modality, where they differ from its general ones.

    Args:
        family (`str`): the family.
        task (`str`): the task of the run.
        modality (`str`): the modality of the run.
        like (`str`, *optional*): the modality whose settings this modality shares: see [`Modality.presets_like`].
    """
    _load_presets()
    merged: dict[str, Any] = {}
    for scope in reversed(_scopes(task, modality, like)):
        merged.update(_family_settings.get(family, {}).get(scope, {}))
    return merged


def _get(table: Mapping[str, Any], name: str, what: str) -> Any:
    if name not in table:
        raise HfseqError(f"unknown {what} {name!r}: {nearest(name, table)}")
    return table[name]


def _scopes(task: str, modality: str, like: str | None) -> list[_Scope]:
    """From the narrowest scope to the widest."""
    kinds = [kind for kind in (modality, like) if kind is not None]
    return [*(_Scope(task, kind) for kind in kinds), _Scope(task, None),
            *(_Scope(None, kind) for kind in kinds), _Scope(None, None)]  # fmt: skip


# Import of what registers something.


@cache
def _load_folders(package: str, module: str) -> None:
    """Imports a module of each folder of a package, where the folder has it."""
    for info in pkgutil.iter_modules(importlib.import_module(package).__path__):
        if info.ispkg:
            _import_if_there(f"{package}.{info.name}", module)


@cache
def _load_presets() -> None:
    importlib.import_module(".tasks.presets", __package__)
    _load_folders(f"{__package__}.tasks", "presets")
    _load_folders(f"{__package__}.modalities", "presets")
    load_entry_points()


@cache
def _load_metrics() -> None:
    _import_modules(f"{__package__}.metrics")
    load_entry_points()


@cache
def _import_modules(package: str) -> None:
    """Imports all modules of a package."""
    for info in pkgutil.iter_modules(importlib.import_module(package).__path__):
        importlib.import_module(f"{package}.{info.name}")


def _import_if_there(folder: str, module: str) -> None:
    names = {info.name for info in pkgutil.iter_modules(importlib.import_module(folder).__path__)}
    if module in names:
        importlib.import_module(f"{folder}.{module}")
