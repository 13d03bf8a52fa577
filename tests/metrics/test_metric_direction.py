"""Which way is better, and which metric decides."""

import pytest

from hfseq.errors import HfseqError
from hfseq.metrics import METRICS, default_metric, metric_direction


def test_every_metric_has_a_direction():
    assert {name for name in METRICS if metric_direction(name) == "min"} == {
        "brier_score",
        "expected_calibration_error",
        "log_loss",
        "mae",
        "mse",
        "rmse",
    }


@pytest.mark.parametrize(
    ("name", "direction"),
    [("eval_loss", "min"), ("test_accuracy", "max"), ("f1_macro", "max"), ("eval_expected_calibration_error", "min")],
)
def test_prefixes_are_accepted(name, direction):
    assert metric_direction(name) == direction


def test_an_unknown_metric_gets_the_nearest():
    with pytest.raises(HfseqError, match=r"no metric 'eval_f1_marco'; did you mean 'f1_macro'\?"):
        metric_direction("eval_f1_marco")
    with pytest.raises(HfseqError, match="no metric 'eval_test_loss'"):
        metric_direction("eval_test_loss")


def test_default_metrics():
    problems = ("single_label_classification", "multi_label_classification", "regression")
    assert [default_metric(problem) for problem in problems] == ["accuracy", "f1_micro", "mse"]
    with pytest.raises(HfseqError, match=r"'regresion' is not known; did you mean 'regression'\?"):
        default_metric("regresion")
