"""Every command rejects folders of models that are damaged, incomplete or of another kind, before it starts."""

import json
import shutil

import pytest
import torch
from safetensors.torch import load_file, save_file
from small import TINY, make_reviews, write_csv
from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification

from hfseq.commands import main
from hfseq.modalities.text.tokenizers import train_tokenizer
from hfseq.models.recurrent import RecurrentConfig, RecurrentForCausalLM, RecurrentForSequenceClassification
from hfseq.training.run import run_training
from hfseq.training.trainer import SequenceTrainer

WEIGHTS = "model.safetensors"


@pytest.fixture(scope="module")
def saved(tmp_path_factory, reviews, tiny_bert):
    """A folder with a trained classifier, a language model, an encoder, and data."""
    folder = tmp_path_factory.mktemp("saved")
    settings = {**TINY, "num_train_epochs": 1, "dataset": str(reviews), "cache_dir": str(folder / "cache")}
    run_training({**settings, "output_dir": str(folder / "classifier")})
    run_training({**settings, "model": str(tiny_bert), "config_overrides": None, "output_dir": str(folder / "bert")})
    tokenizer = train_tokenizer("word", ["a day of rain"] * 2, vocab_size=50, model_max_length=16)
    torch.manual_seed(0)
    config = RecurrentConfig(
        vocab_size=len(tokenizer), embedding_size=4, hidden_size=4, bidirectional=False,
        pad_token_id=tokenizer.pad_token_id,
    )  # fmt: skip
    RecurrentForCausalLM(config).save_pretrained(folder / "writer")
    tokenizer.save_pretrained(folder / "writer")
    return folder


@pytest.fixture
def folder(saved, tmp_path, monkeypatch):
    """A copy of these folders, to be damaged."""
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", str(tmp_path / "datasets-cache"))
    monkeypatch.setattr(SequenceTrainer, "train", lambda *a, **k: pytest.fail("a training has started"))
    monkeypatch.setattr("hfseq.comparison.orchestration.train_runs", lambda *a: pytest.fail("a training has started"))
    monkeypatch.chdir(tmp_path)
    for name in ("classifier", "bert", "writer"):
        shutil.copytree(saved / name, tmp_path / name)
    write_csv(tmp_path / "good.csv", make_reviews(60, 3))
    return tmp_path


def truncate(folder):
    content = (folder / WEIGHTS).read_bytes()
    (folder / WEIGHTS).write_bytes(content[: len(content) // 2])


def change_json(name, **values):
    def change(folder):
        content = json.loads((folder / name).read_text())
        (folder / name).write_text(json.dumps({**content, **values}))

    return change


def change_record(section, **values):
    def change(folder):
        content = json.loads((folder / "run.json").read_text())
        content[section].update(values)
        (folder / "run.json").write_text(json.dumps(content))

    return change


def write(name, text):
    return lambda folder: (folder / name).write_text(text)


def delete(*names):
    def remove(folder):
        for name in names:
            (folder / name).unlink()

    return remove


def change_weights(change):
    def apply(folder):
        weights = load_file(folder / WEIGHTS)
        save_file(change(weights), folder / WEIGHTS, {"format": "pt"})

    return apply


def without(part):
    return change_weights(lambda weights: {key: value for key, value in weights.items() if part not in key})


def to_bin(folder, whole=True):
    torch.save(load_file(folder / WEIGHTS), folder / "pytorch_model.bin")
    (folder / WEIGHTS).unlink()
    if not whole:
        content = (folder / "pytorch_model.bin").read_bytes()
        (folder / "pytorch_model.bin").write_bytes(content[: len(content) // 2])


def shard(folder):
    auto_class = AutoModelForCausalLM if folder.name == "writer" else AutoModelForSequenceClassification
    auto_class.from_pretrained(folder).save_pretrained(folder, max_shard_size=300)
    (folder / WEIGHTS).unlink(missing_ok=True)
    sorted(folder.glob("model-*.safetensors"))[-1].unlink()


def more_tokens(folder):
    content = json.loads((folder / "tokenizer.json").read_text())
    vocabulary = content["model"]["vocab"]
    vocabulary.update({f"more{number}": len(vocabulary) + number for number in range(500)})
    (folder / "tokenizer.json").write_text(json.dumps(content))


def empty(folder):
    shutil.rmtree(folder)
    folder.mkdir()


def a_file(folder):
    shutil.rmtree(folder)
    folder.write_text("a file")


def not_a_number(weights):
    key = next(key for key in weights if key.endswith("weight"))
    weights[key].view(-1)[3] = float("nan")
    return weights


# What is done to the folder, and what the message says.
DAMAGES = {
    "truncated": (truncate, ["model.safetensors are damaged", "bytes)"]),
    "empty weights": (write(WEIGHTS, ""), ["model.safetensors are damaged", "0 bytes"]),
    "no weights": (delete(WEIGHTS), ["holds no weights: there is no model.safetensors in it"]),
    "missing shard": (shard, ["lacks 1 of its", "files of weights: model-000"]),
    "half a pytorch_model.bin": (lambda folder: to_bin(folder, whole=False), ["pytorch_model.bin are damaged"]),
    "no config": (delete("config.json"), ["holds no model: there is no config.json in it (it holds "]),
    "broken config": (write("config.json", '{"model_type": '), ["config.json is damaged: it is not valid JSON"]),
    "config of a list": (write("config.json", "[1]"), ["config.json is damaged: it must hold a JSON object"]),
    "config of nothing": (write("config.json", "{}"), ["config.json is not the configuration of a model"]),
    "unknown model type": (change_json("config.json", model_type="brt"), ["cannot be loaded"]),
    "edited size": (change_json("config.json", hidden_size=12), ["have another shape"]),
    "size of a wrong type": (change_json("config.json", hidden_size="big"), ["hidden_size"]),
    "larger tokenizer": (more_tokens, ["the tokenizer has ", "embeddings for "]),
    "no tokenizer": (delete("tokenizer.json"), ["has no tokenizer: there is no tokenizer.json in it"]),
    "broken tokenizer": (write("tokenizer.json", "{"), ["tokenizer"]),
    "empty": (empty, ["holds no model: there is no config.json in it (the folder is empty)"]),
    "a file": (a_file, ["is a file: give the folder of the saved model"]),
    "no number": (change_weights(not_a_number), ["hold NaN or infinity"]),
    "half a body": (without("embed"), ["embed", "Copy or download it again"]),
}
# What only a finished model must have: training begins these parts anew, and reads no record.
OF_A_TRAINED_MODEL = {
    "no head": (without("classifier"), ["has no trained weights for sequence_classification: classifier."]),
    "unknown task": (
        change_json("run.json", task="classify"),
        ["unknown task 'classify': choose from "],
    ),
    "unknown modality": (change_record("data", modality="txt"), ["unknown modality 'txt': did you mean 'text'?"]),
    "record of a list": (write("run.json", "[]"), ["run.json is not a run record"]),
    "record without a task": (write("run.json", '{"format_version": 1}'), ["it has no 'name'"]),
    "wrong type": (change_record("data", max_length="many"), ["'data.max_length' must be int or null, not 'many'"]),
    "wrong section": (change_json("run.json", data=3), ["'data' must be dict, not 3"]),
    "wrong setting": (change_record("config", max_length="many"), ["the settings in run.json", "max_length"]),
}
COMMANDS = {
    "predict": ["predict", "MODEL", "--text", "a day"],
    "evaluate": ["evaluate", "MODEL", "--dataset", "good.csv"],
    "generate": ["generate", "MODEL", "--prompt", "a day"],
    "train": ["train", "--model", "MODEL", "--dataset", "good.csv", "--max_length", "16", "--output_dir", "out"],
    "compare": [
        "compare", "--models", "lstm", "MODEL", "--dataset", "good.csv", "--max_length", "16", "--output_dir", "out",
    ],
}  # fmt: skip


def refused(capsys, words, parts):
    assert main(words) == 2
    captured = capsys.readouterr()
    message = captured.err[captured.err.index("hfseq: error: ") :]
    for part in parts:
        assert part in message, message
    assert "downloaded from the Hub" not in message and "the connection" not in message
    assert "Traceback" not in captured.err and captured.out == ""


def command(name, model):
    return [model if word == "MODEL" else word for word in COMMANDS[name]]


@pytest.mark.parametrize("damage", DAMAGES)
def test_every_command_rejects_a_damaged_folder(folder, capsys, damage):
    change, parts = DAMAGES[damage]
    for name in ("classifier", "bert", "writer"):
        change(folder / name)
    for name in COMMANDS:
        for model in {"generate": ["./writer"], "predict": ["./classifier", "./bert"]}.get(name, ["./bert"]):
            refused(capsys, command(name, model), parts)
    assert not (folder / "out").exists()


@pytest.mark.parametrize("damage", OF_A_TRAINED_MODEL)
def test_predict_and_evaluate_reject_folders_without_a_trained_model(folder, capsys, damage):
    change, parts = OF_A_TRAINED_MODEL[damage]
    change(folder / "bert")
    for name in ("predict", "evaluate"):
        refused(capsys, command(name, "./bert"), parts)


def test_predict_rejects_scores_that_are_not_numbers(folder, capsys):
    def enlarge(weights):
        large = {"bert.pooler.dense.bias": 100.0, "classifier.weight": 3e38}
        return {**weights, **{key: torch.full_like(weights[key], value) for key, value in large.items()}}

    change_weights(enlarge)(folder / "bert")
    for form in ("text", "jsonl", "csv"):
        parts = ["gives NaN or infinity for example 1: its weights are damaged"]
        refused(capsys, [*command("predict", "./bert"), "--format", form], parts)
    refused(capsys, command("evaluate", "./bert"), ["gives NaN or infinity for example "])


def test_predict_rejects_a_pretrained_encoder(folder, tiny_bert, capsys):
    parts = ["has no trained weights for sequence_classification: classifier.", "hfseq train --model"]
    refused(capsys, command("predict", str(tiny_bert)), parts)
    refused(capsys, command("generate", "./classifier"), ["this model is for sequence_classification"])


def test_predict_reads_weights_in_a_pickle(folder, capsys):
    assert main(command("predict", "./bert")) == 0
    expected = capsys.readouterr().out
    to_bin(folder / "bert")
    assert main(command("predict", "./bert")) == 0
    assert capsys.readouterr().out == expected


def test_train_accepts_a_checkpoint_without_a_head(folder, capsys, monkeypatch):
    without("classifier")(folder / "bert")
    monkeypatch.setattr(SequenceTrainer, "train", lambda *a, **k: (_ for _ in ()).throw(KeyboardInterrupt))
    assert main(command("train", "./bert")) == 130


def test_predict_needs_the_processor_and_the_modality_of_a_numeric_model(folder, capsys):
    rows = [{"x1": n, "x2": -n, "x3": n % 7, "x4": 1, "label": "ab"[n % 2]} for n in range(60)]
    write_csv(folder / "numbers.csv", rows)
    torch.manual_seed(0)
    config = RecurrentConfig(input_features=1, vocab_size=None, hidden_size=4)
    RecurrentForSequenceClassification(config).save_pretrained(folder / "numbers")
    refused(capsys, command("predict", "./numbers"), ["the folder ./numbers has no usable processor"])
    for name in ("train", "compare"):
        refused(capsys, command(name, "./numbers"), ["'numbers' has no tokenizer"])
        series = ["--dataset", "numbers.csv", "--modality", "series"]
        parts = ["the model './bert' reads tokens, but the data is series"]
        refused(capsys, [*command(name, "./bert"), *series], parts)
        parts = ["the model './numbers' reads 1 numbers per step, but the data has 2"]
        refused(capsys, [*command(name, "./numbers"), *series, "--channels", "2"], parts)


def test_predict_names_an_interrupted_run(folder, capsys):
    delete(WEIGHTS)(folder / "classifier")
    change_json("run.json", status="interrupted")(folder / "classifier")
    refused(capsys, command("predict", "./classifier"), ["Its run is 'interrupted': start the same training command"])
