"""Checks of the optimizer and the learning-rate schedule, before data and model are loaded."""

import copy
import inspect
import json
import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import nn
from transformers import Trainer, TrainingArguments, get_scheduler
from transformers.optimization import TYPE_TO_SCHEDULER_FUNCTION

from hfseq.errors import HfseqError, first_line, nearest

# Arguments in `optim_args` for the optimizers of torch and transformers. Weight decay has its own setting.
_OPTIM_ARGS: dict[str, tuple[str, ...]] = {
    "adamw_torch": (),
    "adamw_torch_fused": (),
    "adafactor": (),
    "sgd": ("momentum", "dampening", "nesterov"),
    "adagrad": ("lr_decay", "eps"),
    "rmsprop": ("momentum", "alpha", "eps", "centered"),
}
_LOW_RANK = ("galore", "apollo")
# Errors that the libraries raise if a package is missing or a value is not valid.
_ERRORS = (ImportError, ValueError, TypeError, RuntimeError, AttributeError, AssertionError, NotImplementedError)
# Arguments of a schedule that Trainer passes itself.
_GIVEN = {"optimizer", "num_warmup_steps", "num_training_steps", "last_epoch"}


def check_optimizer(arguments: TrainingArguments) -> None:
    """Checks that the optimizer can be built for a small layer and can take one step.

    Raises:
        HfseqError: a package is missing, or the optimizer does not take its arguments.
    """
    name = str(getattr(arguments.optim, "value", arguments.optim))
    _check_optim_args(arguments, name)
    low_rank = name.startswith(_LOW_RANK)
    if arguments.optim_target_modules is not None and not low_rank:
        raise HfseqError(f"optim_target_modules is for the GaLore and APOLLO optimizers, not for {name}")
    copied = copy.copy(arguments)
    if low_rank and arguments.optim_target_modules is not None:
        copied.optim_target_modules = "all-linear"  # the layers of the model have other names
    try:
        with torch.random.fork_rng(devices=[]):
            layer = nn.Sequential(nn.Linear(2, 2)).to(arguments.device)
            kind, options = Trainer.get_optimizer_cls_and_kwargs(copied, layer)  # type: ignore[arg-type]
            if isinstance(kind, type) and issubclass(kind, torch.optim.Optimizer) and "model" not in options:
                optimizer = kind(options.pop("params", layer.parameters()), **options)
                layer(torch.ones(1, 2, device=arguments.device)).sum().backward()
                optimizer.step()
    except _ERRORS as error:
        raise HfseqError(f"optim {name} cannot be used here: {first_line(error)}") from error


def _check_optim_args(arguments: TrainingArguments, name: str) -> None:
    for part in filter(None, (arguments.optim_args or "").replace(" ", "").split(",")):
        key, equals, value = part.partition("=")
        if not (key and equals and value):
            raise HfseqError(f"optim_args must look like `momentum=0.9,nesterov=true`; cannot read {part!r}")
        if name in _OPTIM_ARGS and key not in _OPTIM_ARGS[name]:
            known = nearest(key, _OPTIM_ARGS[name]) if _OPTIM_ARGS[name] else "it has none; see adam_beta1 and others"
            raise HfseqError(f"optim_args: {name} has no argument {key!r}: {known}")


def check_schedule(arguments: TrainingArguments) -> None:
    """Checks that the learning-rate schedule can be built for 100 steps and returns valid rates.

    Raises:
        HfseqError: the schedule needs arguments that are missing, or does not take those that are given.
    """
    kind = arguments.lr_scheduler_type
    name = str(getattr(kind, "value", kind))
    given = arguments.lr_scheduler_kwargs or {}
    if not isinstance(given, dict):
        raise HfseqError(f"lr_scheduler_kwargs must be a mapping such as '{{\"num_cycles\": 2}}', not {given!r}")
    _check_schedule_arguments(name, given)
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=arguments.learning_rate)
    try:
        schedule: Any = get_scheduler(kind, optimizer, arguments.get_warmup_steps(100), 100, dict(given))
        rates = [function(step) for function in getattr(schedule, "lr_lambdas", []) for step in (0, 1, 50, 99, 100)]
    except (*_ERRORS, ArithmeticError) as error:
        raise HfseqError(f"lr_scheduler_type {name}: {first_line(error)}") from error
    if not all(isinstance(rate, int | float) and math.isfinite(rate) and rate >= 0 for rate in rates):
        raise HfseqError(f"lr_scheduler_kwargs {json.dumps(given)} gives learning rates that are not numbers above 0")


def _check_schedule_arguments(name: str, given: dict[str, Any]) -> None:
    functions: Mapping[Any, Any] = TYPE_TO_SCHEDULER_FUNCTION
    parameters = inspect.signature(functions[name]).parameters
    if any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values()):
        return
    # Trainer passes no arguments to the constant schedules.
    known = set() if name.startswith("constant") else set(parameters) - _GIVEN
    for key in given:
        if key not in known:
            hint = nearest(key, known) if known else "it has none"
            raise HfseqError(f"lr_scheduler_kwargs: {name} has no argument {key!r}: {hint}")
    missing = [
        key for key in parameters if key in known - set(given) and parameters[key].default is inspect.Parameter.empty
    ]
    if missing:
        example = json.dumps(dict.fromkeys(missing, 10))
        raise HfseqError(f"lr_scheduler_type {name} needs {', '.join(missing)}: --lr_scheduler_kwargs '{example}'")
