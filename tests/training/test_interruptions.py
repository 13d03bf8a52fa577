"""Runs that are stopped, damaged or short of room: nothing is lost, and the weights come out the same."""

import json
import os
import shutil
import signal
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from small import TINY, newest_checkpoint
from transformers import TrainerCallback

from hfseq import HfseqError, RunRecord, run_training
from hfseq.commands import main
from hfseq.training import run as run_module
from hfseq.training.manifest import Manifest

resource = pytest.importorskip("resource")
SETTINGS = {
    **TINY, "max_steps": 6, "eval_strategy": "steps", "save_strategy": "steps", "eval_steps": 2, "save_steps": 2,
    "logging_strategy": "steps", "logging_steps": 2, "save_total_limit": 3, "metric_for_best_model": "loss",
}  # fmt: skip


class AtStep(TrainerCallback):
    """Does something at the end of a step."""

    def __init__(self, step, action):
        self.step, self.action = step, action

    def on_step_end(self, args, state, control, **kwargs):
        if state.global_step == self.step:
            self.action()


def at_step(monkeypatch, step, action):
    make = run_module.make_trainer

    def make_acting(*arguments):
        trainer = make(*arguments)
        trainer.add_callback(AtStep(step, action))
        return trainer

    monkeypatch.setattr(run_module, "make_trainer", make_acting)


def assert_same_weights(one: Path, other: Path):
    first, second = (load_file(folder / "model.safetensors") for folder in (one, other))
    assert first.keys() == second.keys()
    for name, value in first.items():
        assert torch.equal(value, second[name]), name


@pytest.fixture(scope="module")
def settings(reviews):
    return {**SETTINGS, "dataset": str(reviews)}


@pytest.fixture(scope="module")
def whole(settings, tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole") / "run"
    run_training({**settings, "output_dir": str(folder)})
    return folder


@pytest.fixture(scope="module")
def stopped(settings, tmp_path_factory):
    """A run that SIGTERM stopped at its fifth step, with checkpoints of the second and the fourth."""
    folder = tmp_path_factory.mktemp("stopped") / "run"
    with pytest.MonkeyPatch.context() as patch:
        at_step(patch, 5, lambda: os.kill(os.getpid(), signal.SIGTERM))
        flags = [f"--{name}={value}" for name, value in {**settings, "output_dir": folder}.items()]
        assert main(["train", *flags, "--overwrite_output_dir"]) == 143
    return folder


def test_interrupted_run_records_the_signal_and_resumes_after_a_move(stopped, whole, settings, tmp_path):
    record = RunRecord.load(stopped)
    assert (record.status, record.error) == ("interrupted", "Interruption: SIGTERM")
    assert [entry["step"] for entry in record.history if "loss" in entry] == [2, 4]
    assert newest_checkpoint(stopped).name == "checkpoint-4"
    moved = tmp_path / "moved"
    shutil.copytree(stopped, moved)
    resumed = run_training({**settings, "output_dir": str(moved)})
    assert_same_weights(moved, whole)
    finished = RunRecord.load(whole)
    assert resumed.started_at == record.started_at
    assert resumed.history == finished.history and len(finished.history) == 6
    assert {"step", "epoch", "loss"} <= finished.history[0].keys()
    assert {"eval_loss", "eval_accuracy"} <= finished.history[1].keys()
    assert not [name for entry in finished.history for name in entry if "runtime" in name]


def test_damaged_run_resumes_from_the_newest_complete_checkpoint(stopped, whole, settings, tmp_path, caplog):
    moved = tmp_path / "moved"
    shutil.copytree(stopped, moved)
    (moved / "checkpoint-4" / "rng_state.pth").unlink()
    (moved / "checkpoint-9").mkdir()  # somebody else's
    with pytest.raises(HfseqError, match="checkpoint-5 was not made by this run"):
        (moved / "checkpoint-5").mkdir()
        run_training({**settings, "output_dir": str(moved)})
    (moved / "checkpoint-5").rmdir()
    assert "checkpoint-4 is discarded: rng_state.pth is missing" in caplog.text
    run_training({**settings, "output_dir": str(moved)})
    assert_same_weights(moved, whole)
    assert sorted(path.name for path in moved.glob("checkpoint-*")) == [f"checkpoint-{step}" for step in (2, 4, 6, 9)]


@pytest.mark.parametrize("name", ["model.safetensors", "_test_predictions.npz", "config.json", "_manifest.json"])
def test_damaged_finished_run_counts_as_interrupted(name, whole, settings, tmp_path, caplog, monkeypatch):
    moved = tmp_path / "moved"
    shutil.copytree(whole, moved)
    (moved / "README.md").write_text("my own words")
    monkeypatch.setattr(run_module, "prepare", lambda *_: pytest.fail("trained again"))
    assert run_training({**settings, "output_dir": str(moved)}).status == "finished"
    content = (moved / name).read_bytes()
    (moved / name).write_bytes(content[: len(content) // 2])
    with pytest.raises(pytest.fail.Exception, match="trained again"):
        run_training({**settings, "output_dir": str(moved)})
    assert f"the finished run in {moved} is damaged and is done again: {name}" in caplog.text


def test_finished_run_without_weights_is_repeated(whole, settings, tmp_path):
    moved = tmp_path / "moved"
    shutil.copytree(whole, moved)
    for path in (moved / "model.safetensors", *moved.glob("checkpoint-*/optimizer.pt")):
        path.unlink()
    assert run_training({**settings, "output_dir": str(moved)}).status == "finished"
    assert_same_weights(moved, whole)
    assert Manifest.load(moved).problem(moved) is None


def test_full_disk_during_training_is_reported(whole, settings, tmp_path, monkeypatch, capfd):
    folder = tmp_path / "run"
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    words = ["train", *(f"--{name}={value}" for name, value in {**settings, "output_dir": folder}.items())]
    with monkeypatch.context() as patch:
        # No file may be longer: the weights do not fit.
        at_step(patch, 3, lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (5000, before[1])))
        try:
            code = main(words)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
    error = capfd.readouterr().err
    assert code == 2
    assert f"hfseq: error: cannot train in {folder}: " in error and "Traceback" not in error
    assert RunRecord.load(folder).status == "failed"
    assert [path.name for path in folder.glob("checkpoint-*")] == ["checkpoint-2"]
    assert newest_checkpoint(folder).name == "checkpoint-2"
    assert main(words) == 0
    assert_same_weights(folder, whole)


def test_folder_of_another_program_is_not_overwritten(settings, tmp_path):
    (tmp_path / "README.md").write_text("mine")
    with pytest.raises(HfseqError, match=r"has no run.json, but holds README.md, which a run would write over"):
        run_training({**settings, "output_dir": str(tmp_path)})
    assert [path.name for path in tmp_path.iterdir()] == ["README.md"]


def test_one_trackio_run_per_training(settings, tmp_path, monkeypatch):
    trackio = pytest.importorskip("trackio")
    started = []
    make = trackio.init
    monkeypatch.setattr(trackio, "init", lambda **given: started.append(given) or make(**given))
    logged = []
    monkeypatch.setattr(trackio.Run, "log", lambda self, metrics, **_: logged.append((self.name, metrics)))
    record = run_training({**settings, "max_steps": 2, "output_dir": str(tmp_path / "run"), "report_to": "trackio"})
    names = {name for name, _ in logged}
    assert len(started) == 1 and names == {f"lstm-seed-0-{record.started_at}"}
    keys = {key for _, metrics in logged for key in metrics}
    assert {"train/loss", "eval/accuracy"} <= keys
    assert [key for key in keys if "test" in key], json.dumps(sorted(keys))
