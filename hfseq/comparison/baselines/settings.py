"""Settings of the run of a baseline, and the file that holds them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from hfseq.data.arguments import data_settings
from hfseq.data.settings import declared_settings
from hfseq.data.yaml_files import dump_yaml, load_yaml
from hfseq.errors import HfseqError
from hfseq.modalities.shared_settings import TokenizerSettings
from hfseq.registry import get_baseline
from hfseq.training.arguments import RunArguments
from hfseq.training.reading import parse_mapping
from hfseq.training.record import fingerprint_settings
from hfseq.training.settings import resolve
from hfseq.writing import write_text

SETTINGS_NAME = "baseline.yaml"
_HEAD = "# Written by hfseq: the settings of the baseline in this folder.\n"
_NAME = "baseline"
# Settings of a model that determine its tokenizer.
_TOKENIZER_SETTINGS = ("model", "model_type", "model_revision", "trust_remote_code")


def write_baseline(name: str, arguments: RunArguments) -> Path:
    """Writes the settings of a baseline's run into its folder.

    Args:
        name (`str`): name of the baseline in the registry.
        arguments (`RunArguments`): the settings of the first model, with the seed and the folder of the baseline.

    Returns:
        `Path`: the file.
    """
    settings = {**arguments.settings, "output_dir": str(arguments.folder), "run_name": arguments.name}
    path = arguments.folder / SETTINGS_NAME
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text(path, _HEAD + dump_yaml({_NAME: name, **settings}))
    return path


def read_baseline(path: Path) -> tuple[str, RunArguments]:
    """Reads the file that [`write_baseline`] wrote.

    Raises:
        HfseqError: it is missing or damaged, or a setting is not valid.
    """
    try:
        values = load_yaml(path.read_text(encoding="utf-8"), str(path))
        name = str(values.pop(_NAME))
    except (OSError, UnicodeDecodeError, yaml.YAMLError, AttributeError, KeyError, TypeError) as error:
        raise HfseqError(f"{path} does not describe the run of a baseline: {error}") from error
    return name, resolve(parse_mapping(values, where=str(path)))


def relevant_settings(name: str, arguments: RunArguments) -> dict[str, Any]:
    """The settings that the result of a baseline depends on: those of the data, and those of the tokenizer if it reads
    tokens."""
    known = set(data_settings())
    if get_baseline(name).uses_tokens:
        known.update(_TOKENIZER_SETTINGS)
    else:
        known -= declared_settings(TokenizerSettings).keys()
    return {key: value for key, value in arguments.settings.items() if key in known}


def baseline_fingerprint(name: str, settings: Mapping[str, Any], seed: int) -> str:
    """Hash of what determines the result of a baseline, beside the data.

    Args:
        name (`str`): name of the baseline in the registry.
        settings (`Mapping[str, Any]`): from [`relevant_settings`].
        seed (`int`): the seed.
    """
    return fingerprint_settings({**settings, _NAME: name, "seed": seed})
