"""Many trainings started together, and many killed at random moments: no wrong record, and equal weights."""

import multiprocessing
import random
import sys
import time
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from small import TINY

from hfseq import RunRecord
from hfseq.commands import main
from hfseq.training.manifest import Manifest

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL there"),
]
REPEATS = 20
SETTINGS = {
    **TINY, "num_train_epochs": 8, "eval_strategy": "steps", "save_strategy": "steps", "eval_steps": 4,
    "save_steps": 4, "metric_for_best_model": "loss", "save_total_limit": 2,
    # Trainer averages a logged loss from the last log or the last resumption on: both are at the same steps here.
    "logging_strategy": "steps", "logging_steps": 4,
}  # fmt: skip


@pytest.fixture(scope="module")
def start(reviews):
    """Starts `hfseq train` in a process of its own, which is forked from one that has imported everything."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["test_crashes", "hfseq.training.run"])

    def start(folder, seed):
        values = {**SETTINGS, "dataset": reviews, "output_dir": folder, "seed": seed}
        process = context.Process(target=train, args=([f"--{name}={value}" for name, value in values.items()],))
        process.start()
        return process

    return start


def train(flags):
    sys.exit(main(["train", *flags]))


def finish(process) -> int:
    process.join(timeout=120)
    return process.exitcode


@pytest.fixture(scope="module")
def references(start, tmp_path_factory):
    """An undisturbed run of each seed, and the seconds that the second one took: the first waits for the imports."""
    folders, seconds = {}, 0.0
    for seed in (0, 1):
        folders[seed] = tmp_path_factory.mktemp("reference") / str(seed)
        began = time.monotonic()
        assert finish(start(folders[seed], seed)) == 0
        seconds = time.monotonic() - began
    return folders, seconds


def assert_right(folder: Path, references: dict[int, Path]) -> None:
    record = RunRecord.load(folder)
    expected = references[record.seed]
    assert record.status == "finished" and Manifest.load(folder).problem(folder) is None
    assert record.metrics == RunRecord.load(expected).metrics
    found, right = (load_file(path / "model.safetensors") for path in (folder, expected))
    assert found.keys() == right.keys()
    for name, value in found.items():
        assert torch.equal(value, right[name]), name


def test_second_of_two_trainings_in_a_folder_is_rejected(start, references, tmp_path):
    folders, seconds = references
    source, codes = random.Random(0), []
    for repeat in range(REPEATS):
        folder = tmp_path / str(repeat)
        first = start(folder, seed=0)
        time.sleep(source.uniform(0, seconds))
        second = start(folder, seed=repeat % 2)
        codes.append(sorted((finish(first), finish(second))))
        assert codes[-1] in ([0, 2], [0, 0])  # [0, 0]: the first had finished
        assert_right(folder, folders)
    assert codes.count([0, 2]) >= REPEATS / 2
    print(f"{REPEATS} pairs, {codes.count([0, 2])} refused, 0 wrong records")  # noqa: T201


def test_killed_trainings_are_resumed_to_equal_weights(start, references, tmp_path):
    folders, seconds = references
    source, resumed, kills = random.Random(1), 0, 0
    for repeat in range(REPEATS):
        folder = tmp_path / str(repeat)
        process = start(folder, seed=repeat % 2)
        process.join(timeout=source.uniform(0.2, 0.9) * seconds)
        kills += process.is_alive()
        process.kill()
        process.join()
        resumed += bool(list(folder.glob("checkpoint-*/_manifest.json")))
        assert finish(start(folder, seed=repeat % 2)) == 0
        assert_right(folder, folders)
    assert kills >= 0.75 * REPEATS and resumed >= 0.25 * REPEATS
    print(f"{kills} kills, {resumed} resumed from a checkpoint, {REPEATS} equal")  # noqa: T201
