"""The defaults that a run would use, found without importing torch or reading the data."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hfseq.data.arguments import DataArguments
from hfseq.data.setting_groups import settings_class
from hfseq.data.settings import ModalitySettings, Setting
from hfseq.tasks.selection import task_name
from hfseq.training.layers import family_layer, family_of, with_preset
from hfseq.training.quick_checks import known_modality
from hfseq.training.reading import expand_model

_DEFAULT_MODALITY = "text"


@dataclass(frozen=True)
class Defaults:
    """Defaults of one or several models.

    Attributes:
        task (`str`, *optional*): the task, if the settings or the data set tell it.
        modality (`str`, *optional*): the modality, if the settings or the data set tell it.
        values (`dict[str, dict]`): model to its settings, those that were given included.
    """

    task: str | None
    modality: str | None
    values: dict[str, dict[str, Any]]

    @classmethod
    def of(cls, models: Sequence[str], given: Mapping[str, Any]) -> "Defaults":
        """The defaults of some models with settings that were given.

        Args:
            models (`Sequence[str]`): the values of `--model`.
            given (`Mapping[str, Any]`): the other settings.
        """
        whole = {model: expand_model({**given, "model": model}) for model in models}
        first = next(iter(whole.values()))
        names = {name: first[name] for name in ("task", "modality", "dataset") if first.get(name) is not None}
        data = DataArguments(**names)
        task, modality = task_name(data), known_modality(data) or _DEFAULT_MODALITY
        found = settings_class("modality", modality)
        like = found.presets_like if found is not None and issubclass(found, ModalitySettings) else None
        values = {}
        for model, settings in whole.items():
            settings = with_preset(settings, task, modality, like)
            values[model] = {**family_layer(settings, family_of(settings), task, modality, like), **settings}
        has_data = "dataset" in names
        return cls(
            task if has_data or "task" in names else None,
            known_modality(data) if has_data or "modality" in names else None,
            values,
        )

    def text(self, item: Setting) -> str:
        """The default of a setting as text; several if the models differ; empty if there is none."""
        found: dict[str, list[str]] = {}
        for model, values in self.values.items():
            found.setdefault(_shown(values.get(item.name, item.default)), []).append(model)
        if len(found) == 1:
            return next(iter(found))
        return "; ".join(f"{text or 'none'} ({', '.join(models)})" for text, models in found.items())


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, str) and value.startswith("{"):
        parts = json.loads(value)  # of config_overrides
        flat = not any(isinstance(part, dict | list) for part in parts.values())
        return ", ".join(f"{name}={_shown(part)}" for name, part in parts.items()) if flat else value
    if isinstance(value, list):
        return " ".join(map(str, value))
    return "" if value is None or isinstance(value, dict) else str(value)
