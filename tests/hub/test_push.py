"""A model pushed over real HTTP, and loaded where hfseq is not installed."""

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
    done = subprocess.run(
        [sys.executable, *script, *arguments],
        env=environment,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


@pytest.fixture(scope="module")
def pushed(tmp_path_factory, reviews):
    """A hub on the loopback, with a model that `hfseq train --push_to_hub` put there."""
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


def test_what_is_pushed(pushed, reviews):
    hub, folder, _ = pushed
    files = hub.repository("models", "tester/tiny-lstm").files
    assert files["model.safetensors"] == (folder / "model.safetensors").read_bytes()
    assert {"config.json", "tokenizer.json", "modeling_recurrent.py", "README.md", "run.json"} <= set(files)
    assert not [name for name in files if name.startswith(("checkpoint", "_", "training_args"))]
    card = files["README.md"].decode()
    record = json.loads(files["run.json"])
    assert record["status"] == "finished"
    # Where it was made is nobody's business.
    assert (
        str(folder.parent) not in files["run.json"].decode() and str(reviews.parent) not in files["run.json"].decode()
    )
    assert record["data"]["dataset"] == record["config"]["dataset"] == f"./{reviews.name}"
    assert "tester/tiny-lstm" in card and "trust_remote_code=True" in card
    assert f"{record['metrics']['test']['f1_macro']:.4f}".rstrip("0") in card


def test_it_loads_without_hfseq_bit_for_bit(pushed, tmp_path, monkeypatch):
    monkeypatch.setenv("HFSEQ_ENGINE", "torch")  # the one that travels with the model
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
    assert found["labels"] == [prediction.labels[0] for prediction in predictor.predict(TEXTS)]


def test_a_model_and_a_data_set_of_the_hub_are_named_by_their_ids(pushed, reviews, tmp_path):
    hub, _, _ = pushed
    hub.add_dataset("tester/reviews", reviews)
    environment = {**hub.environment(tmp_path / "fresh"), "OMP_NUM_THREADS": "1"}
    out = run(
        ["-m", "hfseq", "evaluate", "tester/tiny-lstm"], "--dataset=tester/reviews", "--format=json",
        environment=environment,
    )  # fmt: skip
    record = json.loads(hub.repository("models", "tester/tiny-lstm").files["run.json"])
    assert json.loads(out)["accuracy"] == pytest.approx(record["metrics"]["test"]["accuracy"])


def test_what_the_hub_does_not_have_is_bad_input(pushed, reviews, tmp_path):
    hub, _, _ = pushed
    environment = {**hub.environment(tmp_path / "fresh"), "OMP_NUM_THREADS": "1"}
    for words, message in (
        (["predict", "tester/nothing", "--text", "x"], "no model 'tester/nothing'"),
        (["train", "--dataset", "tester/nothing", f"--output_dir={tmp_path / 'run'}"], "tester/nothing"),
    ):
        done = subprocess.run(
            [sys.executable, "-m", "hfseq", *words], env=environment, capture_output=True, text=True,
            stdin=subprocess.DEVNULL, timeout=240,
        )  # fmt: skip
        assert done.returncode == 2, done.stderr[-2000:]
        assert message in done.stderr and "Traceback" not in done.stderr
    assert not os.path.exists(tmp_path / "run")


def test_a_finished_run_is_pushed_without_training_again(pushed, reviews, tmp_path):
    hub, folder, environment = pushed
    before = (folder / "run.json").read_bytes()
    flags = [f"--{name}={value}" for name, value in TINY.items()]
    for name in ("notes.txt", ".env", "data.csv", "own.py", "model-of-mine.safetensors"):
        (folder / name).write_text("mine")
    run(
        ["-m", "hfseq", "train", *flags], f"--dataset={reviews}", f"--output_dir={folder}", "--push_to_hub",
        "--hub_model_id=tester/again", environment=environment,
    )  # fmt: skip
    files = hub.repository("models", "tester/again").files
    assert files["model.safetensors"] == (folder / "model.safetensors").read_bytes()
    assert (folder / "run.json").read_bytes() == before
    # What somebody else put into the folder stays there.
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


def test_the_record_on_the_hub_is_read(pushed, tmp_path):
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
