import ast
import copy
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from huggingface_hub import ModelCard

from hfseq.errors import HfseqError
from hfseq.hub.model_card import write_model_card

RECORD: dict[str, Any] = {
    "format_version": 1,
    "status": "finished",
    "task": "sequence_classification",
    "name": "lstm",
    "seed": 12345,
    "config": {
        "dataset": "builtin:docstrings",
        "learning_rate": 5e-05,
        "num_train_epochs": 3.0,
        "max_steps": -1,
        "per_device_train_batch_size": 32,
        "finetuning": None,
        "model": "lstm",
    },
    "config_fingerprint": "c0ffee",
    "model": {
        "name": "lstm",
        "model_type": "hfseq_recurrent",
        "architecture": "RecurrentForSequenceClassification",
        "initialization": "scratch",
        "base_model": None,
        "description": {"cell_type": "lstm", "hidden_size": 128, "bidirectional": True, "dropout": None},
    },
    "data": {
        "dataset": "builtin:docstrings",
        "description": "Summary sentences | four libraries",
        "fingerprint": "abc123",
        "examples": {"test": 1000, "train": 8000, "validation": 1000},
        "labels": ["numpy", "sci|py"],
        "problem_type": "single_label_classification",
        "max_length": 128,
        "truncated_share": {"train": 0.0125, "test": None},
        "notes": ["no test split: 10 % of the training\nexamples were set aside", "3 rows occur in both"],
    },
    "metrics": {
        "test": {"accuracy": 0.91234, "f1_macro": 0.9, "loss": 0.25, "roc_auc": None, "log_loss": float("nan")},
        "validation": {"accuracy": 0.9, "loss": 0.3, "perplexity": 12345.678},
    },
    "costs": {
        "parameters": 1234567,
        "parameters_without_embeddings": 200000,
        "trainable_parameters": 1234567,
        "train_seconds": 3725.0,
        "evaluation_seconds": 1.5,
        "tokens_per_second": 10500.25,
        "peak_memory_bytes": 512_000_000,
        "size_on_disk_bytes": 2_100_000,
        "epochs": 3.0,
        "steps": 1500,
        "best_epoch": 2.0,
    },
    "environment": {
        "python": "3.11.9",
        "platform": "Linux",
        "device": "cpu",
        "num_threads": 2,
        "versions": {"torch": "2.13.0", "hfseq": "0.1.0"},
        "git_hash": None,
    },
    "num_processes": 1,
    "error": None,
}


@pytest.fixture
def record() -> dict[str, Any]:
    return copy.deepcopy(RECORD)


@pytest.fixture
def pretrained(record: dict[str, Any]) -> dict[str, Any]:
    record["model"] = {
        "model_type": "bert",
        "architecture": "BertForSequenceClassification",
        "initialization": "pretrained",
        "base_model": "google/bert_uncased_L-2",
    }
    record["config"]["finetuning"] = "whole"
    record["data"]["dataset"] = "stanfordnlp/imdb"
    return record


def written(folder: Path, record: dict[str, Any], **options: Any) -> str:
    return write_model_card(folder, record, **options).read_text(encoding="utf-8")


def section(card: str, heading: str) -> str:
    return card.split(f"## {heading}\n\n")[1].split("\n\n## ")[0]


def code_blocks(card: str) -> list[str]:
    return re.findall(r"```python\n(.*?)```", card, flags=re.DOTALL)


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]


def tables(card: str) -> list[list[list[str]]]:
    blocks = re.findall(r"(?:^\|.*\n?)+", card, flags=re.MULTILINE)
    return [[cells(line) for line in block.strip().splitlines()] for block in blocks]


def test_card_metadata_of_a_model_from_scratch(record: dict[str, Any], tmp_path: Path) -> None:
    path = write_model_card(tmp_path, record, repo_id="tester/small-lstm")
    assert path == tmp_path / "README.md"
    data = ModelCard.load(path).data
    assert (data.library_name, data.pipeline_tag) == ("transformers", "text-classification")
    assert data.tags == ["hfseq", "hfseq_recurrent", "lstm"]
    assert data.model_name == "small-lstm"
    for unknown in ("base_model", "datasets", "language", "license"):
        assert unknown not in data.to_dict()


def test_card_model_index_has_every_test_metric(record: dict[str, Any], tmp_path: Path) -> None:
    record["metrics"]["test"]["per_label"] = {"numpy": {"f1": np.float32(0.5)}, "support": np.int64(7)}
    results = ModelCard.load(write_model_card(tmp_path, record)).data.eval_results
    assert {result.metric_type: result.metric_value for result in results} == {
        "accuracy": 0.91234,
        "f1_macro": 0.9,
        "loss": 0.25,
        "per_label.numpy.f1": 0.5,
        "per_label.support": 7,
    }
    first = results[0]
    assert (first.task_type, first.dataset_type, first.dataset_split) == (
        "text-classification",
        "builtin:docstrings",
        "test",
    )


def test_card_without_test_metrics_has_no_model_index(record: dict[str, Any], tmp_path: Path) -> None:
    del record["metrics"]["test"]
    data = ModelCard.load(write_model_card(tmp_path, record)).data.to_dict()
    assert "model-index" not in data and "model_name" not in data


def test_card_says_if_the_model_is_pretrained(pretrained: dict[str, Any], tmp_path: Path) -> None:
    assert "trained from scratch" in written(tmp_path, RECORD)
    card = written(tmp_path, pretrained)
    source = "[google/bert_uncased_L-2](https://huggingface.co/google/bert_uncased_L-2)"
    assert f"fine-tuned (all parameters) from {source}" in card
    assert "scratch" not in card
    data = ModelCard(card).data
    assert data.base_model == "google/bert_uncased_L-2"
    assert data.datasets == ["stanfordnlp/imdb"]


@pytest.mark.parametrize(
    ("finetuning", "wording"),
    [
        ("frozen", "trained as a head on top of [google/bert_uncased_L-2]"),
        ("lora", "fine-tuned with LoRA"),
        (None, "fine-tuned from [google/bert_uncased_L-2]"),
    ],
)
def test_card_names_the_finetuning_method(
    pretrained: dict[str, Any], tmp_path: Path, finetuning: str | None, wording: str
) -> None:
    pretrained["config"]["finetuning"] = finetuning
    card = written(tmp_path, pretrained)
    assert wording in card
    assert ("lora" in ModelCard(card).data.tags) == (finetuning == "lora")


@pytest.mark.parametrize("kind", ["absolute", "relative"])
def test_card_metadata_contain_no_local_names(
    pretrained: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "models" / "minilm").mkdir(parents=True)
    pretrained["model"]["base_model"] = "models/minilm" if kind == "relative" else str(tmp_path / "models" / "minilm")
    pretrained["data"]["dataset"] = "reviews.csv" if kind == "relative" else str(tmp_path / "reviews.csv")
    card = written(tmp_path, pretrained)
    data = ModelCard(card).data
    assert data.base_model is None and data.datasets is None
    assert "a checkpoint in a local folder" in card and "minilm" in card
    assert "- **Name:** reviews.csv" in card
    assert str(tmp_path) not in card


def test_card_shows_two_ways_to_load_a_recurrent_model(record: dict[str, Any], tmp_path: Path) -> None:
    remote, installed = code_blocks(written(tmp_path, record, repo_id="tester/small-lstm"))
    assert 'pipeline("text-classification", model="tester/small-lstm", trust_remote_code=True)' in remote
    assert "import hfseq" not in remote
    assert 'pipeline("text-classification", model="tester/small-lstm")' in installed
    assert installed.startswith("import hfseq")
    for block in (remote, installed):
        ast.parse(block)


def test_card_shows_one_way_to_load_other_models(pretrained: dict[str, Any], tmp_path: Path) -> None:
    (block,) = code_blocks(written(tmp_path, pretrained))
    assert 'pipeline("text-classification", model="path/to/folder")' in block
    assert "trust_remote_code" not in block and "hfseq" not in block
    ast.parse(block)


def test_card_tables_are_well_formed_and_match_the_record(record: dict[str, Any], tmp_path: Path) -> None:
    record["metrics"]["test"]["odd|name"] = 1.0
    card = written(tmp_path, record)
    found = tables(card)
    assert len(found) == 5
    for header, rule, *rows in found:
        assert rows and set(rule) == {"---"}
        assert {len(row) for row in rows} == {len(header)} == {len(rule)}
    settings, splits, metrics, costs, versions = found
    assert ["learning_rate", "5e-05"] in settings and ["seed", "12345"] in settings and ["best epoch", "2"] in settings
    assert not any(row[0] == "max_steps" for row in settings)
    assert splits[2:] == [["train", "8,000", "1.2 %"], ["validation", "1,000", ""], ["test", "1,000", ""]]
    assert metrics[0] == ["Metric", "validation", "test"]
    assert ["accuracy", "0.9", "0.9123"] in metrics and ["perplexity", "12,345.7", ""] in metrics
    assert ["odd\\|name", "", "1"] in metrics
    assert ["Parameters", "1,234,567"] in costs and ["Size on disk", "2.1 MB"] in costs
    assert ["Training time", "1 h 2 min"] in costs
    assert ["torch", "2.13.0"] in versions


def test_card_text_is_escaped_and_on_one_line(record: dict[str, Any], tmp_path: Path) -> None:
    card = written(tmp_path, record)
    data = section(card, "Data")
    assert "- **Description:** Summary sentences \\| four libraries" in data
    assert "- **Note:** no test split: 10 % of the training examples were set aside\n" in data
    assert "It predicts one of 2 labels: numpy, sci\\|py." in card
    assert "Configuration: cell type lstm, hidden size 128, bidirectional." in card


def emptied(value: Any) -> Any:
    return {key: emptied(inner) for key, inner in value.items()} if isinstance(value, dict) and value else None


def test_card_leaves_out_missing_values(record: dict[str, Any], tmp_path: Path) -> None:
    records: list[dict[str, Any]] = [record, emptied(record), {}, dict.fromkeys(record)]
    records += [{**record, name: None} for name in record]
    records += [json.loads(json.dumps(record).replace("3.0", "NaN"))]
    for given in records:
        card = written(tmp_path, given)
        assert not re.search(r"\b(None|nan|null|inf)\b", card, flags=re.IGNORECASE), card
        assert ModelCard(card).data.library_name == "transformers"
    assert "## " not in written(tmp_path, {})


def test_card_says_if_the_training_did_not_finish(record: dict[str, Any], tmp_path: Path) -> None:
    record["status"] = "interrupted"
    assert "The training did not finish (status of the run: interrupted)." in written(tmp_path, record)


def test_card_of_regression_and_of_many_labels(record: dict[str, Any], tmp_path: Path) -> None:
    record["data"] |= {"problem_type": "multi_label_classification", "labels": [f"l{index}" for index in range(25)]}
    assert "It predicts any number of 25 labels: l0, " in written(tmp_path, record)
    assert "l19 and 5 more." in written(tmp_path, record)
    record["data"] |= {"problem_type": "regression", "labels": []}
    assert "It predicts a number." in written(tmp_path, record)


def test_card_is_reproducible_and_replaces_an_older_one(record: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("an older card")
    before = copy.deepcopy(record)
    first = write_model_card(tmp_path, record).read_bytes()
    assert write_model_card(tmp_path, record).read_bytes() == first
    assert record == before


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"model": "lstm"}, r"'model' in the run record must be a mapping, not str \('lstm'\)"),
        ({"metrics": {"test": 0.5}}, r"'metrics.test' in the run record must be a mapping, not float"),
        ({"data": {"examples": [1]}}, r"'data.examples' in the run record must be a mapping, not list"),
    ],
)
def test_write_model_card_rejects_invalid_sections(change: dict[str, Any], message: str, tmp_path: Path) -> None:
    with pytest.raises(HfseqError, match=message):
        write_model_card(tmp_path, {**RECORD, **change})


def test_write_model_card_rejects_invalid_arguments(tmp_path: Path) -> None:
    with pytest.raises(HfseqError, match="absent is not a folder: save the model there"):
        write_model_card(tmp_path / "absent", RECORD)
    with pytest.raises(HfseqError, match="'my model' is not a valid id of the Hub; use the form 'user/name'"):
        write_model_card(tmp_path, RECORD, repo_id="my model")
    with pytest.raises(HfseqError, match="must be a mapping, not list"):
        write_model_card(tmp_path, [])  # type: ignore[arg-type]


def test_model_card_module_does_not_import_torch() -> None:
    code = "import sys, hfseq.hub.model_card; print('torch' in sys.modules)"
    process = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert process.stdout.strip() == "False"
