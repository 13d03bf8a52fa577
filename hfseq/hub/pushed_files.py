"""Files of a folder that are uploaded to the Hub: only the files of a model, selected by name."""

import json
import re
from collections.abc import Collection
from pathlib import Path

from transformers.dynamic_module_utils import get_relative_import_files

from hfseq.errors import HfseqError
from hfseq.hub.card_text import public_name

_CARD = "README.md"
_MODEL_FILES = frozenset(
    {
        # Model and model card. The record is uploaded separately, without local paths.
        "config.json", "generation_config.json", "model.safetensors", "model.safetensors.index.json", _CARD,
        # Tokenizers.
        "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json", "vocab.json",
        "vocab.txt", "vocab.bpe", "merges.txt", "spiece.model", "sentencepiece.bpe.model", "tokenizer.model",
        "source.spm", "target.spm", "chat_template.jinja",
        # Other processors.
        "preprocessor_config.json", "processor_config.json", "video_preprocessor_config.json",
        # LoRA adapter, in addition to the merged model.
        "adapter/adapter_model.safetensors", "adapter/adapter_config.json",
    }
)  # fmt: skip
# For checkpoints that have only an adapter. Next to merged weights, it would be applied a second time.
_ADAPTER_ONLY = frozenset({"adapter_model.safetensors", "adapter_config.json"})
_TRAINING_STATE = re.compile(r"(optimizer|scheduler|scaler|rng_state(_\d+)?)\.(pt|pth|bin)")
_SHARD = re.compile(r"model-\d{5}-of-\d{5}\.safetensors")


def pushed_files(folder: Path, written: Collection[str] | None = None) -> dict[str, Path | bytes]:
    """Finds the files of a saved model to upload, by their path on the Hub. The run record is not included.

    Args:
        folder (`Path`): folder of a saved model.
        written (`Collection[str]`, *optional*): names of the files that hfseq wrote into the folder. Other files are
            left out. By default, files are selected by their names only.

    Returns:
        `dict[str, Path | bytes]`: path of each file, or its content without local paths.

    Raises:
        HfseqError: a file is a link to a file outside the folder.
    """
    found: dict[str, Path | bytes] = {}
    shards = {path.name for path in folder.glob("model-*.safetensors") if _SHARD.fullmatch(path.name)}
    wanted = _MODEL_FILES | shards
    if not any(folder.glob("model*.safetensors")):
        wanted |= _ADAPTER_ONLY
    for name in sorted(wanted | _code_files(folder)):
        path = folder / name
        foreign = written is not None and name not in written and name != _CARD
        if foreign or not _is_inside(path, folder):
            continue
        found[name] = _without_base_path(path) if name.endswith("adapter_config.json") else path
    return found


def checkpoint_files(folder: Path) -> dict[str, Path | bytes]:
    """Finds the files of a checkpoint: those of the model, and those that are needed to resume the training.

    Args:
        folder (`Path`): folder of the checkpoint.

    Returns:
        `dict[str, Path | bytes]`: path of each file, or its content without local paths.

    Raises:
        HfseqError: a file is a link to a file outside the folder.
    """
    found = pushed_files(folder)
    for path in sorted(folder.iterdir()):
        if _TRAINING_STATE.fullmatch(path.name) and _is_inside(path, folder):
            found[path.name] = path
    state = folder / "trainer_state.json"
    if state.is_file() and _is_inside(state, folder):
        values = json.loads(state.read_text(encoding="utf-8"))
        if best := values.get("best_model_checkpoint"):
            values["best_model_checkpoint"] = Path(best).name
        found[state.name] = (json.dumps(values, indent=2) + "\n").encode()
    return found


def _is_inside(path: Path, folder: Path) -> bool:
    if path.is_file() and not path.resolve().is_relative_to(folder.resolve()):
        raise HfseqError(
            f"{path} is a link to a file outside {folder}. Such files are not pushed; copy the file into the folder"
        )
    return path.is_file()


def _code_files(folder: Path) -> set[str]:
    """Python modules in the `auto_map` of the configuration files, and the modules that these import."""
    names: set[str] = set()
    for file in ("config.json", "tokenizer_config.json", "preprocessor_config.json"):
        path = folder / file
        values = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
        for reference in (values.get("auto_map") or {}).values():
            for one in reference if isinstance(reference, list) else [reference]:
                # A reference such as `other/model--module.Class` refers to code in another repository.
                if isinstance(one, str) and "--" not in one:
                    names.add(f"{one.split('.')[0]}.py")
    found = set()
    for name in names:
        if (folder / name).is_file():
            found |= {name, *(Path(other).name for other in get_relative_import_files(str(folder / name)))}
    return found


def _without_base_path(path: Path) -> bytes:
    config = json.loads(path.read_text(encoding="utf-8"))
    if base := config.get("base_model_name_or_path"):
        config["base_model_name_or_path"] = public_name(base)
    return (json.dumps(config, indent=2, sort_keys=True) + "\n").encode()
