"""Launcher of tasks on a Ray cluster (https://docs.ray.io)."""

import logging
import os
import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Self

from hfseq.comparison.execution import result_of, run_command
from hfseq.comparison.launchers.base import Handle, Launcher, LaunchSettings
from hfseq.comparison.launchers.remote import Mark, RemoteRun, call, marked, unpack
from hfseq.comparison.plan import PlannedRun
from hfseq.comparison.run_result import RunResult
from hfseq.errors import HfseqError, first_line
from hfseq.extras import require
from hfseq.registry import register_launcher
from hfseq.training.launched import available_cores

_SHUTDOWN_SECONDS = 60
# The results of runs are small: they are in files.
_OBJECT_STORE_BYTES = 100_000_000
_MAX_RETRIES = 3


@register_launcher
class RayLauncher(Launcher):
    """Executes each run as a task of Ray. If a node dies, its runs are executed again on others.

    `launcher_options`: `address` of the cluster (by default `RAY_ADDRESS`, else the cluster of this machine, else a
    new one on this machine), `num_cpus` per run (by default 1), `num_gpus` per run (by default 1 if the cluster has
    GPUs), other `resources` per run (a mapping), and `max_retries` of a run whose node died (by default 3).
    """

    name = "ray"
    begins = "submitted"
    option_names = ("address", "num_cpus", "num_gpus", "resources", "max_retries")

    def __init__(self, settings: LaunchSettings):
        super().__init__(settings)
        self._ray: Any = require("ray", "ray")
        options = settings.options
        self._cpus = _number(options, "num_cpus", 1)
        self._gpus = _number(options, "num_gpus", None)
        self._retries = int(_number(options, "max_retries", _MAX_RETRIES) or 0)
        self._resources = options.get("resources", {})
        if not isinstance(self._resources, dict):
            raise HfseqError(f"launcher_options: resources must be a mapping, not {self._resources!r}")
        self._stack = ExitStack()
        self._mark: Mark | None = None

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            self._mark = stack.enter_context(marked(self.settings.folder))
            if not self._ray.is_initialized():
                stack.callback(self._ray.shutdown)
                with _kept_signal_handler():
                    self._connect()
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *exception: object) -> None:
        self._stack.close()

    def _connect(self) -> None:
        quiet = {"log_to_driver": False, "logging_level": logging.WARNING}
        address = self.settings.options.get("address") or os.environ.get("RAY_ADDRESS")
        try:
            self._ray.init(address=address or "auto", **quiet)
        except (ConnectionError, ValueError, RuntimeError) as error:
            if address:
                raise HfseqError(f"cannot connect to the Ray cluster at {address}: {first_line(error)}") from error
            os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
            cores = max(available_cores(), int(self._cpus or 1))
            self._ray.init(
                address="local", num_cpus=cores, include_dashboard=False, object_store_memory=_OBJECT_STORE_BYTES,
                **quiet,
            )  # fmt: skip

    def submit(self, run: PlannedRun) -> Handle:
        assert self._mark is not None  # inside the context
        command = run_command(run)
        settings = Path(command.settings_file).read_text(encoding="utf-8")
        cores = max(1, int(self._cpus or 1))
        remote = RemoteRun(command, settings, self._mark, self.name, cores, self._concurrent_runs())
        gpus = self._gpus if self._gpus is not None else min(1, self._ray.cluster_resources().get("GPU", 0))
        task = self._ray.remote(call).options(
            num_cpus=self._cpus, num_gpus=gpus, resources=self._resources, max_retries=self._retries, name=run.label
        )
        return Handle(run, task.remote(remote))

    def _concurrent_runs(self) -> int:
        """The number of runs that the largest node executes at the same time."""
        cores = max((node["Resources"].get("CPU", 0) for node in self._ray.nodes() if node["Alive"]), default=1)
        most = max(1, int(cores // self._cpus)) if self._cpus else available_cores()
        return min(most, self.settings.jobs or most)

    def wait(self, handles: Sequence[Handle]) -> Iterator[tuple[Handle, RunResult]]:
        pending = {handle.job: handle for handle in handles}
        while pending:
            # A short timeout: signals are handled between two calls.
            for job in self._ray.wait(list(pending), num_returns=1, timeout=0.5)[0]:
                handle = pending.pop(job)
                yield handle, self._result(handle)

    def _result(self, handle: Handle) -> RunResult:
        try:
            ending, files = self._ray.get(handle.job)
        except self._ray.exceptions.RayError as error:
            return handle.run.result(None, f"Ray could not execute the run: {first_line(error)}")
        if files is not None:
            unpack(files, handle.run.folder)
        return result_of(handle.run, ending)

    def cancel(self, handles: Sequence[Handle], signal_number: int) -> None:
        jobs = [handle.job for handle in handles]
        for job in jobs:
            # Without force, a task that waits for its process is not interrupted. Its run ends with its worker, and
            # continues later from its last checkpoint.
            self._ray.cancel(job, force=True)
        if jobs:
            self._ray.wait(jobs, num_returns=len(jobs), timeout=_SHUTDOWN_SECONDS)


@contextmanager
def _kept_signal_handler() -> Iterator[None]:
    """Keeps the handler of SIGTERM, which Ray replaces when it connects."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _number(options: Any, name: str, default: float | None) -> float | None:
    value = options.get(name, default)
    if value is not None and (isinstance(value, bool) or not isinstance(value, int | float) or value < 0):
        raise HfseqError(f"launcher_options: {name} must be a number of at least 0, not {value!r}")
    return value
