"""Simple baselines of forecasting."""

import numpy as np
import pytest

from hfseq.comparison.report import to_markdown
from hfseq.modalities.series.windows import Windows, window_starts
from hfseq.tasks.forecasting.simple_forecasts import apply_linear, fit_linear


def test_linear_baseline_learns_linear_rule():
    source = np.random.default_rng(0)
    steps = [1.0, 1.0]
    for _ in range(300):
        steps.append(steps[-1] + 0.5 * (steps[-1] - steps[-2]) + source.normal())
    series = np.array(steps)[:, None]
    starts = window_starts(series, 4, 1).tolist()
    windows = Windows([series], [starts], np.ones((1, 1)), 4, 1)
    weights = fit_linear(windows, windows)
    past = np.array([[[9.0], [9.0], [1.0], [2.0]]])
    # The next change is half of the last change, independent of the level of the series.
    found = apply_linear(weights, past)[0, 0, 0]
    assert found == pytest.approx(2 + 0.5 * (2 - 1), abs=0.5)
    assert apply_linear(weights, past + 100)[0, 0, 0] == pytest.approx(found + 100)


@pytest.mark.parametrize("gaps", ["few", "in each target"])
def test_linear_baseline_ignores_missing_values(gaps):
    """It is fitted to complete targets if there are enough; otherwise each step is fitted separately."""
    series, starts = np.arange(200.0)[:, None], np.arange(4, 199)
    series[1 :: 20 if gaps == "few" else 2] = np.nan
    windows = Windows([series], [starts.tolist()], np.ones((1, 1)), 2, 2)
    missing = np.isnan(windows.targets(windows.rows, windows.starts)).any(axis=(1, 2))
    assert missing.all() == (gaps != "few") and missing.any()
    weights = fit_linear(windows, windows)
    # The series increases by one per step. Every other value is missing, so observed values differ by two.
    found = apply_linear(weights, np.array([[[7.0], [8.0]]]))[0, :, 0]
    assert found == pytest.approx([9 if gaps == "few" else 10, 10], abs=0.1)


def test_report_shows_simple_baselines():
    comparison = {
        "data": {"baselines": {"last_value": {"mse": 2.0, "mase": 1.5}, "linear": {"mse": 0.5}}},
        "primary_metric": "mse", "greater_is_better": False, "models": {}, "seeds": [0], "notes": [],
        "environment": {}, "recommendation": None,
    }  # fmt: skip
    comparison["data"] |= {"description": "sales.csv", "examples": {"test": 3}}
    assert "note: test mse of simple baselines: last value 2.00, linear 0.500" in to_markdown(comparison)
