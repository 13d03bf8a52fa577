"""The metrics follow the interface of `evaluate`, and use neither the network nor the disk."""

import os
import subprocess
import sys

import evaluate
import pytest
import torch
from metric_samples import sample_result

from hfseq.errors import HfseqError
from hfseq.metrics import load
from hfseq.registry import metrics

COMPUTE_WITHOUT_NETWORK = """
import socket

def refuse(*args, **kwargs):
    raise RuntimeError("the metric used the network")

socket.socket.connect = socket.create_connection = socket.getaddrinfo = refuse
from hfseq.registry import metrics
from metric_samples import sample_result

for name in metrics():
    assert sample_result(name), name
"""


def test_batches_are_accumulated():
    metric = load("accuracy")
    for guess, truth in (([0, 1], [0, 0]), (torch.tensor([1, 1]), torch.tensor([1, 1]))):
        metric.add_batch(predictions=guess, references=truth)
    metric.add(prediction=0, reference=1)
    assert metric.compute() == {"accuracy": 0.6}
    # The next evaluation starts without rows.
    assert metric.compute(predictions=[1], references=[1]) == {"accuracy": 1.0}


def test_batches_of_probabilities_are_accumulated():
    metric = load("log_loss")
    metric.add_batch(predictions=torch.tensor([[0.5, 0.5]]), references=torch.tensor([0]))
    metric.add_batch(predictions=[[0.5, 0.5]], references=[1])
    assert metric.compute()["log_loss"] == pytest.approx(0.6931472)


def test_compute_without_batches_is_rejected():
    with pytest.raises(HfseqError, match="accuracy: nothing to compute; call add_batch first"):
        load("accuracy").compute()


def test_metrics_can_be_combined():
    combined = evaluate.combine([load("accuracy"), load("f1"), load("matthews_correlation")])
    combined.add_batch(predictions=[0, 1], references=[0, 1])
    combined.add_batch(predictions=[1], references=[0])
    result = combined.compute()
    assert result == {
        "accuracy": pytest.approx(2 / 3),
        "f1": pytest.approx(2 / 3),
        "matthews_correlation": pytest.approx(0.5),
    }
    twice = evaluate.combine({"first": load("mse"), "second": load("mse")})
    assert twice.compute(predictions=[1.0], references=[3.0]) == {"first_mse": 4.0, "second_mse": 4.0}


def test_metrics_write_no_files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in metrics():
        assert sample_result(name, cache_dir=str(tmp_path / "cache"))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("keep_in_memory", [None, False])
def test_two_instances_do_not_share_rows(tmp_path, keep_in_memory):
    first, second = (metrics()["accuracy"](cache_dir=str(tmp_path), keep_in_memory=keep_in_memory) for _ in range(2))
    first.add_batch(predictions=[0, 0], references=[0, 0])
    second.add_batch(predictions=[1], references=[0])
    first.add_batch(predictions=[0, 0], references=[1, 0])
    assert second.compute() == {"accuracy": 0.0}
    assert first.compute() == {"accuracy": 0.75}


@pytest.mark.slow
def test_two_processes_compute_at_the_same_time_online_and_offline(tmp_path):
    base = {key: value for key, value in os.environ.items() if not key.startswith("HF_")}
    base |= {"HF_HOME": str(tmp_path), "PYTHONPATH": os.pathsep.join(sys.path), "OMP_NUM_THREADS": "1"}
    runs = [
        subprocess.Popen(
            [sys.executable, "-c", COMPUTE_WITHOUT_NETWORK],
            env=base | offline,
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for offline in ({}, {"HF_HUB_OFFLINE": "1"})
    ]
    outputs = [run.communicate(timeout=120)[0] for run in runs]
    assert outputs == ["", ""]
    assert [run.returncode for run in runs] == [0, 0]
