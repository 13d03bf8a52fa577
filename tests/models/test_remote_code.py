"""A saved model loads where hfseq is not installed, and gives the same numbers there to the last bit."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from ragged import CELLS, make_rows, pad_rows
from small import WITHOUT_HFSEQ
from test_recurrent_models import TestRecurrentForSequenceClassification as Classifier
from transformers import AutoModel, AutoModelForSequenceClassification
from transformers.dynamic_module_utils import get_imports

import hfseq.models.recurrent
from hfseq import RecurrentForSequenceClassification, RecurrentModel
from hfseq.data.tokenizers import train_tokenizer

TEXTS = ["a good film", "bad", "good good bad film, a film"]
FOLDER = Path(hfseq.models.recurrent.__file__).parent
CODE = {path.name for path in FOLDER.glob("*.py")} - {"__init__.py"}

# Each takes its working folder from the command line, and cannot import hfseq.
PRELUDE = (
    WITHOUT_HFSEQ
    + """
from pathlib import Path

import torch
from transformers import AutoModel, AutoModelForSequenceClassification, AutoTokenizer, pipeline

torch.set_num_threads(1)
work = Path(sys.argv[1])
"""
)

LOAD = """
batch, mask, expected = (torch.load(work / "expected.pt")[name] for name in ("batch", "mask", "cells"))

def check(folder, cell):
    for auto, key in ((AutoModelForSequenceClassification, "logits"), (AutoModel, "hidden")):
        model = auto.from_pretrained(folder, trust_remote_code=True)
        assert type(model).__module__.startswith("transformers_modules"), type(model)
        found = model(batch, attention_mask=mask)[0]
        assert torch.equal(found, expected[cell][key]), (folder, key)
        yield model

for cell in expected:
    classifier, _ = check(work / cell, cell)
    classifier.save_pretrained(work / "again" / cell)
    list(check(work / "again" / cell, cell))

texts = sys.argv[2:]
classify = pipeline("text-classification", str(work / "lstm"), trust_remote_code=True, top_k=None, device="cpu")
tokenizer = AutoTokenizer.from_pretrained(work / "lstm")
logits = classifier.from_pretrained(work / "lstm")(**tokenizer(texts, padding=True, return_tensors="pt")).logits
for scores, row in zip(classify(texts, batch_size=3), logits.softmax(-1), strict=True):
    found = {score["label"]: score["score"] for score in scores}
    assert all(abs(found[f"LABEL_{i}"] - value) < 1e-6 for i, value in enumerate(row.tolist())), (found, row)
print("all equal")
"""

REFUSE = """
AutoModelForSequenceClassification.from_pretrained(work / "lstm")
"""


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A folder with a classifier of each cell, and what they give for a ragged batch, computed on one thread."""
    work = tmp_path_factory.mktemp("remote")
    patch = pytest.MonkeyPatch()
    tokenizer = train_tokenizer("word", TEXTS * 2, vocab_size=23)
    batch, mask = pad_rows(make_rows(), "mixed", 1)
    expected = {}
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        # The compiled kernel is not there without hfseq.
        patch.setenv("HFSEQ_ENGINE", "torch")
        for cell_type in CELLS:
            model = Classifier().make_model(cell_type=cell_type)
            model.save_pretrained(work / cell_type)
            tokenizer.save_pretrained(work / cell_type)
            with torch.no_grad():
                expected[cell_type] = {
                    "logits": model(batch, attention_mask=mask).logits,
                    "hidden": model.model(batch, attention_mask=mask).last_hidden_state,
                }
    finally:
        patch.undo()
        torch.set_num_threads(threads)
    torch.save({"batch": batch, "mask": mask, "cells": expected}, work / "expected.pt")
    return work


def run_without_hfseq(script, work, tmp_path, *arguments):
    environment = os.environ | {"HF_HOME": str(tmp_path / "hf"), "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
    # A cache named by itself would win over HF_HOME.
    for name in ("HF_MODULES_CACHE", "HF_HUB_CACHE", "PYTHONPATH"):
        environment.pop(name, None)
    return subprocess.run(
        [sys.executable, "-I", "-c", PRELUDE + script, str(work), *arguments],
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        cwd=tmp_path,
    )


@pytest.mark.parametrize("cell_type", CELLS)
def test_folder_holds_the_code_it_needs_and_no_more(saved, cell_type):
    assert {path.name for path in (saved / cell_type).iterdir() if path.suffix == ".py"} == CODE
    assert not any(path.is_dir() for path in (saved / cell_type).iterdir())
    # What transformers demands of the process that loads the code.
    for name in CODE:
        assert "hfseq" not in get_imports(saved / cell_type / name)


def test_loads_without_hfseq(saved, tmp_path):
    done = run_without_hfseq(LOAD, saved, tmp_path, *TEXTS)
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("all equal\n")
    assert {path.name for path in (saved / "again" / "lstm").glob("*.py")} == CODE


def test_code_is_run_only_on_request(saved, tmp_path):
    done = run_without_hfseq(REFUSE, saved, tmp_path)
    assert done.returncode == 1
    assert "Please pass the argument `trust_remote_code=True` to allow custom code to be run." in done.stderr


@pytest.mark.parametrize("trust", [{}, {"trust_remote_code": True}], ids=["by default", "trusted"])
def test_with_hfseq_its_own_classes_are_used(saved, trust):
    # Both, because code that the package itself provides is preferred to a copy of it.
    assert type(AutoModel.from_pretrained(saved / "gru", **trust)) is RecurrentModel
    loaded = AutoModelForSequenceClassification.from_pretrained(saved / "gru", **trust)
    assert type(loaded) is RecurrentForSequenceClassification
