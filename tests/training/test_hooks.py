"""Callbacks, metrics and trainer classes of the caller in run_training."""

import json

import evaluate
import numpy as np
import pytest
from datasets import Dataset
from small import TINY
from transformers import EvalPrediction, TrainerCallback

from hfseq import HfseqError, SequenceTrainer, run_training
from hfseq.comparison.collect import collect
from hfseq.comparison.report import to_markdown
from hfseq.comparison.run_result import RunResult
from hfseq.metrics import load
from hfseq.training.extra_metrics import ExtraMetrics
from hfseq.training.record import RunRecord

ROWS = Dataset.from_dict({"text": ["a fine film", "a dull film", "so good", "so bad"] * 8, "label": [1, 0, 1, 0] * 8})


def settings(tmp_path, **more):
    return {**TINY, "dataset": ROWS, "model": "lstm", "config_overrides": {"hidden_size": 8, "embedding_size": 8},
            "max_steps": 2, "output_dir": str(tmp_path / "run"), **more}  # fmt: skip


class Steps(TrainerCallback):
    count = 0

    def on_step_end(self, args, state, control, **kwargs):
        Steps.count += 1


def share_of_ones(prediction):
    return {"share_of_ones": float(np.argmax(prediction.predictions, -1).mean())}


def test_run_training_calls_callbacks_and_trainer_class(tmp_path):
    made = []

    class Own(SequenceTrainer):
        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs)
            made.append(self)

    Steps.count = 0
    run_training(settings(tmp_path), callbacks=[Steps], trainer_class=Own)
    assert Steps.count == 2 and len(made) == 1


@pytest.mark.parametrize("metric", ["matthews_correlation", "object"])
def test_run_training_adds_metrics_of_evaluate(metric, tmp_path):
    class Errors(evaluate.Metric):
        def _info(self):
            features = load("accuracy").features
            return evaluate.MetricInfo(description="", citation="", features=features)

        def _compute(self, predictions, references):
            return {"errors": float(np.not_equal(predictions, references).sum())}

    given = Errors(keep_in_memory=True) if metric == "object" else metric
    record = run_training(settings(tmp_path), compute_metrics=given)
    found = record.metrics["test"]
    size = record.data["examples"]["test"]
    assert "accuracy" in found
    if metric == "object":
        assert found["errors"] == pytest.approx((1 - found["accuracy"]) * size)
    else:
        assert "matthews_correlation" in found


def test_metric_of_a_function_chooses_the_checkpoint_and_ranks_models(tmp_path):
    record = run_training(
        settings(tmp_path, metric_for_best_model="share_of_ones"),
        compute_metrics=share_of_ones,
        greater_is_better=False,
    )
    saved = json.loads((tmp_path / "run" / "run.json").read_text())
    assert saved["data"]["metric"] == "share_of_ones" and saved["data"]["greater_is_better"] is False
    assert 0 <= record.metrics["validation"]["share_of_ones"] <= 1
    comparison = collect([RunResult("lstm", 0, tmp_path / "run", RunRecord.load(tmp_path / "run"), None)])
    assert comparison["primary_metric"] == "share_of_ones" and comparison["greater_is_better"] is False
    assert "share_of_ones" in to_markdown(comparison)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"compute_metrics": "acuracy"}, "did you mean 'accuracy'"),
        ({"compute_metrics": 3}, "compute_metrics must be a function of an EvalPrediction"),
        ({"compute_metrics": share_of_ones, "greater_is_better": "yes"}, "greater_is_better must be true or false"),
        ({"compute_metrics": lambda prediction: 0.5}, "must return a dict of numbers, not float"),
        ({"compute_metrics": lambda prediction: {"x": "y"}}, "but 'x' is 'y'"),
        ({"compute_metrics": "brier_score"}, "brier_score needs probabilities: give compute_metrics as a function"),
        ({"callbacks": Steps()}, "callbacks must be a list of callbacks, not Steps"),
        ({"callbacks": [print]}, "callbacks must be callbacks of transformers' Trainer"),
        ({"trainer_class": dict}, "trainer_class must be a subclass of SequenceTrainer"),
    ],
)
def test_run_training_rejects_invalid_hooks(given, message, tmp_path):
    with pytest.raises(HfseqError, match=message):
        run_training(settings(tmp_path), **given)


def test_run_training_needs_the_direction_of_a_metric(tmp_path):
    with pytest.raises(HfseqError, match="direction of 'share_of_ones' is not known: set greater_is_better"):
        run_training(settings(tmp_path, metric_for_best_model="share_of_ones"), compute_metrics=share_of_ones)


@pytest.mark.parametrize(
    ("name", "argument", "setting", "message"),
    [
        (
            "matthews_correlation",
            False,
            None,
            "greater_is_better is False, but of matthews_correlation more is better",
        ),
        (
            "matthews_correlation",
            None,
            False,
            "greater_is_better is False, but of matthews_correlation more is better",
        ),
        ("share_of_ones", True, False, "greater_is_better is both true and false for 'share_of_ones'"),
    ],
)
def test_two_directions_of_a_metric_are_rejected(name, argument, setting, message):
    extra = ExtraMetrics(share_of_ones, argument)
    with pytest.raises(HfseqError, match=message):
        extra.direction(name, setting)
    assert extra.direction("cost", False if argument is None else argument) is bool(argument)


def test_metric_that_the_function_does_not_return_is_named():
    class Accuracy:
        def compute_metrics(self, prediction):
            return {"accuracy": 0.5}

    compute = ExtraMetrics(share_of_ones).added_to(Accuracy(), "share_of_twos")
    message = "did not return 'share_of_twos', the metric_for_best_model. There are share_of_ones and accuracy"
    with pytest.raises(HfseqError, match=message):
        compute(EvalPrediction(np.array([[0.1, 0.9], [0.8, 0.2]]), np.array([0, 1])))
