"""A run record without the local paths of the machine that created it."""

import os
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from hfseq.hub.card_text import public_name

# Settings that depend on the machine, and settings that may contain a local path.
_LOCAL_SETTINGS = ("cache_dir", "logging_dir", "output_dir", "preprocessing_num_workers")
_PATH_SETTINGS = ("dataset", "model", "tokenizer_name")


def public_record(record: Mapping[str, Any]) -> dict[str, Any]:
    """Copies a run record without absolute paths.

    The path of a local data set or model is reduced to its last part. Settings that depend on the machine, such as
    `cache_dir`, are removed.

    Args:
        record (`dict`): fields of a run record.
    """
    config, data, model = (dict(record.get(name) or {}) for name in ("config", "data", "model"))
    settings = (*_PATH_SETTINGS, *_LOCAL_SETTINGS)
    paths = [*(config.get(name) for name in settings), data.get("dataset"), model.get("base_model")]
    for section, names in ((data, ("dataset",)), (model, ("base_model",))):
        section.update({name: relative_name(section[name]) for name in names if section.get(name)})
    return remove_local_paths({**record, "config": public_settings(config), "data": data, "model": model}, paths)


def public_settings(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of a run without those that depend on the machine, and without absolute paths."""
    shared = {name: value for name, value in settings.items() if name not in _LOCAL_SETTINGS}
    return {
        name: relative_name(value) if name in _PATH_SETTINGS and value else value for name, value in shared.items()
    }


def relative_name(name: str) -> str:
    """Reduces a local path to its last part: `/home/me/reviews.csv` becomes `./reviews.csv`. Other names are
    unchanged.

    The `./` shows that the name was a path and not an id on the Hub.
    """
    shortened = public_name(name)
    return name if shortened == name else f"./{shortened}"


def remove_local_paths(value: Any, paths: Iterable[Any] = ()) -> Any:
    """Removes absolute paths from all texts in a nested value.

    The folders of the user, the working directory and the temporary directory are always removed.

    Args:
        value: texts, lists and mappings.
        paths (`Iterable`, *optional*): files and folders whose paths are reduced to their last part. Values that are
            not paths are ignored.
    """
    names: dict[str, str] = {}
    for given in paths:
        path = os.path.expanduser(given) if isinstance(given, str) else ""
        if os.path.isabs(path) or os.path.exists(path):
            spellings = {path, os.path.abspath(path), os.path.realpath(path)}
            names |= {spelling: public_name(spelling) for spelling in spellings if os.path.isabs(spelling)}
    for folder in (os.getcwd(), tempfile.gettempdir()):
        names[folder.rstrip("/") + "/"] = ""
    names[str(Path.home()).rstrip("/") + "/"] = "~/"
    # The longest path first, so that a file is replaced before its folder.
    ordered = sorted(((old, new) for old, new in names.items() if len(old) > 1), key=lambda pair: -len(pair[0]))
    return _replace(value, ordered)


def _replace(value: Any, names: list[tuple[str, str]]) -> Any:
    if isinstance(value, Mapping):
        return {key: _replace(part, names) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_replace(part, names) for part in value]
    if isinstance(value, str):
        for old, new in names:
            value = value.replace(old, new)
    return value
