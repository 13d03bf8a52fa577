"""Converts words of the command line, values of YAML files and Python objects to the types of settings."""

import json
import os
from collections.abc import Mapping
from enum import Enum
from numbers import Integral, Real
from typing import Any

from hfseq.data.settings import Setting, check_value
from hfseq.errors import HfseqError

_TRUE = ("true", "yes", "t", "y", "1")
_FALSE = ("false", "no", "f", "n", "0")


def is_switch(item: Setting) -> bool:
    """Whether a setting is true or false."""
    return "bool" in item.types and "str" not in item.types


def read_value(item: Setting, value: Any, label: str) -> Any:
    """Converts a value to the type of a setting, and checks it.

    Args:
        item (`Setting`): the setting.
        value: a word of the command line or a list of words, a value of a YAML file, or a Python object.
        label (`str`): the name of the setting in errors, such as `"--max_length"`.

    Returns:
        A bool, an int, a float, a string or a list. A mapping becomes a string of JSON.

    Raises:
        HfseqError: the value has another type, is not one of the choices, or is out of bounds.
    """
    converted = _convert(item, _plain(value), label)
    if converted != item.default or isinstance(converted, bool) is not isinstance(item.default, bool):
        check_value(item, converted, label)
    return converted


def _plain(value: Any) -> Any:
    """A Python object as YAML would have it: no enumerations, paths, or arrays."""
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    return value.tolist() if hasattr(value, "tolist") else value  # of NumPy


def _convert(item: Setting, value: Any, label: str) -> Any:
    types = item.types
    if isinstance(value, bool) and types & {"bool", "Literal"}:
        return value
    if is_switch(item):
        return _to_bool(value, label)
    if "int" in types:
        return _to_number(value, int, Integral, "a whole number", label)
    if "float" in types:
        return _to_number(value, float, Real, "a number", label)
    if "list" in types:
        return _to_list(value, "str" in types, label)
    if "dict" in types and isinstance(value, Mapping):
        return _to_json(value, label)
    return _to_text(value, label, "a mapping" if "dict" in types else "a text")


def _to_bool(value: Any, label: str) -> bool:
    word = str(value).lower()
    if isinstance(value, str | int) and word in (*_TRUE, *_FALSE):
        return word in _TRUE
    raise _wrong_type(label, "true or false", value)


def _to_number(value: Any, kind: type, accepted: type, expected: str, label: str) -> Any:
    try:
        if isinstance(value, str) or (isinstance(value, accepted) and not isinstance(value, bool)):
            return kind(value)
    except (ValueError, OverflowError):
        pass  # reported below
    raise _wrong_type(label, expected, value)


def _to_list(value: Any, or_text: bool, label: str) -> list[str] | str:
    if isinstance(value, str):
        return value if or_text else [value]
    if isinstance(value, list | tuple) and all(_is_word(part) for part in value):
        return str(value[0]) if or_text and len(value) == 1 and isinstance(value[0], str) else [str(p) for p in value]
    raise _wrong_type(label, "a list of texts", value)


def _to_json(value: Mapping[str, Any], label: str) -> str:
    try:
        return json.dumps(value)
    except (TypeError, ValueError) as error:
        raise HfseqError(f"{label} cannot be read: {error}") from error


def _to_text(value: Any, label: str, expected: str) -> str:
    if isinstance(value, list | tuple) and all(_is_word(part) for part in value):
        return ",".join(map(str, value))  # such as the numbers of class_weights
    if isinstance(value, bool):
        return str(value).lower()
    if _is_word(value):
        return str(value)
    raise _wrong_type(label, expected, value)


def _is_word(value: Any) -> bool:
    return isinstance(value, str | int | float) and not isinstance(value, bool)


def _wrong_type(label: str, expected: str, value: Any) -> HfseqError:
    kind = "" if isinstance(value, str) else f" ({type(value).__name__})"
    return HfseqError(f"{label} must be {expected}, not {value!r}{kind}")
