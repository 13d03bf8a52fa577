"""Executes the runs of a plan, each in its own process."""

import os
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import IO

from hfseq.comparison.live_line import LiveLine
from hfseq.comparison.plan import PlannedRun
from hfseq.training.record import RunRecord
from hfseq.training.run_files import write_config

LOG_NAME = "train.log"
# Number of last characters of a run's output that are kept to explain a failure.
_TAIL_LENGTH = 4000
# Seconds that a run may take to write its record after a signal.
_SHUTDOWN_SECONDS = 60


def execute(run: PlannedRun) -> tuple[RunRecord | None, str | None]:
    """Trains one model in its own process.

    With its own process, the peak memory of the run is measured separately, and a crash does not end the comparison.
    `hfseq train FOLDER/config.yaml` repeats the run.

    Args:
        run (`PlannedRun`): the run.

    Returns:
        `tuple`: the record (`None` if the run wrote none) and the error message (`None` on success).
    """
    config = write_config(run.arguments, replace=True)
    # -P: a user's file in the working directory, such as evaluate.py or datasets.py, must not shadow a library.
    command = [sys.executable, "-P", "-m", "hfseq", "train", str(config)]
    if run.arguments.training.overwrite_output_dir:
        command += ["--overwrite_output_dir", "true"]
    token = run.arguments.training.hub_token
    status, tail = _run(command, run.folder / LOG_NAME, {"HF_TOKEN": token} if token else {})
    record = RunRecord.load(run.folder)
    if status == 0 and record is not None and record.status == "finished":
        return record, None
    return record, _reason(status, record, tail, run.folder / LOG_NAME)


def _run(command: list[str], log: Path, environment: dict[str, str]) -> tuple[int, str]:
    # The run writes into a pipe, so its progress bars read the width of the terminal from COLUMNS.
    width = str(shutil.get_terminal_size().columns)
    process = subprocess.Popen(
        command,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env={**os.environ, "COLUMNS": width, **environment},
        # In its own session, the run receives a signal only once: from here, and not also from the terminal.
        start_new_session=True,
    )
    tail: list[str] = []
    assert process.stderr is not None  # piped above
    reader = threading.Thread(target=_read, args=(process.stderr, log, tail), daemon=True)
    reader.start()
    try:
        status = process.wait()
    except BaseException as error:
        _stop(process, getattr(error, "signal_number", signal.SIGINT))
        raise
    finally:
        reader.join(timeout=10)
    return status, "".join(tail)


def _stop(process: subprocess.Popen, number: int) -> None:
    """Forwards a signal to the run, and waits until the run has written its record."""
    if process.poll() is None:
        process.send_signal(number)
    try:
        process.wait(timeout=_SHUTDOWN_SECONDS)
    except BaseException:  # the run hangs, or a second signal arrived: kill it now
        process.kill()
        process.wait()


def _read(stream: IO[bytes], log: Path, tail: list[str]) -> None:
    """Copies the output of a run into its log file, and shows its progress in one line of the terminal."""
    line = LiveLine(sys.stderr)
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
                line.warn(f"cannot write {log}: {error.strerror or error}")
        line.show(text)
    line.clear()


def _reason(status: int, record: RunRecord | None, tail: str, log: Path) -> str:
    """Reason why a run failed: its own error message if there is one, else how its process ended."""
    lines = [line.strip() for line in tail.replace("\r", "\n").splitlines() if line.strip()]
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
