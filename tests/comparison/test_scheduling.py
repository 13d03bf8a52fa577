import json
import os
import signal
import subprocess
import sys
import threading
import time
from types import SimpleNamespace

import pytest

from hfseq.comparison.launchers import Handle, Launcher, LaunchSettings, local
from hfseq.comparison.launchers.local import LocalLauncher
from hfseq.comparison.plan import PlannedRun
from hfseq.comparison.run_process import RunCommand
from hfseq.comparison.scheduling import train_runs
from hfseq.training import launched
from hfseq.training.launched import launch_environment, launch_variables, lock_patience, share_of_cores
from hfseq.training.record import RunRecord


def planned(folder, count, finished=()):
    """Runs without settings."""
    return [
        PlannedRun("gru", seed, folder / f"seed-{seed}", SimpleNamespace(), record(seed) if seed in finished else None)
        for seed in range(count)
    ]


def record(seed, **values):
    return RunRecord("gru", "sequence_classification", seed, {}, "0", status="finished", **values)


class StubLauncher(Launcher):
    """Ends the runs in reverse order of their submission. Those with an odd seed fail."""

    name = "stub"

    def __init__(self, jobs=None, stop_at=None):
        super().__init__(LaunchSettings(None, jobs))
        self.events, self.stop_at, self.cancelled = [], stop_at, None

    def submit(self, run):
        self.events.append(("submit", run.seed))
        return Handle(run, None)

    def wait(self, handles):
        for handle in reversed(handles):
            if handle.run.seed == self.stop_at:
                raise KeyboardInterrupt
            self.events.append(("end", handle.run.seed))
            failed = handle.run.seed % 2
            yield handle, handle.run.result(None, "broken") if failed else handle.run.result(record(0), None)

    def cancel(self, handles, signal_number):
        self.cancelled = [handle.run.seed for handle in handles], signal_number


def test_at_most_jobs_runs_are_submitted_at_the_same_time(tmp_path):
    launcher, lines = StubLauncher(jobs=2), []
    results = train_runs(planned(tmp_path, 4, finished=[1]), launcher, lines.append)
    assert launcher.events == [
        ("submit", 0), ("submit", 2), ("end", 2), ("submit", 3), ("end", 3), ("end", 0),
    ]  # fmt: skip
    # The results have the order of the runs, and a failed run does not stop the others.
    assert [(result.seed, result.error) for result in results] == [(0, None), (1, None), (2, None), (3, "broken")]
    assert lines[0] == "[2/4] gru, seed 1: already finished"
    assert lines[-2:] == ["[4/4] gru, seed 3: failed: broken", "[1/4] gru, seed 0: finished; trained for 0 s"]


def test_without_limit_all_runs_are_submitted_at_once(tmp_path):
    launcher = StubLauncher()
    train_runs(planned(tmp_path, 3), launcher, lambda line: None)
    assert launcher.events[:3] == [("submit", 0), ("submit", 1), ("submit", 2)]


def test_interruption_cancels_the_runs_that_have_not_ended(tmp_path):
    launcher = StubLauncher(jobs=3, stop_at=0)
    with pytest.raises(KeyboardInterrupt):
        train_runs(planned(tmp_path, 3), launcher, lambda line: None)
    assert launcher.cancelled == ([0], signal.SIGINT)


RUN = """
import json, os, signal, sys, time
signal.signal(signal.SIGTERM, lambda number, frame: (print("got SIGTERM", file=sys.stderr), sys.exit(143)))
names = ("OMP_NUM_THREADS", "GOMP_SPINCOUNT", "HFSEQ_CONCURRENT_RUNS", "HFSEQ_LAUNCHER")
print(json.dumps([time.time(), {name: os.environ.get(name) for name in names}]), file=sys.stderr, flush=True)
time.sleep(SECONDS)
print(time.time(), file=sys.stderr)
sys.exit(CODE)
"""


@pytest.fixture
def stub_runs(monkeypatch):
    """Replaces trainings: each run sleeps, and the run with seed 1 fails."""

    def use(seconds):
        def command(run):
            run.folder.mkdir(exist_ok=True)
            code = RUN.replace("SECONDS", str(seconds)).replace("CODE", str(int(run.seed == 1)))
            return RunCommand(("-S", "-c", code), str(run.folder), "", str(run.folder))

        monkeypatch.setattr(local, "run_command", command)

    return use


def log(run):
    return (run.folder / "train.log").read_text().splitlines()


def test_local_launcher_runs_side_by_side_and_shares_the_cores(tmp_path, stub_runs, monkeypatch):
    stub_runs(0.4)
    monkeypatch.setattr(launched, "available_cores", lambda: 8)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    runs = planned(tmp_path, 3)
    results = train_runs(runs, LocalLauncher(LaunchSettings(tmp_path, 2)), lambda line: None)
    assert [str(result.error).partition(" (")[0] for result in results] == [
        "the training process exited with code 0",  # the stub leaves no record
        "the training process exited with code 1",
        "the training process exited with code 0",
    ]
    begins = [json.loads(log(run)[0]) for run in runs]
    times = [(begin, float(log(run)[1])) for run, (begin, _) in zip(runs, begins, strict=True)]
    assert times[0][0] < times[1][1] and times[1][0] < times[0][1]  # they overlap
    assert times[2][0] > min(times[0][1], times[1][1])  # the third waited
    for _, variables in begins:
        assert variables == {
            "OMP_NUM_THREADS": "4", "GOMP_SPINCOUNT": "20000", "HFSEQ_CONCURRENT_RUNS": "2", "HFSEQ_LAUNCHER": "local",
        }  # fmt: skip


def test_signal_is_forwarded_to_all_runs(tmp_path, stub_runs):
    stub_runs(60)
    runs, started = planned(tmp_path, 2), time.monotonic()

    class Stopped(BaseException):
        signal_number = int(signal.SIGTERM)

    def stop(number, frame):
        raise Stopped

    def interrupt():
        while not all((run.folder / "train.log").exists() for run in runs) and time.monotonic() - started < 30:
            time.sleep(0.05)
        os.kill(os.getpid(), signal.SIGTERM)

    before = signal.signal(signal.SIGTERM, stop)
    thread = threading.Thread(target=interrupt)
    thread.start()
    try:
        with pytest.raises(Stopped):
            train_runs(runs, LocalLauncher(LaunchSettings(tmp_path, 2)), lambda line: None)
    finally:
        thread.join()
        signal.signal(signal.SIGTERM, before)
    assert [log(run)[1] for run in runs] == ["got SIGTERM", "got SIGTERM"]
    assert time.monotonic() - started < 30


def test_share_of_cores(monkeypatch):
    monkeypatch.setattr(launched, "available_cores", lambda: 6)
    assert share_of_cores(1, {}) == {}  # a single run uses the machine as hfseq train does
    assert share_of_cores(4, {})["OMP_NUM_THREADS"] == "1"
    assert share_of_cores(2, {})["OMP_NUM_THREADS"] == "3"
    assert share_of_cores(2, {"OMP_NUM_THREADS": "1", "GOMP_SPINCOUNT": "5"}) == {
        "OMP_NUM_THREADS": "1",
        "GOMP_SPINCOUNT": "5",
    }
    assert share_of_cores(2, {"OMP_NUM_THREADS": "16"})["OMP_NUM_THREADS"] == "3"


def test_record_says_how_the_run_was_started(monkeypatch):
    assert launch_environment() == {"concurrent_runs": 1}
    assert lock_patience(1.0) == 1.0
    for name, value in launch_variables("local", 3).items():
        monkeypatch.setenv(name, value)
    assert launch_environment() == {"launcher": "local", "concurrent_runs": 3}
    assert lock_patience(1.0) == 120.0


FOLLOWER = """
import os, sys, time
from hfseq.training.launched import follow_parent
from hfseq.signals import stop_on_signals
follow_parent()
assert "HFSEQ_PARENT" not in os.environ
try:
    with stop_on_signals():
        print("ready", flush=True)
        time.sleep(60)
except KeyboardInterrupt as interruption:
    open(sys.argv[1], "w").write(str(interruption))
"""
PARENT = """
import os, subprocess, sys
from hfseq.training.launched import launch_variables
variables = {**os.environ, **launch_variables("local", 1)}
child = subprocess.Popen([sys.executable, "-c", sys.argv[1], sys.argv[2]], env=variables, start_new_session=True)
child.wait()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="processes there do not learn that their parent has ended")
def test_run_ends_after_its_parent_was_killed(tmp_path):
    path = tmp_path / "interrupted"
    parent = subprocess.Popen([sys.executable, "-c", PARENT, FOLLOWER, str(path)], stdout=subprocess.PIPE, text=True)
    assert parent.stdout.readline() == "ready\n"
    parent.kill()
    parent.wait()
    deadline = time.monotonic() + 20
    while not (path.exists() and path.read_text()) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert path.read_text() == "SIGTERM"
