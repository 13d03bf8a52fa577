"""Metrics of forecasts, and baseline forecasts, against hand-computed values and scikit-learn."""

import json

import numpy as np
import pytest
from sklearn.metrics import mean_absolute_error, mean_pinball_loss, mean_squared_error

from hfseq.errors import HfseqError
from hfseq.metrics import (
    TASK_METRICS,
    compute_forecasting_metrics,
    interval_coverage,
    last_value,
    load,
    seasonal_naive,
    seasonal_scale,
)
from hfseq.metrics.quantiles import coverage

pytestmark = pytest.mark.filterwarnings("error")

NAN = float("nan")
LEVELS = [0.1, 0.5, 0.9]


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def test_forecast_errors_equal_scikit_learn_on_observed_targets(rng):
    guess, truth = rng.normal(size=(2, 4, 5, 3))
    truth[0, 1, 2] = truth[3, :, 0] = NAN
    seen = ~np.isnan(truth)
    result = compute_forecasting_metrics(guess.astype(np.float32), truth)
    mse = mean_squared_error(truth[seen], guess[seen])
    assert result == pytest.approx(
        {
            "mse": mse,
            "mae": mean_absolute_error(truth[seen], guess[seen]),
            "rmse": mse**0.5,
            "smape": 200 * np.mean(np.abs(guess - truth)[seen] / (np.abs(guess) + np.abs(truth))[seen]),
        },
        rel=1e-5,
    )
    json.dumps(result, allow_nan=False)


def test_mase_equals_hand_computed_values():
    # Differences over a season of two steps: |3 - 1|, |6 - 2|, |5 - 3|, mean 8 / 3. In the second series, all are 1.
    history = [[1.0, 2.0, 3.0, 6.0, 5.0], [4.0, 4.0, 5.0, 5.0]]
    assert seasonal_scale(history, 2) == pytest.approx(np.array([[8 / 3], [1.0]]))
    guess, truth = [[2.0, 2.0], [1.0, 1.0]], [[2.0, 4.0], [4.0, NAN]]
    expected = (1 / (8 / 3) + 3 / 1) / 2
    result = compute_forecasting_metrics(guess, truth, history=history, period=2)
    assert result["mase"] == pytest.approx(expected)
    assert result == compute_forecasting_metrics(guess, truth, scale=seasonal_scale(history, 2))
    assert load("mase").compute(predictions=guess, references=truth, history=history, period=2) == {
        "mase": pytest.approx(expected)
    }


def test_mase_of_the_seasonal_naive_forecast_of_its_history_is_one(rng):
    series = rng.normal(size=(3, 48, 2)).cumsum(axis=1)
    guess, truth = series[:, :-12], series[:, 12:]
    assert compute_forecasting_metrics(guess, truth, history=series, period=12)["mase"] == pytest.approx(1.0)


def test_mase_ignores_series_with_undefined_scale(rng):
    season = np.sin(np.arange(6) / 6 * 2 * np.pi)
    # Constant; equal in every season up to rounding; too short; all missing. Only the last series has a scale.
    histories = [
        [3.0] * 12,
        np.tile(season, 2) + rng.normal(size=12) * 1e-17,
        [1.0] * 6,
        [NAN] * 12,
        [1.0] * 6 + [3.0] * 6,
    ]
    scale = seasonal_scale(histories, 6)[:, 0]
    assert np.isnan(scale).tolist() == [True, True, True, True, False]
    guess, truth = np.zeros((5, 2)), np.ones((5, 2))
    assert compute_forecasting_metrics(guess, truth, history=histories, period=6)["mase"] == 1 / 2
    assert "mase" not in compute_forecasting_metrics(guess[:4], truth[:4], history=histories[:4], period=6)
    # A series without observed targets is also ignored.
    truth[4] = NAN
    assert "mase" not in compute_forecasting_metrics(guess, truth, history=histories, period=6)


def test_smape_of_zeros_is_zero():
    assert compute_forecasting_metrics([[0.0, 0.0, 1.0]], [[0.0, 2.0, -1.0]])["smape"] == pytest.approx(400 / 3)


def test_quantile_metrics_equal_scikit_learn(rng):
    guess, truth = np.sort(rng.normal(size=(4, 5, 2, 3))), rng.normal(size=(4, 5, 2))
    truth[1, 2:] = NAN
    seen = ~np.isnan(truth)
    result = compute_forecasting_metrics(guess, truth, quantiles=LEVELS, history=rng.normal(size=(4, 9, 2)))
    losses = [mean_pinball_loss(truth[seen], guess[seen][:, i], alpha=level) for i, level in enumerate(LEVELS)]
    assert result["pinball"] == pytest.approx(np.mean(losses))
    assert result["mse"] == pytest.approx(mean_squared_error(truth[seen], guess[seen][:, 1]))
    assert set(result) == set(TASK_METRICS["forecasting"])
    inside = ((truth >= guess[..., 0]) & (truth <= guess[..., 2]))[seen].mean()
    assert coverage(guess, truth, np.array(LEVELS)) == {0.8: pytest.approx(inside)}
    assert interval_coverage(truth, guess[..., 0], guess[..., 2]) == pytest.approx(inside)
    assert result["coverage_error"] == pytest.approx(abs(inside - 0.8))


def test_quantile_metrics_without_median_or_pairs():
    result = compute_forecasting_metrics([[[0.0]]], [[4.0]], quantiles=[0.25])
    assert result == {"pinball": 1.0}
    assert set(compute_forecasting_metrics([[[0.0, 9.0]]], [[4.0]], quantiles=[0.1, 0.9])) == {
        "pinball",
        "coverage_error",
    }


def test_forecasting_metric_classes_accept_numbers_rows_and_channels(rng):
    guess, truth = np.sort(rng.normal(size=(4, 5, 2, 3))), rng.normal(size=(4, 5, 2))
    whole = load("pinball").compute(predictions=guess, references=truth, quantiles=LEVELS)
    rows = load("pinball").compute(predictions=guess[:, :, 0], references=truth[:, :, 0], quantiles=LEVELS)
    numbers = load("pinball").compute(predictions=guess[:, 0, 0], references=truth[:, 0, 0], quantiles=LEVELS)
    for result, part in ((whole, np.s_[:, :, :]), (rows, np.s_[:, :, :1]), (numbers, np.s_[:, :1, :1])):
        expected = compute_forecasting_metrics(guess[part], truth[part], quantiles=LEVELS)
        assert result == pytest.approx({name: expected[name] for name in ("pinball", "coverage_error")})
    channels = load("mase").compute(predictions=guess[..., 0], references=truth, history=truth)
    assert channels == {"mase": compute_forecasting_metrics(guess[..., 0], truth, history=truth)["mase"]}


def test_seasonal_naive_and_last_value_forecasts():
    assert seasonal_naive([[1.0, 2.0, 3.0, 4.0, 5.0]], 4, 3)[..., 0].tolist() == [[3.0, 4.0, 5.0, 3.0]]
    two = seasonal_naive([[[1.0, 10.0], [2.0, 20.0]], [[3.0, 30.0]]], 3, 2)
    # The second history is shorter than a season, so its last value is used.
    assert two[..., 0].tolist() == [[1.0, 2.0, 1.0], [3.0, 3.0, 3.0]]
    assert two[0, :, 1].tolist() == [10.0, 20.0, 10.0]
    # The first step of the last season is missing, so the value of the season before is used.
    assert seasonal_naive([[1.0, 2.0, NAN, 4.0]], 2, 2)[..., 0].tolist() == [[1.0, 4.0]]
    assert last_value(np.array([[[1.0, NAN], [2.0, 5.0], [NAN, 7.0]]]), 2).tolist() == [[[2.0, 7.0], [2.0, 7.0]]]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([[1.0, 2.0]], [[1.0]]), r"must have shape \(1, 1, 1\) to match the targets \(1, 1, 1\), not \(1, 2\)"),
        (([[NAN]], [[1.0]]), "forecasts are not finite, first in series 0. Training diverged: lower"),
        (([[1.0]], [[NAN]]), "all targets are missing"),
        (([[1.0]], [[np.inf]]), "targets must not be infinite, but series 0"),
        (([1.0], [1.0]), r"targets must have shape \(series, horizon\) or .*, not \(1,\)"),
        (([[1.0]], [[]]), r"targets is empty \(shape \(1, 0\)\)"),
        (([[1.0]], [["x"]]), "targets must be numbers"),
        (([[1.0]], [[1.0]], [[1.0, 2.0]] * 2), r"history has \(2, 1\) series and channels, but .* \(1, 1\)"),
        (([[1.0]], [[1.0]], [[[[1.0]]]]), r"history of series 0 must have shape \(length,\) or \(length, channels\)"),
        (([[1.0]], [[1.0]], [[1.0], [[1.0, 2.0]]]), "history of series 1 has 2 channels, but series 0 has 1"),
        (([[1.0]], [[1.0]], [[1.0, np.inf]]), "history of series 0 must not be infinite"),
        (([[1.0]], [[1.0]], [[1.0, 2.0]], 0), r"period must be an integer of at least 1 \(steps\), not 0"),
        (([[1.0]], [[1.0]], [[1.0, 2.0]], 1, None, [[1.0]]), "history and scale exclude each other"),
        (([[1.0]], [[1.0]], None, 1, None, [[0.0]]), "scale must be positive and finite"),
        (([[[1.0, 2.0]]], [[1.0]], None, 1, [0.9, 0.1]), "quantiles must be ascending numbers between 0 and 1"),
        (([[1.0]], [[1.0]], None, 1, [0.5, 0.9]), r"must have shape \(1, 1, 1, 2\) to match the targets"),
    ],
)
def test_forecasting_metrics_reject_invalid_input(arguments, message):
    with pytest.raises(HfseqError, match=message):
        compute_forecasting_metrics(*arguments)


def test_baselines_and_metric_classes_reject_invalid_input():
    with pytest.raises(HfseqError, match="needs a history of at least 12 steps, but the longest has 2"):
        seasonal_naive([[1.0, 2.0]], 3, 12)
    with pytest.raises(HfseqError, match="history of series 1 has no observed value in channel 0"):
        last_value([[1.0], [NAN]], 3)
    with pytest.raises(HfseqError, match=r"horizon must be an integer of at least 1 \(steps\), not 0"):
        last_value([[1.0]], 0)
    with pytest.raises(HfseqError, match="mase: compute needs the history"):
        load("mase").compute(predictions=[[1.0]], references=[[1.0]])
    with pytest.raises(HfseqError, match="pinball: compute needs the quantiles"):
        load("pinball").compute(predictions=[[1.0]], references=[1.0])
