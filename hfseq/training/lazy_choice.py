"""Decides whether the input embeddings of a model are updated lazily."""

from typing import Any

import torch
from torch import nn
from transformers import TrainingArguments

from hfseq.models.recurrent.engines import kernel_unavailable

# For fewer rows, a complete update is faster than lazy updates.
MIN_ROWS = 2_000


def why_not_lazy(args: TrainingArguments, model: Any) -> str | None:
    """Why all rows of the input embeddings are updated at each step; None if
    [`~hfseq.training.lazy_adamw.LazyAdamW`] updates them.

    Args:
        args (`TrainingArguments`): the settings of the training.
        model (`PreTrainedModel`): the model.
    """
    if not getattr(args, "lazy_embeddings", False):
        return "lazy_embeddings is false"
    return _why_not_here(args) or _why_not_these(model)


def _why_not_here(args: TrainingArguments) -> str | None:
    optim = getattr(args.optim, "value", args.optim)
    if optim not in ("adamw_torch", "adamw_torch_fused"):
        return f"the optimiser is {optim}"
    if args.device.type != "cpu":
        return f"the device is {args.device.type}"
    if args.world_size > 1:
        return f"there are {args.world_size} processes"
    if args.fp16 or args.torch_compile:
        return "fp16 scales gradients" if args.fp16 else "a compiled model does not run the hooks"
    if args.adam_epsilon <= 0:
        return "adam_epsilon is 0"
    reason = kernel_unavailable()
    if reason is not None:
        return f"there is no compiled kernel: {reason}"
    return None


def _why_not_these(model: Any) -> str | None:
    try:
        module = model.get_input_embeddings()
    except (AttributeError, NotImplementedError):
        module = None
    if type(module) is not nn.Embedding:  # a subclass may read its weight differently
        return f"the input embeddings are {'none' if module is None else type(module).__name__}"
    weight = module.weight
    if not weight.requires_grad:
        return "the embeddings are frozen"
    if weight.dtype != torch.float32 or weight.device.type != "cpu":
        return f"the embeddings are {weight.dtype} on {weight.device.type}"
    if sum(parameter is weight for _, parameter in model.named_parameters(remove_duplicate=False)) != 1:
        return "the embeddings are tied to another module"
    if module.max_norm is not None or module.scale_grad_by_freq:
        return "the embeddings use max_norm or scale_grad_by_freq"
    if module.num_embeddings < MIN_ROWS:
        return f"{module.num_embeddings} rows are few"
    return None
