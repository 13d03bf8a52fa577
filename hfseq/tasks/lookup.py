"""The table of tasks, and the task of a data set."""

from hfseq.data.arguments import DataArguments
from hfseq.data.builtin import builtin_task
from hfseq.data.sources.places import BUILTIN_PREFIX
from hfseq.tasks.base import Task
from hfseq.tasks.causal_lm.task import CausalLM
from hfseq.tasks.ctc.task import CTC
from hfseq.tasks.forecasting.task import Forecasting
from hfseq.tasks.sequence_classification.task import SequenceClassification
from hfseq.tasks.text_generation.captioning import Captioning
from hfseq.tasks.text_generation.sequence_to_sequence import SequenceToSequence
from hfseq.tasks.token_classification.task import TokenClassification

TASKS: dict[str, type[Task]] = {
    task.name: task
    for task in (
        SequenceClassification,
        TokenClassification,
        Forecasting,
        SequenceToSequence,
        Captioning,
        CausalLM,
        CTC,
    )
}


def task_name(arguments: DataArguments) -> str:
    """The task that the settings name, or that the built-in data set is for; else sequence classification."""
    if arguments.task is not None:
        return arguments.task
    if arguments.dataset.startswith(BUILTIN_PREFIX):
        return builtin_task(arguments.dataset.removeprefix(BUILTIN_PREFIX))
    return SequenceClassification.name
