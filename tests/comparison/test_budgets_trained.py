"""Comparisons with budgets whose runs are trained."""

import pandas as pd
import pytest
from small import TINY, make_reviews

import hfseq
from hfseq.comparison.comparison import Comparison

FRAME = pd.DataFrame(make_reviews(120, 0))
SMALL = {name: value for name, value in TINY.items() if name not in ("model", "config_overrides")}

pytestmark = pytest.mark.slow


@pytest.fixture
def compare(tmp_path, monkeypatch):
    """Compares small models on a data frame."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    for name in ("lstm", "gru"):
        (tmp_path / f"{name}.yaml").write_text(
            f"model: {name}\nconfig_overrides: hidden_size=8,embedding_size=8\nlearning_rate: 0.02\n"
        )
    small = {name: value for name, value in SMALL.items() if name != "learning_rate"} | {"num_train_epochs": 1}

    def compare(**settings):
        lines: list[str] = []
        given = {"models": ["lstm.yaml", "gru.yaml"], "seeds": [0], "baselines": "none", "say": lines.append}
        given |= {**small, **settings}
        return hfseq.compare(dataset=FRAME, output_dir="out", **given), lines

    return compare


def test_tuned_settings_are_trained_and_tested_once(compare, tmp_path):
    comparison, _ = compare(tune=2, seeds=[0, 1])
    for name in ("lstm", "gru"):
        tuning = comparison["models"][name]["tuning"]
        assert tuning["trials"] == 2 and tuning["failed"] == 0
        assert sorted(path.name for path in (tmp_path / "out" / name / "tuning").iterdir()) == [
            "trial-000",
            "trial-001",
        ]
        assert not list((tmp_path / "out" / name / "tuning").rglob("*.safetensors"))
        records = [hfseq.RunRecord.load(tmp_path / "out" / name / "tuning" / f"trial-00{i}") for i in (0, 1)]
        assert all("test" not in record.metrics for record in records)
        assert [record.metrics["validation"]["accuracy"] for record in records] == tuning["values"]
        assert len(comparison["models"][name]["metrics"]["accuracy"]["values"]) == 2
    again, lines = compare(tune=2, seeds=[0, 1])
    assert again["models"]["lstm"]["metrics"] == comparison["models"]["lstm"]["metrics"]
    assert sum("already finished" in line for line in lines) == 4 and not any(": training" in line for line in lines)


def test_folds_are_trained_and_pooled(compare):
    comparison, _ = compare(folds=3)
    runs = comparison["models"]["lstm"]["runs"]
    assert [run["variant"] for run in runs] == [{"fold": fold} for fold in (1, 2, 3)]
    records = [run.record for run in Comparison.load("out").runs if run.name == "lstm"]
    assert sum(record.data["examples"]["test"] for record in records) == len(FRAME)
    assert not any("same data" in note for note in comparison["notes"])


def test_learning_curves_are_trained(compare):
    comparison, _ = compare(train_sizes=[20, 60], baselines="auto")
    curves = comparison["learning_curves"]
    assert [point["size"] for point in curves["models"]["gru"]] == [20, 60]
    assert comparison["models"]["gru"]["metrics"]["accuracy"]["mean"] == curves["models"]["gru"][1]["mean"]
    assert curves["models"].keys() == {"lstm", "gru", "tfidf_words", "tfidf_characters", "majority"}
    assert len(curves["crossings"]) == 3 and all(crossing["sentence"] for crossing in curves["crossings"])


def test_models_with_the_same_time_are_trained(compare):
    comparison, _ = compare(match="time")
    first, second = (comparison["models"][name]["costs"]["train_seconds"] for name in ("lstm", "gru"))
    assert second == pytest.approx(first, abs=0.3)
    assert comparison["protocol"]["match"]["rule"] == "time"
