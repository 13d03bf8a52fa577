"""When a run gives up, and when it must not."""

from types import SimpleNamespace

import pytest

from hfseq.training.callbacks import EarlyStopping, RunLines


@pytest.mark.parametrize(
    ("values", "counter"),
    [
        ([0.0, 0.0, 0.0], 0),  # nothing has passed the threshold yet
        ([0.0, 0.0, 0.2, 0.2, 0.1], 2),
        ([0.5, 0.0, 0.4], 2),
    ],
)
def test_patience_counts_from_the_first_success(values, counter):
    callback = EarlyStopping(early_stopping_patience=5)
    state = SimpleNamespace(best_metric=None)
    args = SimpleNamespace(greater_is_better=True)
    for value in values:
        callback.check_metric_value(args, state, None, value)
        if state.best_metric is None or value > state.best_metric:
            state.best_metric = value  # as Trainer does after its callbacks
    assert callback.early_stopping_patience_counter == counter


def test_loss_counts_from_the_start():
    callback = EarlyStopping(early_stopping_patience=5)
    state, args = SimpleNamespace(best_metric=0.0), SimpleNamespace(greater_is_better=False)
    callback.check_metric_value(args, state, None, 0.0)
    assert callback.early_stopping_patience_counter == 1


def test_run_without_progress_bar_writes_lines(capsys):
    callback, args = RunLines("lstm"), SimpleNamespace(metric_for_best_model="accuracy")
    state = SimpleNamespace(is_world_process_zero=True, global_step=20, max_steps=60)
    callback.on_log(args, state, None, logs={"loss": 0.51234, "epoch": 1.0, "learning_rate": 1e-3})
    callback.on_log(args, state, None, logs={"eval_loss": 0.5, "eval_accuracy": 0.75, "epoch": 1.0})
    callback.on_log(args, state, None, logs={"train_runtime": 3.0, "epoch": 3.0})
    state.is_world_process_zero = False
    callback.on_log(args, state, None, logs={"loss": 0.4, "epoch": 2.0})
    assert capsys.readouterr().err.splitlines() == [
        "lstm: step 20 of 60, epoch 1, loss 0.512",
        "lstm: step 20 of 60, epoch 1, validation 0.75",
    ]
