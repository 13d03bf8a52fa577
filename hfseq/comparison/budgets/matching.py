"""Sizes models to one budget: scales the widths of models that are trained from scratch, by bisection."""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from types import SimpleNamespace
from typing import Any

from hfseq.comparison.budgets.architecture import config_of, has_inner_sizes, scale_widths
from hfseq.comparison.costs.examples import Examples
from hfseq.comparison.costs.flops import count_flops
from hfseq.errors import HfseqError
from hfseq.formatting import count
from hfseq.tasks import Task
from hfseq.tasks.task_data import TaskData
from hfseq.training.arguments import RunArguments
from hfseq.training.checkpoints import tokenizer_maker
from hfseq.training.model_building import BuiltModel, build_model, count_parameters
from hfseq.training.overrides import merge_overrides
from hfseq.training.preparation import make_task

# Largest relative difference of two sizes that count as equal.
TOLERANCE = 0.05
_LARGEST_FACTOR = 64.0
_STEPS = 24
# Examples whose operations are counted.
_MAX_EXAMPLES = 20


@dataclass(frozen=True)
class SizedModel:
    """A model whose size is measured.

    Attributes:
        built (`BuiltModel`): the model, with random weights.
        arguments (`RunArguments`): its settings.
        task (`Task`), processor, data (`TaskData`): its task, the processor of its inputs, and the data.
    """

    built: BuiltModel
    arguments: RunArguments
    task: Task
    processor: Any
    data: TaskData


Measure = Callable[[SizedModel], float]


@dataclass(frozen=True)
class Match:
    """The result of sizing the models of a comparison.

    Attributes:
        rule (`str`): what was matched: `"parameters"`, `"flops"` or `"time"`.
        unit (`str`): the unit of the values, in words.
        reference (`str`): the model that the others were sized to.
        target (`float`): its value.
        before, after (`dict[str, float]`): value of each model that was sized, before and after.
        left (`list[str]`): models that were left as they are, because they are pretrained.
        settings (`dict[str, dict]`): by model, the settings that give it this size.
    """

    rule: str
    unit: str
    reference: str
    target: float
    before: dict[str, float]
    after: dict[str, float]
    left: list[str]
    settings: dict[str, dict[str, Any]]

    def content(self) -> dict[str, Any]:
        """The content for `comparison.json`."""
        return {name: value for name, value in asdict(self).items() if name != "settings"}


def parameters(model: SizedModel) -> float:
    """Number of parameters without embedding tables."""
    return count_parameters(model.built.model)["parameters_without_embeddings"]


def forward_flops(model: SizedModel) -> float:
    """Operations of a forward pass per token, over the first training examples; see [`count_flops`]."""
    train = model.data.splits["train"]
    examples = Examples(train.select(range(min(_MAX_EXAMPLES, len(train)))), model.data.columns)
    predictor = SimpleNamespace(
        task=model.task,
        model=model.built.model.eval(),
        processor=model.processor,
        arguments=model.arguments.data,
        record=None,
    )
    return count_flops(predictor, examples)["flops_per_token_forward"]


# Rule -> how a size is measured, and its unit.
MEASURES: dict[str, tuple[Measure, str]] = {
    "flops": (forward_flops, "operations per token"),
    "parameters": (parameters, "parameters without embeddings"),
}


def match_sizes(rule: str, models: Mapping[str, RunArguments], data: TaskData) -> Match:
    """Scales the widths of all models from scratch, so that they have the size of the first of them.

    Args:
        rule (`str`): key of `MEASURES`.
        models (`Mapping[str, RunArguments]`): the default settings of each model.
        data (`TaskData`): the data.

    Raises:
        HfseqError: no model is trained from scratch, or a model cannot get within 5 % of the target.
    """
    measure, unit = MEASURES[rule]
    scratch = [name for name, arguments in models.items() if arguments.model.model_type is not None]
    if not scratch:
        raise HfseqError(
            f"match {rule} scales models that are trained from scratch, but all of these are pretrained: "
            f"{', '.join(models)}"
        )
    reference = scratch[0]
    sizes = {name: size_of(models[name], data, measure) for name in scratch}
    before = {name: size({}) for name, size in sizes.items()}
    target, after = before[reference], dict(before)
    settings: dict[str, dict[str, Any]] = {}
    for name in scratch[1:]:
        changed, after[name] = scale_to(models[name], data, sizes[name], target)
        if abs(after[name] / target - 1) > TOLERANCE:
            raise HfseqError(
                f"match {rule}: {name} cannot be sized to the {count(target)} {unit} of {reference}; the nearest are "
                f"{count(after[name])}. Leave it out, or give it other layers in a YAML file"
            )
        if changed:
            settings[name] = {"config_overrides": merge_overrides(changed, {})}
    left = [name for name in models if name not in scratch]
    return Match(rule, unit, reference, target, before, after, left, settings)


def size_of(arguments: RunArguments, data: TaskData, measure: Measure) -> Callable[[Mapping[str, Any]], float]:
    """A function that gives the size of a model for overrides of its configuration. It remembers what it measured."""
    task = make_task(arguments, data)
    processor = task.make_processor(data, arguments.data, tokenizer_maker(arguments.model, arguments.data))
    known: dict[str, float] = {}

    def size(overrides: Mapping[str, Any]) -> float:
        merged = merge_overrides(arguments.model.config_overrides or {}, overrides)
        key = json.dumps(json.loads(merged), sort_keys=True)
        if key not in known:
            changed = replace(arguments, model=replace(arguments.model, config_overrides=merged))
            built = build_model(changed.model, changed.data, task, processor)
            known[key] = measure(SizedModel(built, changed, task, processor, data))
        return known[key]

    return size


def scale_to(
    arguments: RunArguments, data: TaskData, size: Callable[[Mapping[str, Any]], float], target: float
) -> tuple[dict[str, Any], float]:
    """Scales the widths of a model until it has a given size.

    Hidden sizes are divisible by the number of attention heads, so their steps may be too large. The feed-forward
    sizes are then adjusted as well.

    Returns:
        `tuple[dict, float]`: the changed overrides of its configuration, and its size.
    """
    config, given = config_of(arguments, data)
    factor = nearest_factor(lambda value: size(scale_widths(config, given, value)), target)
    changed = scale_widths(config, given, factor)
    if has_inner_sizes(config, given) and abs(size(changed) / target - 1) > TOLERANCE / 5:
        inner = nearest_factor(lambda value: size(scale_widths(config, given, factor, value)), target)
        changed = min(changed, scale_widths(config, given, factor, inner), key=lambda item: abs(size(item) - target))
    return changed, size(changed)


def nearest_factor(size: Callable[[float], float], target: float) -> float:
    """The factor whose size is nearest to a target, by bisection of its logarithm.

    Args:
        size (`Callable[[float], float]`): the size of a factor; it does not decrease.
        target (`float`): the wanted size.
    """
    tried = {1.0: size(1.0)}
    low, high = 1.0, 1.0
    while tried[high] < target and high < _LARGEST_FACTOR:
        low, high = high, high * 2
        tried[high] = size(high)
    while tried[low] > target and low > 1 / _LARGEST_FACTOR:
        low, high = low / 2, low
        tried[low] = size(low)
    for _ in range(_STEPS):
        middle = (low * high) ** 0.5
        tried[middle] = size(middle)
        low, high = (middle, high) if tried[middle] < target else (low, middle)
    return min(tried, key=lambda factor: abs(tried[factor] - target))
