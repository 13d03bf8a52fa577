"""The benchmarks run, and reject comparisons of functions with different results."""

import importlib
import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import datasets
import numpy as np
import pytest
import torch
import transformers

from hfseq.kernels.library import load_library
from hfseq.training.lazy_adamw import LazyAdamW

FOLDER = Path(__file__).parents[2] / "recipes" / "benchmarks"
CELLS = {"lstm", "gru", "rnn"}
needs_kernel = pytest.mark.skipif(load_library() is None, reason="the kernels are not compiled")


@pytest.fixture(scope="module", autouse=True)
def benchmarks():
    """Makes the scripts importable, and restores settings of the process."""
    before, verbosity = set(sys.modules), transformers.logging.get_verbosity()
    sys.path.insert(0, str(FOLDER))
    yield
    sys.path.remove(str(FOLDER))
    for name in set(sys.modules) - before:
        if (FOLDER / f"{name}.py").is_file():
            del sys.modules[name]
    transformers.logging.set_verbosity(verbosity)
    datasets.enable_progress_bars()


def run(name: str, folder: Path) -> dict:
    path = folder / f"{name}.json"
    importlib.import_module(name).main(["--quick", "--output", str(path)])
    return json.loads(path.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def recurrence(tmp_path_factory) -> dict:
    return run("recurrence", tmp_path_factory.mktemp("recurrence"))


@pytest.fixture(scope="module")
def trainer(tmp_path_factory) -> dict:
    return run("trainer", tmp_path_factory.mktemp("trainer"))


def check_header(results: dict, name: str) -> None:
    assert results["benchmark"] == name
    assert results["settings"] == {"threads": torch.get_num_threads(), "repeats": 1, "quick": True}
    assert results["machine"]["versions"]["torch"] == torch.__version__
    assert results["machine"]["recurrence"]
    assert set(results["disturbance"]) == {"samples", "retaken", "disturbed"}


def test_recurrence_measures_every_engine(recurrence):
    check_header(recurrence, "recurrence")
    assert recurrence["peak"]["flops"] > 0
    rows = recurrence["engines"]
    for part in ("training", "inference"):
        cases = {(row["cell"], row["workload"]) for row in rows if row["pass"] == part}
        assert cases >= {(cell, workload) for cell in CELLS for workload in ("sentences", "documents")}
    engines = {"packed", "padded", "torch"} | ({"kernel"} if load_library() else set())
    for row in rows:
        assert set(row["engines"]) == engines
        for found in row["engines"].values():
            assert min(found["ms"], found["ratio"]) > 0
            # With --quick, the product is so small that a layer may exceed its peak.
            assert found["share_of_peak"] is None or 0 < found["share_of_peak"] <= 1
        assert row["engines"]["packed"]["ratio"] == 1


def test_recurrence_results_are_equal(recurrence):
    exact = {"torch"} | ({"kernel"} if load_library() else set())
    for row in recurrence["engines"]:
        dense = row["workload"].startswith("dense")
        assert set(row["deviation"]) == exact | ({"padded"} if dense else set())
        assert max(row["deviation"].values()) < 1e-5


@needs_kernel
def test_recurrence_measures_min_cells(recurrence):
    rows = recurrence["min_cells"]
    assert {(row["pass"], row["cell"]) for row in rows} == {
        (part, cell) for part in ("training", "inference") for cell in ("mingru", "minlstm")
    }
    for row in rows:
        base = f"{row['cell'].removeprefix('min')} kernel"
        assert set(row["engines"]) == {base, f"{row['cell']} torch", f"{row['cell']} kernel"}
        assert row["engines"][base]["ratio"] == 1
        assert row["deviation"]["kernel"] < 1e-5


def test_recurrence_measures_installed_runtimes(recurrence):
    notes = " ".join(recurrence["notes"])
    for row in recurrence["runtimes"]:
        assert row["deviation"]["model"] < 1e-5
        assert all(found["our_model_is_faster_by"] > 0 for found in row["runtimes"].values())
        for runtime, packages in {"onnxruntime": ("onnx", "onnxruntime"), "keras": ("keras", "jax")}.items():
            if all(importlib.util.find_spec(package) for package in packages):
                assert row["deviation"][runtime] < 1e-5
                assert row["runtimes"][runtime]["ours_is_faster_by"] > 0
            else:
                assert f"{runtime}: left out, not installed: " in notes
                assert runtime not in row["runtimes"]


def test_share_of_the_peak_is_computed_within_rounds():
    measure = importlib.import_module("measure")
    peak = measure.Peak(flops=1e9, size=100, by="torch.mm", run=lambda: None)
    product = 2 * 100**3
    # The machine has half of its speed in the second round, and is disturbed in the third.
    samples = {"peak": [1.0, 2.0, 9.0], "kernel": [2.0, 4.0, 4.0]}
    assert peak.share(samples, "kernel", product) == 0.5
    assert measure.percent(0.5) == "50%"
    assert peak.share({"peak": [3.0], "kernel": [2.0]}, "kernel", product) is None
    assert measure.percent(None) == "disturbed"


def test_disturbed_table_has_a_note(monkeypatch, capsys):
    measure = importlib.import_module("measure")
    monkeypatch.setattr(measure, "DISTURBANCE", measure.Disturbance())
    monkeypatch.setattr(measure, "_reported", measure.Disturbance())
    monkeypatch.setattr(measure, "_REST_SECONDS", 0)
    switches = iter(range(0, 10**6, 1000))
    monkeypatch.setattr(measure, "_involuntary_switches", lambda: 0)
    measure.paired_samples({"quiet": lambda: 1.0}, repeats=2)
    measure.print_table("one", ["", "ms"], [["a", "1"]])
    assert "disturbed" not in capsys.readouterr().out
    with monkeypatch.context() as patch:
        patch.setattr(measure, "_involuntary_switches", lambda: next(switches))
        measure.paired_samples({"loud": lambda: 1.0, "louder": lambda: 1.0}, repeats=3)
    measure.print_table("two", ["", "ms"], [["a", "1"]])
    assert "disturbed: the system took a core away during 6 of the 6 samples of this table" in capsys.readouterr().out
    measure.print_table("three", ["", "ms"], [["a", "1"]])
    assert "disturbed" not in capsys.readouterr().out


def test_engine_with_wrong_results_is_not_measured(monkeypatch, tmp_path):
    problems, recurrence = importlib.import_module("problems"), importlib.import_module("recurrence")
    right = problems.packed_layer

    def wrong(cell, *arguments):
        outputs, final = right(cell, *arguments)
        return outputs * 1.001, final

    monkeypatch.setattr(problems, "packed_layer", wrong)
    with pytest.raises(RuntimeError, match=r"lstm, torch against packed: deviates by 0\.001, which is above 0\.0001"):
        recurrence.main(["--quick"])


def test_flops_count_real_tokens_only():
    problems = importlib.import_module("problems")
    problem = problems.Problem.make("gru", [3, 5], input_size=2, hidden_size=4)
    one_direction = 2 * 3 * 4 * (2 + 4)
    assert problem.flops(training=False) == 8 * 2 * one_direction
    assert problem.flops(training=True) == 3 * 8 * 2 * one_direction


def test_trainer_results_are_equal(trainer):
    check_header(trainer, "trainer")
    assert [row["workload"] for row in trainer["trainings"]] == ["sentences", "documents"]
    for row in trainer["trainings"]:
        assert set(row["ms_per_step"]) == {"ours", "ours, random", "stock", "bare"}
        assert row["deviation"] < 1e-5
        assert row["losses"]["ours, random"] == pytest.approx(row["losses"]["stock"], rel=1e-5)
        assert min(row["stock_over_ours"], row["stock_over_ours_random"], row["ours_over_bare"]) > 0
    for row in trainer["overheads"]:
        assert set(row["ms_per_step"]) == {"ours", "ours, dense", "bare"}
        assert min(row["ours_over_bare"], row["dense_over_bare"]) > 0


@needs_kernel
def test_our_training_uses_its_features(trainer):
    trainings, script = importlib.import_module("trainings"), importlib.import_module("trainer")
    place = script.workplaces(quick=True)[0]
    assert isinstance(trainings.our_trainer(place, place.dataset).create_optimizer(), LazyAdamW)
    dense = trainings.our_trainer(place, place.dataset, lazy_embeddings=False).create_optimizer()
    stock = trainings.stock_trainer(place, place.dataset).create_optimizer()
    assert type(dense) is type(stock) is torch.optim.AdamW
    assert dense.defaults["fused"]


def test_attention_compares_equal_sizes(process_environment, tmp_path):
    path = tmp_path / "attention.json"
    subprocess.run(
        [sys.executable, str(FOLDER / "attention.py"), "--quick", "--output", str(path)],
        env=process_environment, cwd=tmp_path, check=True, capture_output=True,
    )  # fmt: skip
    results = json.loads(path.read_text(encoding="utf-8"))
    check_header({**results, "settings": {**results["settings"], "threads": torch.get_num_threads()}}, "attention")
    assert results["parameters"]["lstm"] == pytest.approx(results["parameters"]["bert"], rel=0.02)
    assert {row["pass"] for row in results["rows"]} == {"training", "inference"}
    for row in results["rows"]:
        assert row["ratio"] > 0
        assert set(row["tokens_per_second"]) == {"lstm", "bert"}


@pytest.mark.parametrize("cell", ["gru", "rnn", "mingru", "minlstm"])
def test_each_cell_has_an_attention_classifier_of_its_size(cell):
    attention = importlib.import_module("attention")
    models = attention.make_models(cell, longest=8, quick=False)
    assert models[cell].config.cell_type == cell  # make_models raises an error if the sizes differ


def test_disturbed_sample_is_measured_again(monkeypatch):
    measure = importlib.import_module("measure")
    monkeypatch.setattr(measure, "DISTURBANCE", measure.Disturbance())
    switches = iter([0, 100, 100, 100, 100, 100])
    monkeypatch.setattr(measure, "_involuntary_switches", lambda: next(switches))
    samples = iter([9.0, 2.0, 1.0])
    found = measure.paired_samples({"one": lambda: next(samples)}, repeats=2)
    assert found == {"one": [2.0, 1.0]}
    assert vars(measure.DISTURBANCE) == {"samples": 2, "retaken": 1, "disturbed": 0}


def test_fastest_of_disturbed_samples_is_used(monkeypatch):
    measure = importlib.import_module("measure")
    monkeypatch.setattr(measure, "DISTURBANCE", measure.Disturbance())
    switches = iter(range(0, 10_000, 100))
    monkeypatch.setattr(measure, "_involuntary_switches", lambda: next(switches))
    samples = iter([3.0, 2.0, 5.0, 6.0])
    assert measure.paired_samples({"one": lambda: next(samples)}, repeats=2, tries=2) == {"one": [2.0, 5.0]}
    assert vars(measure.DISTURBANCE) == {"samples": 2, "retaken": 2, "disturbed": 2}


def test_ratio_is_computed_within_rounds():
    measure = importlib.import_module("measure")
    samples = {"slow": [2.0, 20.0, 4.0], "fast": [1.0, 10.0, 1.0]}
    assert measure.speed_up(samples, "fast", "slow") == 2
    assert measure.milliseconds(samples["slow"]) == 4000


def test_different_results_are_rejected():
    measure = importlib.import_module("measure")
    ones = torch.ones(2, 3)
    assert measure.check_equal("it", ones + 1e-6, ones, 1e-5) == pytest.approx(1e-6, rel=0.1)
    with pytest.raises(measure.MismatchError, match=r"it: deviates by 0\.5, which is above"):
        measure.check_equal("it", ones * 1.5, ones, 1e-5)
    with pytest.raises(measure.MismatchError, match=r"it: the shape is \(3, 2\), but should be \(2, 3\)"):
        measure.check_equal("it", ones.t(), ones, 1e-5)
    with pytest.raises(measure.MismatchError, match="nan"):
        measure.check_equal("it", ones * torch.nan, ones, 1e-5)


def test_invalid_flags_are_rejected(capsys):
    measure = importlib.import_module("measure")
    with pytest.raises(SystemExit):
        measure.parse_options("about", ["--threads", "0"], repeats=3)
    assert "--threads and --repeats must be at least 1" in capsys.readouterr().err


def test_workloads_match_their_description():
    workloads = importlib.import_module("workloads")
    sentences, documents = (workloads.draw_lengths(name, 20_000) for name in ("sentences", "documents"))
    assert sentences.mean() == pytest.approx(19.5, abs=0.3)
    assert (sentences.min(), sentences.max()) == (2, 64)
    assert np.median(documents) == pytest.approx(175, abs=3)
    assert (documents.min(), documents.max()) == (10, 512)
    tokens = workloads.draw_tokens(100_000, 1000)
    assert (tokens.min(), tokens.max()) == (1, 999)
    assert np.mean(tokens == 1) / np.mean(tokens == 4) == pytest.approx(4, rel=0.1)
