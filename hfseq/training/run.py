"""One training run, from settings to a saved model and its record. The commands, the recipes and `compare` call it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import EarlyStoppingCallback, set_seed
from transformers.trainer_callback import PrinterCallback, ProgressCallback

from hfseq.errors import HfseqError, nearest
from hfseq.metrics import metric_direction, metric_names
from hfseq.tasks import SequenceClassification
from hfseq.training.arguments import RunArguments
from hfseq.training.callbacks import RunProgress, TrainingClock
from hfseq.training.checkpoints import BuiltModel, count_parameters
from hfseq.training.costs import environment, peak_memory_bytes, size_on_disk_bytes
from hfseq.training.preparation import PreparedRun, load_data, prepare
from hfseq.training.record import RunRecord, fingerprint_settings, now
from hfseq.training.run_folder import check_output_dir, check_same_data, last_checkpoint, remove_checkpoints
from hfseq.training.saved_predictions import save_predictions
from hfseq.training.settings import parse_mapping, resolve
from hfseq.training.trainer import SequenceTrainer, lengths_of

ADAPTER_FOLDER = "adapter"


def run_training(arguments: RunArguments | Mapping[str, Any]) -> RunRecord:
    """Trains, evaluates and saves one model.

    The folder `output_dir` then holds the best model with its tokenizer, a model card and `run.json`. Called again
    with the same settings, a finished run is not repeated and an interrupted one goes on from its last checkpoint.

    Args:
        arguments (`RunArguments` or `dict`): the settings; a dict is read like a YAML file, for example
            `{"dataset": "reviews.csv", "model": "gru", "output_dir": "runs/gru"}`.

    Returns:
        `RunRecord`: what was done and what came of it.

    Raises:
        HfseqError: where settings or data are not fit to train with; nothing has been written then.
    """
    if not isinstance(arguments, RunArguments):
        arguments = resolve(parse_mapping(arguments, where="run_training"))
    folder = arguments.folder
    earlier = check_output_dir(arguments)
    data = load_data(arguments.data)
    if earlier is not None:
        check_same_data(earlier, data, folder)
        if earlier.status == "finished":
            return earlier
    _choose_best_by(arguments, SequenceClassification(data.labels))

    set_seed(arguments.training.seed)  # the initial weights
    prepared = prepare(arguments, data)
    trainer = _make_trainer(arguments, prepared)
    record = _begin_record(arguments, prepared, trainer)
    main = trainer.is_world_process_zero()
    if main:
        record.save(folder)
    try:
        trainer.train(resume_from_checkpoint=last_checkpoint(folder))
        _merge_adapter(trainer, folder)
        _evaluate(trainer, prepared, record, folder)
        trainer.save_model(str(folder), _internal_call=True)
        if main:
            record.costs |= {"size_on_disk_bytes": size_on_disk_bytes(folder)}
            record.status, record.finished_at = "finished", now()
    except BaseException as error:
        record.status = "interrupted" if isinstance(error, KeyboardInterrupt | SystemExit) else "failed"
        record.error = f"{type(error).__name__}: {error}"
        if main:
            record.save(folder)
        raise
    trainer.record = vars(record)
    trainer.create_model_card()
    if main:
        record.save(folder)
        remove_checkpoints(folder)
    if arguments.training.push_to_hub:
        trainer.push_to_hub()
    return record


def _choose_best_by(arguments: RunArguments, task: SequenceClassification) -> None:
    training = arguments.training
    metric = arguments.settings.get("metric_for_best_model", task.default_metric).removeprefix("eval_")
    known = ("loss", *metric_names(task.labels.problem_type))
    if metric not in known:
        raise HfseqError(
            f"metric_for_best_model {metric!r} is no metric of {task.labels.problem_type}: {nearest(metric, known)}"
        )
    training.metric_for_best_model = metric
    training.greater_is_better = metric_direction(metric) == "max"
    # An early stop counts the evaluations without progress; an interruption must not make it forget.
    training.restore_callback_states_from_checkpoint = True


def _make_trainer(arguments: RunArguments, prepared: PreparedRun) -> SequenceTrainer:
    training = arguments.training
    trainer = SequenceTrainer(
        prepared.built.model,
        training,
        prepared.task,
        processing_class=prepared.tokenizer,
        train_dataset=prepared.splits["train"],
        eval_dataset=prepared.splits["validation"],
    )
    trainer.add_callback(TrainingClock())
    if training.early_stopping_patience is not None and training.eval_strategy != "no":
        trainer.add_callback(
            EarlyStoppingCallback(training.early_stopping_patience, training.early_stopping_threshold)
        )
    if not training.disable_tqdm:
        trainer.remove_callback(ProgressCallback)
        trainer.add_callback(RunProgress(arguments.name))
    trainer.remove_callback(PrinterCallback)
    return trainer


def _begin_record(arguments: RunArguments, prepared: PreparedRun, trainer: SequenceTrainer) -> RunRecord:
    data, training = prepared.data, arguments.training
    return RunRecord(
        name=arguments.name,
        task=prepared.task.name,
        seed=training.seed,
        config=arguments.settings,
        config_fingerprint=fingerprint_settings(arguments.settings),
        model={"name": arguments.name, **describe_model(prepared.built)},
        data={
            "dataset": arguments.data.dataset,
            "description": data.description,
            "fingerprint": data.fingerprint,
            "examples": {name: len(split) for name, split in prepared.splits.items()},
            "tokens": {name: sum(lengths_of(split)) for name, split in prepared.splits.items()},
            "text_columns": data.columns.texts,
            "label_column": data.columns.label,
            "labels": list(data.labels.names),
            "problem_type": data.labels.problem_type,
            "max_length": arguments.data.max_length,
            "truncation": arguments.data.truncation,
            "truncated_share": prepared.truncated_share,
            "notes": data.notes,
        },
        costs=count_parameters(prepared.built.model),
        environment=environment(training.device),
        num_processes=trainer.accelerator.num_processes,
        started_at=now(),
    )


def describe_model(built: BuiltModel) -> dict[str, Any]:
    """What a record says of a model: architecture, origin, and the sizes in its configuration."""
    model = built.model
    if is_adapted(model):
        model = model.get_base_model()  # type: ignore[operator]
    names = (
        "cell_type", "bidirectional", "pooling", "vocab_size", "embedding_size", "hidden_size", "num_hidden_layers",
        "num_attention_heads", "intermediate_size", "dropout", "classifier_dropout",
    )  # fmt: skip
    values = {name: getattr(model.config, name, None) for name in names}
    return {
        "model_type": model.config.model_type,
        "architecture": type(model).__name__,
        "initialization": built.initialization,
        "base_model": built.base_model,
        "description": {name: value for name, value in values.items() if value is not None},
    }


def is_adapted(model: Any) -> bool:
    """Whether a model is wrapped by peft."""
    return hasattr(model, "merge_and_unload")


def _merge_adapter(trainer: SequenceTrainer, folder: Path) -> None:
    """Makes a LoRA model an ordinary one, which loads anywhere; the adapter alone is kept beside it."""
    model: Any = trainer.model
    if not is_adapted(model):
        return
    if trainer.is_world_process_zero():
        model.save_pretrained(folder / ADAPTER_FOLDER)
    trainer.model = trainer.model_wrapped = model.merge_and_unload()


def _evaluate(trainer: SequenceTrainer, prepared: PreparedRun, record: RunRecord, folder: Path) -> None:
    seconds = 0.0
    for name in ("validation", "test"):
        output = trainer.predict(prepared.splits[name], metric_key_prefix=name)
        if name == "test" and trainer.is_world_process_zero():
            save_predictions(folder, prepared.task.logits_of(output.predictions), np.asarray(output.label_ids))
        metrics = dict(output.metrics or {})
        seconds += metrics.get(f"{name}_runtime", 0.0)
        timing = ("runtime", "samples_per_second", "steps_per_second", "model_preparation_time")
        record.metrics[name] = {
            key.removeprefix(f"{name}_"): float(value)
            for key, value in metrics.items()
            if not key.endswith(timing) and value is not None
        }
    state = trainer.state
    clock = next(item for item in trainer.callback_handler.callbacks if isinstance(item, TrainingClock))
    epochs = state.epoch or 0.0
    tokens = epochs * record.data["tokens"]["train"]
    best = state.best_global_step
    record.costs |= {
        "train_seconds": clock.seconds,
        "evaluation_seconds": seconds,
        "tokens_per_second": tokens / clock.seconds if clock.seconds else None,
        "peak_memory_bytes": peak_memory_bytes(),
        "epochs": epochs,
        "steps": state.global_step,
        "best_epoch": best * epochs / state.global_step if best and state.global_step else None,
    }
    record.metrics["train"] = {"loss": float(loss)} if (loss := _last_loss(state.log_history)) is not None else {}


def _last_loss(history: list[dict[str, float]]) -> float | None:
    return next((entry["loss"] for entry in reversed(history) if "loss" in entry), None)


def is_main_process() -> bool:
    """Whether this process writes the files of a run."""
    return not torch.distributed.is_initialized() or torch.distributed.get_rank() == 0
