"""The settings of a run, as dataclasses. Each field is a key of the YAML files and a flag of the command line."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from transformers import TrainingArguments

from hfseq.data.arguments import DataArguments, setting
from hfseq.data.bounds import (
    ABOVE_0,
    AT_LEAST_0,
    AT_LEAST_1,
    SEED,
    SHARE_BELOW_1,
    Bounds,
    check_number,
    check_numbers,
)
from hfseq.errors import HfseqError, nearest
from hfseq.modalities.text.tokenizers import TOKENIZER_KINDS
from hfseq.training.optimizer_checks import check_optimizer, check_schedule
from hfseq.training.trainer_settings import check_conditions, check_settings

FINETUNING = ("whole", "frozen", "lora")
_MODEL_BOUNDS = {
    "lora_r": AT_LEAST_1,
    "lora_alpha": AT_LEAST_1,
    "lora_dropout": SHARE_BELOW_1,
    "tokenizer_vocab_size": AT_LEAST_1,
}
_TRAINING_BOUNDS = {
    **dict.fromkeys(("num_train_epochs", "learning_rate", "logging_steps", "eval_steps", "save_steps"), ABOVE_0),
    **dict.fromkeys(("per_device_train_batch_size", "per_device_eval_batch_size"), ABOVE_0),
    **dict.fromkeys(("gradient_accumulation_steps", "neftune_noise_alpha", "ddp_bucket_cap_mb"), ABOVE_0),
    **dict.fromkeys(("weight_decay", "warmup_steps", "adam_epsilon", "max_grad_norm", "eval_delay"), AT_LEAST_0),
    **dict.fromkeys(("dataloader_num_workers", "early_stopping_threshold"), AT_LEAST_0),
    **dict.fromkeys(("torch_empty_cache_steps", "eval_accumulation_steps", "dataloader_prefetch_factor"), AT_LEAST_1),
    **dict.fromkeys(("ddp_timeout", "early_stopping_patience"), AT_LEAST_1),
    **dict.fromkeys(("adam_beta1", "adam_beta2", "label_smoothing_factor"), SHARE_BELOW_1),
    **dict.fromkeys(("seed", "data_seed"), SEED),
    # -1 stands for "as many as num_train_epochs has"; Trainer takes 0 and less for it too.
    "max_steps": Bounds(1),
    "save_total_limit": Bounds(0, text="be at least 0 (`null` in a YAML file keeps all)"),
}


@dataclass
class ModelArguments:
    """What is trained, and how much of it."""

    _argument_group_name = "model"

    model: str = setting(
        "lstm",
        "lstm, gru, rnn, minlstm, mingru, transformer (small, from scratch), minilm (the pretrained encoder of the "
        "extra `demo`), a YAML file of settings, a folder with a saved model, or the id of a model on the Hub.",
    )
    model_type: str | None = setting(
        None,
        "Train this architecture of transformers (`bert`, `hfseq_recurrent`, ...) from scratch, not a checkpoint.",
    )
    config_overrides: str | None = setting(
        None, "Settings of the model's configuration: `hidden_size=128,pooling=max`, or a mapping in a YAML file."
    )
    model_revision: str | None = setting(None, "The revision of a model on the Hub.")
    trust_remote_code: bool = setting(False, "Whether code that comes with a model may run.")
    finetuning: str | None = setting(
        None, "What of a pretrained model is trained: whole (the default), frozen (its head alone) or lora."
    )
    lora_r: int = setting(8, "Rank of the LoRA matrices.")
    lora_alpha: int = setting(16, "Scale of the LoRA matrices.")
    lora_dropout: float = setting(0.05, "Dropout before the LoRA matrices.")
    lora_target_modules: list[str] | None = setting(
        None, "Names of the layers that get LoRA matrices. By default every linear layer but the head."
    )
    tokenizer_name: str | None = setting(
        None,
        f"A tokenizer trained on the training split ({', '.join(TOKENIZER_KINDS)}), or the id or folder of a "
        "pretrained one. By default a checkpoint's own, or word for a model from scratch.",
    )
    tokenizer_vocab_size: int = setting(20_000, "The most entries in the vocabulary of a tokenizer trained here.")
    tokenizer_lowercase: bool = setting(True, "Whether a tokenizer trained here lowercases.")
    class_weights: str | None = setting(None, "`balanced`, or one weight a label: `1.0,2.5`.")

    def __post_init__(self) -> None:
        check_finetuning(self.finetuning)
        check_numbers(self, _MODEL_BOUNDS)


def check_finetuning(finetuning: str | None) -> None:
    """
    Raises:
        HfseqError: on an unknown word after `--finetuning`.
    """
    if finetuning is not None and finetuning not in FINETUNING:
        raise HfseqError(f"finetuning {finetuning!r} is not known: {nearest(finetuning, FINETUNING)}")


@dataclass
class SequenceTrainingArguments(TrainingArguments):
    """[`~transformers.TrainingArguments`] with early stopping, and with defaults that fit a comparison.

    Learning rate, warm-up, epochs and batch size have defaults by family: see `hfseq.training.presets.defaults`.
    """

    output_dir: str | None = setting(None, "Where checkpoints, the model and the run record go.")
    overwrite_output_dir: bool = setting(False, "Whether to begin anew where the folder holds another run.")
    early_stopping_patience: int | None = setting(
        None, "Stop after this many evaluations without a better metric_for_best_model. None: never."
    )
    early_stopping_threshold: float = setting(0.0, "How much better counts as better.")
    report_to: list[str] | None = setting(None, "Where to log: tensorboard, trackio, ... By default nowhere.")
    eval_strategy: str = setting("epoch", "When to evaluate on the validation split: no, steps or epoch.")
    save_strategy: str = setting("epoch", "When to save a checkpoint: no, steps, epoch or best.")
    do_train: bool = setting(True, "Always true: `hfseq evaluate` evaluates without training.")
    restore_callback_states_from_checkpoint: bool = setting(True, "Always true: early stopping continues its count.")
    save_total_limit: int | None = setting(
        0,
        "How many checkpoints of this run are kept, the best one included; null keeps all. While it trains, the "
        "newest and the best one are always kept; with 0, none is kept once it is finished.",
    )
    load_best_model_at_end: bool = setting(True, "Whether the best checkpoint becomes the model.")
    logging_strategy: str = setting("epoch", "When to log the training loss: no, steps or epoch.")
    seed: int = setting(0, "The seed of the initial weights, of dropout and of the order of the examples.")
    remove_unused_columns: bool = setting(False, "The collator knows which columns the model takes.")
    hub_strategy: str = setting("end", "When to push to the Hub: end, or every_save, checkpoint, all_checkpoints.")
    per_device_eval_batch_size: int = setting(64, "The batch size of an evaluation, per device.")
    lazy_embeddings: bool = setting(
        True,
        "Whether embedding rows that a batch does not touch are updated when they are next read; the result is the "
        "same.",
    )
    keep_freed_memory: bool = setting(
        False,
        "Whether the C library keeps freed memory for the next step: faster on a CPU, but the process stays as large "
        "as it ever was. With glibc only.",
    )

    def __post_init__(self) -> None:
        if self.report_to is None:
            self.report_to = ["none"]
        check_settings(self)
        unlimited = {"max_steps": Bounds(-1)} if self.max_steps == -1 else {}
        check_numbers(self, {**_TRAINING_BOUNDS, **unlimited})
        check_number("num_train_epochs", self.num_train_epochs, Bounds(high=1e6))
        if not (torch.accelerator.is_available() or "ACCELERATE_TORCH_DEVICE" in os.environ):
            # Otherwise, several processes would train alone, and bf16 would be refused.
            self.use_cpu = True
        self._check_processes()
        super().__post_init__()
        self._check_distributed()
        if self.device.type == "cpu":
            self.dataloader_pin_memory = False  # there is no device to copy to
        check_conditions(self)
        check_optimizer(self)
        check_schedule(self)
        self._check_reporters()

    def _check_processes(self) -> None:
        """What torch would find wrong with the processes, with a traceback or not at all."""
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
    """How many processes the launcher has started, by an environment variable."""
    text = os.environ.get(variable, "1")
    return int(text) if text.isdigit() else 1


@dataclass
class RunArguments:
    """All settings of one run.

    Attributes:
        data (`DataArguments`): what is read.
        model (`ModelArguments`): what is trained.
        training (`SequenceTrainingArguments`): how.
        name (`str`): what the run is called in tables.
        family (`str`): the family whose defaults were used.
        settings (`dict`): the settings that were given, or that the model and its family brought, flat: a YAML file
            with these runs the same training again.
    """

    data: DataArguments
    model: ModelArguments
    training: SequenceTrainingArguments
    name: str
    family: str
    settings: dict[str, Any]

    @property
    def folder(self) -> Path:
        """Where the run goes."""
        return Path(str(self.training.output_dir))
