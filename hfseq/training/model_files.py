"""The files of a saved model, checked before anything is loaded from them."""

import json
import zipfile
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from transformers.utils import (
    ADAPTER_CONFIG_NAME,
    CONFIG_NAME,
    SAFE_WEIGHTS_INDEX_NAME,
    SAFE_WEIGHTS_NAME,
    WEIGHTS_INDEX_NAME,
    WEIGHTS_NAME,
)

from hfseq.errors import HfseqError
from hfseq.hub import RECORD_NAME

# Maximum number of names in a message.
_SHOWN = 4


def check_model_folder(folder: Path) -> None:
    """Checks that a folder holds the configuration and the complete weights of a model, without loading them.

    Args:
        folder (`Path`): an existing folder.

    Raises:
        HfseqError: a file is missing, damaged or incomplete.
    """
    if not (folder / CONFIG_NAME).is_file():
        raise HfseqError(f"the folder {folder} holds no model: there is no {CONFIG_NAME} in it ({_content(folder)})")
    config = read_json_mapping(folder / CONFIG_NAME)
    if not isinstance(config.get("model_type"), str):
        raise HfseqError(f"{folder / CONFIG_NAME} is not the configuration of a model: it has no model_type")
    for index in (SAFE_WEIGHTS_INDEX_NAME, WEIGHTS_INDEX_NAME):
        single = folder / (SAFE_WEIGHTS_NAME if index == SAFE_WEIGHTS_INDEX_NAME else WEIGHTS_NAME)
        if single.is_file():
            check_weights_file(single)
            return
        if (folder / index).is_file():
            _check_shards(folder / index)
            return
    raise HfseqError(
        f"the folder {folder} holds no weights: there is no {SAFE_WEIGHTS_NAME} in it ({_content(folder)}). "
        f"{_unfinished(folder)}"
    )


def check_weights_file(path: Path) -> None:
    """Checks that a file of weights is complete.

    Raises:
        HfseqError: it is damaged or incomplete.
    """
    try:
        if path.suffix == ".safetensors":
            with safe_open(path, framework="np"):
                return
        with path.open("rb") as file:
            complete = zipfile.is_zipfile(file)
        # torch before version 1.6 wrote pickles, not zip archives.
        reason = "" if complete or path.read_bytes()[:2] == b"\x80\x02" else "it is not a file of torch.save"
    except (SafetensorError, OSError) as error:
        reason = str(error).rpartition(": ")[2]
    if reason:
        raise HfseqError(
            f"the weights in {path} are damaged ({reason}; {path.stat().st_size:,} bytes): copy or download the file "
            "again, or train the model again"
        )


def read_json_mapping(path: Path) -> dict[str, Any]:
    """Reads a JSON object.

    Raises:
        HfseqError: the file cannot be read or does not contain a JSON object.
    """
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise HfseqError(f"{path} is damaged: it is not valid JSON ({error})") from error
    if not isinstance(values, dict):
        raise HfseqError(f"{path} is damaged: it must hold a JSON object, not {type(values).__name__}")
    return values


def listed(names: list[str]) -> str:
    """A few names and the number of the others."""
    rest = f" and {len(names) - _SHOWN:,} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + rest


def _check_shards(index: Path) -> None:
    shards = read_json_mapping(index).get("weight_map")
    if not isinstance(shards, dict) or not all(isinstance(name, str) for name in shards.values()):
        raise HfseqError(f"{index} is damaged: its weight_map must name a file for each weight")
    names = sorted(set(shards.values()))
    missing = [name for name in names if not (index.parent / name).is_file()]
    if missing:
        raise HfseqError(
            f"the folder {index.parent} lacks {len(missing)} of its {len(names)} files of weights: "
            f"{listed(missing)}. Copy or download the folder again"
        )
    for name in names:
        check_weights_file(index.parent / name)


def _content(folder: Path) -> str:
    names = sorted(path.name for path in folder.iterdir())
    if ADAPTER_CONFIG_NAME in names:
        return "it holds a LoRA adapter; give the folder of the merged model, or merge it first"
    return f"it holds {listed(names)}" if names else "the folder is empty"


def _unfinished(folder: Path) -> str:
    """Advice for a run that has not saved a model."""
    status = read_json_mapping(folder / RECORD_NAME).get("status") if (folder / RECORD_NAME).is_file() else None
    if status in (None, "finished"):
        return "Copy or download the folder again, or train the model again"
    return f"Its run is {status!r}: start the same training command again to complete it"
