"""The command of a run, and its result."""

import os
import signal
from pathlib import Path

from hfseq.comparison.baselines.settings import write_baseline
from hfseq.comparison.plan import PlannedRun
from hfseq.comparison.run_process import LOG_NAME, Ending, RunCommand
from hfseq.comparison.run_result import RunResult
from hfseq.errors import HfseqError
from hfseq.training.record import RunRecord
from hfseq.training.run_files import write_config


def run_command(run: PlannedRun) -> RunCommand:
    """The command of a run. Writes its settings to `FOLDER/config.yaml`; those of a baseline to `baseline.yaml`.

    `hfseq train FOLDER/config.yaml` repeats the run.
    """
    # -P: a user's file in the working directory, such as evaluate.py or datasets.py, must not shadow a library.
    if run.baseline is not None:
        path = write_baseline(run.baseline, run.arguments)
        words = ["-P", "-m", "hfseq.comparison.baselines", str(path)]
    else:
        path = write_config(run.arguments, replace=True)
        words = ["-P", "-m", "hfseq", "train", str(path)]
    if run.baseline is None and run.arguments.training.overwrite_output_dir:
        words += ["--overwrite_output_dir", "true"]
    token = run.arguments.training.hub_token
    return RunCommand(tuple(words), str(run.folder), str(path), os.getcwd(), {"HF_TOKEN": token} if token else {})


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
