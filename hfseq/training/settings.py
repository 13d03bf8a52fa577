"""Resolves the settings that were given to the settings of a run: default < family < preset or YAML < flag."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hfseq.data.arguments import DataArguments, data_settings
from hfseq.data.setting_checks import applies, check_applies
from hfseq.data.settings import declared_settings
from hfseq.data.sources.dataset_names import MEMORY_PREFIX, is_missing
from hfseq.errors import HfseqError
from hfseq.modalities import find_modality
from hfseq.registry import get_task
from hfseq.tasks import task_name
from hfseq.training.all_settings import all_settings
from hfseq.training.arguments import RunArguments, SequenceTrainingArguments
from hfseq.training.layers import family_layer, family_of, with_preset
from hfseq.training.model_arguments import ModelArguments
from hfseq.training.reading import YAML_SUFFIXES, expand_model, parse_mapping


def resolve(given: Mapping[str, Any]) -> RunArguments:
    """Adds the defaults of the preset and the family, and checks all settings.

    Args:
        given (`Mapping[str, Any]`): typed settings, as [`parse_flags`] or [`parse_mapping`] return them.

    Raises:
        HfseqError: a setting is not valid, or belongs to another modality or task.
    """
    name = run_name(given)
    given = expand_model(given)
    source_data = _source_arguments(given)
    task, modality = task_name(source_data), find_modality(source_data)
    readers = {"task": task, "modality": get_task(task).modality_of(source_data).name}
    if not is_missing(source_data.dataset):  # else its modality is not known
        check_applies([key for key, value in given.items() if value is not None], **readers)
    scope = (task, modality.name, modality.presets_like)
    given = with_preset(given, *scope)
    family = family_of(given)
    usual = family_layer(given, family, *scope)
    # Read like a YAML file, so that settings that are written to one and read again are the same.
    values = {**parse_mapping(usual, where=f"defaults of {family!r}"), **given}
    values = {name: value for name, value in values.items() if name in given or applies(name, **readers)}
    values.setdefault("output_dir", default_output_dir(values.get("dataset", DataArguments.dataset), name))
    data = DataArguments(**{name: value for name, value in values.items() if name in data_settings()})
    model, training = (_build(cls, values) for cls in (ModelArguments, SequenceTrainingArguments))
    # Secrets are not recorded. All other settings that were given, or that are defaults of the family or the model,
    # are recorded even if they equal a default of the dataclass: read again, they must override those of the family.
    defaults = {**setting_defaults(), **usual}
    settings = {
        name: value
        for name, value in values.items()
        # A setting that is switched off is recorded only if it would be on by default.
        if not name.endswith("_token") and (value is not None or defaults[name] is not None)
    }
    return RunArguments(data, model, training, name=name, family=family, settings=settings)


def given_settings(arguments: RunArguments) -> dict[str, Any]:
    """The flat settings of typed objects: those that differ from the defaults of their classes.

    Args:
        arguments (`RunArguments`): settings whose defaults are not filled in yet.
    """
    data, model, training = arguments.data, arguments.model, arguments.training
    # An instance, since TrainingArguments changes some of its values.
    usual = SequenceTrainingArguments()
    given = dict(data.group_values)
    for found, default in ((data, DataArguments()), (model, ModelArguments()), (training, usual)):
        names = declared_settings(type(found))
        given |= {key: value for key in names if (value := getattr(found, key)) != getattr(default, key)}
    return parse_mapping(given, where="RunArguments")


def default_output_dir(dataset: str, name: str) -> str:
    """The default of `output_dir`: `runs/<data set>-<model>`."""
    return f"runs/{short_name(dataset)}-{name}"


def short_name(dataset: str) -> str:
    """The last part of a data set's path or id, without its extension: `reviews` for `data/reviews.csv`."""
    last = dataset.removeprefix("builtin:").replace(MEMORY_PREFIX, "memory-", 1).rstrip("/").rpartition("/")[2]
    return last.partition(".")[0] or "data"


def run_name(given: Mapping[str, Any]) -> str:
    """The name of a run in tables: the preset, the stem of a YAML file, or the last part of a folder or id."""
    name = given.get("run_name") or given.get("model") or given.get("model_type") or ModelArguments.model
    if name.endswith(YAML_SUFFIXES):
        return Path(name).stem
    path = Path(name)
    if path.name in ("", ".."):  # such as `.`, which is not a name
        path = path.resolve()
    return path.name or name


def _source_arguments(given: Mapping[str, Any]) -> DataArguments:
    """The settings of the data that determine task and modality."""
    names = ("task", "modality", "dataset")
    return DataArguments(**{name: given[name] for name in names if given.get(name) is not None})


def _build(cls: type, values: Mapping[str, Any]) -> Any:
    names = {item.name for item in dataclasses.fields(cls) if item.init}
    try:
        return cls(**{name: value for name, value in values.items() if name in names})
    except HfseqError:
        raise
    except (ValueError, TypeError, ImportError, RuntimeError, OSError) as error:  # what TrainingArguments finds wrong
        raise HfseqError(str(error)) from error


def setting_defaults() -> dict[str, Any]:
    """The default of each setting, without the defaults of a family."""
    return {name: item.default for name, item in all_settings().items()}
