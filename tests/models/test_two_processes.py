"""Two processes with half of a batch each have the same loss and gradients as one process, for all heads."""

import os
import subprocess
import sys

import pytest
import torch
from head_table import REGISTERED, all_tests
from ragged import gradients
from transformers import Trainer, TrainingArguments
from transformers.utils import find_labels

# Script of each process: each model gets half of the batch, with DistributedDataParallel, and the loss is scaled as in
# Trainer.
SCRIPT = """
import sys

import torch
from torch import distributed
from torch.nn.parallel import DistributedDataParallel

import hfseq

torch.set_num_threads(1)
folder, rank = sys.argv[1], int(sys.argv[2])
distributed.init_process_group("gloo", init_method=f"file://{folder}/rendezvous", rank=rank, world_size=2)
for name, (model, halves, items, loss, expected) in torch.load(f"{folder}/heads.pt", weights_only=False).items():
    parallel = DistributedDataParallel(model)
    half = parallel(**halves[rank], num_items_in_batch=items).loss * 2
    half.backward()
    total = half.detach() / 2
    distributed.all_reduce(total)
    found = {key: parameter.grad for key, parameter in model.named_parameters()}
    wrong = [key for key, grad in found.items() if not torch.allclose(grad, expected[key], rtol=1e-4, atol=1e-6)]
    if not torch.allclose(total, loss):
        wrong.append("loss")
    print(name, f"has other values of {wrong}" if wrong else "equal")
distributed.destroy_process_group()
"""
HEADS = {name: tests for name, tests in all_tests().items() if hasattr(tests, "make_batch")}


def make_case(tests, folder):
    """A model, the halves of a batch, and the results of one process for the whole batch."""
    model = tests.make_model()
    batch = tests.make_batch(model)
    loss = model(**batch).loss
    halves = [{name: value[part] for name, value in batch.items()} for part in (slice(0, 3), slice(3, None))]
    trainer = Trainer(model, TrainingArguments(folder, use_cpu=True, report_to="none"))
    _, items = trainer.get_batch_samples(iter(halves), 2, torch.device("cpu"))
    return model, halves, items, loss.detach(), gradients(model, loss)


@pytest.fixture(scope="module")
def outputs_of_processes(tmp_path_factory):
    """The output of two processes. There is one pair for all heads, because it takes seconds to start."""
    folder = tmp_path_factory.mktemp("two")
    torch.save({name: make_case(tests, folder) for name, tests in HEADS.items()}, folder / "heads.pt")
    environment = os.environ | {"HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
    started = [
        subprocess.Popen(
            [sys.executable, "-c", SCRIPT, str(folder), rank],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in "01"
    ]
    try:
        return [process.communicate(timeout=120) for process in started]
    finally:
        for process in started:
            process.kill()


def test_all_heads_have_tests():
    missing = {model_class.__name__ for model_class in REGISTERED} - set(all_tests())
    assert not missing, "no test file here has a class of tests with that model_class"
    # A backbone has no labels, and those of a forecasting model have another name.
    assert {model_class.__name__ for model_class in REGISTERED if find_labels(model_class)} == set(HEADS)


@pytest.mark.slow
@pytest.mark.parametrize("name", HEADS)
def test_two_processes_have_the_loss_of_one(outputs_of_processes, name):
    for output, errors in outputs_of_processes:
        assert f"{name} equal\n" in output, output + errors
