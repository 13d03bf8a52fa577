"""Settings of a trial: the values that a search space names, for one model."""

from collections.abc import Mapping
from typing import Any

from hfseq.comparison.budgets.architecture import add_layers, config_of, scale_dropout, scale_widths
from hfseq.comparison.budgets.search_spaces import (
    ARCHITECTURE,
    SEARCH_SPACES,
    Addition,
    Choice,
    Factor,
    LogRange,
    Space,
)
from hfseq.tasks.task_data import TaskData
from hfseq.training.arguments import RunArguments
from hfseq.training.overrides import merge_overrides

Value = int | float


class TrialSpace:
    """The search space of one model, around its default settings.

    Args:
        arguments (`RunArguments`): the default settings of the model.
        data (`TaskData`): the data.
        fixed (`Mapping[str, Any]`): settings that are given for all models. They are not searched.
        sizes_match (`bool`): whether the sizes of the models are matched, so that they are not searched.
    """

    def __init__(self, arguments: RunArguments, data: TaskData, fixed: Mapping[str, Any], sizes_match: bool):
        self._arguments = arguments
        from_scratch = arguments.model.model_type is not None
        self._config = config_of(arguments, data) if from_scratch else None
        left_out = {name for name in fixed if fixed[name] is not None}
        if not from_scratch or "config_overrides" in fixed:
            left_out |= set(ARCHITECTURE)
        if sizes_match:
            left_out |= {"width", "layers"}
        if {"max_steps", "max_train_seconds"} & set(arguments.settings):
            left_out.add("num_train_epochs")
        space = {name: item for name, item in SEARCH_SPACES[arguments.family].items() if name not in left_out}
        self.space = {name: self._with_default(name, item) for name, item in space.items()}

    def _default_of(self, name: str) -> Value:
        part = self._arguments.model if hasattr(self._arguments.model, name) else self._arguments.training
        return getattr(part, name)

    def _with_default(self, name: str, item: Space) -> Space:
        if isinstance(item, LogRange):
            default = self._default_of(name)
            return LogRange(min(item.low, default), max(item.high, default))
        if isinstance(item, Choice):
            return Choice(tuple(sorted({*item.values, self._default_of(name)})))
        return item

    @property
    def default(self) -> dict[str, Value]:
        """The values of the first trial: the default settings."""
        return {name: self._neutral(name, item) for name, item in self.space.items()}

    def _neutral(self, name: str, item: Space) -> Value:
        if isinstance(item, Factor):
            return 1.0
        return 0 if isinstance(item, Addition) else self._default_of(name)

    def settings(self, values: Mapping[str, Value]) -> dict[str, Any]:
        """The flat settings of a trial.

        Args:
            values (`Mapping[str, int | float]`): a value for each name of the space.

        Returns:
            `dict`: the settings that differ from the defaults of the model.
        """
        found: dict[str, Any] = {}
        for name, value in values.items():
            if name in ARCHITECTURE:
                continue
            default = self._default_of(name)
            chosen = value * default if isinstance(self.space[name], Factor) else value
            if chosen != default:
                found[name] = chosen
        changed = self._overrides(values)
        if changed:
            found["config_overrides"] = merge_overrides(changed, {})
        return found

    def _overrides(self, values: Mapping[str, Value]) -> dict[str, Any]:
        if self._config is None:
            return {}
        config, given = self._config
        changed = [
            scale_widths(config, given, float(values.get("width", 1.0))),
            add_layers(config, given, int(values.get("layers", 0))),
            scale_dropout(config, given, float(values.get("dropout", 1.0))),
        ]
        merged: dict[str, Any] = {}
        for part in changed:
            for name, value in part.items():
                merged[name] = {**merged[name], **value} if isinstance(merged.get(name), dict) else value
        return merged
