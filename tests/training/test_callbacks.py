"""When a run gives up, and when it must not."""

from types import SimpleNamespace

import pytest

from hfseq.training.callbacks import EarlyStopping


@pytest.mark.parametrize(
    ("values", "counter"),
    [
        ([0.0, 0.0, 0.0], 0),  # nothing has passed the threshold yet
        ([0.0, 0.0, 0.2, 0.2, 0.1], 2),
        ([0.5, 0.0, 0.4], 2),
    ],
)
def test_patience_begins_with_the_first_success(values, counter):
    callback = EarlyStopping(early_stopping_patience=5)
    state = SimpleNamespace(best_metric=None)
    args = SimpleNamespace(greater_is_better=True)
    for value in values:
        callback.check_metric_value(args, state, None, value)
        if state.best_metric is None or value > state.best_metric:
            state.best_metric = value  # as Trainer does after its callbacks
    assert callback.early_stopping_patience_counter == counter


def test_a_loss_counts_from_the_start():
    callback = EarlyStopping(early_stopping_patience=5)
    state, args = SimpleNamespace(best_metric=0.0), SimpleNamespace(greater_is_better=False)
    callback.check_metric_value(args, state, None, 0.0)
    assert callback.early_stopping_patience_counter == 1
