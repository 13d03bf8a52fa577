"""One trackio run per training: its losses, and after it the metrics of the validation and test splits."""

from typing import Any

from transformers import Trainer
from transformers.integrations import TrackioCallback

from hfseq.training.record import RunRecord


class OneTrackioRun(TrackioCallback):
    """Ends the trackio run after the run, not after the training: the evaluation would start a second run."""

    def on_train_end(self, *args: Any, **kwargs: Any) -> None:
        """Leaves the trackio run open."""

    def end(self, trainer: Trainer) -> None:
        """Ends the trackio run of a trainer."""
        super().on_train_end(trainer.args, trainer.state, trainer.control, model=trainer.model)


def log_to_one_run(trainer: Trainer, name: str, record: RunRecord) -> None:
    """Makes a trainer with trackio log to a single run.

    Args:
        trainer (`transformers.Trainer`): the trainer.
        name (`str`): name of the run in tables.
        record (`RunRecord`): record of the run. Its seed and start identify the run, also when it is
            resumed.
    """
    if trainer.pop_callback(TrackioCallback) is None:
        return
    trainer.args.run_name = f"{name}-seed-{record.seed}-{record.started_at}"
    trainer.add_callback(OneTrackioRun())


def end_logging(trainer: Trainer) -> None:
    """Ends the trackio run of a trainer, if it has one."""
    for callback in trainer.callback_handler.callbacks:
        if isinstance(callback, OneTrackioRun):
            callback.end(trainer)
