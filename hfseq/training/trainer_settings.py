"""The settings of transformers' `TrainingArguments`: each has an effect, or is rejected.

A test asserts that every field of `TrainingArguments` is in exactly one of the tables, so that a new version of
transformers cannot add a setting that hfseq ignores in silence.
"""

import dataclasses
from collections.abc import Callable
from typing import Any

from torch import nn
from transformers import PreTrainedModel, TrainingArguments
from transformers.utils import is_liger_kernel_available

from hfseq.errors import HfseqError

# Settings with the effect that transformers documents.
EFFECTIVE = frozenset(
    {
        # Length of the training, batches, optimizer and schedule.
        "output_dir", "num_train_epochs", "max_steps", "per_device_train_batch_size", "gradient_accumulation_steps",
        "learning_rate", "lr_scheduler_type", "lr_scheduler_kwargs", "warmup_steps", "optim", "optim_args",
        "optim_target_modules", "weight_decay", "adam_beta1", "adam_beta2", "adam_epsilon", "max_grad_norm",
        "label_smoothing_factor", "neftune_noise_alpha", "average_tokens_across_devices",
        # Precision, memory and speed.
        "bf16", "fp16", "tf32", "activation_checkpointing", "activation_checkpointing_kwargs",
        "gradient_checkpointing", "gradient_checkpointing_kwargs", "torch_compile", "torch_compile_backend",
        "torch_compile_mode", "use_liger_kernel", "liger_kernel_config", "use_cache", "torch_empty_cache_steps",
        # Evaluation, checkpoints and the best checkpoint.
        "eval_strategy", "eval_steps", "eval_delay", "eval_on_start", "per_device_eval_batch_size",
        "eval_accumulation_steps", "save_strategy", "save_steps", "save_total_limit", "save_on_each_node",
        "load_best_model_at_end", "metric_for_best_model", "greater_is_better",
        # Messages and logs.
        "logging_strategy", "logging_steps", "logging_first_step", "log_on_each_node", "logging_nan_inf_filter",
        "include_num_input_tokens_seen", "log_level", "log_level_replica", "disable_tqdm", "report_to", "run_name",
        "project", "trackio_space_id", "trackio_bucket_id", "trackio_static_space_id", "debug",
        # The Hub.
        "push_to_hub", "hub_token", "hub_private_repo", "hub_model_id", "hub_strategy", "hub_always_push",
        "hub_revision",
        # Reproducibility, device, loading of batches, several processes.
        "seed", "data_seed", "full_determinism", "use_cpu", "dataloader_drop_last", "dataloader_num_workers",
        "dataloader_pin_memory", "dataloader_persistent_workers", "dataloader_prefetch_factor",
        "dataloader_multiprocessing_context", "dataloader_in_order", "remove_unused_columns",
        "ddp_find_unused_parameters", "ddp_bucket_cap_mb", "ddp_broadcast_buffers", "ddp_static_graph",
        "ddp_backend", "ddp_timeout",
    }
)  # fmt: skip

_METRICS = "a run always reports the metrics of the validation and test splits"
_LENGTHS = "batches always hold sequences of similar length, in an order that depends on the seed"

# Settings that have the same value in every run, and the reason.
FIXED: dict[str, tuple[Any, str]] = {
    "do_train": (True, "to evaluate a saved model without training, use `hfseq evaluate`"),
    "restore_callback_states_from_checkpoint": (
        True,
        "a run that continues must remember how many evaluations brought no progress",
    ),
    "prediction_loss_only": (False, _METRICS),
    "eval_do_concat_batches": (True, _METRICS),
    "eval_use_gather_object": (False, "predictions are gathered as tensors"),
    "batch_eval_metrics": (False, "metrics such as F1 need all predictions at once"),
    "skip_memory_metrics": (True, "run.json holds the peak memory of every run"),
    "fp16_full_eval": (False, "the model would be saved in half precision"),
    "bf16_full_eval": (False, "the model would be saved in half precision"),
    "auto_find_batch_size": (
        False,
        "the batch size, and so the result, would depend on the free memory; give a smaller "
        "per_device_train_batch_size with more gradient_accumulation_steps",
    ),
    "ignore_data_skip": (False, "a run that continues must see the batches that it would have seen"),
    "save_only_model": (False, "an interrupted run could not continue"),
    "enable_jit_checkpoint": (False, "after SIGTERM, the same command continues from the last checkpoint"),
    "train_sampling_strategy": ("random", _LENGTHS),
    "length_column_name": ("length", _LENGTHS),
}  # fmt: skip

# Settings that must be left out, and the reason.
REFUSED: dict[str, str] = {
    "resume_from_checkpoint": "an interrupted run continues from its last checkpoint when the same command is given "
    "again; to start from other weights, use --model FOLDER",
    "include_for_metrics": "the metrics of hfseq read predictions and labels only",
    "label_names": "the task defines its labels; name the column with --label_column or --target_column",
    "accelerator_config": "batches are always divided among the processes as hfseq documents it",
    "parallelism_config": "hfseq trains models that fit on one device",
    "fsdp": "hfseq trains models that fit on one device",
    "fsdp_config": "hfseq trains models that fit on one device",
    "deepspeed": "hfseq trains models that fit on one device",
    "local_rank": "start several processes with torchrun or `accelerate launch`",
}
# Settings whose value does not matter: a run always evaluates on the validation split, and `evaluate_test` decides
# about the test split.
WITHOUT_CHOICE = frozenset({"do_eval", "do_predict"})


def check_settings(arguments: TrainingArguments) -> None:
    """Rejects settings that would be ignored. Call it before transformers changes the values.

    Raises:
        HfseqError: a setting has a value that hfseq does not support.
    """
    for name, (value, reason) in FIXED.items():
        if getattr(arguments, name) != value:
            raise HfseqError(f"{name} must be {_shown(value)} or left out: {reason}")
    for name, reason in REFUSED.items():
        if getattr(arguments, name) not in (None, *_defaults(name)):
            raise HfseqError(f"{name} must be left out: {reason}")


def check_conditions(arguments: TrainingArguments) -> None:
    """Rejects settings that have no effect because another setting is missing.

    Raises:
        HfseqError: a setting would be ignored.
    """
    for name, (holds, needed) in _CONDITIONS.items():
        if getattr(arguments, name) not in (None, *_defaults(name)) and not holds(arguments):
            raise HfseqError(f"{name} has no effect without {needed}")


def check_model_settings(arguments: TrainingArguments, model: PreTrainedModel, name: str) -> None:
    """Rejects settings that have no effect on a model, or that the model does not support.

    Args:
        arguments (`TrainingArguments`): the settings.
        model (`PreTrainedModel`): the model to train.
        name (`str`): the name of the model in messages.

    Raises:
        HfseqError: the model does not support a setting.
    """
    if arguments.activation_checkpointing and not model.supports_gradient_checkpointing:
        raise HfseqError(f"activation_checkpointing: {name} does not support it; leave it out")
    if arguments.neftune_noise_alpha is not None and (reason := _why_no_noise(model)):
        raise HfseqError(f"neftune_noise_alpha has no effect on {name}: {reason}")
    if arguments.use_liger_kernel:
        from liger_kernel.transformers.monkey_patch import (  # type: ignore[import-not-found]
            MODEL_TYPE_TO_APPLY_LIGER_FN,
        )

        if model.config.model_type not in MODEL_TYPE_TO_APPLY_LIGER_FN:
            raise HfseqError(f"use_liger_kernel: the package has no kernels for {model.config.model_type!r}")


def check_full_batch(arguments: TrainingArguments, num_examples: int) -> None:
    """
    Raises:
        HfseqError: `dataloader_drop_last` would leave nothing to train on.
    """
    batch = arguments.train_batch_size * arguments.world_size
    if arguments.dataloader_drop_last and num_examples < batch:
        raise HfseqError(
            f"dataloader_drop_last leaves out all {num_examples} training examples: they do not fill one batch of "
            f"{batch}; give a smaller per_device_train_batch_size"
        )


def _why_no_noise(model: PreTrainedModel) -> str | None:
    """The reason why NEFTune adds no noise to the embeddings of a model; `None` if it does."""
    try:
        embeddings = model.get_input_embeddings()
    except (AttributeError, NotImplementedError):
        embeddings = None
    if not isinstance(embeddings, nn.Embedding):
        return "it has no token embeddings"
    if not any(parameter.requires_grad for parameter in embeddings.parameters()):
        return "its embeddings are frozen"
    if model.config.model_type.startswith("hfseq_"):
        return "recurrent models read only the real tokens of a batch; use `embedding_dropout` in config_overrides"
    if model.config.is_encoder_decoder and embeddings not in set(model.get_encoder().modules()):
        return "its encoder has embeddings of its own"
    return None


_CONDITIONS: dict[str, tuple[Callable[[Any], bool], str]] = {
    "eval_steps": (lambda a: a.eval_strategy == "steps", "--eval_strategy steps"),
    "save_steps": (lambda a: a.save_strategy == "steps", "--save_strategy steps"),
    # By default, eval_steps equals logging_steps.
    "logging_steps": (lambda a: "steps" in (a.logging_strategy, a.eval_strategy), "--logging_strategy steps"),
    **dict.fromkeys(
        ("dataloader_persistent_workers", "dataloader_prefetch_factor", "dataloader_multiprocessing_context"),
        (lambda a: a.dataloader_num_workers > 0, "--dataloader_num_workers of at least 1"),
    ),
    "activation_checkpointing_kwargs": (lambda a: a.activation_checkpointing, "--activation_checkpointing true"),
    "use_liger_kernel": (
        lambda a: a.device.type != "cpu" and is_liger_kernel_available(),
        "a GPU and the package liger-kernel",
    ),
    "liger_kernel_config": (lambda a: a.use_liger_kernel, "--use_liger_kernel true"),
    "fp16": (lambda a: a.device.type != "cpu", "a GPU; on a CPU, use --bf16 true"),
}


def _defaults(name: str) -> tuple[Any, ...]:
    item = next(item for item in dataclasses.fields(TrainingArguments) if item.name == name)
    if item.default is not dataclasses.MISSING:
        return (item.default,)
    return () if item.default_factory is dataclasses.MISSING else (item.default_factory(),)


def _shown(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else repr(value)
