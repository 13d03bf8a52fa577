"""Runs the trainings of a plan, each in its own process."""

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
# Characters of a training's output that are kept to explain a failure.
_TAIL = 4000
# Seconds that a training gets to write its record after a signal.
_GRACE = 60


def execute(run: PlannedRun) -> tuple[RunRecord | None, str | None]:
    """Trains one model in its own process.

    Its peak of memory is then its own, and a crash does not end the comparison. `hfseq train FOLDER/config.yaml`
    repeats the run.

    Args:
        run (`PlannedRun`): what to train.

    Returns:
        `tuple`: the record, if there is one, and what went wrong, if something did.
    """
    config = write_config(run.arguments, replace=True)
    # -P: a module of the user's in the working directory (evaluate.py, datasets.py) must not replace a library.
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
    # Progress bars take the width of the terminal from COLUMNS, since the training writes into a pipe.
    width = str(shutil.get_terminal_size().columns)
    process = subprocess.Popen(
        command,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env={**os.environ, "COLUMNS": width, **environment},
        # Signals reach the training once, from here, and not a second time from the terminal.
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
    """Passes a signal on to a training, and waits until it has written its record."""
    if process.poll() is None:
        process.send_signal(number)
    try:
        process.wait(timeout=_GRACE)
    except BaseException:  # it hangs, or a second signal came: end it now
        process.kill()
        process.wait()


def _read(stream: IO[bytes], log: Path, tail: list[str]) -> None:
    """Keeps what a training writes in its log, and shows its progress in one line of the terminal."""
    line = LiveLine(sys.stderr)
    writes = True
    if log.is_symlink():
        log.unlink()  # what it points to is somebody else's
    while chunk := stream.read1(4096):  # type: ignore[attr-defined]
        text = chunk.decode(errors="replace")
        tail[:] = [("".join(tail) + text)[-_TAIL:]]
        # A full disk must not stop the reading: the training would then wait for it forever.
        if writes:
            try:
                with log.open("ab") as file:
                    file.write(chunk)
            except OSError as error:
                writes = False
                line.warn(f"cannot write {log}: {error.strerror or error}")
        line.show(text)
    line.clear()


def _reason(status: int, record: RunRecord | None, tail: str, log: Path) -> str:
    """Why a run failed: its own error message, or else how its process ended."""
    lines = [line.strip() for line in tail.replace("\r", "\n").splitlines() if line.strip()]
    errors = [line.removeprefix("hfseq: error: ") for line in lines if line.startswith("hfseq: error: ")]
    if errors:
        return errors[-1]
    # Negative in subprocess, 128 + N where the training caught the signal and ended by itself.
    number = -status if status < 0 else status - 128 if status > 128 else 0
    if number:
        killed = " (most likely out of memory)" if number == signal.SIGKILL else ""
        return f"the training was ended by signal {number}{killed}"
    if record is not None and record.status == "failed" and record.error:
        return f"{record.error} (see {log})"
    return f"the training ended with exit code {status} (see {log})"
