"""Checks the layout of a run record when it is read. It may have been edited or written by another program."""

import dataclasses
from collections.abc import Mapping
from typing import Any

_NAME = (str, type(None))
# Field, or section and key -> valid types. Missing fields have their defaults.
_TYPES: dict[str, tuple[type, ...]] = {
    "name": (str,),
    "task": (str,),
    "seed": (int,),
    "config": (dict,),
    "config_fingerprint": (str,),
    "status": (str,),
    "model": (dict,),
    "data": (dict,),
    "metrics": (dict,),
    "costs": (dict,),
    "environment": (dict,),
    "num_processes": (int,),
    "details": (dict,),
    "history": (list,),
    "started_at": _NAME,
    "finished_at": _NAME,
    "error": _NAME,
    "data.dataset": _NAME,
    "data.fingerprint": _NAME,
    "data.modality": (str,),
    "data.text_columns": (list,),
    "data.label_column": _NAME,
    "data.target_column": _NAME,
    "data.max_length": (int, type(None)),
    "data.truncation": (str,),
    "data.examples": (dict,),
    "data.notes": (list,),
    "data.labels": (list, type(None)),
}


def record_fault(values: Mapping[str, Any], record: type) -> str | None:
    """The first problem of the values of a record; `None` if there is none.

    Args:
        values (`dict`): the parsed file.
        record (`type`): the dataclass of records.
    """
    fields = dataclasses.fields(record)
    required = [item.name for item in fields if item.default is item.default_factory is dataclasses.MISSING]
    if missing := [name for name in required if name not in values]:
        return f"it has no {missing[0]!r}"
    if unknown := sorted(values.keys() - {item.name for item in fields}):
        return f"it has an unknown field {unknown[0]!r}"
    for place, types in _TYPES.items():
        section, _, key = place.partition(".")
        found = values.get(section) if not key else values[section].get(key)
        if (found is None and (key or section not in required)) or _is_of(found, types):
            continue
        wanted = " or ".join("null" if kind is type(None) else kind.__name__ for kind in types)
        return f"{place!r} must be {wanted}, not {found!r}"
    return None


def _is_of(value: Any, types: tuple[type, ...]) -> bool:
    # `true` in JSON is not a number.
    return isinstance(value, types) and not (isinstance(value, bool) and bool not in types)
