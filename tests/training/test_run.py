"""One run, from settings to a saved model: what it leaves, that it resumes exactly, that it adds up."""

import csv
import json
import shutil

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from small import GOOD, TINY, check_saved_sums, make_reviews, newest_checkpoint, write_csv
from transformers import AutoModelForSequenceClassification, AutoTokenizer, TrainerCallback

from hfseq import HfseqError, RunRecord, run_training
from hfseq.inference.predictor import Predictor
from hfseq.training import run as run_module
from hfseq.training.run_folder import check_same_processes
from hfseq.training.saved_predictions import load_examples


def weights(folder):
    return load_file(folder / "model.safetensors")


def assert_same_weights(one, other):
    assert one.keys() == other.keys()
    for name, value in one.items():
        assert torch.equal(value, other[name]), name


@pytest.fixture(scope="module")
def finished(tmp_path_factory, reviews):
    folder = tmp_path_factory.mktemp("finished") / "run"
    record = run_training({**TINY, "dataset": str(reviews), "output_dir": str(folder), "num_train_epochs": 4})
    return folder, record


def test_run_saves_a_complete_model_and_its_record(finished):
    folder, record = finished
    names = {path.name for path in folder.iterdir()}
    assert {"config.json", "model.safetensors", "tokenizer.json", "run.json", "README.md"} <= names
    assert not [name for name in names if name.startswith("checkpoint")]
    assert record == RunRecord.load(folder)
    assert record.status == "finished" and record.error is None and record.num_processes == 1
    assert record.data["examples"] == {"train": 160, "validation": 40, "test": 40}
    assert record.data["labels"] == ["bad", "good"]
    assert record.metrics["test"]["accuracy"] > 0.8
    assert record.costs["steps"] == 40 and record.costs["epochs"] == 4
    assert record.costs["parameters"] > record.costs["parameters_without_embeddings"] > 0
    for cost in ("train_seconds", "tokens_per_second", "peak_memory_bytes", "size_on_disk_bytes"):
        assert record.costs[cost] > 0, cost
    tokens = record.costs["train_seconds"] * record.costs["tokens_per_second"]
    assert tokens == pytest.approx(4 * record.data["tokens"]["train"])
    assert record.environment["versions"]["torch"] == torch.__version__


def test_saved_model_reproduces_the_recorded_metrics(finished, reviews):
    folder, record = finished
    metrics = Predictor.load(str(folder)).evaluate(str(reviews), "test")
    for name, value in metrics.items():
        assert value == pytest.approx(record.metrics["test"][name], abs=1e-5), name


def test_model_card_contains_the_metrics(finished):
    folder, record = finished
    text = (folder / "README.md").read_text()
    assert f"{record.metrics['test']['accuracy']:.4f}".rstrip("0") in text
    assert "hfseq" in text


def test_finished_run_is_not_repeated(finished, reviews, monkeypatch):
    folder, record = finished
    monkeypatch.setattr(run_module, "prepare", lambda *_: pytest.fail("trained again"))
    again = run_training({**TINY, "dataset": str(reviews), "output_dir": str(folder), "num_train_epochs": 4})
    assert again == record


def test_another_run_does_not_overwrite_a_finished_run(finished, reviews):
    folder, record = finished
    with pytest.raises(HfseqError, match=r"holds a run with other settings \(num_train_epochs 4.0 there, 3.0 here\)"):
        run_training({**TINY, "dataset": str(reviews), "output_dir": str(folder), "num_train_epochs": 3})
    assert RunRecord.load(folder) == record


def test_changed_data_is_rejected(finished, reviews, tmp_path):
    folder, _ = finished
    moved = tmp_path / "run"
    shutil.copytree(folder, moved)
    record = json.loads((moved / "run.json").read_text())
    record["data"]["fingerprint"] = "0" * 64
    (moved / "run.json").write_text(json.dumps(record))
    with pytest.raises(HfseqError, match="the data has changed since the run"):
        run_training({**TINY, "dataset": str(reviews), "output_dir": str(moved), "num_train_epochs": 4})


class Interruption(TrainerCallback):
    def __init__(self, step):
        self.step = step

    def on_step_end(self, args, state, control, **kwargs):
        if state.global_step == self.step:
            raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("model", "strategy"), [("lstm", "epoch"), ("lstm", "steps"), ("gru", "steps"), ("transformer", "epoch")]
)
def test_interrupted_run_resumes_to_the_same_weights(model, strategy, reviews, tmp_path, monkeypatch):
    overrides = {"transformer": "hidden_size=8,num_attention_heads=2,intermediate_size=8"}
    settings = {
        **TINY, "model": model, "dataset": str(reviews), "num_train_epochs": 3, "early_stopping_patience": 5,
        "config_overrides": overrides.get(model, "hidden_size=8,embedding_size=8,dropout=0.3,recurrent_dropout=0.2"),
        "eval_strategy": strategy, "save_strategy": strategy,
        **({"eval_steps": 7, "save_steps": 7} if strategy == "steps" else {}),
    }  # fmt: skip
    whole = run_training({**settings, "output_dir": str(tmp_path / "whole")})

    make = run_module.make_trainer

    def make_interrupted(*arguments):
        trainer = make(*arguments)
        trainer.add_callback(Interruption(16))
        return trainer

    broken = tmp_path / "broken"
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(run_module, "make_trainer", make_interrupted)
        run_training({**settings, "output_dir": str(broken)})
    assert RunRecord.load(broken).status == "interrupted"
    newest = newest_checkpoint(broken)
    assert newest is not None
    # What somebody else has put there is neither used nor deleted.
    (broken / "checkpoint-999").mkdir()
    assert newest_checkpoint(broken) == newest

    resumed = run_training({**settings, "output_dir": str(broken)})
    assert resumed.status == "finished"
    assert_same_weights(weights(tmp_path / "whole"), weights(broken))
    without_loss = {**resumed.metrics, "train": None}
    assert without_loss == {**whole.metrics, "train": None}
    assert resumed.costs["steps"] == whole.costs["steps"]


def train_weights(tmp_path, name, settings):
    run_training({**settings, "output_dir": str(tmp_path / name)})
    return weights(tmp_path / name)


@pytest.mark.parametrize("problem", ["single", "multi", "regression"])
def test_accumulated_batches_equal_one_batch(problem, tmp_path):
    rows = make_reviews(96, 3)
    for number, row in enumerate(rows):
        row["label"] = {"single": row["label"], "multi": [row["label"]] * (number % 3 > 0), "regression": number / 48}[
            problem
        ]
    path = tmp_path / "data.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    settings = {
        **TINY, "dataset": str(path), "max_grad_norm": 1000.0, "optim": "sgd", "learning_rate": 0.1,
    }  # fmt: skip
    settings["config_overrides"] = "hidden_size=8,embedding_size=8,dropout=0,embedding_dropout=0,classifier_dropout=0"
    one = train_weights(tmp_path, "one", {**settings, "per_device_train_batch_size": 8})
    accumulated = train_weights(
        tmp_path, "four", {**settings, "per_device_train_batch_size": 2, "gradient_accumulation_steps": 4}
    )
    for name, value in one.items():
        torch.testing.assert_close(value, accumulated[name], rtol=1e-4, atol=1e-6, msg=name)


def test_predictions_are_in_the_order_of_the_data(finished, reviews):
    folder, record = finished
    assert check_saved_sums(record, folder, without={"roc_auc"}).groups is None
    with (reviews / "test.csv").open() as file:
        assert load_examples(folder)[0] == {"text": next(csv.DictReader(file))["text"]}
    with np.load(folder / "_test_predictions.npz") as stored:
        logits, labels, scores = stored["predictions"], stored["labels"], stored["scores"]
    with (reviews / "test.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert labels.tolist() == [int(row["label"] == "good") for row in rows]
    assert scores.tolist() == (logits.argmax(-1) == labels).astype(float).tolist()
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForSequenceClassification.from_pretrained(folder).eval()
    for row, expected in zip(rows, logits, strict=True):
        with torch.no_grad():
            found = model(**tokenizer(row["text"], return_tensors="pt")).logits[0]
        np.testing.assert_allclose(found.numpy(), expected, atol=1e-5)


def test_frozen_trains_only_the_head(reviews, tiny_bert, tmp_path):
    settings = {**TINY, "model": str(tiny_bert), "config_overrides": None, "finetuning": "frozen"}
    record = run_training({**settings, "dataset": str(reviews), "output_dir": str(tmp_path / "run")})
    before, after = weights(tiny_bert), weights(tmp_path / "run")
    for name, value in before.items():
        assert torch.equal(value, after[f"bert.{name}"]), name
    head = sum(value.numel() for name, value in after.items() if name.startswith("classifier"))
    assert record.costs["trainable_parameters"] == head
    assert record.model["initialization"] == "pretrained"


def test_whole_trains_all_parameters(reviews, tiny_bert, tmp_path):
    settings = {**TINY, "model": str(tiny_bert), "config_overrides": None}
    record = run_training({**settings, "dataset": str(reviews), "output_dir": str(tmp_path / "run")})
    before, after = weights(tiny_bert), weights(tmp_path / "run")
    assert not torch.equal(
        before["encoder.layer.0.output.dense.weight"], after["bert.encoder.layer.0.output.dense.weight"]
    )
    assert record.costs["trainable_parameters"] == record.costs["parameters"]


def test_lora_is_merged_and_its_adapter_kept(reviews, tiny_bert, tmp_path):
    pytest.importorskip("peft")
    folder = tmp_path / "run"
    settings = {**TINY, "model": str(tiny_bert), "config_overrides": None, "finetuning": "lora", "lora_r": 2}
    record = run_training({**settings, "dataset": str(reviews), "output_dir": str(folder)})
    assert 0 < record.costs["trainable_parameters"] < record.costs["parameters"] / 2
    assert (folder / "adapter" / "adapter_model.safetensors").is_file()
    assert not list(folder.glob("adapter_*"))
    config = json.loads((folder / "adapter" / "adapter_config.json").read_text())
    assert config["base_model_name_or_path"] == str(tiny_bert)
    assert record.costs["parameters"] == sum(value.numel() for value in weights(folder).values())
    assert AutoModelForSequenceClassification.from_pretrained(folder).config.num_labels == 2
    metrics = Predictor.load(str(folder)).evaluate(str(reviews), "test")
    assert metrics["accuracy"] == pytest.approx(record.metrics["test"]["accuracy"])
    assert not [name for name in weights(folder) if "lora" in name]


def test_several_labels_and_numbers(tmp_path):
    rows = make_reviews(120, 4)
    sets = [[word for word in GOOD if word in row["text"].split()] + ["any"] for row in rows]
    path = tmp_path / "sets.jsonl"
    path.write_text(
        "".join(json.dumps({"text": r["text"], "labels": s}) + "\n" for r, s in zip(rows, sets, strict=True))
    )
    record = run_training(
        {**TINY, "dataset": str(path), "output_dir": str(tmp_path / "sets"), "class_weights": "balanced"}
    )
    assert record.data["problem_type"] == "multi_label_classification"
    assert "f1_micro" in record.metrics["test"]
    assert any("test" in note and "set aside" in note for note in record.data["notes"])

    numbers = [{"text": row["text"], "score": len(row["text"]) / 10} for row in rows]
    data = write_csv(tmp_path / "numbers.csv", numbers)
    record = run_training({**TINY, "dataset": str(data), "output_dir": str(tmp_path / "numbers")})
    assert record.data["problem_type"] == "regression"
    assert record.metrics["test"]["mse"] >= 0 and "accuracy" not in record.metrics["test"]


def test_pairs_class_weights_and_label_smoothing(tmp_path):
    rows = [{"premise": r["text"], "hypothesis": "it was", "label": r["label"]} for r in make_reviews(80, 5)]
    data = write_csv(tmp_path / "pairs.csv", rows)
    record = run_training(
        {**TINY, "dataset": str(data), "output_dir": str(tmp_path / "run"), "class_weights": "1.0,2.0",
         "label_smoothing_factor": 0.1, "truncation": "tail"}
    )  # fmt: skip
    assert record.data["text_columns"] == ["premise", "hypothesis"]
    assert record.status == "finished"


def test_tensorboard_is_written(reviews, tmp_path, monkeypatch):
    pytest.importorskip("tensorboard")
    monkeypatch.setenv("TENSORBOARD_LOGGING_DIR", str(tmp_path / "logs"))
    run_training(
        {**TINY, "dataset": str(reviews), "output_dir": str(tmp_path / "run"), "report_to": ["tensorboard"],
         "num_train_epochs": 1}
    )  # fmt: skip
    assert list((tmp_path / "logs").rglob("events.out.tfevents*"))


def test_bf16_trains(reviews, tmp_path):
    record = run_training({**TINY, "dataset": str(reviews), "output_dir": str(tmp_path / "run"), "bf16": True})
    assert record.status == "finished" and np.isfinite(record.metrics["test"]["loss"])


def test_failed_run_gives_the_reason_and_can_be_restarted(reviews, tmp_path, monkeypatch):
    folder = tmp_path / "run"
    settings = {**TINY, "dataset": str(reviews), "output_dir": str(folder)}
    with monkeypatch.context() as patch, pytest.raises(RuntimeError, match="the power went"):
        patch.setattr(run_module, "evaluate_splits", lambda *_: (_ for _ in ()).throw(RuntimeError("the power went")))
        run_training(settings)
    record = RunRecord.load(folder)
    assert record.status == "failed" and record.error == "RuntimeError: the power went"
    assert run_training(settings).status == "finished"


def test_diverged_run_is_reported(reviews, tmp_path, monkeypatch):
    def nan(self, outputs, inputs, num_items_in_batch=None):
        return outputs["logits"].sum() * float("nan")

    folder = tmp_path / "run"
    monkeypatch.setattr("hfseq.tasks.SequenceClassification.loss", nan)
    monkeypatch.setattr("hfseq.tasks.SequenceClassification.compute_metrics", lambda *_: {"accuracy": 0.5})
    with pytest.raises(
        HfseqError, match=r"the training has diverged: on the validation split, loss is not a finite number"
    ):
        run_training({**TINY, "dataset": str(reviews), "output_dir": str(folder)})
    assert RunRecord.load(folder).status == "failed"


def test_overwriting_deletes_nothing_before_all_checks(finished, reviews, tmp_path):
    folder, record = finished
    anew = {**TINY, "output_dir": str(folder), "overwrite_output_dir": True}
    for wrong, message in (
        ({"dataset": str(tmp_path / "nope.csv")}, "no such file"),
        ({"dataset": str(reviews), "config_overrides": "hidden_sise=3"}, "did you mean 'hidden_size'"),
    ):
        with pytest.raises(HfseqError, match=message):
            run_training({**anew, **wrong})
        assert RunRecord.load(folder) == record
    moved = tmp_path / "run"
    shutil.copytree(folder, moved)
    for name in ("checkpoint-999/mine.txt", "adapter/mine.txt", "notes.txt"):
        (moved / name).parent.mkdir(exist_ok=True)
        (moved / name).write_text("mine")
    again = run_training({**anew, "dataset": str(reviews), "output_dir": str(moved), "num_train_epochs": 1})
    assert again.costs["epochs"] == 1
    for name in ("checkpoint-999/mine.txt", "adapter/mine.txt", "notes.txt"):
        assert (moved / name).read_text() == "mine"


@pytest.mark.parametrize("start", ["", "checkpoint-3"])
def test_run_does_not_replace_the_model_that_it_starts_from(start, finished, reviews, tmp_path):
    folder = tmp_path / "run"
    shutil.copytree(finished[0], folder)
    (folder / "checkpoint-3").mkdir()
    settings = {"model": str(folder / start), "dataset": str(reviews), "output_dir": str(folder), "use_cpu": True}
    for overwrite in (True, False):
        with pytest.raises(HfseqError, match=r"model .*run.* is in output_dir .*, where this run would replace it"):
            run_training({**settings, "overwrite_output_dir": overwrite})
    assert (folder / "model.safetensors").is_file()


@pytest.mark.parametrize("name", ["run.json", "tokenizer_config.json"])
@pytest.mark.parametrize("overwrite", [False, True])
def test_folder_with_the_name_of_a_file_is_rejected_before_training(name, overwrite, reviews, tmp_path):
    (tmp_path / "run" / name).mkdir(parents=True)
    settings = {**TINY, "dataset": str(reviews), "output_dir": str(tmp_path / "run")}
    with pytest.raises(HfseqError, match=f"has a folder {name}, where a run writes a file of that name"):
        run_training({**settings, "overwrite_output_dir": overwrite})


def test_interrupted_run_keeps_its_number_of_processes(tmp_path):
    record = RunRecord("lstm", "sequence_classification", 0, {}, "", status="interrupted", num_processes=2)
    checkpoint = tmp_path / "checkpoint-1"
    check_same_processes(record, 1, None, tmp_path)  # nothing was begun
    check_same_processes(record, 2, checkpoint, tmp_path)
    with pytest.raises(HfseqError, match="was begun with 2 processes and would go on with 1"):
        check_same_processes(record, 1, checkpoint, tmp_path)


def test_secret_is_not_saved_with_the_arguments(reviews, tmp_path):
    folder = tmp_path / "run"
    run_training({**TINY, "dataset": str(reviews), "output_dir": str(folder), "hub_token": "hf_secret"})
    assert (folder / "training_args.bin").is_file()
    assert not [path for path in folder.rglob("*") if path.is_file() and b"hf_secret" in path.read_bytes()]


def test_secret_is_not_recorded(reviews, tmp_path):
    folder = tmp_path / "run"
    run_training({**TINY, "dataset": str(reviews), "output_dir": str(folder), "hub_token": "hf_secret"})
    assert not [
        path
        for path in folder.iterdir()
        if path.is_file() and path.suffix == ".json" and "hf_secret" in path.read_text()
    ]


def test_pretrained_model_keeps_its_tokenizer(reviews, tiny_bert, tmp_path):
    settings = {**TINY, "model": str(tiny_bert), "dataset": str(reviews), "output_dir": str(tmp_path / "run")}
    with pytest.raises(HfseqError, match=r"tokenizer_name 'word' is trained anew, but .* is pretrained"):
        run_training({**settings, "config_overrides": None, "tokenizer_name": "word"})
    with pytest.raises(HfseqError, match="have another shape than its configuration says"):
        run_training({**settings, "config_overrides": "hidden_size=24"})
    assert not (tmp_path / "run").exists()


def test_frozen_trains_a_head_that_came_with_the_checkpoint(reviews, tiny_bert, tmp_path):
    settings = {**TINY, "config_overrides": None, "dataset": str(reviews)}
    first = tmp_path / "first"
    run_training({**settings, "model": str(tiny_bert), "output_dir": str(first)})
    record = run_training(
        {**settings, "model": str(first), "finetuning": "frozen", "output_dir": str(tmp_path / "second")}
    )
    assert 0 < record.costs["trainable_parameters"] < 100
    before, after = weights(first), weights(tmp_path / "second")
    changed = {name.partition(".")[0] for name, value in before.items() if not torch.equal(value, after[name])}
    assert changed == {"classifier"}


def test_undefined_metric_counts_as_the_worst(reviews, tmp_path):
    """A model that predicts a constant has no correlation; it is chosen by it all the same."""
    rows = [{"text": row["text"], "score": 1.5} for row in make_reviews(40, 6)] + [{"text": "x y", "score": 2.5}] * 10
    for split in ("train", "validation", "test"):
        write_csv(tmp_path / f"{split}.csv", rows if split == "train" else rows[:20])
    record = run_training(
        {**TINY, "dataset": str(tmp_path), "output_dir": str(tmp_path / "run"), "metric_for_best_model": "pearson"}
    )
    assert record.status == "finished" and "pearson" not in record.metrics["test"]


def test_model_from_scratch_has_the_special_tokens_of_its_tokenizer(reviews, tmp_path, caplog):
    folder = tmp_path / "run"
    overrides = "hidden_size=8,num_attention_heads=2,intermediate_size=8"
    settings = {**TINY, "model": "transformer", "config_overrides": overrides, "num_train_epochs": 1}
    run_training({**settings, "dataset": str(reviews), "output_dir": str(folder)})
    config, tokenizer = (json.loads((folder / name).read_text()) for name in ("config.json", "tokenizer_config.json"))
    assert (config["cls_token_id"], config["sep_token_id"]) == (2, 3)
    assert (tokenizer["cls_token"], tokenizer["sep_token"]) == ("[CLS]", "[SEP]")
    assert config.get("bos_token_id") is None and "token_id must be" not in caplog.text
