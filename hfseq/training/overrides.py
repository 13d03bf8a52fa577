"""Overrides of a model's configuration: `config_overrides`."""

import json
import math
from collections.abc import Mapping
from typing import Any

import yaml

from hfseq.data.yaml_files import load_yaml
from hfseq.errors import HfseqError


def parse_overrides(text: Mapping[str, Any] | str | None, name: str = "config_overrides") -> dict[str, Any]:
    """Reads `hidden_size=128,pooling=max` or a JSON mapping.

    Args:
        text (`dict` or `str`, *optional*): the text; a mapping is returned unchanged.
        name (`str`, *optional*, defaults to `"config_overrides"`): name of the setting in errors.

    Raises:
        HfseqError: where the text is neither.
    """
    if not text:
        return {}
    if isinstance(text, Mapping):
        _check_finite(text, name)
        return dict(text)
    overrides: dict[str, Any] = {}
    if text.lstrip().startswith("{"):
        try:
            overrides = json.loads(text)
        except RecursionError:
            raise HfseqError(f"{name} has too deeply nested lists or mappings") from None
        except json.JSONDecodeError as error:
            raise HfseqError(f"{name} is not valid JSON: {error}") from error
        _check_finite(overrides, name)
        return overrides
    for part in text.split(","):
        key, equals, value = part.partition("=")
        if not (key.strip() and equals):
            raise HfseqError(f"{name} must look like `hidden_size=128,pooling=max`; cannot read {part!r}")
        try:
            overrides[key.strip()] = load_yaml(value, name)
        except yaml.YAMLError:
            raise HfseqError(
                f"{name}: cannot read {part!r}; give lists as a JSON mapping: '{{\"hidden_sizes\": [1, 2]}}'"
            ) from None
    _check_finite(overrides, name)
    return overrides


def _check_finite(overrides: Mapping[str, Any], name: str) -> None:
    for key, value in overrides.items():
        if isinstance(value, Mapping):
            _check_finite(value, name)
        elif isinstance(value, float) and not math.isfinite(value):
            raise HfseqError(f"{name}: {key} must be a finite number, not {value}")


def merge_overrides(lower: Mapping[str, Any] | str, upper: Mapping[str, Any] | str) -> str:
    """Overrides over others, one key at a time.

    Args:
        lower (`dict` or `str`): the overrides below, as [`parse_overrides`] reads them.
        upper (`dict` or `str`): the overrides that win.

    Returns:
        `str`: a JSON mapping.
    """
    return json.dumps(_merged(parse_overrides(lower), parse_overrides(upper)))


def _merged(lower: dict[str, Any], upper: dict[str, Any]) -> dict[str, Any]:
    """Overrides over others; those of a half of a model one key at a time as well, while it is of the same kind."""
    merged = {**lower, **upper}
    for name, value in upper.items():
        below = lower.get(name)
        if isinstance(value, dict) and isinstance(below, dict):
            same = value.get("model_type", below.get("model_type")) == below.get("model_type")
            merged[name] = {**below, **value} if same else value
    return merged
