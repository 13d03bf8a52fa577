"""Names that transformers and the Hub give to the task of a record."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from hfseq.registry import modalities, tasks


class TaskTags(NamedTuple):
    """Names of a task outside hfseq.

    Args:
        auto_class (`str`): Auto class of transformers.
        tag (`str`): pipeline tag of the Hub.
        pipeline (`bool`): whether the pipeline of transformers with this tag runs the model.
    """

    auto_class: str
    tag: str
    pipeline: bool


def task_tags(record: Mapping[str, Any]) -> TaskTags | None:
    """The names of a record's task, or `None` if the task is not registered."""
    task = tasks().get(str(record.get("task")))
    if task is None:
        return None
    modality = modalities().get((record.get("data") or {}).get("modality") or task.default_modality)
    tag, runs = task.pipeline_tag, task.in_pipelines
    if modality is not None:
        tag, runs = modality.pipeline_tags.get(tag, tag), runs and modality.in_pipelines
    return TaskTags(task.auto_class.__name__, tag, runs)
