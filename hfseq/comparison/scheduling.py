"""Executes several runs with a launcher, and says what happens."""

import signal
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from hfseq.comparison.launchers.base import Handle, Launcher
from hfseq.comparison.live_view import LiveView, show_runs
from hfseq.comparison.plan import PlannedRun
from hfseq.comparison.run_result import RunResult
from hfseq.formatting import figure, seconds
from hfseq.training.record import RunRecord


def train_runs(runs: Sequence[PlannedRun], launcher: Launcher, say: Callable[[str], None]) -> list[RunResult]:
    """Executes runs, except for those that have finished before.

    A run that fails does not stop the others. An exception, such as an interruption, stops all.

    Args:
        runs (`Sequence[PlannedRun]`): the runs.
        launcher (`Launcher`): starts them. It was entered as a context manager.
        say (`Callable[[str], None]`): called with each line of progress.

    Returns:
        `list[RunResult]`: the result of each run, in the order of `runs`.

    Raises:
        RunsDeferred: the launcher only prepares the runs.
    """
    labels = {run.folder: f"[{number}/{len(runs)}] {run.label}" for number, run in enumerate(runs, 1)}
    results: dict[Path, RunResult] = {}
    for run in runs:
        if run.finished is not None:
            say(f"{labels[run.folder]}: already finished")
            results[run.folder] = run.result(run.finished, None)
    with show_runs(runs) as view:
        for result in results.values():
            view.end(result)
        for result in _execute([run for run in runs if run.finished is None], labels, launcher, view, say):
            results[result.folder] = result
    return [results[run.folder] for run in runs]


def _execute(
    runs: Sequence[PlannedRun],
    labels: Mapping[Path, str],
    launcher: Launcher,
    view: LiveView,
    say: Callable[[str], None],
) -> Iterator[RunResult]:
    waiting = deque(runs)
    running: list[Handle] = []
    try:
        while waiting or running:
            while waiting and (launcher.limit is None or len(running) < launcher.limit):
                run = waiting.popleft()
                say(f"{labels[run.folder]}: {launcher.begins}")
                view.start(run)
                running.append(launcher.submit(run))
            handle, result = next(launcher.wait(running))
            running.remove(handle)
            view.end(result)
            say(f"{labels[result.folder]}: {_summary(result)}")
            yield result
    except BaseException as error:
        launcher.cancel(running, getattr(error, "signal_number", signal.SIGINT))
        raise


def _summary(result: RunResult) -> str:
    """Progress line of a run that has ended."""
    if result.error or result.record is None:
        return f"failed: {result.error}"
    record: RunRecord = result.record
    metric = record.data.get("metric", "")
    value = record.metrics.get("validation", {}).get(metric)
    validation = f", validation {metric} {figure(value)}" if value is not None else ""
    return f"finished; trained for {seconds(record.costs.get('train_seconds', 0.0))}{validation}"
