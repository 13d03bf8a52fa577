"""The process of a run: started, stopped, its output written to a log. It imports neither torch nor transformers."""

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

from hfseq.comparison.forking import ForkServer, start_process

LOG_NAME = "train.log"
# Number of last characters of a run's output that are kept to explain a failure.
_TAIL_LENGTH = 4000
# Seconds that a run may take to write its record after a signal.
_SHUTDOWN_SECONDS = 60
_POLL_SECONDS = 0.05


@dataclass(frozen=True)
class RunCommand:
    """The command that executes a run. It can be sent to another process or machine.

    Attributes:
        words (`tuple[str, ...]`): the arguments of the Python interpreter.
        folder (`str`): folder of the run.
        settings_file (`str`): path of the file with the settings of the run, which is one of the words.
        working_directory (`str`): the directory that relative paths refer to.
        environment (`Mapping[str, str]`): additional environment variables.
    """

    words: tuple[str, ...]
    folder: str
    settings_file: str
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


class RunProcess:
    """The process of a run. Its standard error is written to `FOLDER/train.log`.

    With its own process, the peak memory of the run is measured separately, and a crash does not end the comparison.

    Args:
        command (`RunCommand`): the command.
        environment (`Mapping[str, str]`, *optional*): additional environment variables.
        server (`ForkServer`, *optional*): starts the process, if it can.
    """

    def __init__(
        self, command: RunCommand, environment: Mapping[str, str] | None = None, server: ForkServer | None = None
    ):
        self._tail: list[str] = []
        # In its own session, the run receives a signal only once: from here, and not also from the terminal.
        self._process = start_process(
            server,
            command.words,
            stderr=subprocess.PIPE,
            directory=command.working_directory,
            environment={**command.environment, **(environment or {})},
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
            # Not `wait` without a timeout: where an exception does not come from a signal, it would not end.
            while self._process.poll() is None:
                time.sleep(_POLL_SECONDS)
        except BaseException as error:
            stop_processes([self], getattr(error, "signal_number", signal.SIGINT))
            raise
        return self._ending()

    def _ending(self) -> Ending:
        self._reader.join(timeout=10)
        return Ending(self._process.wait(), "".join(self._tail))

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
