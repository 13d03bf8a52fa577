"""Reads settings from flags, YAML files and mappings, without importing torch or transformers."""

import argparse
import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

import yaml

from hfseq.data.setting_values import is_switch, read_value
from hfseq.data.settings import Setting
from hfseq.data.sources.dataset_names import looks_like_path
from hfseq.data.sources.readers import check_regular
from hfseq.data.yaml_files import load_yaml
from hfseq.errors import HfseqError, nearest
from hfseq.plugins import load_entry_points, load_plugins
from hfseq.registry import preset_config_fields, preset_names
from hfseq.training.all_settings import all_settings
from hfseq.training.overrides import merge_overrides

YAML_SUFFIXES = (".yaml", ".yml")
# Meaning of `null` for settings whose value for "off" is not None.
_OFF: dict[str, Any] = {
    **dict.fromkeys(("eval_strategy", "save_strategy", "logging_strategy"), "no"),
    **dict.fromkeys(("weight_decay", "max_grad_norm", "label_smoothing_factor", "lora_dropout"), 0.0),
    **dict.fromkeys(("warmup_steps", "transpose"), 0),
}
# Settings for which `null` is the same as leaving the line out.
_LEFT_OUT = ("model", "model_type", "output_dir", "config_overrides")


class SettingsParser(argparse.ArgumentParser):
    """Splits the words of a command into the words of each setting.

    Args:
        settings (`Mapping[str, Setting]`): the settings by name.
    """

    def __init__(self, settings: Mapping[str, Setting]):
        super().__init__(add_help=False, allow_abbrev=False, argument_default=argparse.SUPPRESS)
        for item in settings.values():
            self._add(item)

    def _add(self, item: Setting) -> None:
        options: dict[str, Any] = {"dest": item.name}
        if is_switch(item) or item.optional_value:
            options |= {"nargs": "?", "const": "true"}
        elif "list" in item.types:
            options["nargs"] = "+"
        self.add_argument(*_spellings(item.name), **options)
        if is_switch(item) and item.default is True:
            self.add_argument(*_spellings(f"no_{item.name}"), dest=item.name, action="store_const", const="false")

    def error(self, message: str) -> NoReturn:
        # Of argparse: argument --max_length/--max-length: expected one argument.
        found = re.fullmatch(r"argument (--\w+)\S*: expected (at least )?one argument", message)
        raise HfseqError(f"{found[1]} needs a value" if found else message)


def _spellings(name: str) -> list[str]:
    """The flag of a setting, with underscores and with dashes."""
    return list(dict.fromkeys([f"--{name}", f"--{name.replace('_', '-')}"]))


def parse_flags(flags: Sequence[str]) -> dict[str, Any]:
    """Reads command-line flags.

    Args:
        flags (`Sequence[str]`): such as `["--learning_rate", "1e-3"]`.

    Returns:
        `dict`: the settings that were given, typed.

    Raises:
        HfseqError: there is an unknown flag, a word that belongs to no flag, or a value that is not valid.
    """
    load_entry_points()
    words, rest = _split(flags)
    if "plugins" in words:
        load_plugins(words["plugins"])
        words, rest = _split(flags)
    settings = all_settings()
    for word in rest:
        if word.startswith("--"):
            name = word[2:].partition("=")[0].replace("-", "_")
            raise HfseqError(f"there is no setting --{name}: {_nearest_setting(name, settings)}")
        raise HfseqError(f"unexpected argument {word!r}{_suggestion(word)}")
    return {name: read_value(settings[name], value, f"--{name}") for name, value in words.items()}


def _split(flags: Sequence[str]) -> tuple[dict[str, Any], list[str]]:
    words, rest = SettingsParser(all_settings()).parse_known_args(list(flags))
    return vars(words), rest


def _nearest_setting(name: str, settings: Mapping[str, Any]) -> str:
    """The nearest setting, or the way to set a field of the configuration of a model, such as `hidden_size`."""
    fields = preset_config_fields()
    closest = difflib.get_close_matches(name, [*settings, *fields], n=1)
    if closest and closest[0] in fields and closest[0] not in settings:
        return f"set it in the configuration of the model, with --config_overrides {closest[0]}=VALUE"
    return nearest(name, settings)


def _suggestion(word: str) -> str:
    """The flag that a word may be the value of, as the end of an error message."""
    if word.endswith(YAML_SUFFIXES):
        return ": YAML files come before the flags"
    flags = dict.fromkeys(preset_names(), "model")
    for item in all_settings().values():
        flags |= {choice: item.name for choice in item.choices if len(choice) > 2 and choice not in flags}
    close = difflib.get_close_matches(word, flags, n=1, cutoff=0.75)
    if close:
        return f"; did you mean `--{flags[close[0]]} {close[0]}`?"
    if looks_like_path(word) or word.startswith("builtin:"):
        return f"; did you mean `--dataset {word}`?"
    return ": every setting has a flag, such as `--model gru`"


def parse_mapping(values: Mapping[str, Any], where: str) -> dict[str, Any]:
    """Reads settings from a mapping, with the same checks as flags.

    Args:
        values (`Mapping[str, Any]`): flat settings; `None` switches a setting off: it wins over what a model or its
            family has by default.
        where (`str`): the name of the mapping in errors, such as the name of the file.

    Returns:
        `dict`: the settings, typed.

    Raises:
        HfseqError: there is an unknown key, a value that is not valid, or `None` for a setting that always has a
            value.
    """
    if not isinstance(values, Mapping):
        raise HfseqError(f"{where} takes a mapping of settings such as {{'model': 'gru'}}, not {values!r}")
    load_entry_points()
    if values.get("plugins"):
        load_plugins(_names(values["plugins"], where))
    settings, found = all_settings(), {}
    for key, value in values.items():
        if key not in settings:
            raise HfseqError(f"{where}: there is no setting {key!r}: {_nearest_setting(str(key), settings)}")
        if value is not None:
            found[key] = read_value(settings[key], value, f"{where}: {key}")
        elif key not in _LEFT_OUT:
            found[key] = switched_off(key, where)
    return found


def _names(value: Any, where: str) -> Iterable[str]:
    return read_value(all_settings()["plugins"], value, f"{where}: plugins")


def switched_off(name: str, where: str) -> Any:
    """The value that `null` stands for.

    Args:
        name (`str`): the setting.
        where (`str`): the name of the place where `null` is written, in errors.

    Raises:
        HfseqError: the setting always has a value.
    """
    if name in _OFF:
        return _OFF[name]
    item = all_settings()[name]
    if "None" in item.types:
        return None
    if is_switch(item):
        return False
    raise HfseqError(f"{where}: {name} has no value; give it one, or leave the line out")


def read_yaml(path: str | Path) -> dict[str, Any]:
    """Reads a YAML file of settings.

    Raises:
        HfseqError: there is no such file, it is not YAML, or not a mapping of known settings.
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

    Returns:
        `dict`: the settings that were given, typed.
    """
    given: dict[str, Any] = {}
    words = list(argv)
    while words and words[0].endswith(YAML_SUFFIXES):
        given = layer(given, read_yaml(words.pop(0)))
    return layer(given, parse_flags(words))


def layer(lower: Mapping[str, Any], upper: Mapping[str, Any]) -> dict[str, Any]:
    """Puts settings over others. Overrides of the model's configuration add up, one key at a time.

    Args:
        lower (`Mapping[str, Any]`): the settings below.
        upper (`Mapping[str, Any]`): the settings that win.
    """
    merged = {**lower, **upper}
    if lower.get("config_overrides") and upper.get("config_overrides"):
        merged["config_overrides"] = merge_overrides(lower["config_overrides"], upper["config_overrides"])
    return merged


def expand_model(given: Mapping[str, Any]) -> dict[str, Any]:
    """The settings with those of the YAML file that `model` names, if it names one.

    Raises:
        HfseqError: there is no such file, it is not valid, or its own `model` is a YAML file.
    """
    model = given.get("model") or ""
    if given.get("model_type") is not None or not model.endswith(YAML_SUFFIXES):
        return dict(given)
    values = read_yaml(model)
    if values.get("model", "").endswith(YAML_SUFFIXES):
        raise HfseqError(f"{model}: its `model` must not be another YAML file")
    return layer(values, {name: value for name, value in given.items() if name != "model"})
