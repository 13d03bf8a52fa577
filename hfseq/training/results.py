"""Content of a run record: model and data before the training, metrics and costs after it."""

import math
from pathlib import Path
from typing import Any

import numpy as np

from hfseq.data.findings import findings_of
from hfseq.errors import HfseqError
from hfseq.hub.public_record import public_record
from hfseq.modalities.shared_settings import TruncationSettings
from hfseq.training.adapters import is_adapted
from hfseq.training.arguments import RunArguments
from hfseq.training.callbacks import training_clock
from hfseq.training.costs import environment, peak_memory_bytes
from hfseq.training.energy import EnergyMeter
from hfseq.training.evaluation_outputs import save_split
from hfseq.training.launched import launch_environment
from hfseq.training.model_building import BuiltModel, count_parameters
from hfseq.training.preparation import PreparedInputs, PreparedRun
from hfseq.training.record import RunRecord, fingerprint_settings, now
from hfseq.training.sampling import example_lengths
from hfseq.training.trainer import SequenceTrainer

# Values that Trainer adds to the metrics.
_TIMING = ("runtime", "samples_per_second", "steps_per_second", "model_preparation_time")
# Losses are means over examples, tokens or targets. A model with a larger loss is useless. For numeric targets, the
# unit is the mean squared target.
_LARGEST_LOSS = 1e4
_DESCRIBED = (
    "cell_type", "bidirectional", "pooling", "vocab_size", "embedding_size", "hidden_size", "num_hidden_layers",
    "num_attention_heads", "intermediate_size", "dropout", "classifier_dropout",
)  # fmt: skip


def begin_record(arguments: RunArguments, prepared: PreparedRun, num_processes: int) -> RunRecord:
    """The record of a run that is about to start."""
    record = RunRecord(
        name=arguments.name,
        task=prepared.task.name,
        seed=arguments.training.seed,
        config=arguments.settings,
        config_fingerprint=fingerprint_settings(arguments.settings),
        model={"name": arguments.name, **describe_model(prepared.built)},
        data={
            **describe_data(arguments, prepared),
            **({"baselines": baselines} if (baselines := prepared.task.baselines(prepared.data)) else {}),
        },
        costs={"trainable_parameters": count_parameters(prepared.built.model)["trainable_parameters"]},
        environment={
            **environment(arguments.training.device),
            "num_processes": num_processes,
            **launch_environment(),
        },
        num_processes=num_processes,
        started_at=now(),
    )
    return RunRecord(**public_record(vars(record)))


def describe_data(arguments: RunArguments, prepared: PreparedInputs) -> dict[str, Any]:
    """Description of the data for a record: its source, its size by split, and what the task says about it."""
    data = prepared.data
    return {
        "dataset": arguments.data.dataset,
        "description": data.description,
        "fingerprint": data.fingerprint,
        "examples": {name: len(split) for name, split in prepared.splits.items()},
        "tokens": {name: sum(example_lengths(split) or ()) for name, split in prepared.splits.items()},
        "modality": data.modality.name,
        "text_columns": data.columns.texts,
        "label_column": data.columns.label,
        "metric": prepared.task.ranking_metric,
        **prepared.task.describe(),
        "max_length": arguments.data.token_limit,
        "truncation": arguments.data.group(TruncationSettings).truncation,
        "truncated_share": prepared.truncated_share,
        "notes": data.notes,
        **({"findings": findings} if (findings := findings_of(data.notes)) else {}),
    }


def describe_model(built: BuiltModel) -> dict[str, Any]:
    """Description of a model for a record: architecture, origin, and sizes in its configuration."""
    model: Any = built.model
    if is_adapted(model):
        model = model.get_base_model()
    values = {name: getattr(model.config, name, None) for name in _DESCRIBED}
    return {
        "model_type": model.config.model_type,
        "architecture": type(model).__name__,
        "initialization": built.initialization,
        "base_model": built.base_model,
        "description": {name: value for name, value in values.items() if value is not None},
    }


def evaluate_splits(
    trainer: SequenceTrainer, prepared: PreparedRun, folder: Path
) -> tuple[dict[str, dict[str, float]], dict[str, dict[str, Any]], float]:
    """Metrics and details of the validation and test splits, and the seconds of the evaluation. Saves the predictions:
    see [`save_split`]. Without `evaluate_test`, the test split is not read.
    """
    splits = prepared.splits
    results: dict[str, dict[str, float]] = {}
    details: dict[str, dict[str, Any]] = {}
    seconds = 0.0
    arguments: Any = trainer.args  # SequenceTrainingArguments
    for name in ("validation", "test") if arguments.evaluate_test else ("validation",):
        output = trainer.predict(splits[name], metric_key_prefix=name)
        metrics = dict(output.metrics or {})
        seconds += metrics.get(f"{name}_runtime", 0.0)
        written = trainer.predict_with_generate(splits[name], name) if trainer.task.generates_text else None
        if written is not None:
            metrics |= written.metrics
            seconds += written.seconds
        results[name] = {
            key.removeprefix(f"{name}_"): float(value) for key, value in metrics.items() if not key.endswith(_TIMING)
        }
        _check_converged(name, results[name], output.label_ids)
        if trainer.is_world_process_zero():
            details[name] = trainer.task.details(output.predictions, output.label_ids)
            save_split(
                folder,
                name,
                trainer.task,
                results[name],
                output.predictions,
                output.label_ids,
                generated=None if written is None else written.tokens,
                encoded=splits[name],
                processor=prepared.processor,
                data=prepared.data,
            )
    losses = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
    results["train"] = {"loss": float(losses[-1])} if losses else {}
    return results, {name: found for name, found in details.items() if found}, seconds


def _check_converged(split: str, metrics: dict[str, float], labels: Any) -> None:
    """
    Raises:
        HfseqError: a metric is not finite, or the loss is so large that the model is useless.
    """
    advice = "Try a lower --learning_rate, or a lower --max_grad_norm"
    if wrong := [key for key, value in metrics.items() if not math.isfinite(value)]:
        raise HfseqError(
            f"the training has diverged: on the {split} split, {', '.join(wrong)} is not a finite number. {advice}"
        )
    limit = _LARGEST_LOSS * max(1.0, _mean_square(labels))
    if metrics.get("loss", 0.0) > limit:
        raise HfseqError(
            f"the training has diverged: the loss on the {split} split is {metrics['loss']:.3g}, more than "
            f"{limit:.3g}. {advice}"
        )


def _mean_square(labels: Any) -> float:
    """Mean squared value of numeric labels; 0 for classes."""
    values = np.asarray(labels[0] if isinstance(labels, tuple) else labels)
    if not np.issubdtype(values.dtype, np.floating) or np.isnan(values).all():
        return 0.0
    return float(np.nanmean(values.astype(np.float64) ** 2))


def training_history(trainer: SequenceTrainer) -> list[dict[str, Any]]:
    """The log of a training: losses, learning rates and validation metrics, by step.

    Values that are not finite are left out, because JSON has none for them.
    """
    entries = [
        {
            name: value
            for name, value in entry.items()
            if not name.endswith(_TIMING) and not (isinstance(value, float) and not math.isfinite(value))
        }
        for entry in trainer.state.log_history
        if "train_runtime" not in entry
    ]
    return [entry for entry in entries if entry.keys() - {"epoch", "step"}]


def record_costs(trainer: SequenceTrainer, train_tokens: int, evaluation_seconds: float) -> dict[str, Any]:
    """Costs of a training, and size of the model as it will be saved."""
    state = trainer.state
    clock = training_clock(trainer)
    epochs, best = state.epoch or 0.0, state.best_global_step
    sizes = count_parameters(trainer.accelerator.unwrap_model(trainer.model))
    sizes.pop("trainable_parameters")  # counted before an adapter was merged
    return {
        **sizes,
        "train_seconds": clock.seconds,
        "evaluation_seconds": evaluation_seconds,
        "tokens_per_second": epochs * train_tokens / clock.seconds if clock.seconds else None,
        "peak_memory_bytes": peak_memory_bytes(trainer.args.device),
        **_energy(clock.energy, trainer.args.world_size),
        "epochs": epochs,
        "steps": state.global_step,
        "best_epoch": best * epochs / state.global_step if best and state.global_step else None,
    }


def _energy(meter: EnergyMeter, num_processes: int) -> dict[str, Any]:
    """`energy_joules` of the training and `energy_of`, the parts of the machine; empty if the machine does not tell.

    The counters do not distinguish programs, so there is no figure if other runs are known to share the machine.
    """
    shared = num_processes > 1 or launch_environment().get("concurrent_runs", 1) > 1
    return {} if meter.joules is None or shared else {"energy_joules": meter.joules, "energy_of": meter.parts}
