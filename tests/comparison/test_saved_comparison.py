"""Reading saved comparisons, those of earlier versions too."""

import dataclasses
import json
import shutil

import numpy as np
import pytest

from hfseq.comparison import Comparison
from hfseq.comparison.collect import collect
from hfseq.comparison.protocol import repeat_command
from hfseq.errors import HfseqError


@pytest.fixture
def saved(make_result, tmp_path):
    """A comparison of two runs and a baseline in a folder, with its runs, and the results."""
    rows = np.arange(100)
    results = [make_result("lstm", right=rows < 80), make_result("gru", right=rows < 60, error="out of memory")]
    baseline = make_result("majority", right=rows < 50)
    shutil.move(baseline.folder.parent, tmp_path / "baselines" / "most_common")
    folder = tmp_path / "baselines" / "most_common" / "seed-0"
    results.append(dataclasses.replace(baseline, folder=folder, is_baseline=True))
    for result in results:
        result.record.save(result.folder)
    content = collect(results, {"minilm": "it is not installed"}, ["a first look"])
    (tmp_path / "comparison.json").write_text(json.dumps(content))
    return content, results


def as_version_1(content):
    """What version 1 wrote: no kinds, intervals, pairs and checks, and notes in their place."""
    old = {key: content[key] for key in ("data", "primary_metric", "greater_is_better", "seeds", "environment")}
    models = json.loads(json.dumps(content["models"]))
    for name, model in models.items():
        for key in ("kind", "cost_intervals"):
            del model[key]
        model["costs"]["latency_p50_ms"] = float(len(name))
        for run in model["runs"]:
            del run["variant"]
    del models["majority"]
    notes = ["a first look", "the runs used different processors (A: lstm; B: gru): their costs are not comparable"]
    return {
        **old, "format_version": 1, "models": models, "notes": notes,
        "recommendation": {"model": "lstm", "sentence": "Choose lstm."},
    }  # fmt: skip


def test_comparison_is_read_with_its_runs_after_it_was_moved(saved, tmp_path):
    content, results = saved
    moved = tmp_path.parent / f"{tmp_path.name}-moved"
    shutil.move(tmp_path, moved)
    loaded = Comparison.load(moved)
    assert dict(loaded) == json.loads(json.dumps(content))
    assert [(run.name, run.seed, run.finished, run.is_baseline) for run in loaded.runs] == [
        ("lstm", 0, True, False), ("gru", 0, False, False), ("majority", 0, True, True),
    ]  # fmt: skip
    assert loaded.runs[2].folder == moved / "baselines" / "most_common" / "seed-0"
    assert loaded.runs[2].record.metrics == results[2].record.metrics


def test_comparison_of_version_1_is_made_again_from_its_runs(saved, tmp_path):
    content, _ = saved
    (tmp_path / "comparison.json").write_text(json.dumps(as_version_1(content)))
    loaded = Comparison.load(tmp_path)
    assert loaded["format_version"] == 2
    assert {name: model["status"] for name, model in loaded["models"].items()} == {
        "lstm": "finished", "gru": "failed", "minilm": "unavailable",
    }  # fmt: skip
    model = loaded["models"]["lstm"]
    assert model["costs"]["latency_p50_ms"] == 4.0 and model["costs"]["parameters"] == 1000
    assert model["metrics"]["accuracy"]["interval"] == content["models"]["lstm"]["metrics"]["accuracy"]["interval"]
    assert loaded["notes"] == ["a first look"]
    assert "HFS014" in [check["code"] for check in loaded["checks"]]
    assert loaded.verdict.startswith("lstm is the only model that finished")


def test_comparison_of_version_1_without_its_runs_says_what_to_do(saved, tmp_path):
    content, _ = saved
    (tmp_path / "comparison.json").write_text(json.dumps(as_version_1(content)))
    shutil.rmtree(tmp_path / "lstm")
    with pytest.raises(HfseqError, match=r"earlier version.*lstm/seed-0.*Put them back, or run the comparison again"):
        Comparison.load(tmp_path)


def test_comparison_of_a_newer_version_is_rejected(saved, tmp_path):
    (tmp_path / "comparison.json").write_text(json.dumps({**saved[0], "format_version": 3}))
    with pytest.raises(HfseqError, match="format 3; this hfseq reads up to 2"):
        Comparison.load(tmp_path)


def test_protocol_tells_what_is_needed_to_repeat_the_comparison(make_result):
    results = [make_result("lstm", seed, machine={"versions": {"torch": "2"}, "launcher": "local"}) for seed in (1, 0)]
    results[0].record.started_at, results[1].record.started_at = "2026-01-02", "2026-01-01"
    protocol = collect(results, protocol={"margin": 0.1, "command": "hfseq compare"})["protocol"]
    assert protocol == {
        "seeds": [0, 1], "data_fingerprints": ["f"], "splits": {"train": 800, "validation": 100, "test": 100},
        "versions": {"torch": "2"}, "git_hash": None, "launchers": ["local"], "started_at": "2026-01-01",
        "finished_at": None, "training_times_comparable": True, "margin": 0.1, "command": "hfseq compare",
    }  # fmt: skip


def test_repeat_command_can_be_pasted_into_a_shell():
    settings = {
        "hub_token": "hf_secret",
        "overwrite_output_dir": True,
        "dataset": "my reviews.csv",
        "text_columns": ["a", "b"],
        "config_overrides": {"hidden_size": 8},
    }
    assert repeat_command(["lstm", "my model.yaml"], [0, 1], settings, {"margin": 0.02, "jobs": None}, "out") == (
        "hfseq compare --models lstm 'my model.yaml' --seeds 0 1 --dataset 'my reviews.csv' --text_columns a b "
        """--config_overrides '{"hidden_size": 8}' --margin 0.02 --output_dir out"""
    )
