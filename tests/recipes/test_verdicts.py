"""The simulation of the statistics of a comparison: its truth is right, and its script runs."""

import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest

from hfseq.metrics.sums import metric_from_sums

PATH = Path(__file__).parents[2] / "recipes" / "benchmarks" / "verdicts.py"


@pytest.fixture(scope="module")
def verdicts():
    spec = importlib.util.spec_from_file_location("verdicts", PATH)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("metric", ["accuracy", "f1_macro", "mse"])
def test_drawn_results_have_the_known_truth(verdicts, metric):
    """With very many examples, each metric is the truth of its trained model."""
    drawn = verdicts.METRICS[metric](np.random.default_rng(0), 1, 200_000)
    for name, sample in drawn.samples.items():
        assert sample.estimate == pytest.approx(drawn.truth[name], rel=0.01)
    best, outside = drawn.truth["best"], drawn.truth["outside"]
    assert drawn.samples.keys() == set(verdicts.MODELS)
    assert abs(best - outside) < 10 * drawn.margin


@pytest.mark.parametrize("metric", ["accuracy", "f1_macro", "mse"])
def test_truth_of_several_seeds_is_their_mean(verdicts, metric):
    drawn = verdicts.METRICS[metric](np.random.default_rng(1), 2000, 50)
    for name, sample in drawn.samples.items():
        # Sums over the seeds too: macro F1 of few examples would be biased.
        value = float(metric_from_sums(metric, sample.sums.sum((0, 1))))
        assert value == pytest.approx(drawn.truth[name], rel=0.35)
    assert abs(drawn.truth["best"] - drawn.truth["equal"]) < 1e-9
    gap = abs(drawn.truth["best"] - drawn.truth["outside"])
    assert gap == pytest.approx(1.05 * drawn.margin)


def test_script_prints_a_table(verdicts, capsys, tmp_path):
    output = tmp_path / "verdicts.json"
    verdicts.main(["--comparisons", "5", "--seeds", "1", "3", "--examples", "30", "--output", str(output)])
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("| metric | seeds | examples | intervals |")
    rows = [line for line in lines if line.startswith("|")][2:]
    assert len(rows) == len(json.loads(output.read_text())["rows"]) == 6
    for row in json.loads(output.read_text())["rows"]:
        assert row["coverage"] > 0.7
        assert row["false_verdicts"] <= 0.2
