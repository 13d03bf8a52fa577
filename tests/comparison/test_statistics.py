import math

import numpy as np
import pytest

from hfseq.comparison.statistics.summaries import Summary, standard_error_of_difference, summarize, summarize_metrics


def test_summary_of_one_value_has_no_standard_deviation():
    assert summarize([0.5]) == Summary(0.5, None, (0.5,))


def test_summary_has_mean_and_sample_standard_deviation():
    assert summarize([1, 2, 3]) == Summary(2.0, 1.0, (1.0, 2.0, 3.0))


def test_summarize_metrics_ignores_metrics_that_a_run_lacks():
    runs = [{"accuracy": 0.8, "roc_auc": 0.9}, {"accuracy": 0.6}]
    summaries = summarize_metrics(runs)
    assert list(summaries) == ["accuracy"]
    assert summaries["accuracy"].mean == pytest.approx(0.7)
    assert summaries["accuracy"].std == pytest.approx(math.sqrt(0.02))
    assert summarize_metrics([]) == {}


def test_standard_error_from_seeds():
    # Variance 0.5 over two seeds, 3 over three: 0.5 / 2 + 3 / 3. Means above 1 cannot be proportions.
    one, other = summarize([2.0, 3.0]), Summary(5.0, math.sqrt(3.0), (4.0, 4.0, 7.0))
    assert standard_error_of_difference(one, other) == pytest.approx(math.sqrt(0.25 + 1.0))


def test_standard_error_of_a_proportion_is_binomial():
    one, other = summarize([0.8]), summarize([0.5])
    expected = math.sqrt(0.8 * 0.2 / 100 + 0.5 * 0.5 / 100)
    assert standard_error_of_difference(one, other, None, 100) == pytest.approx(expected)


def test_standard_error_without_seeds_and_examples_is_nan():
    assert math.isnan(standard_error_of_difference(summarize([0.8]), summarize([0.5]), None, 0))
    assert standard_error_of_difference(summarize([0.7, 0.9]), summarize([0.5]), None, 0) == pytest.approx(0.1)


def test_paired_standard_error_is_that_of_the_differences():
    one, other = np.array([1.0, 1.0, 1.0, 0.0]), np.array([1.0, 0.0, 1.0, 0.0])
    summaries = summarize([one.mean()]), summarize([other.mean()])
    # Differences 0, 1, 0, 0: variance 0.25 over 4 examples.
    assert standard_error_of_difference(*summaries, (one, other), 4) == pytest.approx(0.25)


def test_pairing_reduces_the_error_if_the_same_examples_are_difficult():
    difficult = np.arange(100) < 30
    one, other = np.where(difficult, 0.0, 1.0), np.where(difficult | (np.arange(100) >= 95), 0.0, 1.0)
    summaries = summarize([one.mean()]), summarize([other.mean()])
    paired = standard_error_of_difference(*summaries, (one, other), 100)
    unpaired = standard_error_of_difference(*summaries, None, 100)
    assert paired == pytest.approx(math.sqrt(0.05 * 0.95 / 99))
    assert unpaired == pytest.approx(math.sqrt((0.7 * 0.3 + 0.65 * 0.35) / 100))
    assert paired < unpaired / 2


def test_paired_standard_error_includes_the_seeds():
    scores = np.ones(10), np.ones(10)
    error = standard_error_of_difference(summarize([0.9, 1.1]), summarize([1.0]), scores, 10)
    assert error == pytest.approx(math.sqrt(0.02 / 2))
