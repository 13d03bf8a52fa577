"""The run of one baseline, from settings to a saved baseline and its record."""

import math
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch
from transformers import EvalPrediction

from hfseq.comparison.baselines.saved import save_baseline
from hfseq.comparison.baselines.settings import baseline_fingerprint, relevant_settings
from hfseq.errors import HfseqError
from hfseq.hub.public_record import public_record
from hfseq.metrics.direction import known_directions
from hfseq.registry import get_baseline
from hfseq.tasks import Task
from hfseq.tasks.baselines import Baseline, BaselineData
from hfseq.training.arguments import RunArguments
from hfseq.training.costs import environment, peak_memory_bytes, size_on_disk_bytes
from hfseq.training.evaluation_outputs import save_split
from hfseq.training.launched import launch_environment
from hfseq.training.lock import lock_run
from hfseq.training.manifest import MANIFEST_NAME, Manifest, describe_files
from hfseq.training.preparation import PreparedInputs, load_data, prepare_inputs
from hfseq.training.record import RunRecord, now
from hfseq.training.results import describe_data
from hfseq.training.run_files import install, staging_folder
from hfseq.training.storage import storage_errors

# Baselines use no GPU.
_DEVICE = torch.device("cpu")


def run_baseline(name: str, arguments: RunArguments) -> RunRecord:
    """Fits, evaluates and saves a baseline. A finished run with the same settings and data is not repeated, except
    with `overwrite_output_dir`.

    Args:
        name (`str`): name of the baseline in the registry.
        arguments (`RunArguments`): the settings of the first model, with the seed and the folder of the baseline.

    Raises:
        HfseqError: the data is not suitable, or the folder cannot be written to.
    """
    folder = arguments.folder
    with lock_run(folder), storage_errors(f"write to {folder}", "Make room, then run the same command again"):
        data = load_data(arguments.data)
        if not arguments.training.overwrite_output_dir:
            known = finished_record(name, arguments, data.fingerprint)
            if known is not None:
                return known
        (folder / MANIFEST_NAME).unlink(missing_ok=True)  # the earlier files are replaced
        prepared = prepare_inputs(arguments, data)
        record = _begin_record(name, arguments, prepared)
        record.save(folder)
        try:
            _fit_and_save(get_baseline(name)(), record, arguments, prepared)
        except BaseException as error:
            record.status = "interrupted" if isinstance(error, KeyboardInterrupt | SystemExit) else "failed"
            record.error = f"{type(error).__name__}: {error}"
            with suppress(HfseqError):  # for example on a full disk; the first error is the one to report
                record.save(folder)
            raise
        return record


def finished_record(name: str, arguments: RunArguments, data_fingerprint: str | None) -> RunRecord | None:
    """The record of a finished run of a baseline, if it has the same settings and data, and its files are complete.

    Args:
        name (`str`): name of the baseline in the registry.
        arguments (`RunArguments`): as for [`run_baseline`].
        data_fingerprint (`str`, *optional*): the fingerprint of the data; `None` if it is not known yet, so that the
            run must start.
    """
    folder = arguments.folder
    try:
        record, manifest = RunRecord.load(folder), Manifest.load(folder)
    except HfseqError:  # a damaged file: the run is repeated
        return None
    if record is None or manifest is None or record.status != "finished":
        return None
    expected = baseline_fingerprint(name, relevant_settings(name, arguments), arguments.training.seed)
    same = record.config_fingerprint == expected and record.data.get("fingerprint") == data_fingerprint
    return record if same and manifest.problem(folder) is None else None


def _begin_record(name: str, arguments: RunArguments, prepared: PreparedInputs) -> RunRecord:
    settings, seed = relevant_settings(name, arguments), arguments.training.seed
    kind = get_baseline(name)
    record = RunRecord(
        name=arguments.name,
        task=prepared.task.name,
        seed=seed,
        config=settings,
        config_fingerprint=baseline_fingerprint(name, settings, seed),
        model={
            "name": arguments.name,
            "kind": "baseline",
            "baseline": name,
            "deterministic": kind.deterministic,
            "trivial": kind.trivial,
        },
        data=describe_data(arguments, prepared),
        environment={**environment(_DEVICE), "num_processes": 1, **launch_environment()},
        started_at=now(),
    )
    return RunRecord(**public_record(vars(record)))


def _fit_and_save(baseline: Baseline, record: RunRecord, arguments: RunArguments, prepared: PreparedInputs) -> None:
    task, folder = prepared.task, arguments.folder
    data = BaselineData(
        task, prepared.data, prepared.splits, prepared.processor, arguments.data, arguments.training.seed
    )
    start = time.perf_counter()
    baseline.fit(data)
    fitted = time.perf_counter()
    staging = staging_folder(folder)
    for split in ("validation", "test") if arguments.training.evaluate_test else ("validation",):
        record.metrics[split], details = _evaluate(baseline, data, split, staging)
        if details:
            record.details[split] = details
    record.data["directions"] = known_directions(record.metrics["validation"])
    record.data["greater_is_better"] = known_directions([record.data["metric"]]).get(record.data["metric"], True)
    save_baseline(staging, baseline)
    record.model |= {"summary": baseline.description, "description": baseline.chosen()}
    record.costs = {
        "parameters": baseline.num_parameters,
        "train_seconds": fitted - start,
        "evaluation_seconds": time.perf_counter() - fitted,
        "peak_memory_bytes": peak_memory_bytes(_DEVICE),
        "size_on_disk_bytes": size_on_disk_bytes(staging),
    }
    record.status, record.finished_at = "finished", now()
    files = describe_files(staging)
    install(staging, folder)
    record.save(folder)
    # The manifest is written last: it marks a finished run.
    Manifest(record.config_fingerprint, files).save(folder)


def _evaluate(
    baseline: Baseline, data: BaselineData, split: str, folder: Path
) -> tuple[dict[str, float], dict[str, Any]]:
    """The metrics and the details of a split, whose predictions are saved: see [`save_split`].

    Raises:
        HfseqError: a metric is not finite.
    """
    task: Task = data.task
    outputs = baseline.predict(data, split)
    if outputs.generated is None:
        metrics = task.compute_metrics(EvalPrediction(outputs.predictions, outputs.labels))
    else:
        metrics = task.compute_generated_metrics(outputs.generated, split)
    metrics = {name: float(value) for name, value in metrics.items()}
    if wrong := [name for name, value in metrics.items() if not math.isfinite(value)]:
        raise HfseqError(
            f"the baseline has no valid result: on the {split} split, {', '.join(wrong)} is not a finite number"
        )
    save_split(
        folder, split, task, metrics, outputs.predictions, outputs.labels,
        generated=outputs.generated, encoded=data.encoded[split], processor=data.processor, data=data.data,
    )  # fmt: skip
    details = {} if outputs.generated is not None else task.details(outputs.predictions, outputs.labels)
    return metrics, details
