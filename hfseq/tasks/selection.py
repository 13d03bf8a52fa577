"""Selection of the task of a run."""

from hfseq.data.arguments import DataArguments
from hfseq.data.builtin import builtin_task
from hfseq.data.sources.dataset_names import BUILTIN_PREFIX

DEFAULT_TASK = "sequence_classification"


def task_name(arguments: DataArguments) -> str:
    """The task that the settings name, or the task of the built-in data set; by default sequence classification."""
    if arguments.task is not None:
        return arguments.task
    if arguments.dataset.startswith(BUILTIN_PREFIX):
        return builtin_task(arguments.dataset.removeprefix(BUILTIN_PREFIX))
    return DEFAULT_TASK
