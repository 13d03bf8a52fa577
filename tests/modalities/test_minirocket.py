"""MiniRocket features against slow loops, and the accuracies of the paper."""

import os
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

from hfseq.modalities.series.minirocket import MiniRocket, fit_dilations

UCR = Path(os.environ.get("HFSEQ_UCR", Path(__file__).parents[3] / "shared" / "data" / "ucr_uea"))


def random_series(lengths, channels, seed=0):
    rng = np.random.default_rng(seed)
    return [rng.normal(size=(length, channels)).astype(np.float32) for length in lengths]


def slow_features(rocket, series, above):
    """The definition of the paper, step by step: the shares of values that exceed a bias by `above`."""
    steps, features = len(series), []
    for item in rocket.dilations:
        margin = 4 * item.dilation
        for kernel, positions in enumerate(combinations(range(9), 3)):
            used = [channel for channel in range(series.shape[1]) if item.weights[kernel, channel].any()]
            values = []
            for step in range(steps):
                total = 0.0
                for place in range(9):
                    at = step + (place - 4) * item.dilation
                    if 0 <= at < steps:
                        total += (2 if place in positions else -1) * float(series[at, used].sum())
                values.append(total)
            if item.inside[kernel] and steps > 2 * margin:
                values = values[margin : steps - margin]
            features += [np.mean(np.array(values) > float(bias) + above) for bias in item.biases[kernel]]
    return np.array(features)


@pytest.mark.parametrize("channels", [1, 3])
def test_features_match_slow_loops(channels):
    series = random_series([20, 7], channels)
    rocket = MiniRocket(num_features=2 * 84, seed=1).fit(series)
    found = rocket(series)
    assert found.shape == (2, rocket.num_features) == (2, 168)
    for row, values in zip(found, series, strict=True):
        # A bias is often one of the values. Then rounding decides whether it is exceeded.
        low, high = (slow_features(rocket, values, above) for above in (1e-5, -1e-5))
        assert (row >= low - 1e-6).all() and (row <= high + 1e-6).all()
        assert np.mean(low == high) > 0.7


def test_features_do_not_depend_on_the_padding_of_the_batch():
    series = random_series([12, 40, 25, 9], 2)
    rocket = MiniRocket(num_features=500).fit(series)
    together = rocket(series)
    alone = np.concatenate([rocket([values]) for values in series])
    assert np.array_equal(together, alone)


def test_features_do_not_change_with_level_and_scale():
    """The weights of a kernel sum to zero, and the biases scale with the series."""
    series = random_series([30] * 4, 1)
    moved = [3 * values + 7 for values in series]
    inside = MiniRocket(num_features=336).fit(series)
    features = inside(series)
    # Kernels that count only the steps within the series ignore its level.
    columns = np.concatenate([item.inside.numpy().repeat(item.biases.shape[1]) for item in inside.dilations])
    again = MiniRocket(num_features=336).fit(moved)
    for item, other in zip(inside.dilations, again.dilations, strict=True):
        other.biases[:] = 3 * item.biases
    assert np.abs(again(moved) - features)[:, columns].max() < 0.05


def test_dilations_have_the_features_of_the_paper():
    dilations, counts = fit_dilations(150, 119)
    assert (dilations[0], dilations[-1], counts.sum()) == (1, 18, 119)
    assert np.all(np.diff(dilations) > 0) and counts.min() >= 1
    assert MiniRocket().num_features == 9996
    dilations, counts = fit_dilations(5, 119)  # shorter than a kernel
    assert (dilations.tolist(), counts.tolist()) == ([1], [119])


def test_each_kernel_reads_between_one_and_nine_channels():
    series = random_series([15] * 3, 12)
    rocket = MiniRocket(num_features=840).fit(series)
    counts = np.concatenate([item.weights.numpy().any(2).sum(1) for item in rocket.dilations])
    assert counts.min() == 1 and 2 < counts.max() <= 9


# Mean accuracies of MiniRocket in the paper's results (univariate) and in Dempster et al.'s multivariate ones, with
# about two standard errors of the test split: 0.05 for the 175 series of ArrowHead.
PAPER = {
    "GunPoint": (0.98, 1.0),
    "ItalyPowerDemand": (0.95, 0.98),
    "ArrowHead": (0.815, 0.92),
    "BasicMotions": (0.97, 1),
}


@pytest.mark.slow
@pytest.mark.skipif(not UCR.is_dir(), reason=f"the UCR data sets are not in {UCR}")
@pytest.mark.parametrize("name", PAPER)
def test_accuracy_is_that_of_the_paper(name, tmp_path):
    from hfseq.comparison.baselines.run import run_baseline
    from hfseq.training.settings import resolve

    found = []
    for seed in range(3):
        settings = {"dataset": str(UCR / name), "modality": "series", "model": "lstm", "seed": seed, "use_cpu": True}
        settings |= {"output_dir": str(tmp_path / f"{seed}"), "cache_dir": str(tmp_path / "cache")}
        # The paper trains on the whole training split. Only the temperature needs a validation split.
        settings["validation_fraction"] = 0.05
        found.append(run_baseline("minirocket", resolve(settings)).metrics["test"]["accuracy"])
    low, high = PAPER[name]
    assert low <= np.mean(found) <= high, found
