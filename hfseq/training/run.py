"""One training run, from settings to a saved model and its record. The commands, the recipes and `compare` call it."""

import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from transformers import TrainerCallback, set_seed
from transformers.trainer_callback import PrinterCallback, ProgressCallback

from hfseq.data.sources.memory import name_memory
from hfseq.errors import HfseqError, nearest
from hfseq.hub.model_card import CARD_NAME, write_model_card
from hfseq.hub.push import hub_errors, push_folder
from hfseq.kernels.memory import keep_freed_memory
from hfseq.metrics import metric_direction
from hfseq.metrics.direction import known_directions
from hfseq.tasks import Task
from hfseq.training.adapters import merge_adapter
from hfseq.training.arguments import RunArguments
from hfseq.training.callbacks import EarlyStopping, RunLines, RunProgress, TrainingClock, training_clock
from hfseq.training.costs import size_on_disk_bytes
from hfseq.training.engine import check_recurrence_engine
from hfseq.training.extra_metrics import ExtraMetrics
from hfseq.training.input_notes import truncation_notes
from hfseq.training.lock import lock_run
from hfseq.training.manifest import Manifest, describe_files
from hfseq.training.preparation import PreparedRun, load_data, make_task, modality_line, prepare
from hfseq.training.processes import is_main_process, on_main_process
from hfseq.training.progress import ProgressFile, progress_file
from hfseq.training.reading import parse_mapping
from hfseq.training.record import RunRecord, fingerprint_settings, now
from hfseq.training.results import begin_record, evaluate_splits, record_costs, training_history
from hfseq.training.run_checkpoints import CheckpointKeeper
from hfseq.training.run_files import clear_run, install, staging_folder, write_config
from hfseq.training.run_folder import check_output_dir, check_same_data, check_same_processes, continuation_notes
from hfseq.training.settings import given_settings, resolve
from hfseq.training.storage import check_output_name, storage_errors
from hfseq.training.time_budget import TimeBudget
from hfseq.training.trackio_run import end_logging, log_to_one_run
from hfseq.training.trainer import SequenceTrainer
from hfseq.training.trainer_settings import check_full_batch, check_model_settings


@dataclass(frozen=True)
class _Hooks:
    """Code of the caller that takes part in a training."""

    callbacks: Sequence[TrainerCallback | type[TrainerCallback]] = ()
    metrics: ExtraMetrics | None = None
    trainer_class: type[SequenceTrainer] = SequenceTrainer

    def __post_init__(self) -> None:
        if not isinstance(self.callbacks, list | tuple):
            raise HfseqError(f"callbacks must be a list of callbacks, not {type(self.callbacks).__name__}")
        for callback in self.callbacks:
            found = callback if isinstance(callback, type) else type(callback)
            if not issubclass(found, TrainerCallback):
                raise HfseqError(f"callbacks must be callbacks of transformers' Trainer, not {found.__name__}")
        if not (isinstance(self.trainer_class, type) and issubclass(self.trainer_class, SequenceTrainer)):
            raise HfseqError(f"trainer_class must be a subclass of SequenceTrainer, not {self.trainer_class!r}")


def run_training(
    arguments: RunArguments | Mapping[str, Any],
    *,
    callbacks: Sequence[TrainerCallback | type[TrainerCallback]] = (),
    compute_metrics: Any = None,
    greater_is_better: bool | None = None,
    trainer_class: type[SequenceTrainer] = SequenceTrainer,
) -> RunRecord:
    """Trains, evaluates and saves one model.

    The folder `output_dir` then holds the best model with its tokenizer, a model card and `run.json`. Called again
    with the same settings, a finished run is not repeated and an interrupted one continues from its last checkpoint.

    Args:
        arguments (`RunArguments` or `dict`): the settings; a dict has the keys of YAML files, for example
            `{"dataset": "reviews.csv", "model": "gru", "output_dir": "runs/gru"}`. There, `dataset` may also be a
            `datasets.Dataset`, a `datasets.DatasetDict`, or a `pandas.DataFrame`.

        callbacks (`Sequence[TrainerCallback]`, *optional*): callbacks of transformers' Trainer, or their classes.
        compute_metrics (*optional*): metrics beside those of the task: a function from `EvalPrediction` to a dict of
            numbers, a metric of `evaluate` (for classification and regression), or the name of a registered metric.
            One of them may be the `metric_for_best_model`; models are then ranked by it.
        greater_is_better (`bool`, *optional*): whether greater values of these metrics are better. It is needed if
            one of them is the `metric_for_best_model`, unless it is a registered metric.
        trainer_class (`type[SequenceTrainer]`, *optional*): a subclass of [`SequenceTrainer`] to train with.

    Returns:
        `RunRecord`: settings, metrics and costs of the run, as in `run.json`.

    Raises:
        HfseqError: settings or data cannot be trained with. Nothing has been written or deleted then.

    Example:

    ```py
    >>> import hfseq
    >>> record = hfseq.run_training(
    ...     {"dataset": "reviews.csv", "model": "gru", "output_dir": "runs/gru"},
    ...     compute_metrics="matthews_correlation",
    ... )
    >>> record.metrics["test"]["accuracy"]
    ```
    """
    extra = None if compute_metrics is None else ExtraMetrics(compute_metrics, greater_is_better)
    hooks = _Hooks(callbacks, extra, trainer_class)
    if not isinstance(arguments, RunArguments):
        given = {**arguments, "dataset": name_memory(arguments["dataset"])} if "dataset" in arguments else arguments
        arguments = resolve(parse_mapping(given, where="run_training"))
    elif not arguments.family:
        arguments = resolve(given_settings(arguments))
    check_output_name(arguments.training.output_dir)
    if is_main_process() and (line := modality_line(arguments.data)):
        sys.stderr.write(f"{line}\n")
    _check_device(arguments)
    then = "Make room or change the permissions, then run the same command again to continue"
    with (
        lock_run(arguments.folder),
        storage_errors(f"train in {arguments.folder}", then),
        progress_file(arguments.folder),
    ):
        return _run(arguments, hooks)


def _run(arguments: RunArguments, hooks: _Hooks) -> RunRecord:
    earlier = check_output_dir(arguments)
    data = load_data(arguments.data)
    if earlier is not None:
        check_same_data(earlier, data, arguments.folder)
        if earlier.status == "finished":
            _push(arguments, earlier)
            return earlier
    _choose_best_by(arguments, make_task(arguments, data), hooks.metrics)

    set_seed(arguments.training.seed)  # the initial weights
    if earlier is not None and arguments.data.max_length is None:
        arguments.data.max_length = earlier.data.get("max_length")  # the value that the run started with
    known = list(data.notes)
    prepared = prepare(arguments, data)
    if is_main_process():
        notes = [*truncation_notes(prepared, arguments.data), *(note for note in data.notes if note not in known)]
        sys.stderr.writelines(f"note: {note}\n" for note in notes)
    trainer = make_trainer(arguments, prepared, hooks)
    record = begin_record(arguments, prepared, trainer.accelerator.num_processes)
    _record_direction(record, arguments, prepared.task, hooks.metrics)
    checkpoint = on_main_process(lambda: _open_folder(arguments, record, earlier))
    trainer.keeper = _keeper(arguments)
    _train(trainer, prepared, record, arguments, checkpoint)
    _push(arguments, record)
    return record


def _open_folder(arguments: RunArguments, record: RunRecord, earlier: RunRecord | None) -> str | None:
    """Prepares the folder of a run that starts, and returns the checkpoint that it continues from."""
    folder, keeper = arguments.folder, _keeper(arguments)
    checkpoint, damaged = keeper.newest_whole() if earlier is not None else (None, {})
    if earlier is not None:
        check_same_processes(earlier, record.num_processes, checkpoint, folder)
    if arguments.training.overwrite_output_dir:
        clear_run(folder)
    keeper.discard(damaged)
    if checkpoint is not None and earlier is not None:
        record.started_at = earlier.started_at
        # The training time includes that of the earlier attempt.
        counts = [one.environment.get("concurrent_runs", 1) for one in (earlier, record)]
        record.environment["concurrent_runs"] = max(counts)
        record.data["notes"] = [*record.data["notes"], *continuation_notes(earlier, record)]
    Manifest(keeper.run, checkpoints=[path.name for path in keeper.own()]).save(folder)
    write_config(arguments)
    record.save(folder)
    return None if checkpoint is None else str(checkpoint)


def _keeper(arguments: RunArguments) -> CheckpointKeeper:
    return CheckpointKeeper(
        arguments.folder, fingerprint_settings(arguments.settings), arguments.training.save_total_limit
    )


def _train(
    trainer: SequenceTrainer,
    prepared: PreparedRun,
    record: RunRecord,
    arguments: RunArguments,
    checkpoint: str | None,
) -> None:
    folder, main = arguments.folder, trainer.is_world_process_zero()
    log_to_one_run(trainer, arguments.name, record)
    try:
        trainer.train(resume_from_checkpoint=checkpoint)
        staging = staging_folder(folder, empty=main)
        merge_adapter(trainer, staging, prepared.built.base_model)
        record.metrics, record.details, seconds = evaluate_splits(trainer, prepared, staging)
        # Readers of the record need not import the metrics, which may be those of a plug-in.
        record.data["directions"] = known_directions(record.metrics["validation"])
        record.costs |= record_costs(trainer, record.data["tokens"]["train"], seconds)
        trainer.save_model(str(staging), _internal_call=True)
        record.history = training_history(trainer)
        if main:
            record.costs["size_on_disk_bytes"] = size_on_disk_bytes(staging)
            _finish(trainer, record, staging, folder)
    except BaseException as error:
        record.status = "interrupted" if isinstance(error, KeyboardInterrupt | SystemExit) else "failed"
        record.error = f"{type(error).__name__}: {error}"
        record.history = training_history(trainer)
        if main:
            with suppress(HfseqError):  # for example on a full disk; the first error is the one to report
                record.save(folder)
        raise
    finally:
        end_logging(trainer)


def _finish(trainer: SequenceTrainer, record: RunRecord, staging: Path, folder: Path) -> None:
    """Moves a saved model and its record to their places. The manifest is written last: it marks a finished run."""
    record.status, record.finished_at = "finished", now()
    trainer.record = vars(record)
    write_model_card(staging, vars(record), repo_id=trainer.hub_model_id)
    files = describe_files(staging, leave_out=frozenset({CARD_NAME}))  # users may edit the card
    install(staging, folder)
    record.save(folder)
    keeper = trainer.keeper
    assert keeper is not None  # set before the training
    Manifest(keeper.run, files, [path.name for path in keeper.own()]).save(folder)
    keeper.rotate(trainer.state.best_model_checkpoint, finished=True)


def _push(arguments: RunArguments, record: RunRecord) -> None:
    """Pushes the folder to the Hub if the settings say so, also if the run was finished before."""
    training = arguments.training
    if training.push_to_hub and is_main_process():
        manifest = Manifest.load(arguments.folder)
        push_folder(
            arguments.folder,
            training.hub_model_id or arguments.folder.name,
            vars(record),
            token=training.hub_token,
            private=training.hub_private_repo,
            revision=training.hub_revision,
            written=manifest.files if manifest is not None and manifest.files else None,
        )


def _check_device(arguments: RunArguments) -> None:
    check_recurrence_engine()
    if arguments.training.keep_freed_memory and not keep_freed_memory():
        raise HfseqError(
            "keep_freed_memory needs glibc, and the C library of this system is another one: leave it out"
        )
    if arguments.training.n_gpu > 1:
        raise HfseqError(
            f"{arguments.training.n_gpu} GPUs and one process: start one process for each with torchrun or "
            "`accelerate launch`, or show it one GPU only, with CUDA_VISIBLE_DEVICES=0"
        )


def _record_direction(record: RunRecord, arguments: RunArguments, task: Task, extra: ExtraMetrics | None) -> None:
    """Notes the metric that ranks this run, and its direction: a comparison may not know the metric."""
    chosen = str(arguments.training.metric_for_best_model)
    if extra is not None and chosen not in ("loss", *task.metric_names):
        record.data["metric"] = chosen
        record.data["greater_is_better"] = bool(arguments.training.greater_is_better)
    else:
        record.data["greater_is_better"] = metric_direction(record.data["metric"]) == "max"


def _choose_best_by(arguments: RunArguments, task: Task, extra: ExtraMetrics | None = None) -> None:
    training = arguments.training
    metric = arguments.settings.get("metric_for_best_model", task.default_metric).removeprefix("eval_")
    known = ("loss", *task.metric_names)
    if extra is not None and metric not in known:
        training.metric_for_best_model = metric
        training.greater_is_better = extra.direction(metric, arguments.settings.get("greater_is_better"))
        _set_schedule_mode(training)
        return
    if metric not in known:
        raise HfseqError(
            f"metric_for_best_model {metric!r} is not a metric of {task.subject}: {nearest(metric, known)}"
        )
    training.metric_for_best_model = metric
    greater = metric_direction(metric) == "max"
    if arguments.settings.get("greater_is_better", greater) != greater:
        raise HfseqError(
            f"greater_is_better is {not greater}, but of {metric} {'more' if greater else 'less'} is better"
        )
    training.greater_is_better = greater
    _set_schedule_mode(training)


def _set_schedule_mode(training: Any) -> None:
    if training.lr_scheduler_type in ("reduce_lr_on_plateau", "greedy"):
        # Both schedules monitor this metric. By default they assume that lower is better.
        given, mode = training.lr_scheduler_kwargs, "max" if training.greater_is_better else "min"
        training.lr_scheduler_kwargs = {"mode": mode, **(given if isinstance(given, dict) else {})}


def make_trainer(arguments: RunArguments, prepared: PreparedRun, hooks: _Hooks | None = None) -> SequenceTrainer:
    """The trainer of a run, with its callbacks.

    Raises:
        HfseqError: Trainer rejects the settings, or the Hub cannot be reached for a push.
    """
    training, hooks = arguments.training, hooks or _Hooks()
    check_model_settings(training, prepared.built.model, arguments.name)
    check_full_batch(training, len(prepared.splits["train"]))
    compute_metrics = None
    if hooks.metrics is not None:
        compute_metrics = hooks.metrics.added_to(prepared.task, training.metric_for_best_model)
    try:
        with hub_errors(f"push to {training.hub_model_id or arguments.folder.name!r}"):
            trainer = hooks.trainer_class(
                prepared.built.model,
                training,
                compute_metrics=compute_metrics,
                callbacks=list(hooks.callbacks),
                task=prepared.task,
                processing_class=prepared.processor,
                train_dataset=prepared.splits["train"],
                eval_dataset=prepared.splits["validation"],
            )
    except (ValueError, ImportError, RuntimeError) as error:
        raise (
            error if isinstance(error, HfseqError) else HfseqError(f"Trainer refuses these settings: {error}")
        ) from error
    trainer.add_callback(ProgressFile(arguments.folder))
    trainer.add_callback(TrainingClock())
    if training.max_train_seconds is not None:
        trainer.add_callback(TimeBudget(partial(training_clock, trainer), training.max_train_seconds))
    if training.early_stopping_patience is not None and training.eval_strategy != "no":
        trainer.add_callback(EarlyStopping(training.early_stopping_patience, training.early_stopping_threshold))
    if not training.disable_tqdm:
        trainer.remove_callback(ProgressCallback)
        trainer.add_callback(RunProgress(arguments.name))
    else:
        trainer.add_callback(RunLines(arguments.name))
    trainer.remove_callback(PrinterCallback)
    return trainer
