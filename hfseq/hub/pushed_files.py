"""Which files of a folder go to the Hub: those that a model consists of, by name, and nothing else."""

import json
import re
from collections.abc import Collection
from pathlib import Path

from transformers.dynamic_module_utils import get_relative_import_files

from hfseq.errors import HfseqError
from hfseq.hub.card_text import public_name

_CARD = "README.md"
_NAMES = frozenset(
    {
        # The model and its card. The record is pushed, too, without the places that it names.
        "config.json", "generation_config.json", "model.safetensors", "model.safetensors.index.json", _CARD,
        # Tokenizers.
        "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json", "vocab.json",
        "vocab.txt", "vocab.bpe", "merges.txt", "spiece.model", "sentencepiece.bpe.model", "tokenizer.model",
        "source.spm", "target.spm", "chat_template.jinja",
        # Other processors.
        "preprocessor_config.json", "processor_config.json", "video_preprocessor_config.json",
        # The adapter of LoRA, beside the merged model.
        "adapter/adapter_model.safetensors", "adapter/adapter_config.json",
    }
)  # fmt: skip
# Where a checkpoint has an adapter alone. Beside merged weights it would be loaded on top of them.
_BARE_ADAPTER = frozenset({"adapter_model.safetensors", "adapter_config.json"})
_TRAINING_STATE = re.compile(r"(optimizer|scheduler|scaler|rng_state(_\d+)?)\.(pt|pth|bin)")
_SHARD = re.compile(r"model-\d{5}-of-\d{5}\.safetensors")


def pushed_files(folder: Path, written: Collection[str] | None = None) -> dict[str, Path | bytes]:
    """The files of a saved model, by their path on the Hub; the record of its run is not among them.

    Args:
        folder (`Path`): the folder of a saved model.
        written (`Collection[str]`, *optional*): the names of the files that hfseq wrote into it; others are left out
            whatever they are called.

    Returns:
        `dict[str, Path | bytes]`: files or, where a file names a place of this machine, its content without it.

    Raises:
        HfseqError: one of them is a link to somewhere outside of the folder.
    """
    found: dict[str, Path | bytes] = {}
    wanted = {*_NAMES, *(path.name for path in folder.glob("model-*.safetensors") if _SHARD.fullmatch(path.name))}
    if not any(folder.glob("model*.safetensors")):
        wanted |= _BARE_ADAPTER
    for name in sorted(wanted | _code(folder)):
        path = folder / name
        foreign = written is not None and name not in written and name != _CARD
        if foreign or not _is_inside(path, folder):
            continue
        found[name] = _without_base_path(path) if name.endswith("adapter_config.json") else path
    return found


def checkpoint_files(folder: Path) -> dict[str, Path | bytes]:
    """The files of a checkpoint: the model's, and what a training needs to go on from it.

    Args:
        folder (`Path`): the checkpoint.

    Raises:
        HfseqError: one of them is a link to somewhere outside of the folder.
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
            f"{path} is a link to a file outside of {folder}, which is not pushed: copy the file into the folder"
        )
    return path.is_file()


def _code(folder: Path) -> set[str]:
    """The modules that the configuration names, and those that they import."""
    names: set[str] = set()
    for file in ("config.json", "tokenizer_config.json", "preprocessor_config.json"):
        path = folder / file
        values = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
        for reference in (values.get("auto_map") or {}).values():
            for one in reference if isinstance(reference, list) else [reference]:
                # A reference such as `other/model--module.Class` is to code elsewhere.
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
