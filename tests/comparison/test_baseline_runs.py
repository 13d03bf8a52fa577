"""Runs of baselines: planned beside the models, executed, saved and loaded again."""

import json
import shutil

import numpy as np
import pytest
from small import TINY, write_csv

from hfseq import registry
from hfseq.comparison.baselines.planning import plan_baselines
from hfseq.comparison.baselines.run import finished_record, run_baseline
from hfseq.comparison.baselines.saved import BASELINE_NAME, load_baseline
from hfseq.comparison.baselines.settings import read_baseline, write_baseline
from hfseq.comparison.execution import run_command
from hfseq.comparison.plan import PlannedRun, make_plan
from hfseq.data.labels.columns import Columns
from hfseq.errors import HfseqError
from hfseq.metrics.sums import metric_from_sums
from hfseq.training.preparation import load_data
from hfseq.training.record import RunRecord
from hfseq.training.saved_predictions import load_predictions
from hfseq.training.settings import resolve


@pytest.fixture(scope="module")
def settings(reviews, tmp_path_factory):
    return {**TINY, "dataset": str(reviews), "cache_dir": str(tmp_path_factory.mktemp("cache")), "seed": 0}


@pytest.fixture(scope="module")
def majority(settings, tmp_path_factory):
    """A finished run of the majority baseline, and its arguments."""
    folder = tmp_path_factory.mktemp("baselines") / "majority" / "seed-0"
    arguments = resolve({**settings, "output_dir": str(folder), "run_name": "majority"})
    return run_baseline("majority", arguments), arguments


def test_record_describes_the_baseline(majority):
    record, arguments = majority
    assert vars(RunRecord.load(arguments.folder)) == vars(record)
    assert (record.status, record.model["kind"], record.model["deterministic"]) == ("finished", "baseline", True)
    assert record.model["summary"].startswith("always predicts 'bad', the commonest class")
    assert record.costs["parameters"] == 2
    assert record.costs["size_on_disk_bytes"] == (arguments.folder / BASELINE_NAME).stat().st_size
    assert record.costs["peak_memory_bytes"] > 0 and record.costs["train_seconds"] >= 0
    assert "learning_rate" not in record.config  # it has no influence


def test_predictions_are_saved_like_those_of_models(majority):
    record, arguments = majority
    for split in ("validation", "test"):
        saved = load_predictions(arguments.folder, split)
        assert saved.predictions[0].shape == (40, 2)
        assert saved.lengths.shape == (40,)
        expected = np.mean(saved.labels[0] == saved.predictions[0].argmax(-1))
        assert record.metrics[split]["accuracy"] == pytest.approx(expected)
        assert metric_from_sums("accuracy", saved.sums["accuracy"].sum(0)) == pytest.approx(expected)


def test_saved_baseline_predicts_raw_rows(majority):
    _, arguments = majority
    predictor = load_baseline(arguments.folder)

    found = predictor.predict_rows(
        {"text": ["a lovely day"] * 3, "label": ["good"] * 3}, Columns("text", None, "label")
    )
    assert [one.labels for one in found] == [["bad"]] * 3
    assert sum(found[0].scores.values()) == pytest.approx(1)


def test_changed_file_is_not_loaded(majority, tmp_path):
    _, arguments = majority
    copy = shutil.copytree(arguments.folder, tmp_path / "copy")
    (copy / BASELINE_NAME).write_bytes(b"changed")
    with pytest.raises(HfseqError, match=r"cannot be loaded: baseline.joblib has 7 bytes"):
        load_baseline(copy)


def test_finished_run_is_not_repeated_unless_something_changed(majority, settings):
    record, arguments = majority
    fingerprint = record.data["fingerprint"]
    assert finished_record("majority", arguments, fingerprint) is not None
    assert finished_record("majority", arguments, "other data") is None
    folder = str(arguments.folder)
    # Settings of the model do not matter to a baseline that reads no tokens, those of the data do.
    other_model = resolve({**settings, "model": "gru", "learning_rate": 0.1, "output_dir": folder})
    assert finished_record("majority", other_model, fingerprint) is not None
    fewer = resolve({**settings, "max_train_samples": 20, "output_dir": folder})
    assert finished_record("majority", fewer, fingerprint) is None
    saved = (arguments.folder / BASELINE_NAME).stat().st_mtime_ns
    run_baseline("majority", arguments)
    assert (arguments.folder / BASELINE_NAME).stat().st_mtime_ns == saved
    run_baseline("majority", resolve({**arguments.settings, "overwrite_output_dir": True}))
    assert (arguments.folder / BASELINE_NAME).stat().st_mtime_ns > saved


def test_plan_has_each_matching_baseline_once_if_it_is_deterministic(settings, tmp_path):
    plan = make_plan(["lstm"], [3, 4], {**settings, "model": "lstm"}, tmp_path)
    planned = plan_baselines(plan.runs, plan.data, tmp_path)
    names = {run.baseline for run in planned}
    assert "majority" in names and "mean" not in names
    for name in names:
        seeds = [run.seed for run in planned if run.baseline == name]
        assert seeds == ([3] if registry.get_baseline(name).deterministic else [3, 4])
    run = next(run for run in planned if run.baseline == "majority")
    assert run.folder == tmp_path / "baselines" / "majority" / "seed-3"
    assert (run.label, run.finished) == ("baseline majority, seed 3", None)
    # A model of that name keeps it.
    renamed = [PlannedRun("majority", one.seed, one.folder, one.arguments) for one in plan.runs]
    assert "majority-baseline" in {one.name for one in plan_baselines(renamed, plan.data, tmp_path)}
    assert run_command(run).words[:3] == ("-P", "-m", "hfseq.comparison.baselines")


def test_settings_of_a_baseline_are_read_again(settings, tmp_path):
    arguments = resolve({**settings, "output_dir": str(tmp_path / "run"), "run_name": "row"})
    name, again = read_baseline(write_baseline("majority", arguments))
    assert (name, again.name, again.folder) == ("majority", "row", arguments.folder)
    assert again.data == arguments.data
    (tmp_path / "damaged.yaml").write_text("- 1\n")
    with pytest.raises(HfseqError, match="does not describe the run of a baseline"):
        read_baseline(tmp_path / "damaged.yaml")


def test_failed_baseline_leaves_the_reason(settings, tmp_path, monkeypatch):
    from hfseq.tasks.sequence_classification.baselines.majority import Majority

    def fail(self, data):
        raise HfseqError("no labels")

    monkeypatch.setattr(Majority, "fit", fail)
    arguments = resolve({**settings, "output_dir": str(tmp_path / "run")})
    with pytest.raises(HfseqError, match="no labels"):
        run_baseline("majority", arguments)
    record = RunRecord.load(tmp_path / "run")
    assert (record.status, record.error) == ("failed", "HfseqError: no labels")


def run_on(name, data, tmp_path, **settings):
    """Runs a baseline, and checks that the saved one predicts the test split as it was evaluated."""
    given = {**TINY, "dataset": str(data), "cache_dir": str(tmp_path / "cache"), "output_dir": str(tmp_path / name)}
    arguments = resolve({**given, **settings})
    record = run_baseline(name, arguments)
    loaded = load_data(arguments.data)
    saved = load_predictions(arguments.folder, "test")
    rows = loaded.splits["test"][:]
    return record, load_baseline(arguments.folder).predict_rows(rows, loaded.columns), saved


@pytest.mark.parametrize("name", ["tfidf_words", "tfidf_characters"])
def test_bag_of_words_learns_words(name, reviews, tmp_path):
    record, predictions, saved = run_on(name, reviews, tmp_path)
    assert record.metrics["test"]["accuracy"] > 0.9
    labels = record.data["labels"]
    assert [one.labels for one in predictions] == [[labels[row]] for row in saved.predictions[0].argmax(-1)]
    assert record.model["description"]["C"] > 0 and "TF-IDF" in record.model["summary"]


def test_kmers_learn_a_motif(tmp_path):
    rng = np.random.default_rng(0)
    rows = [{"sequence": "".join(rng.choice(list("ACGT"), 30)), "label": row % 2} for row in range(90)]
    for row in rows:
        row["sequence"] += "CCGCC" if row["label"] else "TTATT"
    record, _, _ = run_on("kmers", write_csv(tmp_path / "dna.csv", rows), tmp_path, modality="dna")
    assert record.metrics["test"]["accuracy"] > 0.8
    assert record.model["description"].keys() == {"k", "both_strands", "C"}


def test_minirocket_tells_waves_apart(tmp_path):
    rng = np.random.default_rng(0)
    rows = []
    for number in range(60):
        steps = np.arange(rng.integers(20, 40))
        wave = np.sin(steps * (0.5 if number % 2 else 1.2)) + rng.normal(size=len(steps)) * 0.1
        rows.append({"series": wave.round(3)[:, None].tolist(), "label": ["slow", "fast"][number % 2]})
    data = tmp_path / "waves.jsonl"
    data.write_text("\n".join(map(json.dumps, rows)))
    record, predictions, saved = run_on("minirocket", data, tmp_path, modality="series", max_length=None)
    assert record.metrics["test"]["accuracy"] > 0.9
    labels = record.data["labels"]
    assert [one.labels for one in predictions] == [[labels[row]] for row in saved.predictions[0].argmax(-1)]
    assert not record.model["deterministic"]
