"""Training for a number of seconds instead of a number of epochs: `max_train_seconds`."""

from collections.abc import Callable
from typing import Any

from transformers import TrainerCallback, TrainingArguments

from hfseq.errors import HfseqError
from hfseq.training.callbacks import TrainingClock

# Never reached: the seconds end the training.
UNLIMITED_EPOCHS = 1_000_000
# Schedules that depend only on the share of the training that is done.
_RELATIVE_SCHEDULES = (
    "linear",
    "cosine",
    "cosine_with_restarts",
    "cosine_with_min_lr",
    "polynomial",
    "constant",
    "constant_with_warmup",
)


def check_time_budget(arguments: TrainingArguments) -> None:
    """
    Raises:
        HfseqError: a setting contradicts `max_train_seconds`.
    """
    if getattr(arguments, "max_train_seconds", None) is None:
        return
    kind = str(getattr(arguments.lr_scheduler_type, "value", arguments.lr_scheduler_type))
    if arguments.max_steps > 0:
        raise HfseqError("max_steps and max_train_seconds both end the training: leave out one of them")
    if kind not in _RELATIVE_SCHEDULES:
        raise HfseqError(
            f"max_train_seconds cannot fit the schedule {kind} to a time; lr_scheduler_type must be one of "
            f"{', '.join(_RELATIVE_SCHEDULES)}"
        )
    if arguments.warmup_steps >= 1:
        raise HfseqError(
            f"with max_train_seconds, warmup_steps must be a share of the training below 1, not "
            f"{arguments.warmup_steps:g} steps"
        )
    if arguments.world_size > 1:
        raise HfseqError("max_train_seconds needs a single process: the clocks of several processes differ")


class TimeBudget(TrainerCallback):
    """Ends the training after a number of seconds, and fits the learning-rate schedule to them.

    Args:
        clock (`Callable[[], TrainingClock]`): returns the clock that measures the training, without evaluation and
            saving. Trainer replaces the clock when it resumes a run.
        seconds (`float`): the budget.
    """

    def __init__(self, clock: Callable[[], TrainingClock], seconds: float):
        self.clock, self.seconds = clock, seconds

    def on_train_begin(self, args: Any, state: Any, control: Any, lr_scheduler: Any = None, **kwargs: Any) -> None:
        steps, functions = state.max_steps, list(lr_scheduler.lr_lambdas)

        def rate(function: Any) -> Any:
            # The schedule sees the share of the seconds as if it were the share of the steps.
            return lambda step: function(min(self.clock().elapsed / self.seconds, 1.0) * steps)

        lr_scheduler.lr_lambdas = [rate(function) for function in functions]

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if self.clock().elapsed < self.seconds:
            return
        control.should_training_stop = True
        # At the end of an epoch, Trainer evaluates and saves by itself.
        control.should_evaluate |= args.eval_strategy == "steps"
        control.should_save |= args.save_strategy == "steps"
