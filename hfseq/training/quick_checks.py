"""Checks of settings that need neither torch nor the data, so that a command reports a mistake at once."""

from collections.abc import Mapping
from typing import Any

from hfseq.data.arguments import DataArguments, data_settings
from hfseq.data.builtin import builtin_modality
from hfseq.data.setting_checks import check_applies
from hfseq.data.settings import declared_settings
from hfseq.data.sources.dataset_names import BUILTIN_PREFIX, check_dataset_name
from hfseq.tasks.selection import task_name
from hfseq.training.model_arguments import ModelArguments
from hfseq.training.reading import expand_model


def check_given(given: Mapping[str, Any]) -> None:
    """
    Args:
        given (`Mapping[str, Any]`): the settings that the user gave, typed.

    Raises:
        HfseqError: a setting is not valid, belongs to another modality or task, or names a file or folder that does
            not exist.
    """
    given = {name: value for name, value in expand_model(given).items() if value is not None}
    data = DataArguments(**{name: value for name, value in given.items() if name in data_settings()})
    ModelArguments(**{name: value for name, value in given.items() if name in declared_settings(ModelArguments)})
    check_dataset_name(data.dataset)
    check_applies(given, modality=known_modality(data), task=task_name(data))


def known_modality(data: DataArguments) -> str | None:
    """The modality, if the settings or the name of the data set tell it; else the files have to be read."""
    if data.modality is None and data.dataset.startswith(BUILTIN_PREFIX):
        return builtin_modality(data.dataset.removeprefix(BUILTIN_PREFIX))
    return data.modality
