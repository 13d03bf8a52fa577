"""One trackio run per training: its losses, and after it the metrics of the validation and test splits."""

from typing import Any

from transformers import Trainer
from transformers.integrations import TrackioCallback

from hfseq.training.record import RunRecord


class OneTrackioRun(TrackioCallback):
    """Ends the trackio run with the run, not with the training: the evaluation after it would begin a second one."""

    def on_train_end(self, *args: Any, **kwargs: Any) -> None:
        """Leaves the trackio run open."""

    def end(self, trainer: Trainer) -> None:
        """Ends the trackio run of a trainer."""
        super().on_train_end(trainer.args, trainer.state, trainer.control, model=trainer.model)


def log_to_one_run(trainer: Trainer, name: str, record: RunRecord) -> None:
    """Makes a trainer that reports to trackio log to a single run.

    Args:
        trainer (`transformers.Trainer`): the trainer.
        name (`str`): the run's name in tables.
        record (`RunRecord`): of the run: seed and start tell it from others of its name, and are the same when it is
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
