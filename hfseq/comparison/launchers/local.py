"""Launcher of processes on this machine, one or several at the same time."""

import os
import time
from collections.abc import Iterator, Sequence

from hfseq.comparison.execution import result_of, run_command
from hfseq.comparison.forking import ForkServer
from hfseq.comparison.launchers.base import Handle, Launcher, LaunchSettings
from hfseq.comparison.plan import PlannedRun
from hfseq.comparison.run_process import RunProcess, stop_processes
from hfseq.comparison.run_result import RunResult
from hfseq.registry import register_launcher
from hfseq.training.launched import launch_variables, share_of_cores

_POLL_SECONDS = 0.05
# What every run imports, directly or through these modules.
_LIBRARIES = ("hfseq.commands.train", "hfseq.training.run", "hfseq.comparison.baselines.run")


@register_launcher
class LocalLauncher(Launcher):
    """Trains `jobs` runs at the same time on this machine, by default one. They share the cores equally."""

    name = "local"

    def __init__(self, settings: LaunchSettings):
        super().__init__(settings)
        self._variables = {**launch_variables(self.name, self.limit), **share_of_cores(self.limit, os.environ)}
        self._server = ForkServer(_LIBRARIES, self._variables)

    def __exit__(self, *exception: object) -> None:
        self._server.close()

    @property
    def limit(self) -> int:
        return self.settings.jobs or 1

    def submit(self, run: PlannedRun) -> Handle:
        return Handle(run, RunProcess(run_command(run), self._variables, self._server))

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
