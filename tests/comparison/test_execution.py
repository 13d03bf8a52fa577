import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from hfseq.comparison import execution
from hfseq.comparison.run_process import Ending, RunCommand, RunProcess

LOG = Path("train.log")


def python(code: str, folder: Path) -> RunCommand:
    """A command that runs code in place of a training."""
    return RunCommand(("-c", code), str(folder), "", str(folder))


@pytest.mark.parametrize(
    ("status", "tail", "reason"),
    [
        (2, "hfseq: error: no such file\nlstm: 10%|#", "no such file"),
        (1, "lstm: 100%|###| 10/10 [00:00<00:00, 30it/s]\r", "ValueError: broken (see train.log)"),
        (-9, "lstm: 10%|#", "the training process was terminated by signal 9 (most likely out of memory)"),
        (143, "hfseq: interrupted\n", "the training process was terminated by signal 15"),
    ],
)
def test_failure_reason_is_the_error_of_the_run(make_result, status, tail, reason):
    record = make_result("lstm", error="x").record
    record.error = "ValueError: broken"
    assert execution._reason(Ending(status, tail), record, LOG) == reason


def test_failure_reason_without_record_names_exit_code_and_log():
    reason = execution._reason(Ending(1, "lstm: 10%|#"), None, LOG)
    assert reason == "the training process exited with code 1 (see train.log)"


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_signal_is_forwarded_to_the_run_immediately(tmp_path, sent):
    """The run has its own session, so that an interrupted comparison must interrupt it."""
    child = (
        "import signal, sys, time\n"
        f"signal.signal({int(sent)}, lambda number, frame: (print('got', number, file=sys.stderr), sys.exit(3)))\n"
        "print('ready', file=sys.stderr, flush=True)\n"
        "time.sleep(60)\n"
    )

    class Stopped(BaseException):
        signal_number = int(sent)

    def stop(number, frame):
        raise Stopped

    log = tmp_path / "train.log"
    before = signal.signal(sent, stop)
    started = time.monotonic()

    def interrupt():
        while not (log.exists() and "ready" in log.read_text()) and time.monotonic() - started < 30:
            time.sleep(0.05)
        os.kill(os.getpid(), sent)

    thread = threading.Thread(target=interrupt)
    thread.start()
    try:
        with pytest.raises(Stopped):
            RunProcess(python(child, tmp_path)).wait()
    finally:
        thread.join()
        signal.signal(sent, before)
    assert f"got {int(sent)}" in log.read_text()
    assert time.monotonic() - started < 30  # without the signal, the child sleeps for 60 s


def test_files_in_the_working_directory_do_not_shadow_libraries(tmp_path):
    (tmp_path / "evaluate.py").write_text("raise SystemExit('my own evaluation script')\n")
    command = [sys.executable, "-P", "-m", "hfseq", "train", "no-such-file.yaml"]
    process = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert "my own evaluation script" not in process.stderr
    assert process.returncode == 2


def test_log_does_not_follow_a_symbolic_link(tmp_path):
    (tmp_path / "target").write_text("unchanged")
    log = tmp_path / "train.log"
    log.symlink_to(tmp_path / "target")
    RunProcess(python("import sys; sys.stderr.write('training')", tmp_path)).wait()
    assert (tmp_path / "target").read_text() == "unchanged"
    assert log.read_text() == "training" and not log.is_symlink()
