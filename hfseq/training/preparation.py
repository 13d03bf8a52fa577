"""Preparation of a run before its first step: data, processor, task, model."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from accelerate import PartialState
from datasets import DatasetDict

from hfseq.data.arguments import DataArguments
from hfseq.data.sources.dataset_names import BUILTIN_PREFIX
from hfseq.modalities import guess_modality
from hfseq.modalities.shared_settings import ClassWeightSettings
from hfseq.registry import get_task
from hfseq.tasks import LossSettings, Task, task_name
from hfseq.tasks.task_data import TaskData
from hfseq.training.arguments import RunArguments
from hfseq.training.checkpoints import tokenizer_maker
from hfseq.training.input_notes import unknown_token_notes
from hfseq.training.lengths import encode_data
from hfseq.training.model_building import BuiltModel, build_model
from hfseq.training.storage import check_writable, storage_errors


@dataclass
class PreparedInputs:
    """Result of [`prepare_inputs`].

    Attributes:
        data (`TaskData`): the raw data.
        splits (`datasets.DatasetDict`): encoded examples with `labels`.
        processor: the processor that encoded them.
        task (`Task`): loss and metrics.
        truncated_share (`dict[str, float]`): for each split, the share of truncated examples.
    """

    data: TaskData
    splits: DatasetDict
    processor: Any
    task: Task
    truncated_share: dict[str, float]


@dataclass
class PreparedRun(PreparedInputs):
    """Result of [`prepare`].

    Attributes:
        built (`BuiltModel`): the model.
    """

    built: BuiltModel


def modality_line(arguments: DataArguments) -> str | None:
    """A line that names the modality and the reason, if the modality is guessed. It is the first line of a run."""
    if arguments.modality is not None or arguments.dataset.startswith(BUILTIN_PREFIX):
        return None
    task = task_name(arguments)
    name, guess = get_task(task).modality_of(arguments).name, guess_modality(arguments)
    if guess is None:
        source = "the default"
    elif guess.modality == name:
        source = f"from {guess.source}"
    else:
        source = f"which the task {task} reads"
    return f"modality: {name}, {source}"


def load_data(arguments: DataArguments) -> TaskData:
    """Loads and checks the data set that the arguments name.

    Raises:
        HfseqError: the data is not fit for the task, or the cache cannot be written to.
    """
    if arguments.cache_dir is not None:
        check_writable(Path(arguments.cache_dir).expanduser(), "cache_dir")
    with storage_errors(f"read {arguments.dataset}", "Make room, or name another --cache_dir"):
        return get_task(task_name(arguments)).load(arguments)


def prepare(arguments: RunArguments, data: TaskData) -> PreparedRun:
    """Builds processor, task and model, and encodes the data.

    Args:
        arguments (`RunArguments`): the settings.
        data (`TaskData`): from [`load_data`].

    Raises:
        HfseqError: something that the settings name is not available, or does not fit the data.
    """
    notes: list[str] = []
    inputs = prepare_inputs(arguments, data, notes)
    notes += unknown_token_notes(inputs.splits, inputs.processor, inputs.task, arguments.model)
    data.notes += [note for note in notes if note not in data.notes]
    built = build_model(arguments.model, arguments.data, inputs.task, inputs.processor)
    return PreparedRun(**vars(inputs), built=built)


def prepare_inputs(arguments: RunArguments, data: TaskData, notes: list[str] | None = None) -> PreparedInputs:
    """Builds processor and task, and encodes the data.

    Args:
        arguments (`RunArguments`): the settings.
        data (`TaskData`): from [`load_data`].
        notes (`list[str]`, *optional*): receives sentences about the tokenizer.

    Raises:
        HfseqError: something that the settings name is not available, or does not fit the data.
    """
    task = make_task(arguments, data)
    # The first process fills the caches. The others read them.
    with PartialState().main_process_first():
        make_tokenizer = tokenizer_maker(arguments.model, arguments.data, notes)
        processor = task.make_processor(data, arguments.data, make_tokenizer)
        encoded = encode_data(task, data, processor, arguments)
    return PreparedInputs(data, encoded.splits, processor, task, encoded.truncated_share)


def make_task(arguments: RunArguments, data: TaskData) -> Task:
    """The task, with the loss that the settings name.

    Raises:
        HfseqError: a setting of the data or the loss has no meaning for the task.
    """
    task_class = get_task(task_name(arguments.data))
    task_class.check_columns({name: arguments.data.get(name) for name in task_class.unsupported_columns})
    weights = arguments.data.group(ClassWeightSettings).class_weights
    loss = LossSettings(weights, arguments.training.label_smoothing_factor)
    return task_class.from_data(data, arguments.data, loss)
