"""The task that a model is trained for, from its name: for a [`SequenceTrainer`] that is used on its own."""

import dataclasses
from typing import Any

from transformers import PreTrainedModel

from hfseq.data.arguments import DataArguments
from hfseq.errors import HfseqError
from hfseq.registry import get_task
from hfseq.tasks import Task

_SMOOTHING = "label_smoothing"


def task_by_name(name: str, model: PreTrainedModel, processing_class: Any, label_smoothing: float = 0.0) -> Task:
    """The task of a model: its labels come from the configuration of the model, all else from the processor.

    Args:
        name (`str`): the name of the task, such as `"sequence_classification"`.
        model (`PreTrainedModel`): a model with the head of the task.
        processing_class: the processor of the model.
        label_smoothing (`float`, *optional*, defaults to 0.0): share of the target spread over all labels.

    Raises:
        HfseqError: there is no task of this name, or it has no label smoothing.
    """
    task_class: type[Task] = get_task(name)
    arguments = DataArguments(task=name)
    task = task_class.from_saved(model, processing_class, arguments, task_class.modality_of(arguments))
    if not label_smoothing:
        return task
    if not dataclasses.is_dataclass(task) or _SMOOTHING not in {field.name for field in dataclasses.fields(task)}:
        raise HfseqError(f"label_smoothing_factor has no effect on {name}: leave it out")
    return dataclasses.replace(task, **{_SMOOTHING: label_smoothing})
