"""Direction of each metric, and default metrics."""

import pytest
from metric_samples import sample_result

from hfseq.errors import HfseqError
from hfseq.metrics import TASK_METRICS, default_metric, metric_direction, metric_names
from hfseq.registry import metrics


def test_every_metric_has_a_direction():
    assert metrics()
    names = {key for name in metrics() for key, value in sample_result(name).items() if isinstance(value, float)}
    assert set(metrics()) - {"seqeval"} <= names
    assert {name for name in names if metric_direction(name) == "min"} == {
        "bits_per_token",
        "brier_score",
        "cer",
        "coverage_error",
        "expected_calibration_error",
        "log_loss",
        "mae",
        "mase",
        "mse",
        "perplexity",
        "pinball",
        "rmse",
        "wer",
    }


@pytest.mark.parametrize(
    ("name", "direction"),
    [("eval_loss", "min"), ("test_accuracy", "max"), ("f1_macro", "max"), ("eval_expected_calibration_error", "min")],
)
def test_metric_direction_accepts_prefixes(name, direction):
    assert metric_direction(name) == direction


def test_metric_direction_suggests_the_nearest_metric():
    with pytest.raises(HfseqError, match=r"no metric 'eval_f1_marco'; did you mean 'f1_macro'\?"):
        metric_direction("eval_f1_marco")
    with pytest.raises(HfseqError, match="no metric 'eval_test_loss'"):
        metric_direction("eval_test_loss")


def test_default_metric_of_each_problem_type():
    problems = ("single_label_classification", "multi_label_classification", "regression")
    assert [default_metric(problem) for problem in problems] == ["accuracy", "f1_micro", "mse"]
    with pytest.raises(HfseqError, match=r"'regresion' is not known; did you mean 'regression'\?"):
        default_metric("regresion")


def test_each_task_has_a_default_metric():
    assert {task: default_metric(task) for task in TASK_METRICS} == {
        "token_classification": "accuracy",
        "span_classification": "f1",
        "causal_lm": "perplexity",
        "sequence_to_sequence": "chrf",
        "captioning": "bleu_4",
        "ctc": "cer",
        "forecasting": "mse",
    }
    assert metric_names("ctc") == ("cer", "wer", "exact_match")
    assert all(metric_direction(name) for names in TASK_METRICS.values() for name in names)
