"""A package outside hfseq adds a modality, a task, a metric and a cell, and everything works with them."""

import json
import os
import random
import sys
from pathlib import Path

import pytest
import torch

from hfseq import RecurrentConfig, RecurrentForSequenceClassification, registry
from hfseq.commands import main
from hfseq.errors import HfseqError
from hfseq.metrics import load, metric_direction
from hfseq.models.recurrent.cell_types import CELL_TYPES
from hfseq.plugins import load_plugins, load_saved_plugins

FOLDER = Path(__file__).parent
PACKAGE = Path(__file__).parents[2] / "hfseq"
SETTINGS = ["--task", "ordinal_classification", "--step_length", "0.5", "--max_steps", "3", "--use_cpu"]


@pytest.fixture
def walks(tmp_path):
    """Three levels: walks of a higher level go north more often."""
    source = random.Random(0)
    folder = tmp_path / "walks"
    folder.mkdir()
    for split, size in (("train", 60), ("validation", 24), ("test", 24)):
        lines = []
        for row in range(size):
            steps = source.choices("NESW", weights=[1 + 3 * (row % 3), 2, 2, 2], k=source.randint(4, 12))
            lines.append(f"level{row % 3} {''.join(steps)}\n")
        (folder / f"{split}.walks").write_text("".join(lines), encoding="utf-8")
    return folder


@pytest.fixture
def plugin(monkeypatch):
    """The plug-in can be imported, and nothing of it is left after the test."""
    monkeypatch.syspath_prepend(str(FOLDER))
    for name in ("_modalities", "_tasks", "_metrics", "_greater_is_better"):
        monkeypatch.setattr(registry, name, dict(getattr(registry, name)))
    cells = dict(CELL_TYPES)
    yield
    CELL_TYPES.clear()
    CELL_TYPES.update(cells)
    for module in [name for name in sys.modules if name.startswith("hfseq_walks")]:
        del sys.modules[module]


@pytest.fixture
def hfseq(plugin, tmp_path, monkeypatch, capsys):
    """Runs a command; the processes that it starts find the plug-in as well."""
    paths = [str(FOLDER), os.environ.get("PYTHONPATH", "")]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, paths)))
    monkeypatch.chdir(tmp_path)

    def run(*words: str) -> str:
        assert main(list(words)) == 0, capsys.readouterr().err
        return capsys.readouterr().out

    return run


def test_hfseq_does_not_name_the_plugin():
    words = ("walks", "ordinal_classification", "level_error", "minimal-gate")
    for path in PACKAGE.rglob("*.py"):
        text = path.read_text(encoding="utf-8").lower()
        # `os.walk` and "Kuwalksi" would be fine, the names as strings would not.
        assert not any(f'"{word}"' in text for word in words), path


def test_train_predict_and_evaluate_use_the_plugin(walks, tmp_path, hfseq):
    hfseq(
        "train",
        "--plugins",
        "hfseq_walks",
        "--dataset",
        str(walks),
        "--model",
        "minimal-gate",
        "--output_dir",
        "run",
        *SETTINGS,
    )
    record = json.loads((tmp_path / "run" / "run.json").read_text())
    assert (record["task"], record["data"]["modality"]) == ("ordinal_classification", "walks")
    assert record["data"]["metric"] == "level_error" and 0 <= record["metrics"]["test"]["level_error"] <= 2
    assert record["model"]["description"]["cell_type"] == "minimal-gate"
    assert json.loads((tmp_path / "run" / "preprocessor_config.json").read_text())["step_length"] == 0.5
    out = hfseq(
        "predict", "run", "--plugins", "hfseq_walks", "--input", str(walks / "test.walks"), "--output", "out.jsonl"
    )
    rows = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert len(rows) == 24 and {"level0", "level1", "level2"} == set(rows[0]["scores"]), out
    evaluated = hfseq("evaluate", "run", "--plugins", "hfseq_walks", "--dataset", str(walks), "--format", "json")
    metrics = json.loads(evaluated[evaluated.index("{") : evaluated.rindex("}") + 1])
    assert metrics["level_error"] == pytest.approx(record["metrics"]["test"]["level_error"])


def test_compare_ranks_models_by_the_metric_of_the_plugin(walks, tmp_path, hfseq):
    hfseq(
        "compare", "--plugins", "hfseq_walks", "--dataset", str(walks), "--models", "minimal-gate", "gru",
        "--seeds", "0", "--output_dir", "compared", "--baselines", "none", *SETTINGS,
    )  # fmt: skip
    comparison = json.loads((tmp_path / "compared" / "comparison.json").read_text())
    assert comparison["primary_metric"] == "level_error" and comparison["greater_is_better"] is False
    assert {name: model["status"] for name, model in comparison["models"].items()} == {
        "minimal-gate": "finished",
        "gru": "finished",
    }
    assert all(model["costs"]["latency_p50_ms"] > 0 for model in comparison["models"].values())


def test_load_plugins_finds_modules_in_the_working_directory(plugin, tmp_path, monkeypatch):
    (tmp_path / "metric_of_mine.py").write_text(
        (FOLDER / "hfseq_walks" / "metric.py").read_text(encoding="utf-8"), encoding="utf-8"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [entry for entry in sys.path if entry])
    load_plugins(["metric_of_mine"])
    assert metric_direction("level_error") == "min"
    assert load("level_error").compute(predictions=[0, 2], references=[1, 2]) == {"level_error": 0.5}


def test_models_with_the_cell_save_and_load(plugin, tmp_path):
    load_plugins(["hfseq_walks.cell"])
    torch.manual_seed(0)
    config = RecurrentConfig(vocab_size=20, cell_type="minimal-gate", hidden_size=8, num_labels=3, pad_token_id=0)
    model = RecurrentForSequenceClassification(config).eval()
    ids = torch.randint(1, 20, (3, 7))
    model.save_pretrained(tmp_path)
    again = RecurrentForSequenceClassification.from_pretrained(tmp_path).eval()
    with torch.no_grad():
        torch.testing.assert_close(again(input_ids=ids).logits, model(input_ids=ids).logits, rtol=0, atol=0)
        padded = torch.cat([ids, ids.new_zeros(3, 4)], dim=1)
        mask = torch.cat([torch.ones_like(ids), ids.new_zeros(3, 4)], dim=1)
        found = model(input_ids=padded, attention_mask=mask).logits
    torch.testing.assert_close(found, model(input_ids=ids).logits)


@pytest.mark.parametrize("name", ["no_such_plugin", "hfseq_walks.nothing"])
def test_load_plugins_rejects_modules_that_cannot_be_imported(name, plugin):
    with pytest.raises(HfseqError, match=f"the plug-in '{name}' cannot be imported: ModuleNotFoundError"):
        load_plugins([name])


def test_load_saved_plugins_refuses_modules_that_are_not_installed(tmp_path, monkeypatch):
    (tmp_path / "harmful.py").write_text("raise SystemExit('imported')\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(HfseqError, match="a-model was trained with the plug-in 'harmful'"):
        load_saved_plugins(["harmful"], "a-model")
