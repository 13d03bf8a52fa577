"""From the settings that were given to those of a run: default < family < preset or YAML < flag."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hfseq.data.arguments import DataArguments, data_settings
from hfseq.data.builtin import builtin_settings
from hfseq.data.sources.dataset_names import BUILTIN_PREFIX, MEMORY_PREFIX
from hfseq.errors import HfseqError
from hfseq.modalities import find_modality
from hfseq.registry import family_settings, get_task, preset_names, preset_settings
from hfseq.tasks import task_name
from hfseq.tasks.families import RECURRENT_WHOLE, is_recurrent_folder, scratch_family
from hfseq.training.all_settings import all_settings
from hfseq.training.arguments import RunArguments, SequenceTrainingArguments
from hfseq.training.family_defaults import FAMILY_DEFAULTS, PRESET_TRAINING
from hfseq.training.model_arguments import ModelArguments, check_finetuning
from hfseq.training.reading import YAML_SUFFIXES, layer, parse_mapping, read_yaml


def resolve(given: Mapping[str, Any]) -> RunArguments:
    """Fills in what was not given, and checks the whole.

    Args:
        given (`Mapping[str, Any]`): typed settings, as [`parse_flags`] or [`parse_mapping`] return them.

    Raises:
        HfseqError: where a setting has a value that makes no sense.
    """
    name = run_name(given)
    _check_task(given)
    given = _with_model_settings(given, given)
    _check_task(given)
    family = family_of(given)
    # Read like a YAML file's, so that settings written to one and read again are the same settings.
    source_data = _source_arguments(given)
    source, modality = _source_settings(source_data.dataset), find_modality(source_data)
    if given.get("model_type") is None:
        source.pop("tokenizer_name", None)  # a checkpoint has its own
    usual = {
        **FAMILY_DEFAULTS[family],
        **family_settings(family, task_name(source_data), modality.name, modality.presets_like),
        **PRESET_TRAINING.get((given.get("model", ""), family), {}),
        **source,
    }
    values = {**parse_mapping(usual, where=f"defaults of {family!r}"), **given}
    values.setdefault("output_dir", default_output_dir(values.get("dataset", DataArguments.dataset), name))
    data = DataArguments(**{name: value for name, value in values.items() if name in data_settings()})
    model, training = (_build(cls, values) for cls in (ModelArguments, SequenceTrainingArguments))
    # A secret has no place in a record. All else that was given, or that the family or the model brought, is kept even
    # where it equals a default: read again, it must win over the family's.
    defaults = {**setting_defaults(), **usual}
    settings = {
        name: value
        for name, value in values.items()
        # What was switched off is kept only where it would be on otherwise.
        if not name.endswith("_token") and (value is not None or defaults[name] is not None)
    }
    return RunArguments(data, model, training, name=name, family=family, settings=settings)


def default_output_dir(dataset: str, name: str) -> str:
    """Where a run goes when nobody says: `runs/<data set>-<model>`."""
    return f"runs/{short_name(dataset)}-{name}"


def short_name(dataset: str) -> str:
    """The last part of a data set's path or id, without its extension: `reviews` for `data/reviews.csv`."""
    last = dataset.removeprefix("builtin:").replace(MEMORY_PREFIX, "memory-", 1).rstrip("/").rpartition("/")[2]
    return last.partition(".")[0] or "data"


def run_name(given: Mapping[str, Any]) -> str:
    """What a run is called in tables: the preset, the stem of a YAML file, or the last part of a folder or id."""
    name = given.get("run_name") or given.get("model") or given.get("model_type") or ModelArguments.model
    if name.endswith(YAML_SUFFIXES):
        return Path(name).stem
    path = Path(name)
    if path.name in ("", ".."):  # such as `.`, which would name the folder of all runs, or the one around it
        path = path.resolve()
    return path.name or name


def _check_task(given: Mapping[str, Any]) -> None:
    task = given.get("task")
    if task is not None:
        get_task(task)


def _source_arguments(given: Mapping[str, Any]) -> DataArguments:
    """What the settings say of the data, as far as task and modality follow from it."""
    names = ("task", "modality", "dataset")
    return DataArguments(**{name: given[name] for name in names if given.get(name) is not None})


def _source_settings(dataset: str) -> dict[str, Any]:
    """What a built-in data set is read with."""
    return builtin_settings(dataset.removeprefix(BUILTIN_PREFIX)) if dataset.startswith(BUILTIN_PREFIX) else {}


def _with_model_settings(given: Mapping[str, Any], whole: Mapping[str, Any]) -> dict[str, Any]:
    """The settings with those of `--model`, where it is a preset or a YAML file; `whole` tells the task."""
    if given.get("model_type") is not None:
        return dict(given)
    model = given.get("model", ModelArguments.model)
    if model in preset_names():
        data = _source_arguments({**given, **whole})
        modality = find_modality(data)
        preset = preset_settings(model, task_name(data), modality.name, modality.presets_like)
        # A built-in data set knows better than a preset how it is read.
        known = {name: value for name, value in _source_settings(data.dataset).items() if name in preset}
        preset = {**preset, **known}
        return layer(parse_mapping(preset, where=f"preset {model!r}"), given)
    if not model.endswith(YAML_SUFFIXES):
        return dict(given)
    values = read_yaml(model)
    if values.get("model", "").endswith(YAML_SUFFIXES):
        raise HfseqError(f"{model}: its `model` must not be another YAML file")
    # The file has now been read; what remains of `model` is what the file itself names.
    rest = {name: value for name, value in given.items() if name != "model"}
    return layer(_with_model_settings(values, {**values, **rest}), rest)


def _build(cls: type, values: Mapping[str, Any]) -> Any:
    names = {item.name for item in dataclasses.fields(cls) if item.init}
    try:
        return cls(**{name: value for name, value in values.items() if name in names})
    except HfseqError:
        raise
    except (ValueError, TypeError, ImportError, RuntimeError, OSError) as error:  # what TrainingArguments finds wrong
        raise HfseqError(str(error)) from error


def setting_defaults() -> dict[str, Any]:
    """The default of every setting, before those of a family."""
    return {name: item.default for name, item in all_settings().items()}


def family_of(given: Mapping[str, Any]) -> str:
    """The family whose defaults a run uses: by the architecture from scratch, or by what of a checkpoint is trained.

    Raises:
        HfseqError: where `finetuning` is given for a model from scratch.
    """
    model_type, finetuning = given.get("model_type"), given.get("finetuning")
    check_finetuning(finetuning)
    if model_type is None:
        if finetuning in (None, "whole") and is_recurrent_folder(given.get("model", "")):
            return RECURRENT_WHOLE
        return finetuning if finetuning in FAMILY_DEFAULTS else "whole"
    if finetuning is not None:
        raise HfseqError(
            f"finetuning {finetuning!r} is for a pretrained model, but this run trains {model_type!r} from scratch"
        )
    return scratch_family(model_type)
