"""Groups of overlapping windows, and errors by channel."""

import numpy as np
import pytest

from hfseq.modalities.series.windows import Standardization
from hfseq.tasks.forecasting.scoring import channel_errors, window_groups


def test_windows_of_a_long_series_form_blocks_of_two_forecasts():
    groups = window_groups(np.zeros(80, dtype=int), np.arange(80) + 7, horizon=2)
    assert groups.tolist() == np.repeat(np.arange(20), 4).tolist()


def test_few_blocks_are_as_long_as_one_forecast():
    groups = window_groups(np.zeros(20, dtype=int), np.arange(20), horizon=2)
    assert groups.tolist() == np.repeat(np.arange(10), 2).tolist()


def test_windows_of_different_series_are_independent():
    rows = np.repeat(np.arange(30), 2)
    assert window_groups(rows, np.tile([5, 6], 30), horizon=10).tolist() == rows.tolist()


def test_channel_errors_are_in_the_units_of_the_data():
    targets = np.zeros((2, 3, 2))
    targets[0, 0, 1] = np.nan
    forecasts = np.full((2, 3, 2), 0.5)
    first, second = channel_errors(
        forecasts, targets, ["a", "b"], Standardization(np.array([10, 0]), np.array([4, 2]))
    )
    assert first == {
        "channel": "a", "mean": 10.0, "std": 4.0, "mae": 2.0, "rmse": 2.0, "mae_standardized": 0.5,
        "mse_standardized": 0.25,
    }  # fmt: skip
    assert (second["mae"], second["mse_standardized"]) == (pytest.approx(1.0), pytest.approx(0.25))


def test_a_channel_without_targets_has_no_errors():
    (found,) = channel_errors(
        np.zeros((1, 2, 1)), np.full((1, 2, 1), np.nan), ["a"], Standardization(np.zeros(1), np.ones(1))
    )
    assert found["mae"] is None and found["mse_standardized"] is None
