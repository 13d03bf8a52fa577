"""A model that is pushed over HTTP, and loaded without hfseq."""

import json
import os
import subprocess
import sys

import pytest
from small import TINY, WITHOUT_HFSEQ

LOAD = (
    WITHOUT_HFSEQ
    + """
import json, torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer, pipeline
torch.set_num_threads(1)
texts = json.loads(sys.argv[2])
options = {"trust_remote_code": True}
tokenizer = AutoTokenizer.from_pretrained(sys.argv[1], **options)
model = AutoModelForSequenceClassification.from_pretrained(sys.argv[1], **options).eval()
with torch.no_grad():
    logits = [model(**tokenizer(text, return_tensors="pt")).logits[0].tolist() for text in texts]
answers = pipeline("text-classification", model=sys.argv[1], **options)(texts)
print(json.dumps({"logits": logits, "labels": [answer["label"] for answer in answers]}))
"""
)

TEXTS = ["a lovely day", "the film was dull and it rained", "lovely"]


def run(script, *arguments, environment):
    process = subprocess.run(
        [sys.executable, *script, *arguments],
        env=environment,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
    )
    assert process.returncode == 0, process.stderr[-3000:]
    return process.stdout


@pytest.fixture(scope="module")
def pushed(tmp_path_factory, reviews):
    """A loopback Hub with a model that was pushed by `hfseq train --push_to_hub`."""
    from loopback_hub import LoopbackHub

    folder = tmp_path_factory.mktemp("push")
    with LoopbackHub() as hub:
        environment = {**hub.environment(folder / "hf"), "OMP_NUM_THREADS": "1"}
        flags = [f"--{name}={value}" for name, value in TINY.items()]
        run(
            ["-m", "hfseq", "train", *flags], f"--dataset={reviews}", f"--output_dir={folder / 'run'}",
            "--push_to_hub", "--hub_model_id=tester/tiny-lstm", environment=environment,
        )  # fmt: skip
        yield hub, folder / "run", environment


def test_push_uploads_model_card_and_record(pushed, reviews):
    hub, folder, _ = pushed
    files = hub.repository("models", "tester/tiny-lstm").files
    assert files["model.safetensors"] == (folder / "model.safetensors").read_bytes()
    assert {"config.json", "tokenizer.json", "modeling_recurrent.py", "README.md", "run.json"} <= set(files)
    assert not [name for name in files if name.startswith(("checkpoint", "_", "training_args"))]
    card = files["README.md"].decode()
    record = json.loads(files["run.json"])
    assert record["status"] == "finished"
    # The record does not contain paths of the machine that created it.
    assert (
        str(folder.parent) not in files["run.json"].decode() and str(reviews.parent) not in files["run.json"].decode()
    )
    assert record["data"]["dataset"] == record["config"]["dataset"] == f"./{reviews.name}"
    assert "tester/tiny-lstm" in card and "trust_remote_code=True" in card
    assert f"{record['metrics']['test']['f1_macro']:.4f}".rstrip("0") in card


def test_pushed_model_gives_identical_logits_without_hfseq(pushed, tmp_path, monkeypatch):
    monkeypatch.setenv("HFSEQ_ENGINE", "torch")  # the engine that is saved with the model
    hub, folder, _ = pushed
    environment = {**hub.environment(tmp_path / "fresh"), "OMP_NUM_THREADS": "1"}
    found = json.loads(run(["-c", LOAD], "tester/tiny-lstm", json.dumps(TEXTS), environment=environment))

    import torch

    from hfseq.inference.predictor import Predictor

    predictor = Predictor.load(str(folder), device="cpu")
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with torch.no_grad():
            expected = [
                predictor.model(**predictor.processor(text, return_tensors="pt")).logits[0].tolist() for text in TEXTS
            ]
    finally:
        torch.set_num_threads(threads)
    assert found["logits"] == expected
    assert found["labels"] == [prediction.labels[0] for prediction in predictor(TEXTS)]


@pytest.mark.slow
def test_evaluate_accepts_hub_ids_of_model_and_data_set(pushed, reviews, tmp_path):
    hub, _, _ = pushed
    hub.add_dataset("tester/reviews", reviews)
    environment = {**hub.environment(tmp_path / "fresh"), "OMP_NUM_THREADS": "1"}
    out = run(
        ["-m", "hfseq", "evaluate", "tester/tiny-lstm"], "--dataset=tester/reviews", "--format=json",
        environment=environment,
    )  # fmt: skip
    record = json.loads(hub.repository("models", "tester/tiny-lstm").files["run.json"])
    assert json.loads(out)["accuracy"] == pytest.approx(record["metrics"]["test"]["accuracy"])


@pytest.mark.slow
def test_unknown_hub_ids_are_rejected_with_exit_code_2(pushed, reviews, tmp_path):
    hub, _, _ = pushed
    environment = {**hub.environment(tmp_path / "fresh"), "OMP_NUM_THREADS": "1"}
    for words, message in (
        (["predict", "tester/nothing", "--text", "x"], "no model 'tester/nothing'"),
        (["train", "--dataset", "tester/nothing", f"--output_dir={tmp_path / 'run'}"], "tester/nothing"),
    ):
        process = subprocess.run(
            [sys.executable, "-m", "hfseq", *words], env=environment, capture_output=True, text=True,
            stdin=subprocess.DEVNULL, timeout=240,
        )  # fmt: skip
        assert process.returncode == 2, process.stderr[-2000:]
        assert message in process.stderr and "Traceback" not in process.stderr
    assert not os.path.exists(tmp_path / "run")


@pytest.mark.slow
def test_finished_run_is_pushed_without_training_again(pushed, reviews, tmp_path):
    hub, folder, environment = pushed
    before = (folder / "run.json").read_bytes()
    flags = [f"--{name}={value}" for name, value in TINY.items()]
    for name in ("notes.txt", ".env", "data.csv", "own.py", "model-of-mine.safetensors"):
        (folder / name).write_text("a file of the user")
    run(
        ["-m", "hfseq", "train", *flags], f"--dataset={reviews}", f"--output_dir={folder}", "--push_to_hub",
        "--hub_model_id=tester/again", environment=environment,
    )  # fmt: skip
    files = hub.repository("models", "tester/again").files
    assert files["model.safetensors"] == (folder / "model.safetensors").read_bytes()
    assert (folder / "run.json").read_bytes() == before
    # Files of the user in the folder are not pushed.
    assert files.keys() == hub.repository("models", "tester/tiny-lstm").files.keys()


READ = """
import json, sys
from hfseq.inference.predictor import Predictor

found = []
for name in sys.argv[1:]:
    predictor = Predictor.load(name, device="cpu")
    arguments = predictor.arguments
    found.append([predictor.record and predictor.record.name, arguments.max_length, arguments.cache_dir])
print(json.dumps(found))
"""


def test_predictor_reads_the_record_from_the_hub(pushed, tmp_path):
    hub, folder, _ = pushed
    bare = dict(hub.repository("models", "tester/tiny-lstm").files)
    del bare["run.json"]
    for repository, more in (("none", {}), ("foreign", {"run.json": b'{"run": 1}'})):
        made = tmp_path / repository
        for name, data in {**bare, **more}.items():
            (made / name).parent.mkdir(parents=True, exist_ok=True)
            (made / name).write_bytes(data)
        hub.add_model(f"tester/{repository}", made)
    environment = {**hub.environment(tmp_path / "fresh"), "OMP_NUM_THREADS": "1"}
    out = run(["-c", READ], "tester/tiny-lstm", "tester/none", "tester/foreign", environment=environment)
    name = json.loads((folder / "run.json").read_text())["name"]
    assert json.loads(out) == [[name, 16, None], [None, 16, None], [None, 16, None]]
