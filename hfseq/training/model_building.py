"""Builds the model of a run: a checkpoint with a head for the task, or an architecture with new weights."""

from dataclasses import dataclass
from typing import Any

from huggingface_hub.errors import StrictDataclassError
from torch import nn
from transformers import AutoConfig, PreTrainedConfig, PreTrainedModel
from transformers.models.auto.configuration_auto import CONFIG_MAPPING

from hfseq.data.arguments import DataArguments
from hfseq.data.batching.processor_pair import inputs_of
from hfseq.errors import HfseqError, last_line, nearest
from hfseq.modalities.tokens import SPECIAL_IDS
from hfseq.tasks import Task
from hfseq.tasks.text_generation.encoder_decoder_settings import check_overrides
from hfseq.training.adapters import add_adapter
from hfseq.training.checkpoints import MINILM_NAME, minilm_does_not_fit, resolve_checkpoint
from hfseq.training.loading import LoadedModel, check_body, check_vocabulary, load_config, load_model
from hfseq.training.model_arguments import ModelArguments
from hfseq.training.model_parts import head_parameters, keep_body_in_evaluation_mode
from hfseq.training.overrides import parse_overrides


@dataclass(frozen=True)
class BuiltModel:
    """A model that is ready to train, and its origin.

    Attributes:
        model (`PreTrainedModel`): the model.
        initialization (`str`): `"scratch"` or `"pretrained"`.
        base_model (`str`, *optional*): the checkpoint it began as.
    """

    model: PreTrainedModel
    initialization: str
    base_model: str | None


def build_model(
    model_arguments: ModelArguments, data_arguments: DataArguments, task: Task, processor: Any
) -> BuiltModel:
    """Builds the model of a run: a checkpoint, or an architecture with new weights.

    Raises:
        HfseqError: the checkpoint cannot be loaded, or its configuration does not accept the overrides.
    """
    if model_arguments.model_type is not None:
        overrides = parse_overrides(model_arguments.config_overrides)
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
        return BuiltModel(task.prepare_model(model, {name for name, _ in model.named_parameters()}), "scratch", None)
    return _load_pretrained(model_arguments, data_arguments, task, inputs_of(processor))


def scratch_config(
    model_type: str, overrides: dict[str, Any], data_arguments: DataArguments, task: Task, values: dict[str, Any]
) -> PreTrainedConfig:
    """The configuration of a model from scratch: the architecture's own, the data's sizes, and the overrides.

    Args:
        model_type (`str`): the architecture.
        overrides (`dict`): the user's settings of it.
        data_arguments (`DataArguments`): for the length.
        task (`Task`): what the model is for.
        values (`dict`): values of the configuration that follow from the inputs: see [`Task.input_values`].

    Raises:
        HfseqError: the architecture is unknown, or the overrides do not fit it.
    """
    if model_type not in CONFIG_MAPPING:
        raise HfseqError(
            f"model_type {model_type!r} is not known to transformers: {nearest(model_type, CONFIG_MAPPING)}"
        )
    blank = CONFIG_MAPPING[model_type]()
    check_overrides(blank, overrides)
    _check_field(overrides, task)
    if not task.modality.is_sequence and not task.generates_text:
        raise HfseqError(f"{task.name} does not read images, because they are not sequences; use --task captioning")
    # For encoder-decoders, the task sets the sub-configurations.
    if "input_features" in values and not hasattr(blank, "input_features") and not hasattr(blank, "encoder"):
        raise HfseqError(
            f"model_type {model_type!r} does not read sequences of numbers ({task.modality.name}); hfseq_recurrent "
            "and hfseq_feature_transformer do"
        )
    # The default token ids of an architecture belong to the vocabulary of its checkpoints.
    unwanted = {name for name in SPECIAL_IDS if getattr(blank, name, None) is None} - set(task.special_ids)
    values = {name: value for name, value in values.items() if name not in unwanted}
    if hasattr(blank, "max_position_embeddings") and task.modality.is_tokens:
        # As many positions as the data needs, and a few more for architectures that count from after the padding id.
        longest = values.get("max_position_embeddings", data_arguments.token_limit)
        values["max_position_embeddings"] = longest + (values.get("pad_token_id") or 0) + 2
    else:
        values.pop("max_position_embeddings", None)
    try:
        config = AutoConfig.for_model(model_type, **task.scratch_values(model_type, values, overrides))
    except (ValueError, TypeError, StrictDataclassError) as error:
        raise HfseqError(f"config_overrides do not fit {model_type!r}: {last_line(error)}") from error
    task.check_config(config)
    return config


def set_overrides(config: PreTrainedConfig, overrides: dict[str, Any], model: str, task: Task) -> None:
    """Sets the overrides of the user and the values of the task in the configuration of a checkpoint.

    Args:
        config (`PreTrainedConfig`): the checkpoint's.
        overrides (`dict`): overrides of the user.
        model (`str`): the checkpoint, for messages.
        task (`Task`): task to train for.

    Raises:
        HfseqError: a setting does not exist, its value is not valid, or the model cannot be used for the task.
    """
    _check_field(overrides, task)
    try:
        _set_values(config, overrides)
        for name, value in task.checkpoint_values(config).items():
            setattr(config, name, value)
        config.validate()
    except (ValueError, TypeError, StrictDataclassError) as error:
        raise HfseqError(f"config_overrides do not fit {model!r}: {last_line(error)}") from error
    task.check_config(config)


def _check_field(overrides: dict[str, Any], task: Task) -> None:
    if task.has_crf:
        return
    for name in ("use_crf", "crf_constraints"):
        if overrides.get(name):
            raise HfseqError(
                f"config_overrides: {name} is for token classification, and has no effect on {task.name}: leave it out"
            )


def _set_values(config: PreTrainedConfig, values: dict[str, Any]) -> None:
    check_overrides(config, values)
    for name, value in values.items():
        part = getattr(config, name)
        if isinstance(part, PreTrainedConfig) and isinstance(value, dict):
            _set_values(part, value)
        else:
            setattr(config, name, value)


def load_checkpoint(
    model_arguments: ModelArguments, data_arguments: DataArguments, task: Task, processor: Any
) -> LoadedModel:
    """Loads the checkpoint of a pretrained model for a task. Only its head may be random.

    Args:
        model_arguments (`ModelArguments`): which checkpoint.
        data_arguments (`DataArguments`): for the cache.
        task (`Task`): task to train for.
        processor: of the inputs.

    Raises:
        HfseqError: where the checkpoint cannot be loaded, is incomplete, or does not fit the task, the tokenizer or
            the overrides.
    """
    if model_arguments.model == "minilm" and (reason := minilm_does_not_fit(data_arguments)):
        raise HfseqError(reason)
    name, source = model_arguments.model, resolve_checkpoint(model_arguments.model)
    options: dict[str, Any] = {
        "revision": model_arguments.model_revision or "main",
        "trust_remote_code": model_arguments.trust_remote_code,
        "cache_dir": data_arguments.cache_dir,
    }
    config = load_config(source, name, **options)
    set_overrides(config, parse_overrides(model_arguments.config_overrides), name, task)
    _check_inputs(config, task, processor, name)
    if task.modality.is_tokens and config.pad_token_id is None:
        config.pad_token_id = processor.pad_token_id
    loaded = load_model(task, source, name, config=config, dtype="float32", **options)
    check_body(loaded, name)
    if task.modality.is_tokens:
        check_vocabulary(processor, loaded.model, name)
    return loaded


def _check_inputs(config: Any, task: Task, processor: Any, name: str) -> None:
    """Checks that a checkpoint reads the modality of the data."""
    reader = getattr(config, "encoder", config)  # the encoder of an encoder-decoder
    features = getattr(reader, "input_features", None)
    if task.modality.is_tokens:
        if features is not None:
            raise HfseqError(
                f"the model {name!r} reads sequences of numbers, but the data is {task.modality.name}: name a model "
                f"that was trained on {task.modality.name}, or another --modality"
            )
        return
    wanted = task.modality.config_values(processor).get("input_features")
    if wanted is None:
        return
    if features is None:
        raise HfseqError(
            f"the model {name!r} reads tokens, but the data is {task.modality.name}: name a model that was trained on "
            f"{task.modality.name}, or another --modality"
        )
    if wanted != features:
        raise HfseqError(
            f"the model {name!r} reads {features:,} numbers per step, but the data has {wanted:,}: give it the same "
            "channels and the same settings of preprocessing as in its training"
        )


def _load_pretrained(
    model_arguments: ModelArguments, data_arguments: DataArguments, task: Task, processor: Any
) -> BuiltModel:
    loaded = load_checkpoint(model_arguments, data_arguments, task, processor)
    model, fresh = task.prepare_model(loaded.model, loaded.fresh), loaded.fresh
    if model_arguments.finetuning == "frozen":
        trained = set(head_parameters(model, fresh))
        for key, parameter in model.named_parameters():
            parameter.requires_grad_(key in trained)
        keep_body_in_evaluation_mode(model)
    elif model_arguments.finetuning == "lora":
        model = add_adapter(model, model_arguments, fresh, task)
    base = MINILM_NAME if model_arguments.model == "minilm" else model_arguments.model
    return BuiltModel(model, "pretrained", base)


def count_parameters(model: nn.Module) -> dict[str, int]:
    """Number of parameters: all, without embedding tables, and trainable ones."""
    tables = [module.weight for module in model.modules() if isinstance(module, nn.Embedding)]
    embeddings = {id(weight): weight.numel() for weight in tables}
    total = sum(parameter.numel() for parameter in model.parameters())
    return {
        "parameters": total,
        "parameters_without_embeddings": total - sum(embeddings.values()),
        "trainable_parameters": sum(p.numel() for p in model.parameters() if p.requires_grad),
    }
