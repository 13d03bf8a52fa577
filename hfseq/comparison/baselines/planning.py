"""Plans the runs of the baselines of a comparison."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path

from hfseq.comparison.baselines.run import finished_record
from hfseq.comparison.plan import PlannedRun
from hfseq.comparison.variants import BASELINES_FOLDER, run_folder
from hfseq.registry import baselines
from hfseq.tasks.task_data import TaskData
from hfseq.training.arguments import RunArguments
from hfseq.training.preparation import make_task
from hfseq.training.settings import resolve


def plan_baselines(runs: Sequence[PlannedRun], data: TaskData, output_dir: str | Path) -> list[PlannedRun]:
    """Plans the baselines that suit the data of a comparison: each with every variant and seed of its first model.

    A baseline that gives the same result for all seeds is run with the first seed.

    Args:
        runs (`Sequence[PlannedRun]`): the runs of the models.
        data (`TaskData`): the data of the first run.
        output_dir (`str` or `Path`): folder of the comparison. Runs are in `baselines/NAME/seed-N` below it.
    """
    models = {run.name for run in runs}
    first = [run for run in runs if run.name == runs[0].name and "trial" not in run.variant]
    seeds = dict.fromkeys(run.seed for run in first)
    task = make_task(first[0].arguments, data)
    planned = []
    for name, baseline in baselines().items():
        if not baseline.matches(task, data):
            continue
        row = name if name not in models else f"{name}-baseline"
        for run in first:
            if baseline.deterministic and run.seed != next(iter(seeds)):
                continue
            folder = run_folder(Path(output_dir, BASELINES_FOLDER, name), run.seed, run.variant)
            arguments = _arguments(run, row, folder)
            finished = None
            if not run.arguments.training.overwrite_output_dir:
                finished = finished_record(name, arguments, _run_fingerprint(run, data))
            planned.append(
                PlannedRun(row, run.seed, folder, arguments, finished, dict(run.variant), baseline=name)
            )  # fmt: skip
    return planned


def _arguments(run: PlannedRun, name: str, folder: Path) -> RunArguments:
    """The settings of the first model, with the name and the folder of a baseline."""
    arguments = resolve({**run.arguments.settings, "output_dir": str(folder), "run_name": name})
    # A token is not part of the settings.
    arguments.training.hub_token = run.arguments.training.hub_token
    return dataclasses.replace(arguments, name=name)


def _run_fingerprint(run: PlannedRun, data: TaskData) -> str | None:
    """Fingerprint of the data of a run; `None` if only the run itself can tell it."""
    if not run.variant:
        return data.fingerprint
    return run.finished.data.get("fingerprint") if run.finished is not None else None
