"""Runs the trainings of a plan, each in a process of its own."""

import contextlib
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import IO

import yaml

from hfseq.comparison.plan import PlannedRun
from hfseq.training.record import RunRecord, write_text

CONFIG_NAME = "config.yaml"
LOG_NAME = "train.log"
_TAIL = 4000


def execute(run: PlannedRun) -> tuple[RunRecord | None, str | None]:
    """Trains one model in a process of its own.

    So the peak of memory is its own, and a crash is not ours. `hfseq train FOLDER/config.yaml` repeats the run.

    Args:
        run (`PlannedRun`): what to train.

    Returns:
        `tuple`: the record, if there is one, and what went wrong, if something did.
    """
    config = run.folder / CONFIG_NAME
    settings = {**run.arguments.settings, "output_dir": str(run.folder)}
    # Beginning anew was for the first attempt; the file is for repeating and for going on.
    overwrite = settings.pop("overwrite_output_dir", False)
    write_text(config, yaml.safe_dump(settings, sort_keys=True, allow_unicode=True))
    command = [sys.executable, "-m", "hfseq", "train", str(config)]
    if overwrite:
        command += ["--overwrite_output_dir", "true"]
    token = run.arguments.training.hub_token
    status, tail = _run(command, run.folder / LOG_NAME, {"HF_TOKEN": token} if token else {})
    record = RunRecord.load(run.folder)
    if status == 0 and record is not None and record.status == "finished":
        return record, None
    return record, _reason(status, tail)


def _run(command: list[str], log: Path, environment: dict[str, str]) -> tuple[int, str]:
    process = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env={**os.environ, **environment}
    )
    tail: list[str] = []
    assert process.stderr is not None  # piped above
    reader = threading.Thread(target=_pass_on, args=(process.stderr, log, tail), daemon=True)
    reader.start()
    try:
        status = process.wait()
    except KeyboardInterrupt:
        # The interruption reached the training as well; let it write its record.
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=60)
        raise
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        reader.join(timeout=10)
    return status, "".join(tail)


def _pass_on(stream: IO[bytes], log: Path, tail: list[str]) -> None:
    """Shows what a training writes as it comes, and keeps it in a file."""
    while chunk := stream.read1(4096):  # type: ignore[attr-defined]
        text = chunk.decode(errors="replace")
        tail[:] = [("".join(tail) + text)[-_TAIL:]]
        # A full disk or a closed terminal must not stop the reading: the training would wait for it for ever.
        with contextlib.suppress(OSError, UnicodeError), log.open("ab") as file:
            file.write(chunk)
        with contextlib.suppress(OSError, UnicodeError):
            sys.stderr.write(text)
            sys.stderr.flush()


def _reason(status: int, tail: str) -> str:
    lines = [line.strip() for line in tail.replace("\r", "\n").splitlines() if line.strip()]
    errors = [line.removeprefix("hfseq: error: ") for line in lines if line.startswith("hfseq: error: ")]
    if errors:
        return errors[-1]
    if status < 0:
        killed = " (out of memory, most likely)" if status == -9 else ""
        return f"the training was ended by signal {-status}{killed}"
    return lines[-1] if lines else f"the training ended with exit code {status}"
