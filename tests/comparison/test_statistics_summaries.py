import math

import pytest

from hfseq.comparison.statistics import Summary, summarize, summarize_metrics


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
