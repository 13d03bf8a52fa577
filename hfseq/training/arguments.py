"""Dataclasses of the settings of a run. Each field is a key of YAML files and a flag of the command line."""

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from transformers import TrainingArguments

from hfseq.data.arguments import DataArguments
from hfseq.data.settings import check_value
from hfseq.errors import HfseqError, nearest
from hfseq.training.all_settings import training_settings
from hfseq.training.model_arguments import ModelArguments
from hfseq.training.optimizer_checks import check_optimizer, check_schedule
from hfseq.training.time_budget import UNLIMITED_EPOCHS, check_time_budget
from hfseq.training.trainer_settings import check_conditions, check_settings
from hfseq.training.training_defaults import TrainingDefaults


@dataclass
class SequenceTrainingArguments(TrainingDefaults, TrainingArguments):  # type: ignore[misc]
    """[`~transformers.TrainingArguments`] with early stopping, and with defaults for comparisons.

    Learning rate, warm-up, epochs and batch size have defaults for each family of models: see
    `hfseq.training.family_defaults`.
    """

    def __post_init__(self) -> None:
        if self.report_to is None:
            self.report_to = ["none"]
        check_settings(self)
        for name, item in training_settings().items():
            if getattr(self, name) != item.default:
                check_value(item, getattr(self, name))
        if not (torch.accelerator.is_available() or "ACCELERATE_TORCH_DEVICE" in os.environ):
            # Without this, several processes would train independently, and bf16 would be rejected.
            self.use_cpu = True
        self._check_processes()
        if self.max_train_seconds is not None:
            self.num_train_epochs, self.early_stopping_patience = UNLIMITED_EPOCHS, None
        super().__post_init__()
        self._check_distributed()
        if self.device.type == "cpu":
            self.dataloader_pin_memory = False  # there is no device to copy to
        check_conditions(self)
        check_optimizer(self)
        check_schedule(self)
        check_time_budget(self)
        self._check_reporters()

    def _check_processes(self) -> None:
        """Checks the number of processes. torch would fail with a traceback, or not report it."""
        here, gpus = _processes("LOCAL_WORLD_SIZE"), torch.cuda.device_count()
        if here > gpus > 0 and not self.use_cpu:
            raise HfseqError(
                f"{here} processes on a machine with {gpus} GPU{'s' if gpus > 1 else ''}: start one process for each "
                "GPU, or add --use_cpu"
            )
        if self.ddp_backend is not None and _processes("WORLD_SIZE") == 1:
            raise HfseqError("ddp_backend has no effect without several processes")

    def _check_distributed(self) -> None:
        processes = _processes("WORLD_SIZE")
        if processes > 1 and self.world_size == 1:
            raise HfseqError(
                f"this is one of {processes} processes (WORLD_SIZE), but they cannot be connected: each would train "
                "alone, and all would write to one folder. Start one process, or use torchrun"
            )

    def _check_reporters(self) -> None:
        from transformers.integrations.integration_utils import INTEGRATION_TO_CALLBACK

        for name in self.report_to or []:
            if name not in INTEGRATION_TO_CALLBACK:
                raise HfseqError(f"report_to {name!r} is not known: {nearest(name, INTEGRATION_TO_CALLBACK)}")


def _processes(variable: str) -> int:
    """The number of processes that the launcher has started, from an environment variable."""
    text = os.environ.get(variable, "1")
    return int(text) if text.isdigit() else 1


@dataclass
class RunArguments:
    """All settings of one run.

    [`run_training`] takes an instance that has `data`, `model` and `training` only, and fills in the defaults of the
    preset and of the family. There, a value that equals the default of its class counts as not given.

    Attributes:
        data (`DataArguments`): the settings of the data, its modality and its task.
        model (`ModelArguments`): the settings of the model.
        training (`SequenceTrainingArguments`): the settings of the training.
        name (`str`): the name of the run in tables.
        family (`str`): the family whose defaults were used; empty until they are filled in.
        settings (`dict`): the settings that were given, or that are defaults of the model and its family, flat: a YAML
            file with these settings repeats the run.
    """

    data: DataArguments = field(default_factory=DataArguments)
    model: ModelArguments = field(default_factory=ModelArguments)
    training: SequenceTrainingArguments = field(default_factory=SequenceTrainingArguments)
    name: str = ""
    family: str = ""
    settings: dict[str, Any] = field(default_factory=dict)

    @property
    def folder(self) -> Path:
        """The folder of the run."""
        return Path(str(self.training.output_dir))
