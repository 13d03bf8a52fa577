"""What a run costs, measured while it trains, and how far it is."""

import sys
import time

from transformers import EarlyStoppingCallback, TrainerCallback
from transformers.trainer_callback import ExportableState, ProgressCallback


class TrainingClock(TrainerCallback, ExportableState):
    """Adds up the seconds spent on training steps, without evaluation and saving, over interruptions as well.

    Attributes:
        seconds (`float`): from the beginning of the first step to now, less what was spent between the end of a step
            and the beginning of the next one on evaluation and checkpoints.
    """

    def __init__(self, seconds: float = 0.0):
        self.seconds = seconds
        self._since: float | None = None

    def state(self) -> dict:
        """What a checkpoint remembers."""
        return {"args": {"seconds": self.seconds}, "attributes": {}}

    def _stop(self) -> None:
        if self._since is not None:
            self.seconds += time.perf_counter() - self._since
            self._since = None

    def on_epoch_begin(self, args, state, control, **kwargs):
        # Waiting for the first batch of an epoch is part of training.
        self._since = time.perf_counter()

    def on_step_begin(self, args, state, control, **kwargs):
        if self._since is None:
            self._since = time.perf_counter()

    def on_step_end(self, args, state, control, **kwargs):
        # Evaluation and saving come next, if at all; between two steps lies the loading of a batch.
        if control.should_evaluate or control.should_save:
            self._stop()

    def on_epoch_end(self, args, state, control, **kwargs):
        self._stop()


class EarlyStopping(EarlyStoppingCallback):
    """Stops after so many evaluations without progress, counted from the first success on.

    A model of several labels has an F1 of zero until the first probability passes the threshold, and learns all the
    same: patience with it must not run out before.
    """

    def check_metric_value(self, args, state, control, metric_value):
        nothing_yet = state.best_metric is None or state.best_metric <= 0
        if args.greater_is_better and metric_value <= 0 and nothing_yet:
            return
        super().check_metric_value(args, state, control, metric_value)


class RunProgress(ProgressCallback):
    """One progress bar for a run: how far it is, and the last figures beside it."""

    def __init__(self, name: str):
        super().__init__()
        self.name = name
        self._figures: dict[str, str] = {}

    def on_train_begin(self, args, state, control, **kwargs):
        super().on_train_begin(args, state, control, **kwargs)
        if self.training_bar is not None:
            self.training_bar.set_description(self.name)

    def on_log(self, args, state, control, logs=None, **kwargs):
        if self.training_bar is None:
            return
        self._figures |= _figures(args, logs or {})
        self.training_bar.set_postfix(self._figures)

    def on_prediction_step(self, args, state, control, eval_dataloader=None, **kwargs):
        # Evaluation during training is short beside it, and a second bar jumps about; afterwards it is shown.
        if self.training_bar is None:
            super().on_prediction_step(args, state, control, eval_dataloader, **kwargs)


class RunLines(TrainerCallback):
    """In the place of a progress bar, a line whenever there are figures: what the log of a cluster's job shows."""

    def __init__(self, name: str):
        self.name = name

    def on_log(self, args, state, control, logs=None, **kwargs):
        figures = _figures(args, logs or {})
        if state.is_world_process_zero and len(figures) > 1:  # more than the epoch
            told = ", ".join(f"{label} {value}" for label, value in figures.items())
            sys.stderr.write(f"{self.name}: step {state.global_step} of {state.max_steps}, {told}\n")


def _figures(args, logs: dict[str, float]) -> dict[str, str]:
    """What is shown of a log: the epoch, the loss in training, and the metric that chooses the checkpoint."""
    shown = {"epoch": "epoch", "loss": "loss", "validation": f"eval_{args.metric_for_best_model}"}
    return {label: f"{logs[key]:.3g}" for label, key in shown.items() if logs.get(key) is not None}
