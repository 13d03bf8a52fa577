"""Training for a number of seconds, and training without the test split."""

import math
from types import SimpleNamespace

import pytest
import torch
from datasets import Dataset, DatasetDict
from small import TINY
from transformers import TrainerCallback, TrainerControl, get_scheduler

from hfseq import HfseqError, SequenceTrainer, run_training
from hfseq.training.arguments import SequenceTrainingArguments
from hfseq.training.callbacks import TrainingClock, training_clock
from hfseq.training.time_budget import TimeBudget

ROWS = [{"text": text, "label": label} for text, label in [("good", 1), ("bad", 0), ("so good", 1), ("so bad", 0)] * 8]


def test_schedule_follows_the_clock_and_the_budget_ends_the_training():
    clock = TrainingClock()
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    schedule = get_scheduler("linear", optimizer, 100, 1000)
    budget = TimeBudget(lambda: clock, 10.0)
    budget.on_train_begin(None, SimpleNamespace(max_steps=1000), None, lr_scheduler=schedule)
    rates = []
    for clock.seconds in (0.5, 1.0, 5.5, 10.0, 12.0):
        optimizer.step()
        schedule.step()
        rates.append(optimizer.param_groups[0]["lr"])
    # Warm-up in the first tenth of the seconds, then down to zero.
    assert rates == pytest.approx([0.5, 1.0, 0.5, 0.0, 0.0])
    arguments = SimpleNamespace(eval_strategy="steps", save_strategy="epoch")
    for clock.seconds, stops in ((9.9, False), (10.0, True)):
        control = TrainerControl()
        budget.on_step_end(arguments, None, control)
        assert (control.should_training_stop, control.should_evaluate, control.should_save) == (stops, stops, False)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"max_steps": 5}, "max_steps and max_train_seconds both end the training"),
        ({"lr_scheduler_type": "inverse_sqrt", "warmup_steps": 0.1}, "cannot fit the schedule inverse_sqrt to a time"),
        ({"warmup_steps": 20}, "warmup_steps must be a share of the training below 1, not 20 steps"),
        ({"max_train_seconds": 0.0}, "max_train_seconds must be above 0"),
    ],
)
def test_time_budget_rejects_contradicting_settings(given, message, tmp_path):
    with pytest.raises(HfseqError, match=message):
        SequenceTrainingArguments(**{"output_dir": str(tmp_path), "max_train_seconds": 5.0, **given})


class Watched(SequenceTrainer):
    """Remembers the learning rates and the splits that it predicts."""

    predicted: list[str] = []  # noqa: RUF012 (one list for all instances, on purpose)
    last = None

    def train(self, *args, **kwargs):
        Watched.last = self
        return super().train(*args, **kwargs)

    def predict(self, dataset, *args, metric_key_prefix="test", **kwargs):
        Watched.predicted.append(metric_key_prefix)
        return super().predict(dataset, *args, metric_key_prefix=metric_key_prefix, **kwargs)


def train(tmp_path, name, test, **given):
    splits = DatasetDict({"train": Dataset.from_list(ROWS), "validation": Dataset.from_list(ROWS[:8]), "test": test})
    settings = {**TINY, "dataset": splits, "output_dir": str(tmp_path / name), **given}
    return run_training(settings, trainer_class=Watched)


def test_run_without_test_split_gives_the_same_validation_metrics_for_any_test_split(tmp_path):
    Watched.predicted.clear()
    nonsense = Dataset.from_list([{"text": f"word{number}", "label": 0} for number in range(5)])
    records = [
        train(tmp_path, name, test, evaluate_test=False, max_steps=2)
        for name, test in (("one", Dataset.from_list(ROWS[:4])), ("other", nonsense))
    ]
    assert Watched.predicted == ["validation", "validation"]
    assert records[0].metrics == records[1].metrics and records[0].metrics.keys() == {"validation", "train"}
    assert records[0].status == "finished" and not list((tmp_path / "one").glob("*test*"))
    assert "test" not in (tmp_path / "one" / "README.md").read_text().partition("## Evaluation")[2].lower()


def test_run_trains_for_the_given_seconds(tmp_path):
    record = train(tmp_path, "timed", Dataset.from_list(ROWS[:4]), max_train_seconds=0.2, num_train_epochs=1)
    assert 0.2 <= record.costs["train_seconds"] < 2 and record.costs["steps"] > 2
    assert record.config["num_train_epochs"] == 1 and record.metrics["test"]["accuracy"] >= 0
    rate = Watched.last.lr_scheduler.get_last_lr()[0]
    assert math.isfinite(rate) and rate < 0.02 / 4


class StopAfter(TrainerCallback):
    """Interrupts a training after its first checkpoint, once a number of seconds has passed."""

    def __init__(self, seconds):
        self.seconds = seconds

    def on_save(self, args, state, control, **kwargs):
        if training_clock(Watched.last).elapsed > self.seconds:
            raise KeyboardInterrupt


def test_resumed_run_trains_for_the_rest_of_the_seconds(tmp_path):
    splits = DatasetDict({name: Dataset.from_list(ROWS[:16]) for name in ("train", "validation", "test")})
    settings = {**TINY, "dataset": splits, "output_dir": str(tmp_path / "run"), "max_train_seconds": 1.0}
    with pytest.raises(KeyboardInterrupt):
        run_training(settings, trainer_class=Watched, callbacks=[StopAfter(0.6)])
    record = run_training(settings, trainer_class=Watched)
    assert training_clock(Watched.last).seconds == record.costs["train_seconds"]
    assert 1.0 <= record.costs["train_seconds"] < 1.4  # 1.6 if the budget began anew
