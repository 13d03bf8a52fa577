"""A saved model loads where hfseq is not installed, with identical outputs."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import transformers
from encoder_decoder_cases import make_model as make_encoder_decoder
from head_table import REGISTERED, all_tests
from own_cells import PLUGINS, registered_cells
from own_code.configuration_reviews import ReviewsConfig
from own_code.modeling_reviews import ReviewsClassifier
from ragged import CELLS, SMALL, make_rows, pad_rows
from small import WITHOUT_HFSEQ
from test_recurrent_models import TestRecurrentForSequenceClassification as Classifier
from transformers import AutoModel, AutoModelForSequenceClassification
from transformers.dynamic_module_utils import get_imports

import hfseq.models.recurrent
from hfseq import RecurrentForSequenceClassification, RecurrentModel
from hfseq.modalities.text.tokenizers import train_tokenizer

TEXTS = ["a good film", "bad", "good good bad film, a film"]
# Code in a saved folder: files of all models, and further files of each head.
BACKBONE = {
    "cell_types", "compiled_kernels", "configuration_recurrent", "engines", "layer_weights", "min_cells",
    "modeling_recurrent", "packed_cells", "packed_lstm", "packed_recurrence", "packed_walk", "plugin_cells",
    "recurrent_cell", "recurrent_stack", "sequence_layout",
}  # fmt: skip
HEADS = {
    "RecurrentModel": set(),
    "RecurrentForCTC": {"ctc_decoding", "losses", "modeling_ctc"},
    "RecurrentForCausalLM": {"generation", "losses", "modeling_causal_lm"},
    "RecurrentForSequenceClassification": {"losses", "modeling_sequence_classification", "pooling"},
    "RecurrentForTimeSeriesPrediction": {"losses", "modeling_time_series", "pooling", "series_history"},
    "RecurrentForTokenClassification": {"crf", "losses", "modeling_token_classification", "tag_schemes"},
    "RecurrentEncoderDecoder": {
        "attention", "configuration_encoder_decoder", "generation", "input_feeding", "losses",
        "modeling_encoder_decoder", "recurrent_decoder", "source_encoder", "target_tokens",
    },
}  # fmt: skip
CODE = {f"{name}.py" for name in BACKBONE | HEADS["RecurrentForSequenceClassification"]}
# Saved folders with code of a package outside hfseq -> the files of that code.
OWN = {"mgu": {"cells", "gates"}, "coupled-lstm": {"cells", "gates"}, "decoder": {"cells", "gates"},
       "reviews": {"configuration_reviews", "modeling_reviews"}}  # fmt: skip

# Beginning of all scripts. They get the working folder from the command line, and cannot import hfseq.
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

for name, (auto, inputs, expected) in torch.load(work / "own.pt", weights_only=False).items():
    model = getattr(transformers, auto).from_pretrained(work / "own" / name, trust_remote_code=True)
    again = work / "own again" / name
    model.save_pretrained(again)
    files = [sorted(path.name for path in folder.glob("*.py")) for folder in (work / "own" / name, again)]
    assert files[0] == files[1], files
    reloaded = type(model).from_pretrained(again)
    backbone = model if auto == "AutoModelForSeq2SeqLM" else AutoModel.from_pretrained(again, trust_remote_code=True)
    with torch.no_grad():
        equal = torch.equal(model(**inputs)[0], expected) and torch.equal(reloaded(**inputs)[0], expected)
    print(name, type(model).__name__, type(backbone).__name__, "equal" if equal else "different")
"""

REFUSE = """
AutoModelForSequenceClassification.from_pretrained(work / "lstm")
"""


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A folder with a classifier of each cell, a model of each head, and their outputs for a ragged batch, computed
    with one thread."""
    work = tmp_path_factory.mktemp("remote")
    patch = pytest.MonkeyPatch()
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        # Without hfseq there is no compiled kernel.
        patch.setenv("HFSEQ_ENGINE", "torch")
        with torch.no_grad():
            batch, mask = pad_rows(make_rows(), "mixed", 1)
            cells = {cell_type: save_classifier(work / cell_type, cell_type, batch, mask) for cell_type in CELLS}
            tests = all_tests()
            heads = {
                model_class.__name__: save_head(work / "heads", model_class, tests[model_class.__name__])
                for model_class in REGISTERED
                # A model without tests fails in another test.
                if model_class.__name__ in tests
            }
            save_own(work)
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


def save_own(work):
    """Models with a cell or a class of a package outside hfseq."""
    ids = {"input_ids": pad_rows(make_rows(), "mixed", 1)[0], "attention_mask": pad_rows(make_rows(), "mixed", 1)[1]}
    classifier = "AutoModelForSequenceClassification"
    with registered_cells():
        models = {name: (classifier, Classifier().make_model(cell_type=name), ids) for name in PLUGINS}
        writer = make_encoder_decoder(cell_type="mgu", attention="additive", input_feeding=True)
        inputs = {"input_ids": torch.ones(2, 3, dtype=torch.long), "decoder_input_ids": torch.tensor([[1, 3], [1, 4]])}
        models["decoder"] = "AutoModelForSeq2SeqLM", writer, inputs
        reviews = ReviewsClassifier(ReviewsConfig(**SMALL, temperature=0.5)).eval()
        models["reviews"] = classifier, reviews, ids
        expected = {}
        for name, (auto_class, model, inputs) in models.items():
            model.save_pretrained(work / "own" / name)
            expected[name] = auto_class, inputs, model(**inputs)[0]
    torch.save(expected, work / "own.pt")


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
    """The output of a process without hfseq. There is one for all tests, because it takes seconds to start."""
    return run_without_hfseq(LOAD, saved, tmp_path_factory.mktemp("elsewhere"), *TEXTS)


def run_without_hfseq(script, work, tmp_path, *arguments):
    environment = os.environ | {"HF_HOME": str(tmp_path / "hf"), "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
    # These variables have priority over HF_HOME.
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
    # Packages that transformers requires for loading the code.
    for name in CODE:
        assert "hfseq" not in get_imports(saved / cell_type / name)


@pytest.mark.parametrize("model_class", REGISTERED)
def test_folder_of_each_head_holds_only_its_own_code(saved, model_class):
    folder = saved / "heads" / model_class.__name__
    assert {path.stem for path in folder.glob("*.py")} == BACKBONE | HEADS[model_class.__name__]
    auto_map = json.loads((folder / "config.json").read_text())["auto_map"]
    expected = {*REGISTERED[model_class], "AutoConfig"}
    assert set(auto_map) == expected | ({"AutoModel"} if model_class.base_model_prefix else set())
    for reference in auto_map.values():
        file, _, name = reference.partition(".")
        assert f"class {name}(" in (folder / f"{file}.py").read_text()


def test_every_file_of_the_family_is_saved_with_some_head():
    files = {path.stem for path in Path(hfseq.models.recurrent.__file__).parent.glob("*.py")} - {"__init__"}
    assert BACKBONE.union(*HEADS.values()) == files


@pytest.mark.parametrize("name", OWN)
def test_folder_holds_code_from_outside_hfseq(saved, name):
    folder = saved / "own" / name
    found = {path.stem for path in folder.glob("*.py")}
    head = "RecurrentEncoderDecoder" if name == "decoder" else "RecurrentForSequenceClassification"
    assert found == BACKBONE | HEADS[head] | OWN[name]
    for path in folder.glob("*.py"):
        assert "hfseq" not in get_imports(path)
    config = json.loads((folder / "config.json").read_text())
    assert config.get("cell_plugin") == (None if name == "reviews" else "own_code.cells")
    if name == "reviews":
        assert config["auto_map"] == {
            "AutoConfig": "configuration_reviews.ReviewsConfig",
            "AutoModel": "modeling_reviews.ReviewsModel",
            "AutoModelForAudioClassification": "modeling_reviews.ReviewsClassifier",
            "AutoModelForSequenceClassification": "modeling_reviews.ReviewsClassifier",
        }


@pytest.mark.parametrize("name", OWN)
def test_code_from_outside_hfseq_loads_without_hfseq(loaded, name):
    classes = {
        "reviews": "ReviewsClassifier ReviewsModel",
        "decoder": "RecurrentEncoderDecoder RecurrentEncoderDecoder",
    }
    shown = classes.get(name, "RecurrentForSequenceClassification RecurrentModel")
    assert f"{name} {shown} equal\n" in loaded.stdout, loaded.stdout + loaded.stderr


def test_code_from_outside_hfseq_loads_with_hfseq(saved):
    expected = torch.load(saved / "own.pt", weights_only=False)
    with registered_cells(), torch.no_grad():
        for name, (auto_class, inputs, output) in expected.items():
            folder = saved / "own" / name
            model = getattr(transformers, auto_class).from_pretrained(folder, trust_remote_code=True).eval()
            torch.testing.assert_close(model(**inputs)[0], output, rtol=1e-5, atol=1e-6)
    own = ReviewsClassifier.from_pretrained(saved / "own" / "reviews")
    assert own.config.temperature == 0.5 and type(own.config) is ReviewsConfig


def test_class_with_a_configuration_of_hfseq_names_itself(tmp_path):
    """The file of the class imports hfseq, which the saved folder does not need."""
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
    assert auto_map == {
        "AutoConfig": "configuration_recurrent.RecurrentConfig",
        "AutoModel": "modeling_recurrent.RecurrentModel",
        "AutoModelForAudioClassification": "modeling_own.Own",
        "AutoModelForSequenceClassification": "modeling_own.Own",
    }
    assert {path.name for path in (tmp_path / "own").glob("*.py")} == CODE | {"modeling_own.py"}
    code = (tmp_path / "own" / "modeling_own.py").read_text()
    assert code.startswith("from .modeling_sequence_classification import RecurrentForSequenceClassification\n")


def test_class_without_a_file_is_saved_with_a_warning(tmp_path):
    class Local(RecurrentForSequenceClassification):
        pass

    with pytest.warns(UserWarning, match="Local is defined in another class or function, so its code is not saved"):
        Local(Classifier().make_model().config).save_pretrained(tmp_path)


def test_file_with_the_name_of_a_file_of_hfseq_is_an_error(tmp_path, monkeypatch):
    (tmp_path / "pooling.py").write_text(
        "from hfseq import RecurrentModel\n\n\nclass Own(RecurrentModel):\n    pass\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "pooling", raising=False)
    import pooling

    with pytest.raises(ValueError, match=r"pooling\.py cannot be saved with the model, because hfseq has a file"):
        pooling.Own(Classifier().make_model().config).save_pretrained(tmp_path / "saved")


def test_two_files_of_the_same_name_are_an_error(tmp_path, monkeypatch):
    for name, base in (("one", "RecurrentModel"), ("other", "RecurrentConfig")):
        (tmp_path / f"own_{name}").mkdir()
        (tmp_path / f"own_{name}" / "parts.py").write_text(
            f"from hfseq import {base}\n\n\nclass Own{base}({base}):\n    pass\n"
        )
    monkeypatch.syspath_prepend(str(tmp_path))
    from own_one.parts import OwnRecurrentModel
    from own_other.parts import OwnRecurrentConfig

    with pytest.raises(ValueError, match=r"cannot be saved in one folder: rename one file"):
        OwnRecurrentModel(OwnRecurrentConfig(**SMALL)).save_pretrained(tmp_path / "saved")


def test_import_that_cannot_be_saved_is_named(tmp_path, monkeypatch):
    package = tmp_path / "own_package"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "parts.py").touch()
    (package / "modeling_parts.py").write_text(
        "from hfseq import RecurrentModel\n\nfrom . import parts\n\n\nclass Own(RecurrentModel):\n    pass\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    from own_package import modeling_parts

    with pytest.warns(UserWarning, match=r"modeling_parts\.py, line 3: this import cannot be saved with the model"):
        modeling_parts.Own(Classifier().make_model().config).save_pretrained(tmp_path / "saved")


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
def test_installed_classes_are_preferred_to_saved_code(saved, trust):
    # In both cases, because installed code is preferred to saved code.
    assert type(AutoModel.from_pretrained(saved / "gru", **trust)) is RecurrentModel
    loaded = AutoModelForSequenceClassification.from_pretrained(saved / "gru", **trust)
    assert type(loaded) is RecurrentForSequenceClassification
