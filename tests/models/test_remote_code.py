"""A saved model loads where hfseq is not installed, and gives the same numbers there to the last bit."""

import ast
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from head_table import REGISTERED, all_tests
from ragged import CELLS, make_rows, pad_rows
from small import WITHOUT_HFSEQ
from test_recurrent_models import TestRecurrentForSequenceClassification as Classifier
from transformers import AutoModel, AutoModelForSequenceClassification
from transformers.dynamic_module_utils import get_imports

import hfseq.models.recurrent
from hfseq import RecurrentForSequenceClassification, RecurrentModel
from hfseq.modalities.text.tokenizers import train_tokenizer

TEXTS = ["a good film", "bad", "good good bad film, a film"]
FOLDER = Path(hfseq.models.recurrent.__file__).parent
ALL_CODE = {path.name for path in FOLDER.glob("*.py")} - {"__init__.py", "auto_classes.py"}


def code_of(model_class):
    """The files that a class needs: its own, that of its configuration, and what these import."""
    found, waiting = set(), [sys.modules[one.__module__] for one in (model_class, model_class.config_class)]
    waiting = [Path(module.__file__) for module in waiting]
    while waiting:
        path = waiting.pop()
        if path.name in found:
            continue
        found.add(path.name)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.level:
                waiting.append(path.with_name(f"{node.module}.py"))
    return found


CODE = code_of(RecurrentForSequenceClassification)

# Each takes its working folder from the command line, and cannot import hfseq.
PRELUDE = (
    WITHOUT_HFSEQ
    + """
from pathlib import Path

import torch
import transformers
from transformers import AutoModel, AutoModelForSequenceClassification, AutoTokenizer, pipeline

torch.set_num_threads(1)
work = Path(sys.argv[1])
"""
)

LOAD = """
batch, mask, expected, heads = torch.load(work / "expected.pt").values()

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

for name, head in heads.items():
    equal = True
    for auto in head["auto_classes"]:
        model = getattr(transformers, auto).from_pretrained(work / "heads" / name, trust_remote_code=True)
        assert type(model).__module__.startswith("transformers_modules") and type(model).__name__ == name, type(model)
        with torch.no_grad():
            equal &= torch.equal(model(**head["inputs"])[0], head["output"])
    if "generated" in head:
        equal &= torch.equal(model.generate(**head["inputs"], max_new_tokens=5), head["generated"])
    print(name, "equal" if equal else "different")
"""

REFUSE = """
AutoModelForSequenceClassification.from_pretrained(work / "lstm")
"""


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A folder with a classifier of each cell, and one of each head, and what they give for a ragged batch, computed
    on one thread."""
    work = tmp_path_factory.mktemp("remote")
    patch = pytest.MonkeyPatch()
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        # The compiled kernel is not there without hfseq.
        patch.setenv("HFSEQ_ENGINE", "torch")
        with torch.no_grad():
            batch, mask = pad_rows(make_rows(), "mixed", 1)
            cells = {cell_type: save_classifier(work / cell_type, cell_type, batch, mask) for cell_type in CELLS}
            tests = all_tests()
            heads = {
                model_class.__name__: save_head(work / "heads", model_class, tests[model_class.__name__])
                for model_class in REGISTERED
                # What has no tests fails below, by itself.
                if model_class.__name__ in tests
            }
    finally:
        patch.undo()
        torch.set_num_threads(threads)
    torch.save({"batch": batch, "mask": mask, "cells": cells, "heads": heads}, work / "expected.pt")
    return work


def save_classifier(folder, cell_type, batch, mask):
    model = Classifier().make_model(cell_type=cell_type)
    model.save_pretrained(folder)
    train_tokenizer("word", TEXTS * 2, vocab_size=23).save_pretrained(folder)
    return {
        "logits": model(batch, attention_mask=mask).logits,
        "hidden": model.model(batch, attention_mask=mask).last_hidden_state,
    }


def save_head(folder, model_class, tests):
    model = tests.make_model()
    model.save_pretrained(folder / model_class.__name__)
    inputs = tests.make_inputs(model)
    head = {"auto_classes": REGISTERED[model_class], "inputs": inputs, "output": model(**inputs)[0]}
    if "AutoModelForCausalLM" in REGISTERED[model_class]:
        head["generated"] = model.generate(**inputs, max_new_tokens=5)
    return head


@pytest.fixture(scope="module")
def loaded(saved, tmp_path_factory):
    """What a process without hfseq says that it has loaded: one for all of them, as it takes seconds to start."""
    return run_without_hfseq(LOAD, saved, tmp_path_factory.mktemp("elsewhere"), *TEXTS)


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


@pytest.mark.parametrize("model_class", REGISTERED)
def test_the_folder_of_each_head_holds_its_own_code(saved, model_class):
    folder = saved / "heads" / model_class.__name__
    found = {path.name for path in folder.glob("*.py")}
    assert found == code_of(model_class)
    assert len(found) < len(ALL_CODE)
    auto_map = json.loads((folder / "config.json").read_text())["auto_map"]
    expected = {*REGISTERED[model_class], "AutoConfig"}
    assert set(auto_map) == expected | ({"AutoModel"} if model_class.base_model_prefix else set())
    for reference in auto_map.values():
        file, _, name = reference.partition(".")
        assert f"class {name}(" in (folder / f"{file}.py").read_text()


def test_all_code_travels_with_some_head(saved):
    travelling = set().union(*(code_of(model_class) for model_class in REGISTERED))
    assert travelling == ALL_CODE


def test_a_class_of_ones_own_is_saved_with_its_own_code(tmp_path):
    (tmp_path / "modeling_own.py").write_text(
        "from hfseq import RecurrentForSequenceClassification\n\n\n"
        "class Own(RecurrentForSequenceClassification):\n    pass\n"
    )
    patch = pytest.MonkeyPatch()
    patch.syspath_prepend(str(tmp_path))
    import modeling_own

    modeling_own.Own(Classifier().make_model().config).save_pretrained(tmp_path / "own")
    patch.undo()
    auto_map = json.loads((tmp_path / "own" / "config.json").read_text())["auto_map"]
    assert set(auto_map) - {"AutoConfig"} == set(RecurrentForSequenceClassification.auto_classes())
    assert auto_map["AutoModelForSequenceClassification"] == "modeling_own.Own"
    for reference in auto_map.values():
        assert (tmp_path / "own" / f"{reference.partition('.')[0]}.py").is_file()


def test_loads_without_hfseq(saved, loaded):
    assert loaded.returncode == 0, loaded.stderr
    assert "all equal\n" in loaded.stdout
    assert {path.name for path in (saved / "again" / "lstm").glob("*.py")} == CODE


@pytest.mark.parametrize("model_class", REGISTERED)
def test_every_head_loads_without_hfseq(loaded, model_class):
    assert f"{model_class.__name__} equal\n" in loaded.stdout, loaded.stdout + loaded.stderr


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
