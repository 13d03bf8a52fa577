"""A run record without the places of the machine that it was made on."""

import os
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from hfseq.hub.card_text import public_name

# Settings of the machine, and settings that may name a place on it.
_LOCAL = ("cache_dir", "logging_dir", "output_dir", "preprocessing_num_workers")
_PLACES = ("dataset", "model", "tokenizer_name")


def public_record(record: Mapping[str, Any]) -> dict[str, Any]:
    """A run record without absolute paths.

    A data set or a model that lay on the machine keeps the last part of its path. Settings of the machine alone, such
    as `cache_dir`, are left out.

    Args:
        record (`dict`): a run record's fields.
    """
    config, data, model = (dict(record.get(name) or {}) for name in ("config", "data", "model"))
    places = [*(config.get(name) for name in (*_PLACES, *_LOCAL)), data.get("dataset"), model.get("base_model")]
    for section, names in ((data, ("dataset",)), (model, ("base_model",))):
        section.update({name: local_name(section[name]) for name in names if section.get(name)})
    return without_places({**record, "config": public_settings(config), "data": data, "model": model}, places)


def public_settings(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of a run without those of the machine alone, and without absolute paths in the others."""
    kept = {name: value for name, value in settings.items() if name not in _LOCAL}
    return {name: local_name(value) if name in _PLACES and value else value for name, value in kept.items()}


def local_name(name: str) -> str:
    """A name without the folders of this machine: `./reviews.csv` for `/home/me/reviews.csv`; others as they are.

    The dot says that the name was a place, and not an id on the Hub.
    """
    shown = public_name(name)
    return name if shown == name else f"./{shown}"


def without_places(value: Any, places: Iterable[Any] = ()) -> Any:
    """Texts at any depth of a value, without the absolute paths of some places and of this user.

    Args:
        value: texts, lists and mappings.
        places (`Iterable`, *optional*): files and folders, of which the last part of the path is kept; what is
            neither is passed over.
    """
    names: dict[str, str] = {}
    for place in places:
        path = os.path.expanduser(place) if isinstance(place, str) else ""
        if os.path.isabs(path) or os.path.exists(path):
            paths = {path, os.path.abspath(path), os.path.realpath(path)}
            names |= {one: public_name(one) for one in paths if os.path.isabs(one)}
    for folder in (os.getcwd(), tempfile.gettempdir()):
        names[folder.rstrip("/") + "/"] = ""
    names[str(Path.home()).rstrip("/") + "/"] = "~/"
    # The longest first: a file's path before that of the folder that it lies in.
    ordered = sorted(((old, new) for old, new in names.items() if len(old) > 1), key=lambda pair: -len(pair[0]))
    return _replaced(value, ordered)


def _replaced(value: Any, names: list[tuple[str, str]]) -> Any:
    if isinstance(value, Mapping):
        return {key: _replaced(part, names) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_replaced(part, names) for part in value]
    if isinstance(value, str):
        for old, new in names:
            value = value.replace(old, new)
    return value
