"""Launcher of processes on this machine, one or several at the same time."""

import os
import time
from collections.abc import Iterator, Sequence

from hfseq.comparison.execution import RunProcess, result_of, run_command, stop_processes
from hfseq.comparison.launchers.base import Handle, Launcher, LaunchSettings
from hfseq.comparison.plan import PlannedRun
from hfseq.comparison.run_result import RunResult
from hfseq.errors import HfseqError
from hfseq.registry import register_launcher
from hfseq.training.launched import launch_variables

_POLL_SECONDS = 0.05
# Iterations that an idle thread of libgomp waits actively. By default, many: it slows down the other processes.
_SPIN_COUNT = "20000"


@register_launcher
class LocalLauncher(Launcher):
    """Trains `jobs` runs at the same time on this machine, by default one. They share the cores equally."""

    name = "local"

    def __init__(self, settings: LaunchSettings):
        super().__init__(settings)
        if settings.options:
            raise HfseqError(f"the launcher local has no launcher_options, but got {', '.join(settings.options)}")

    @property
    def limit(self) -> int:
        return self.settings.jobs or 1

    def submit(self, run: PlannedRun) -> Handle:
        variables = {**launch_variables(self.name, self.limit), **share_of_cores(self.limit, os.environ)}
        return Handle(run, RunProcess(run_command(run), variables))

    def wait(self, handles: Sequence[Handle]) -> Iterator[tuple[Handle, RunResult]]:
        running = list(handles)
        while running:
            ended = [(handle, ending) for handle in running if (ending := handle.job.poll()) is not None]
            for handle, ending in ended:
                running.remove(handle)
                yield handle, result_of(handle.run, ending)
            if not ended:
                time.sleep(_POLL_SECONDS)

    def cancel(self, handles: Sequence[Handle], signal_number: int) -> None:
        stop_processes([handle.job for handle in handles], signal_number)


def share_of_cores(jobs: int, environment: "os._Environ[str] | dict[str, str]") -> dict[str, str]:
    """Environment variables that give each of several processes an equal share of the cores.

    Args:
        jobs (`int`): number of processes at the same time. A single one gets no variables, and uses all cores.
        environment (`Mapping[str, str]`): the environment. A smaller `OMP_NUM_THREADS` in it is kept.
    """
    if jobs == 1:
        return {}
    share = max(1, available_cores() // jobs)
    given = environment.get("OMP_NUM_THREADS", "")
    threads = min(share, int(given)) if given.isdecimal() and int(given) > 0 else share
    return {"OMP_NUM_THREADS": str(threads), "GOMP_SPINCOUNT": environment.get("GOMP_SPINCOUNT", _SPIN_COUNT)}


def available_cores() -> int:
    """The number of cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
