"""Executes one run in its own process, on the machine that calls it."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from hfseq.comparison.baselines.settings import write_baseline
from hfseq.comparison.plan import PlannedRun
from hfseq.comparison.run_result import RunResult
from hfseq.errors import HfseqError
from hfseq.training.record import RunRecord
from hfseq.training.run_files import write_config

LOG_NAME = "train.log"
# Number of last characters of a run's output that are kept to explain a failure.
_TAIL_LENGTH = 4000
# Seconds that a run may take to write its record after a signal.
_SHUTDOWN_SECONDS = 60


@dataclass(frozen=True)
class RunCommand:
    """The command that executes a run. It can be sent to another process or machine.

    Attributes:
        words (`tuple[str, ...]`): the arguments of the Python interpreter.
        folder (`str`): folder of the run.
        working_directory (`str`): the directory that relative paths refer to.
        environment (`Mapping[str, str]`): additional environment variables.
    """

    words: tuple[str, ...]
    folder: str
    working_directory: str
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Ending:
    """How the process of a run ended.

    Attributes:
        status (`int`): exit code; `-N` if signal N terminated the process.
        tail (`str`): the last part of what the process wrote to its standard error.
    """

    status: int
    tail: str


def run_command(run: PlannedRun) -> RunCommand:
    """The command of a run. Writes its settings to `FOLDER/config.yaml`; those of a baseline to `baseline.yaml`.

    `hfseq train FOLDER/config.yaml` repeats the run.
    """
    # -P: a user's file in the working directory, such as evaluate.py or datasets.py, must not shadow a library.
    if run.baseline is not None:
        words = ["-P", "-m", "hfseq.comparison.baselines", str(write_baseline(run.baseline, run.arguments))]
    else:
        words = ["-P", "-m", "hfseq", "train", str(write_config(run.arguments, replace=True))]
    if run.baseline is None and run.arguments.training.overwrite_output_dir:
        words += ["--overwrite_output_dir", "true"]
    token = run.arguments.training.hub_token
    return RunCommand(tuple(words), str(run.folder), os.getcwd(), {"HF_TOKEN": token} if token else {})


def result_of(run: PlannedRun, ending: Ending) -> RunResult:
    """The result of a run whose process has ended: its record, and the reason if it failed."""
    log = run.folder / LOG_NAME
    try:
        record = RunRecord.load(run.folder)
    except HfseqError as error:
        return run.result(None, str(error))
    if ending.status == 0 and record is not None and record.status == "finished":
        return run.result(record, None)
    return run.result(record, _reason(ending, record, log))


class RunProcess:
    """The process of a run. Its standard error is written to `FOLDER/train.log`.

    With its own process, the peak memory of the run is measured separately, and a crash does not end the comparison.

    Args:
        command (`RunCommand`): the command.
        environment (`Mapping[str, str]`, *optional*): additional environment variables.
    """

    def __init__(self, command: RunCommand, environment: Mapping[str, str] | None = None):
        self._tail: list[str] = []
        self._process = subprocess.Popen(
            [sys.executable, *command.words],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            cwd=command.working_directory,
            env={**os.environ, **command.environment, **(environment or {})},
            # In its own session, the run receives a signal only once: from here, and not also from the terminal.
            start_new_session=True,
        )
        assert self._process.stderr is not None  # piped above
        log = Path(command.working_directory, command.folder, LOG_NAME)
        self._reader = threading.Thread(target=_read, args=(self._process.stderr, log, self._tail), daemon=True)
        self._reader.start()

    def poll(self) -> Ending | None:
        """How the process ended; `None` while it runs."""
        if self._process.poll() is None:
            return None
        return self._ending()

    def wait(self) -> Ending:
        """Waits until the process has ended. An exception, such as an interruption, stops it."""
        try:
            self._process.wait()
        except BaseException as error:
            stop_processes([self], getattr(error, "signal_number", signal.SIGINT))
            raise
        return self._ending()

    def _ending(self) -> Ending:
        self._reader.join(timeout=10)
        return Ending(self._process.returncode, "".join(self._tail))

    def signal(self, number: int) -> None:
        """Sends a signal to the process if it still runs."""
        if self._process.poll() is None:
            self._process.send_signal(number)

    def end(self, seconds: float) -> None:
        """Waits for the process, and kills it if it does not end in time."""
        try:
            self._process.wait(timeout=max(seconds, 0))
        except BaseException:  # the run hangs, or a second signal arrived: kill it now
            self._process.kill()
            self._process.wait()
        with suppress(BaseException):
            self._reader.join(timeout=10)


def stop_processes(processes: Sequence[RunProcess], number: int) -> None:
    """Forwards a signal to runs, and waits until they have written their records.

    Args:
        processes (`Sequence[RunProcess]`): the processes.
        number (`int`): the signal.
    """
    for process in processes:
        process.signal(number)
    deadline = time.monotonic() + _SHUTDOWN_SECONDS
    for process in processes:
        process.end(deadline - time.monotonic())


def _read(stream: IO[bytes], log: Path, tail: list[str]) -> None:
    """Copies the output of a run into its log file, and keeps its end."""
    log_is_writable = True
    if log.is_symlink():
        log.unlink()  # the target of the link may belong to somebody else
    while chunk := stream.read1(4096):  # type: ignore[attr-defined]
        text = chunk.decode(errors="replace")
        tail[:] = [("".join(tail) + text)[-_TAIL_LENGTH:]]
        # Continue to read after a write error (full disk): the run would block forever on a full pipe.
        if log_is_writable:
            try:
                with log.open("ab") as file:
                    file.write(chunk)
            except OSError as error:
                log_is_writable = False
                sys.stderr.write(f"warning: cannot write {log}: {error.strerror or error}\n")


def _reason(ending: Ending, record: RunRecord | None, log: Path) -> str:
    """Reason why a run failed: its own error message if there is one, else how its process ended."""
    status = ending.status
    lines = [line.strip() for line in ending.tail.replace("\r", "\n").splitlines() if line.strip()]
    errors = [line.removeprefix("hfseq: error: ") for line in lines if line.startswith("hfseq: error: ")]
    if errors:
        return errors[-1]
    # -N: the process was killed by signal N. 128 + N: the run caught signal N and exited by itself.
    number = -status if status < 0 else status - 128 if status > 128 else 0
    if number:
        killed = " (most likely out of memory)" if number == signal.SIGKILL else ""
        return f"the training process was terminated by signal {number}{killed}"
    if record is not None and record.status == "failed" and record.error:
        return f"{record.error} (see {log})"
    return f"the training process exited with code {status} (see {log})"
