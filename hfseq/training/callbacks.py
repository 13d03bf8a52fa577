"""Callbacks that measure the time and energy of a training, stop early, and show the progress."""

import sys
import time

from transformers import EarlyStoppingCallback, Trainer, TrainerCallback
from transformers.trainer_callback import ExportableState, ProgressCallback

from hfseq.training.energy import EnergyMeter


class TrainingClock(TrainerCallback, ExportableState):
    """Measures the seconds and the energy of all training steps, without evaluation and saving. Resumed runs are
    included.

    Attributes:
        seconds (`float`): seconds since the beginning of the first step, without those spent on evaluation and
            checkpoints between two steps.
        energy (`EnergyMeter`): the energy of the machine in these seconds.
    """

    def __init__(self, seconds: float = 0.0, joules: float | None = None):
        self.seconds = seconds
        # A checkpoint of another machine, or of an earlier version, may not know its energy.
        self.energy = EnergyMeter(0.0 if seconds == 0.0 else joules)
        self._since: float | None = None

    @property
    def elapsed(self) -> float:
        """Seconds until now, those of the current step included."""
        return self.seconds + (0.0 if self._since is None else time.perf_counter() - self._since)

    def state(self) -> dict:
        """State that is saved in a checkpoint."""
        return {"args": {"seconds": self.seconds, "joules": self.energy.joules}, "attributes": {}}

    def _start(self) -> None:
        if self._since is None:
            self.energy.start()
            self._since = time.perf_counter()

    def _stop(self) -> None:
        if self._since is not None:
            self.seconds += time.perf_counter() - self._since
            self._since = None
            self.energy.stop()

    def on_epoch_begin(self, args, state, control, **kwargs):
        self._start()  # waiting for the first batch of an epoch is part of the training

    def on_step_begin(self, args, state, control, **kwargs):
        self._start()

    def on_step_end(self, args, state, control, **kwargs):
        # Evaluation and saving may follow. Between two steps, a batch is loaded.
        if control.should_evaluate or control.should_save:
            self._stop()
        else:
            self.energy.sample()

    def on_epoch_end(self, args, state, control, **kwargs):
        self._stop()


def training_clock(trainer: Trainer) -> TrainingClock:
    """The clock of a training. When Trainer resumes a run, it replaces the clock by that of the checkpoint."""
    return next(item for item in trainer.callback_handler.callbacks if isinstance(item, TrainingClock))


class EarlyStopping(EarlyStoppingCallback):
    """Stops after a number of evaluations without improvement, counted from the first success.

    A multi-label model has an F1 of zero until the first probability exceeds the threshold, although it learns:
    evaluations before that do not count.
    """

    def check_metric_value(self, args, state, control, metric_value):
        nothing_yet = state.best_metric is None or state.best_metric <= 0
        if args.greater_is_better and metric_value <= 0 and nothing_yet:
            return
        super().check_metric_value(args, state, control, metric_value)


class RunProgress(ProgressCallback):
    """One progress bar for a run, with the latest metrics."""

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
        # An evaluation during training is short, and a second bar would flicker. Later evaluations have a bar.
        if self.training_bar is None:
            super().on_prediction_step(args, state, control, eval_dataloader, **kwargs)


class RunLines(TrainerCallback):
    """Writes a line for each log entry, instead of a progress bar, for example in the log of a cluster job."""

    def __init__(self, name: str):
        self.name = name

    def on_log(self, args, state, control, logs=None, **kwargs):
        figures = _figures(args, logs or {})
        if state.is_world_process_zero and len(figures) > 1:  # more than the epoch
            told = ", ".join(f"{label} {value}" for label, value in figures.items())
            sys.stderr.write(f"{self.name}: step {state.global_step} of {state.max_steps}, {told}\n")


def _figures(args, logs: dict[str, float]) -> dict[str, str]:
    """The parts of a log entry that are shown: epoch, training loss, and the metric that chooses the checkpoint."""
    shown = {"epoch": "epoch", "loss": "loss", "validation": f"eval_{args.metric_for_best_model}"}
    return {label: f"{logs[key]:.3g}" for label, key in shown.items() if logs.get(key) is not None}
