"""Sizes of architectures: changes widths, layers and dropout of a model that is trained from scratch.

A configuration names its sizes in its own way (`hidden_size`, `d_model`, `n_embd`). Here, a change is made to the
`config_overrides` of a run, in the names of its configuration, for the encoder and the decoder of a model as well.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from transformers import PreTrainedConfig

from hfseq.tasks.task_data import TaskData
from hfseq.training.arguments import RunArguments
from hfseq.training.model_building import scratch_config
from hfseq.training.overrides import parse_overrides
from hfseq.training.preparation import make_task

_HIDDEN = ("hidden_size", "d_model")
_INNER = ("intermediate_size", "ffn_dim", "encoder_ffn_dim", "decoder_ffn_dim", "n_inner")
_LAYERS = ("num_hidden_layers", "encoder_layers", "decoder_layers", "num_layers")
_HEADS = ("num_attention_heads", "encoder_attention_heads", "decoder_attention_heads")
_LARGEST_DROPOUT = 0.8

Overrides = dict[str, Any]


def config_of(arguments: RunArguments, data: TaskData) -> tuple[PreTrainedConfig, Overrides]:
    """The configuration of a model from scratch, and the overrides that it was made with.

    The sizes that depend on the inputs are placeholders.
    """
    overrides = parse_overrides(arguments.model.config_overrides)
    task = make_task(arguments, data)
    kind = str(arguments.model.model_type)
    return scratch_config(kind, overrides, arguments.data, task, task.placeholder_values()), overrides


def scale_widths(
    config: PreTrainedConfig, overrides: Mapping[str, Any], factor: float, inner: float = 1.0
) -> Overrides:
    """Overrides that multiply all widths of a model.

    Args:
        config (`PreTrainedConfig`): the configuration.
        overrides (`Mapping[str, Any]`): the overrides that it was made with.
        factor (`float`): factor of all widths. Hidden sizes stay divisible by twice the number of attention heads.
        inner (`float`, *optional*, defaults to 1.0): a further factor of the feed-forward sizes.

    Returns:
        `dict`: the changed overrides only; empty if the factors are 1.
    """
    if factor == inner == 1.0:
        return {}

    def change(part: PreTrainedConfig, given: Mapping[str, Any]) -> Overrides:
        heads = max((value for _, value in _fields(part, _HEADS, given)), default=None)
        unit = 1 if heads is None else 2 * heads
        changed = {name: _rounded(value * factor, unit) for name, value in _fields(part, _HIDDEN, given)}
        changed |= {name: _rounded(value * factor * inner, 1) for name, value in _inner_sizes(part, given)}
        sizes = getattr(part, "hidden_sizes", None)
        return changed | ({"hidden_sizes": [_rounded(size * factor, 1) for size in sizes]} if sizes else {})

    return _in_all_parts(config, overrides, change)


def add_layers(config: PreTrainedConfig, overrides: Mapping[str, Any], number: int) -> Overrides:
    """Overrides that add layers; at least one layer remains. The changed overrides only."""
    if number == 0:
        return {}
    return _in_all_parts(
        config,
        overrides,
        lambda part, given: {name: max(1, value + number) for name, value in _fields(part, _LAYERS, given)},
    )


def scale_dropout(config: PreTrainedConfig, overrides: Mapping[str, Any], factor: float) -> Overrides:
    """Overrides that multiply all dropout probabilities, up to 0.8. The changed overrides only."""
    if factor == 1.0:
        return {}

    def change(part: PreTrainedConfig, given: Mapping[str, Any]) -> Overrides:
        return {
            name: round(min(value * factor, _LARGEST_DROPOUT), 4)
            for name, value in part.to_dict().items()
            if ("dropout" in name or name.endswith("pdrop")) and isinstance(value, float) and value > 0
        }

    return _in_all_parts(config, overrides, change)


def has_inner_sizes(config: PreTrainedConfig, overrides: Mapping[str, Any]) -> bool:
    """Whether a model has feed-forward layers with a size of their own."""
    found = _in_all_parts(config, overrides, lambda part, given: dict(_inner_sizes(part, given)))
    return bool(found)


def _inner_sizes(config: PreTrainedConfig, overrides: Mapping[str, Any]) -> Iterator[tuple[str, int]]:
    yield from _fields(config, _INNER, overrides)
    if getattr(config, "n_inner", 0) is None:  # of GPT-2: four times the hidden size
        yield "n_inner", 4 * config.hidden_size


def _rounded(value: float, unit: int) -> int:
    return max(1, round(value / unit)) * unit


def _in_all_parts(
    config: PreTrainedConfig,
    overrides: Mapping[str, Any],
    change: Callable[[PreTrainedConfig, Mapping[str, Any]], Overrides],
) -> Overrides:
    """Applies a change to a configuration, and to those of its encoder and decoder that the overrides describe."""
    changed = change(config, overrides)
    for name, value in overrides.items():
        part = getattr(config, name, None)
        if isinstance(value, Mapping) and isinstance(part, PreTrainedConfig):
            inner = _in_all_parts(part, value, change)
            if inner:
                changed[name] = inner
    return changed


def _fields(
    config: PreTrainedConfig, names: tuple[str, ...], overrides: Mapping[str, Any]
) -> Iterator[tuple[str, int]]:
    """The sizes of a configuration under one name each: the one in the overrides, or else the configuration's own."""
    aliases = dict(config.attribute_map)
    seen = set()
    for name in names:
        own = aliases.get(name, name)
        value = getattr(config, own, None)
        if own in seen or not isinstance(value, int) or isinstance(value, bool):
            continue
        seen.add(own)
        spellings = [own, *(alias for alias, target in aliases.items() if target == own)]
        yield next((spelling for spelling in spellings if spelling in overrides), own), value
