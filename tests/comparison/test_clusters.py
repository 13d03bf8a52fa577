"""Comparisons with every launcher, also while nodes die and the comparison is killed: equal results."""

import json
import os
import random
import shlex
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
from small import TINY

pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL there")]
ROOT = Path(__file__).parents[2]
RAY = ("--launcher", "ray", "--launcher_options")
# submitit's own executor of jobs on one machine.
SLURM = ("--launcher", "slurm", "--launcher_options", "cluster=local")
SETTINGS = {
    **TINY, "num_train_epochs": 12, "eval_strategy": "steps", "save_strategy": "steps", "eval_steps": 10,
    "save_steps": 10, "logging_strategy": "steps", "logging_steps": 10,
}  # fmt: skip


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    folder = tmp_path_factory.mktemp("home")
    program = folder / "hfseq"
    program.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m hfseq "$@"\n')
    program.chmod(0o755)
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith(("HF_", "RAY_"))},
        "HF_HUB_OFFLINE": "1", "HF_HOME": str(folder / "hf"), "OMP_NUM_THREADS": "1",
        "RAY_USAGE_STATS_ENABLED": "0", "PYTHONPATH": f"{ROOT}{os.pathsep}{os.environ.get('PYTHONPATH', '')}",
        "PATH": f"{folder}{os.pathsep}{os.environ['PATH']}",
    }  # fmt: skip


@pytest.fixture(scope="module")
def start(reviews, environment):
    """Starts `hfseq compare` in a process of its own."""

    def start(folder, models=("lstm", "gru"), flags=(), **process_settings):
        settings = {name: value for name, value in SETTINGS.items() if name != "model"}
        words = ["--models", *models, "--dataset", reviews, "--output_dir", folder, "--baselines", "none", *flags]
        words += [word for name, value in settings.items() for word in (f"--{name}", value)]
        return subprocess.Popen(
            [sys.executable, "-m", "hfseq", "compare", *map(str, words)],
            env=environment, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True, **process_settings,
        )  # fmt: skip

    return start


def finish(process) -> str:
    """The standard error of a comparison that ends without an error."""
    _, told = process.communicate(timeout=180)
    assert process.returncode == 0, told
    return told


@pytest.fixture(scope="module")
def reference(start, tmp_path_factory):
    """The results of an undisturbed comparison, and its seconds."""
    folder, began = tmp_path_factory.mktemp("reference") / "comparison", time.monotonic()
    finish(start(folder))
    return results(folder), time.monotonic() - began


def results(folder: Path) -> dict:
    """The part of comparison.json that does not depend on the machine: metrics and statuses."""
    comparison = json.loads((folder / "comparison.json").read_text())
    kept = ("status", "metrics", "validation_metrics")
    return {
        name: {**{key: model[key] for key in kept if key in model}, "runs": [run["status"] for run in model["runs"]]}
        for name, model in comparison["models"].items()
    }


def checkpoints(folder: Path) -> set[Path]:
    """The complete checkpoints of unfinished runs."""
    return set(folder.glob("*/seed-0/checkpoint-*/_manifest.json"))


def wait_for_checkpoint(process, folder, known):
    """Waits for a checkpoint that is not known, or the end of the comparison."""
    wait_for(lambda: process.poll() is not None or checkpoints(folder) - known)


@contextmanager
def ray_cluster(nodes):
    """A cluster of several nodes on this machine, each with one core. All its processes end with the context."""
    from ray.cluster_utils import Cluster

    before = {process.pid for process in psutil.process_iter()}
    small = {"num_cpus": 1, "object_store_memory": 80_000_000}
    cluster = Cluster(initialize_head=True, head_node_args={**small, "include_dashboard": False})
    try:
        yield cluster, [cluster.add_node(**small) for _ in range(nodes - 1)]
    finally:
        cluster.shutdown()
        assert_gone(lambda process: process.pid not in before and "ray" in " ".join(process.cmdline()))


def assert_gone(is_meant):
    """Waits until the processes that are meant have ended."""

    def remaining():
        found = []
        for process in psutil.process_iter():
            try:
                if process.status() != psutil.STATUS_ZOMBIE and is_meant(process):
                    found.append(process)
            except psutil.Error:  # it has ended meanwhile
                continue
        return found

    deadline = time.monotonic() + 60
    while (left := remaining()) and time.monotonic() < deadline:
        time.sleep(0.5)
    for process in left:
        process.kill()
    assert left == []


def works_in(folder):
    return lambda process: any(str(folder) in word for word in process.cmdline())


def wait_for(condition, seconds=120):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


def test_runs_side_by_side_give_the_results_of_single_ones(start, reference, tmp_path):
    told = finish(start(tmp_path, flags=["--jobs", 2]))
    assert told.index("[2/2] gru, seed 0: training") < told.index("[1/2] lstm, seed 0: finished")
    assert results(tmp_path) == reference[0]
    record = json.loads((tmp_path / "lstm/seed-0/run.json").read_text())
    assert record["environment"]["concurrent_runs"] == 2 and record["environment"]["launcher"] == "local"


def test_printed_commands_run(start, reference, environment, tmp_path):
    process = start(tmp_path, flags=["--launcher", "print"], cwd=tmp_path)
    commands, told = process.communicate(timeout=120)
    assert process.returncode == 0 and not (tmp_path / "comparison.json").exists()
    assert "the same command without `--launcher print` collects the results" in told
    lines = commands.splitlines()
    assert len(lines) == 2 and lines == (tmp_path / "commands.sh").read_text().splitlines()[-2:]
    subprocess.run(lines[0], shell=True, check=True, env=environment, cwd=tmp_path, capture_output=True)
    subprocess.run(["sh", str(tmp_path / "commands.sh")], check=True, env=environment, capture_output=True)
    told = finish(start(tmp_path))
    assert told.count("already finished") == 2
    assert results(tmp_path) == reference[0]


def test_ray_cluster_that_loses_a_node_gives_the_results_of_one_machine(start, tmp_path):
    models = ("lstm", "gru", "rnn", "minlstm")
    finish(start(tmp_path / "local", models))
    with ray_cluster(3) as (cluster, others):
        process = start(tmp_path / "ray", models, [*RAY, f"address={cluster.address}"])
        try:
            # All three nodes train.
            wait_for(lambda: len(list((tmp_path / "ray").glob("*/seed-0/checkpoint-*"))) >= 3 or process.poll())
            wait_for(lambda: len(list((tmp_path / "ray").glob("*/seed-0/_progress.json"))) >= 2 or process.poll())
            assert process.poll() is None
            cluster.remove_node(others[0], allow_graceful=False)
            finish(process)
        finally:
            process.kill()
            process.communicate()
    assert results(tmp_path / "ray") == results(tmp_path / "local")
    environments = [json.loads(path.read_text())["environment"] for path in tmp_path.glob("ray/*/seed-0/run.json")]
    assert [(one["launcher"], one["concurrent_runs"]) for one in environments] == [("ray", 1)] * 4
    # The run of the lost node was started again, and its log has both attempts.
    logs = [path.read_text() for path in tmp_path.glob("ray/*/seed-0/train.log")]
    assert sorted(log.count("modality: text") for log in logs) == [1, 1, 1, 2]
    assert_gone(works_in(tmp_path))


def test_ray_without_a_cluster_uses_this_machine(start, reference, tmp_path):
    finish(start(tmp_path, flags=RAY[:2]))
    assert results(tmp_path) == reference[0]
    assert_gone(works_in(tmp_path))


def test_slurm_launcher_on_one_machine(start, reference, tmp_path):
    finish(start(tmp_path, flags=SLURM))
    assert results(tmp_path) == reference[0]
    told = finish(start(tmp_path, flags=SLURM))
    assert told.count("already finished") == 2


@pytest.mark.parametrize("launcher", ["ray", "slurm"])
def test_interruption_stops_the_jobs_of_a_cluster(start, tmp_path, launcher):
    process = start(tmp_path, flags=RAY[:2] if launcher == "ray" else SLURM)
    wait_for(lambda: list(tmp_path.glob("*/seed-0/_progress.json")) or process.poll() is not None)
    process.terminate()
    _, told = process.communicate(timeout=120)
    assert process.returncode == 143, told
    assert told.endswith("hfseq: interrupted by SIGTERM; run the same command again to continue from here\n")
    assert_gone(works_in(tmp_path))


def kill_and_resume(start, reference, folder, flags, kills):
    """Kills a comparison at random moments, and starts it again. A finished one is followed by a new one.

    Every other moment is one of the whole comparison. The others come soon after the next checkpoint, because most of
    the time may pass before and after the training.
    """
    expected, seconds = reference
    source, finished, resumed = random.Random(0), 0, 0
    for number in range(kills):
        current = folder / str(finished)
        known = checkpoints(current)
        process = start(current, flags=flags)
        try:
            if number % 2:
                process.wait(timeout=source.uniform(0.3, 0.9) * seconds)
            else:
                wait_for_checkpoint(process, current, known)
                process.wait(timeout=source.uniform(0.0, 0.3))
            finish(process)
            assert results(current) == expected
            finished += 1
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            resumed += bool(checkpoints(current))
    finish(start(folder / str(finished), flags=flags))
    assert results(folder / str(finished)) == expected
    assert resumed >= kills / 4
    assert_gone(works_in(folder))
    print(f"{kills} starts, {resumed} killed after a checkpoint, {finished + 1} equal results")  # noqa: T201


@pytest.mark.parametrize("jobs", [1, 2])
def test_killed_local_comparison_is_resumed_to_equal_results(start, reference, tmp_path, jobs):
    kill_and_resume(start, reference, tmp_path, ["--jobs", jobs], kills=10)


def test_killed_comparison_on_ray_is_resumed_to_equal_results(start, reference, tmp_path):
    with ray_cluster(2) as (cluster, _):
        kill_and_resume(start, reference, tmp_path, [*RAY, f"address={cluster.address}"], kills=6)


def test_killed_comparison_on_slurm_is_resumed_to_equal_results(start, reference, tmp_path):
    kill_and_resume(start, reference, tmp_path, SLURM, kills=6)
