"""Learning curves, and the number of labels at which one model overtakes another."""

import json
from dataclasses import replace

import numpy as np
import pytest

from hfseq.comparison.budgets.learning_curves import last_crossing, learning_curves
from hfseq.comparison.collect import collect

SIZES = (100, 300, 1000)


def drawn(share, count, seed):
    """Right and wrong answers with an exact share of right ones."""
    right = np.arange(count) < round(share * count)
    return np.random.default_rng(seed).permutation(right)


@pytest.fixture
def curve(make_result):
    """The runs of a model with a given accuracy at each size."""

    def curve(name, shares, count=1000, seeds=(0, 1)):
        return [
            replace(
                make_result(f"{name}-{size}", seed, right=drawn(share, count, seed)),
                name=name,
                variant={"train_size": size},
            )
            for size, share in zip(SIZES, shares, strict=True)
            for seed in seeds
        ]

    return curve


def test_last_crossing_interpolates_in_the_logarithm():
    logs = np.log([100.0, 1000.0])
    differences = np.array([[-1.0, 1.0], [1.0, 2.0], [-3.0, 1.0], [-1.0, -2.0], [0.0, 1.0]])
    found = np.exp(last_crossing(differences, logs))
    assert found == pytest.approx([10**2.5, 0.0, 10**2.75, np.inf, 100.0])
    # A model may be overtaken twice: the last time counts.
    twice = np.array([[-1.0, 1.0, -1.0, 1.0]])
    assert last_crossing(twice, np.arange(4.0)) == pytest.approx([2.5])


def test_curves_have_means_intervals_and_the_crossing(curve):
    found = learning_curves([*curve("lstm", (0.4, 0.6, 0.8)), *curve("minilm", (0.6, 0.7, 0.7))], "accuracy", True)
    assert json.loads(json.dumps(found)) == found
    assert found["sizes"] == list(SIZES) and [point["mean"] for point in found["models"]["lstm"]] == [0.4, 0.6, 0.8]
    assert all(point["low"] < point["mean"] < point["high"] for point in found["models"]["minilm"])
    (crossing,) = found["crossings"]
    # From -0.1 at 300 to 0.1 at 1,000: half of the way in the logarithm.
    assert crossing["size"] == pytest.approx((300 * 1000) ** 0.5) and crossing["ahead"] == "lstm"
    assert 300 < crossing["low"] < crossing["size"] < crossing["high"] < 1000
    assert crossing["sentence"].startswith("lstm overtakes minilm at about 550 labels (95 % interval from ")


def test_no_crossing_is_said(curve):
    found = learning_curves([*curve("a", (0.4, 0.6, 0.8)), *curve("b", (0.3, 0.5, 0.6))], "accuracy", True)
    (crossing,) = found["crossings"]
    assert crossing["size"] is None
    assert crossing["sentence"] == "a and b: no crossing between 100 and 1,000 labels; a is ahead at every size."


def test_interval_of_a_doubtful_crossing_extends_beyond_the_sizes(curve):
    runs = [*curve("a", (0.5, 0.5, 0.55), count=40, seeds=(0,)), *curve("b", (0.55, 0.55, 0.5), count=40, seeds=(0,))]
    (crossing,) = learning_curves(runs, "accuracy", True)["crossings"]
    assert crossing["high"] is None and "to above 1,000)" in crossing["sentence"]


def test_errors_cross_where_they_become_smaller(make_result):
    runs = [
        replace(make_result(f"{name}-{size}", metrics={"mse": value}), name=name, variant={"train_size": size})
        for name, values in (("a", (4.0, 3.0, 1.0)), ("b", (3.0, 2.0, 2.0)))
        for size, value in zip(SIZES, values, strict=True)
    ]
    found = learning_curves(runs, "mse", False)
    assert found["crossings"][0]["ahead"] == "a" and found["models"]["a"][0]["low"] is None


def test_unfinished_sizes_are_left_out(curve, make_result):
    runs = [run for run in curve("a", (0.4, 0.6, 0.8)) if run.variant["train_size"] != 300]
    found = learning_curves([*runs, *curve("b", (0.3, 0.5, 0.6))], "accuracy", True)
    assert [point["size"] for point in found["models"]["a"]] == [100, 1000] and found["crossings"] == []
    assert learning_curves([make_result("a")], "accuracy", True) is None


def test_comparison_has_the_learning_curves_of_its_runs(curve):
    content = collect([*curve("lstm", (0.4, 0.6, 0.8)), *curve("minilm", (0.6, 0.7, 0.7))])
    assert content["learning_curves"]["crossings"][0]["ahead"] == "lstm"
    # The table shows the largest size.
    assert content["models"]["lstm"]["metrics"]["accuracy"]["mean"] == pytest.approx(0.8)
