"""Launcher of jobs on a Slurm cluster, with submitit (https://github.com/facebookincubator/submitit)."""

import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self

from hfseq.comparison.execution import result_of, run_command
from hfseq.comparison.launchers.base import Handle, Launcher, LaunchSettings
from hfseq.comparison.launchers.remote import Mark, RemoteRun, RequeuedRun, marked, unpack
from hfseq.comparison.plan import PlannedRun
from hfseq.comparison.run_result import RunResult
from hfseq.errors import HfseqError, first_line, nearest
from hfseq.extras import require
from hfseq.registry import register_launcher

FOLDER_NAME = "_slurm"
# Minutes that a job may take, if no option says so.
_TIMEOUT_MINUTES = 24 * 60
_POLL_SECONDS = 0.5
_SHUTDOWN_SECONDS = 60
# Short name of an option -> its name in submitit.
_NAMES = {"time": "timeout_min", "cpus": "cpus_per_task", "gpus": "gpus_per_node", "memory_gb": "mem_gb"}
_GENERAL = ("timeout_min", "cpus_per_task", "gpus_per_node", "mem_gb")
_OF_SLURM = (
    "account", "additional_parameters", "comment", "constraint", "cpus_per_gpu", "exclude", "exclusive", "gres",
    "mem_per_cpu", "mem_per_gpu", "nodelist", "partition", "qos", "setup", "srun_args", "use_srun",
)  # fmt: skip


@register_launcher
class SlurmLauncher(Launcher):
    """Executes each run as a job of Slurm. A job that is preempted, or that reaches its time limit, is queued again.

    `launcher_options`: `partition`, `time` (minutes per job; by default 24 hours), `cpus`, `gpus` and `memory_gb` per
    run, `account`, `qos`, `constraint`, `exclusive`, and other parameters of submitit. `cluster` `local` executes the
    jobs on this machine, without Slurm, to try it out.
    """

    name = "slurm"
    begins = "submitted"
    option_names = ("cluster", *_NAMES, *_GENERAL, *_OF_SLURM)

    def __init__(self, settings: LaunchSettings):
        super().__init__(settings)
        self._submitit: Any = require("submitit", "slurm")
        options = dict(settings.options)
        self._cluster = options.pop("cluster", "slurm")
        if self._cluster not in ("slurm", "local"):
            valid = nearest(str(self._cluster), ("slurm", "local"))
            raise HfseqError(f"launcher_options: cluster {self._cluster!r} is not known: {valid}")
        if self._cluster == "slurm" and shutil.which("sbatch") is None:
            raise HfseqError(
                "there is no Slurm on this machine: the command sbatch was not found. Start the comparison on a "
                "machine of the cluster, or use another launcher"
            )
        self._job_parameters = {"timeout_min": _TIMEOUT_MINUTES} | {
            f"slurm_{name}" if name in _OF_SLURM else _NAMES.get(name, name): value for name, value in options.items()
        }
        self._executor: Any = None
        self._mark: Mark | None = None
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        executor = self._submitit.AutoExecutor(self.settings.folder / FOLDER_NAME, cluster=self._cluster)
        try:
            executor.update_parameters(name="hfseq", **self._job_parameters)
        except (TypeError, ValueError, NameError, AssertionError) as error:
            raise HfseqError(f"launcher_options are not valid for submitit: {first_line(error)}") from error
        self._executor = executor
        self._mark = self._stack.enter_context(marked(self.settings.folder))
        return self

    def __exit__(self, *exception: object) -> None:
        self._stack.close()

    def submit(self, run: PlannedRun) -> Handle:
        assert self._mark is not None  # inside the context
        command = run_command(run)
        settings = Path(command.settings_file).read_text(encoding="utf-8")
        cores = int(self._job_parameters.get("cpus_per_task", 1))
        alone = self.settings.jobs == 1 or bool(self._job_parameters.get("slurm_exclusive"))
        job = RequeuedRun(RemoteRun(command, settings, self._mark, self.name, cores, 1 if alone else None))
        try:
            return Handle(run, self._executor.submit(job))
        except self._submitit.core.utils.FailedJobError as error:
            raise HfseqError(f"Slurm did not accept the job of {run.label}: {first_line(error)}") from error

    def wait(self, handles: Sequence[Handle]) -> Iterator[tuple[Handle, RunResult]]:
        pending = list(handles)
        while pending:
            ended = [handle for handle in pending if handle.job.done()]
            for handle in ended:
                pending.remove(handle)
                yield handle, self._result(handle)
            if not ended:
                time.sleep(_POLL_SECONDS)

    def _result(self, handle: Handle) -> RunResult:
        try:
            ending, files = handle.job.result()
        except (self._submitit.core.utils.FailedJobError, self._submitit.core.utils.UncompletedJobError) as error:
            return handle.run.result(
                None,
                f"job {handle.job.job_id} did not end normally: {first_line(error)} (see {handle.job.paths.stderr})",
            )
        if files is not None:
            unpack(files, handle.run.folder)
        return result_of(handle.run, ending)

    def cancel(self, handles: Sequence[Handle], signal_number: int) -> None:
        for handle in handles:
            handle.job.cancel(check=False)
        deadline = time.monotonic() + _SHUTDOWN_SECONDS
        while not all(handle.job.done() for handle in handles) and time.monotonic() < deadline:
            time.sleep(_POLL_SECONDS)
