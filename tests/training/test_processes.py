"""Two processes train as one does: the recipe under torchrun and under accelerate launch."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from small import TINY

from hfseq import RunRecord

RECIPES = Path(__file__).parents[2] / "recipes"
RECIPE = RECIPES / "sequence_classification.py"
ONE = [sys.executable]
TORCHRUN = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2"]
ACCELERATE = [
    sys.executable, "-m", "accelerate.commands.accelerate_cli", "launch", "--config_file",
    str(RECIPES / "accelerate_configs" / "two_processes.yaml"), "--main_process_port",
]  # fmt: skip
# Two processes cannot share the test examples evenly: accelerate repeats some.
UNEVEN = {"per_device_eval_batch_size": 6, "max_predict_samples": 39}


def free_port() -> str:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return str(listener.getsockname()[1])


def train(launcher, folder, environment, **settings):
    # Without dropout, whose masks differ from process to process, the arithmetic is the same.
    overrides = "hidden_size=8,embedding_size=8,dropout=0,embedding_dropout=0,classifier_dropout=0"
    values = {**TINY, "config_overrides": overrides, "logging_strategy": "steps", "logging_steps": 1, **settings}
    if launcher is TORCHRUN:
        del values["use_cpu"]  # the commands of the recipes do not have it: without a GPU, the CPU is used
    flags = [f"--{name}={value}" for name, value in values.items()]
    command = [*launcher, str(RECIPE), f"--output_dir={folder}", *flags]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr[-3000:]
    return RunRecord.load(folder)


@pytest.fixture(scope="module")
def environment():
    return {**os.environ, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}


@pytest.fixture(scope="module")
def alone(tmp_path_factory, reviews, environment):
    folder = tmp_path_factory.mktemp("alone") / "run"
    return folder, train(ONE, folder, environment, dataset=reviews, per_device_train_batch_size=16, **UNEVEN)


@pytest.mark.slow
@pytest.mark.parametrize("launcher", [TORCHRUN, ACCELERATE], ids=["torchrun", "accelerate"])
def test_two_processes_equal_one_with_the_same_total_batch(launcher, alone, reviews, environment, tmp_path):
    one_folder, one = alone
    launcher = [*launcher, free_port()] if launcher is ACCELERATE else launcher
    two = train(launcher, tmp_path / "run", environment, dataset=reviews, per_device_train_batch_size=8, **UNEVEN)
    assert one.num_processes == 1
    assert two.num_processes == 2
    assert two.costs["steps"] == one.costs["steps"]
    assert two.metrics["train"]["loss"] == pytest.approx(one.metrics["train"]["loss"], rel=1e-4)
    assert two.metrics["test"]["accuracy"] == one.metrics["test"]["accuracy"]
    assert two.environment["num_processes"] == 2
    for split in ("validation", "test"):
        assert two.metrics[split]["loss"] == pytest.approx(one.metrics[split]["loss"], rel=1e-4)
    assert two.metrics["test"]["log_loss"] == pytest.approx(one.metrics["test"]["log_loss"], rel=1e-4)
    weights = load_file(tmp_path / "run" / "model.safetensors")
    for name, value in load_file(one_folder / "model.safetensors").items():
        torch.testing.assert_close(weights[name], value, rtol=1e-3, atol=1e-5, msg=name)
