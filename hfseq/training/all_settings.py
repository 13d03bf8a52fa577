"""The table of all settings: those of the data, of modalities and tasks, of the model, and of the training."""

import dataclasses

from hfseq.data.arguments import DataArguments
from hfseq.data.setting_groups import group_settings, modality_names, task_names
from hfseq.data.settings import Setting, declared_settings
from hfseq.training.model_arguments import ModelArguments
from hfseq.training.training_defaults import TRAINING_BOUNDS, TrainingDefaults
from hfseq.training.transformers_settings import transformers_settings


def all_settings() -> dict[str, Setting]:
    """All settings by name: flags of the command line and keys of YAML files."""
    data = declared_settings(DataArguments)
    names = {"task": task_names(), "modality": modality_names()}
    for name, choices in names.items():
        data[name] = dataclasses.replace(data[name], choices=choices)
    return {**declared_settings(ModelArguments), **data, **group_settings(), **training_settings()}


def training_settings() -> dict[str, Setting]:
    """The settings of the training by name: first those that hfseq adds, then those of transformers."""
    own = {**declared_settings(TrainingDefaults)}
    rest = {name: item for name, item in transformers_settings().items() if name not in own}
    return {
        name: dataclasses.replace(item, bounds=TRAINING_BOUNDS.get(name)) for name, item in {**own, **rest}.items()
    }


def setting_names() -> set[str]:
    """The names of all settings."""
    return set(all_settings())
