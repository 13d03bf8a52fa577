"""Folders and names of the runs of a comparison."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from hfseq.comparison.collect import collect
from hfseq.comparison.comparison import Comparison
from hfseq.comparison.variants import run_folder, run_label


@pytest.mark.parametrize(
    ("variant", "folder", "label"),
    [
        ({}, "lstm/seed-2", "lstm, seed 2"),
        ({"fold": 1}, "lstm/fold-1/seed-2", "lstm, fold 1, seed 2"),
        ({"train_size": 3000}, "lstm/train-3000/seed-2", "lstm, 3,000 training examples, seed 2"),
        ({"fold": 4, "repeat": 3}, "lstm/split-3/fold-4/seed-2", "lstm, split 3, fold 4, seed 2"),
        ({"trial": 3}, "lstm/tuning/trial-003", "lstm, trial 3, seed 2"),
    ],
)
def test_variant_determines_folder_and_label(variant, folder, label):
    assert run_folder("lstm", 2, variant) == Path(folder)
    assert run_label("lstm", 2, variant) == label


def test_saved_comparison_keeps_variants_after_it_was_moved(make_result, tmp_path):
    results = []
    for fold in (1, 2):
        result = make_result("lstm", 0, accuracy=0.5 + fold / 10)
        moved = run_folder(tmp_path / "lstm", 0, {"fold": fold})
        moved.mkdir(parents=True)
        result.record.save(moved)
        results.append(replace(result, folder=Path("/elsewhere"), variant={"fold": fold}))
    content = collect(results)
    assert [run["variant"] for run in content["models"]["lstm"]["runs"]] == [{"fold": 1}, {"fold": 2}]
    (tmp_path / "comparison.json").write_text(json.dumps(content))
    loaded = Comparison.load(tmp_path)
    assert [run.variant for run in loaded.runs] == [{"fold": 1}, {"fold": 2}]
    assert [run.record.metrics["test"]["accuracy"] for run in loaded.runs] == pytest.approx([0.6, 0.7])


def test_comparison_of_an_earlier_version_has_no_variants(make_result, tmp_path):
    content = collect([make_result("lstm", 3)])
    for run in content["models"]["lstm"]["runs"]:
        del run["variant"]
    (tmp_path / "comparison.json").write_text(json.dumps(content))
    (run,) = Comparison.load(tmp_path).runs
    assert run.variant == {} and run.folder == tmp_path / "lstm" / "seed-3"


def test_table_shows_the_largest_training_split(make_result):
    results = [
        replace(make_result("lstm", seed, accuracy=size / 1000), variant={"train_size": size})
        for size in (300, 100)
        for seed in (0, 1)
    ]
    model = collect(results)["models"]["lstm"]
    assert model["metrics"]["accuracy"]["values"] == (0.3, 0.3) and len(model["runs"]) == 4
    failed = [replace(make_result("lstm", 0, error="no"), variant={"train_size": 100}), *results[:2]]
    assert collect(failed)["models"]["lstm"]["reason"] == "100 training examples, seed 0: no"


def test_runs_of_one_fold_must_have_the_same_data(make_result):
    def result(name, fold, fingerprint):
        return replace(make_result(name, data={"fingerprint": fingerprint}), variant={"fold": fold})

    folds = [result(name, fold, f"f{fold}") for name in ("lstm", "gru") for fold in (1, 2)]
    assert not any("same data" in check["message"] for check in collect(folds)["checks"])
    mixed = collect([*folds, result("rnn", 1, "other")])
    assert any("same data" in check["message"] for check in mixed["checks"])
