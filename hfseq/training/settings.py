"""From YAML files, flags and dicts to the settings of a run: default < family < preset or YAML < flag."""

import argparse
import dataclasses
import json
import math
from collections.abc import Mapping, Sequence
from enum import Enum
from pathlib import Path
from typing import Any, NoReturn, get_args, get_type_hints

import yaml
from transformers import HfArgumentParser

from hfseq.data.arguments import DataArguments
from hfseq.data.builtin import builtin_settings
from hfseq.data.sources.places import BUILTIN_PREFIX, MEMORY_PREFIX
from hfseq.data.sources.readers import check_regular
from hfseq.data.yaml_files import load_yaml
from hfseq.errors import HfseqError, nearest
from hfseq.modalities import find_modality
from hfseq.registry import family_settings, get_task, preset_names, preset_settings
from hfseq.tasks import task_name
from hfseq.tasks.families import RECURRENT_WHOLE, is_recurrent_folder, scratch_family
from hfseq.training.arguments import (
    ModelArguments,
    RunArguments,
    SequenceTrainingArguments,
    check_finetuning,
)
from hfseq.training.family_defaults import FAMILY_DEFAULTS, PRESET_TRAINING

_DATACLASSES = (DataArguments, ModelArguments, SequenceTrainingArguments)
YAML_SUFFIXES = (".yaml", ".yml")
# What `null` means for settings that are off at another value than None.
_OFF: dict[str, Any] = {
    **dict.fromkeys(("eval_strategy", "save_strategy", "logging_strategy"), "no"),
    **dict.fromkeys(("weight_decay", "max_grad_norm", "label_smoothing_factor", "lora_dropout"), 0.0),
    **dict.fromkeys(("warmup_steps", "transpose"), 0),
}
# Settings for which `null` is the same as leaving the line out: there is nothing to switch off.
_LEFT_OUT = ("model", "model_type", "output_dir", "config_overrides")
# Not the types of the dataclasses' fields, which HfArgumentParser changes.
_TYPES = {name: kind for cls in _DATACLASSES for name, kind in get_type_hints(cls).items()}
# Marks the items of lists on their way through argparse.
_ITEM = "\0"
# Settings that take several words.
_LISTS = {item.name for cls in _DATACLASSES for item in dataclasses.fields(cls) if "list" in str(item.type)}


class _SettingsParser(HfArgumentParser):
    """Raises HfseqError where argparse would print its usage and leave, and knows no defaults of its own: what it
    returns was given."""

    def __init__(self, prog: str | None = None, description: str | None = None):
        super().__init__(
            _DATACLASSES,  # type: ignore[arg-type]
            prog=prog,
            description=description,
            allow_abbrev=False,
            argument_default=argparse.SUPPRESS,
        )

    def without_defaults(self) -> "_SettingsParser":
        for action in self._actions:
            action.default = argparse.SUPPRESS
        return self

    def error(self, message: str) -> NoReturn:
        raise HfseqError(message)


def make_parser(prog: str, description: str) -> argparse.ArgumentParser:
    """The parser that prints the help of a command: every setting, with its default."""
    return _SettingsParser(prog, description)


def setting_names() -> set[str]:
    """Every key of a YAML file, which is every flag without its dashes."""
    return {item.name for cls in _DATACLASSES for item in dataclasses.fields(cls) if item.init}


def parse_flags(flags: Sequence[str]) -> dict[str, Any]:
    """Reads command-line flags.

    Args:
        flags (`Sequence[str]`): such as `["--learning_rate", "1e-3"]`.

    Returns:
        `dict`: the settings that were given, typed.

    Raises:
        HfseqError: on an unknown flag, naming the nearest, or a value of the wrong type.
    """
    namespace, unknown = _SettingsParser().without_defaults().parse_known_args(list(flags))
    for word in unknown:
        if word.startswith("--"):
            name = word[2:].partition("=")[0].replace("-", "_")
            raise HfseqError(f"there is no setting --{name}: {nearest(name, setting_names())}")
        raise HfseqError(f"{word!r} belongs to no flag")
    return vars(namespace)


def parse_mapping(values: Mapping[str, Any], where: str) -> dict[str, Any]:
    """Reads settings from a mapping, with the same checks as flags.

    Args:
        values (`Mapping[str, Any]`): flat settings; `None` switches a setting off: it wins over what a model or its
            family has by default.
        where (`str`): what an error calls the mapping, for example the file's name.

    Raises:
        HfseqError: on an unknown key, naming the nearest, a value of the wrong type, or `None` for a setting that
            always has a value.
    """
    names = setting_names()
    flags: list[str] = []
    off: dict[str, Any] = {}
    if not isinstance(values, Mapping):
        raise HfseqError(f"{where} takes a mapping of settings such as {{'model': 'gru'}}, not {values!r}")
    for key, value in values.items():
        if key not in names:
            raise HfseqError(f"{where}: there is no setting {key!r}: {nearest(str(key), names)}")
        if value is None:
            if key not in _LEFT_OUT:
                off[key] = switched_off(key, where)
            continue
        flags.append(f"--{key}")
        if isinstance(value, Mapping):
            flags.append(_as_json(key, value, where))
        elif isinstance(value, list | tuple) and key in _LISTS:
            # argparse takes an item that begins with a dash, such as `--` for a missing value, for a flag.
            flags += [f"{_ITEM}{item}" if isinstance(item, str) else str(item) for item in value]
        elif isinstance(value, list | tuple):
            flags[-1] += "=" + ",".join(map(str, value))  # such as class_weights
        else:
            # argparse takes a word that begins with a dash for a flag, unless it is a number.
            flags[-1] += f"={value}"
    try:
        parsed = parse_flags(flags)
    except HfseqError as error:
        raise HfseqError(f"{where}: {str(error).replace(_ITEM, '')}") from None
    return {**{name: _without_marks(value) for name, value in parsed.items()}, **off}


def _plain(value: Any) -> Any:
    """A setting as YAML and JSON write it: transformers makes members of an enumeration of some words."""
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value.value if isinstance(value, Enum) else value


def _without_marks(value: Any) -> Any:
    if isinstance(value, list):
        return [item.removeprefix(_ITEM) if isinstance(item, str) else item for item in value]
    return value


def switched_off(name: str, where: str) -> Any:
    """The value that `null` stands for.

    Args:
        name (`str`): the setting.
        where (`str`): what an error calls the place where `null` is written.

    Raises:
        HfseqError: the setting always has a value.
    """
    if name in _OFF:
        return _OFF[name]
    if type(None) in get_args(_TYPES[name]):
        return None
    if _TYPES[name] is bool:
        return False
    raise HfseqError(f"{where}: {name} has no value; give it one, or leave the line out")


def _as_json(name: str, value: Mapping[str, Any], where: str) -> str:
    try:
        return json.dumps(value)
    except (TypeError, ValueError) as error:
        raise HfseqError(f"{where}: {name} cannot be read: {error}") from error


def read_yaml(path: str | Path) -> dict[str, Any]:
    """Reads a YAML file of settings.

    Raises:
        HfseqError: where there is no such file, it is not YAML, or not a mapping of known settings.
    """
    path = Path(path)
    check_regular(path)
    try:
        values = load_yaml(path.read_text(encoding="utf-8"), str(path))
    except FileNotFoundError:
        raise HfseqError(f"there is no file {path} (looked in {path.absolute().parent})") from None
    except (OSError, UnicodeDecodeError) as error:
        raise HfseqError(f"{path} cannot be read: {error}") from error
    except yaml.YAMLError as error:
        raise HfseqError(f"{path} is not valid YAML: {error}") from error
    if not isinstance(values, dict):
        raise HfseqError(f"{path} must be a mapping of settings such as `learning_rate: 1.0e-3`")
    return parse_mapping(values, where=str(path))


def read_settings(argv: Sequence[str]) -> dict[str, Any]:
    """Reads the words of a command: YAML files, if any come first, then flags. Later ones win.

    Args:
        argv (`Sequence[str]`): such as `["lstm.yaml", "--seed", "1"]`.
    """
    given: dict[str, Any] = {}
    words = list(argv)
    while words and words[0].endswith(YAML_SUFFIXES):
        given = layer(given, read_yaml(words.pop(0)))
    return layer(given, parse_flags(words))


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
    data_settings = _data_settings(given)
    source, modality = _source_settings(data_settings.dataset), find_modality(data_settings)
    if given.get("model_type") is None:
        source.pop("tokenizer_name", None)  # a checkpoint has its own
    usual = {
        **FAMILY_DEFAULTS[family],
        **family_settings(family, task_name(data_settings), modality.name, modality.presets_like),
        **PRESET_TRAINING.get((given.get("model", ""), family), {}),
        **source,
    }
    values = {**parse_mapping(usual, where=f"defaults of {family!r}"), **given}
    values.setdefault("output_dir", default_output_dir(values.get("dataset", DataArguments.dataset), name))
    data, model, training = (_build(cls, values) for cls in _DATACLASSES)
    # A secret has no place in a record. All else that was given, or that the family or the model brought, is kept even
    # where it equals a default: read again, it must win over the family's.
    defaults = {**setting_defaults(), **usual}
    settings = {
        name: _plain(value)
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


def _data_settings(given: Mapping[str, Any]) -> DataArguments:
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
        data = _data_settings({**given, **whole})
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


def layer(lower: Mapping[str, Any], upper: Mapping[str, Any]) -> dict[str, Any]:
    """Puts settings over others. Overrides of the model's configuration add up, one key at a time.

    Args:
        lower (`Mapping[str, Any]`): the settings below.
        upper (`Mapping[str, Any]`): the settings that win.
    """
    merged = {**lower, **upper}
    if lower.get("config_overrides") and upper.get("config_overrides"):
        overrides = [parse_overrides(layer["config_overrides"]) for layer in (lower, upper)]
        merged["config_overrides"] = json.dumps(_merged(*overrides))
    return merged


def _merged(lower: dict[str, Any], upper: dict[str, Any]) -> dict[str, Any]:
    """Overrides over others; those of a half of a model one key at a time as well, while it is of the same kind."""
    merged = {**lower, **upper}
    for name, value in upper.items():
        below = lower.get(name)
        if isinstance(value, dict) and isinstance(below, dict):
            same = value.get("model_type", below.get("model_type")) == below.get("model_type")
            merged[name] = {**below, **value} if same else value
    return merged


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
    return {item.name: item.default for cls in _DATACLASSES for item in dataclasses.fields(cls)}


def parse_overrides(text: str | None) -> dict[str, Any]:
    """Reads `hidden_size=128,pooling=max` or a JSON mapping.

    Raises:
        HfseqError: where the text is neither.
    """
    if not text:
        return {}
    overrides: dict[str, Any] = {}
    if text.lstrip().startswith("{"):
        try:
            overrides = json.loads(text)
        except RecursionError:
            raise HfseqError("config_overrides nests lists or mappings too deeply") from None
        except json.JSONDecodeError as error:
            raise HfseqError(f"config_overrides is not valid JSON: {error}") from error
        _check_finite(overrides)
        return overrides
    for part in text.split(","):
        key, equals, value = part.partition("=")
        if not (key.strip() and equals):
            raise HfseqError(f"config_overrides must look like `hidden_size=128,pooling=max`; cannot read {part!r}")
        try:
            overrides[key.strip()] = load_yaml(value, "config_overrides")
        except yaml.YAMLError:
            raise HfseqError(
                f"config_overrides: cannot read {part!r}; give lists as a JSON mapping: '{{\"hidden_sizes\": [1, 2]}}'"
            ) from None
    _check_finite(overrides)
    return overrides


def _check_finite(overrides: Mapping[str, Any]) -> None:
    for name, value in overrides.items():
        if isinstance(value, Mapping):
            _check_finite(value)
        elif isinstance(value, float) and not math.isfinite(value):
            raise HfseqError(f"config_overrides: {name} must be a finite number, not {value}")


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
