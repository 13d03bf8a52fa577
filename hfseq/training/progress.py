"""The progress of a run, in a small file of its folder, which others read during the run."""

import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from transformers import TrainerCallback

from hfseq.training.processes import is_main_process

# The underscore keeps it out of what Trainer pushes while it trains.
PROGRESS_NAME = "_progress.json"
_SECONDS_BETWEEN_WRITES = 1.0


@dataclass
class Progress:
    """The progress of a run.

    Attributes:
        state (`str`): `"preparing"` (data and model), `"training"` or `"evaluating"` (after the training).
        step, max_steps (`int`): training steps so far, and in total. 0 before the training.
        epoch, num_epochs (`float`): epochs so far, and in total.
        metric (`str`): the metric that selects the checkpoint.
        best (`float`, *optional*): the best value so far of this metric on the validation split.
        seconds_left (`float`, *optional*): estimate of the remaining seconds of the training. With early stopping, it
            may take less.
    """

    state: str = "preparing"
    step: int = 0
    max_steps: int = 0
    epoch: float = 0.0
    num_epochs: float = 0.0
    metric: str = ""
    best: float | None = None
    seconds_left: float | None = None


def read_progress(folder: Path) -> Progress | None:
    """The progress of a run; `None` if it is not known, because the run has not begun or has ended."""
    try:
        return Progress(**json.loads((folder / PROGRESS_NAME).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):  # for example written by another version
        return None


def write_progress(folder: Path, progress: Progress) -> None:
    """Replaces the progress of a run. On an error, for example on a full disk, the run continues without it."""
    temporary = folder / f".{PROGRESS_NAME}.{os.getpid()}"
    with suppress(OSError):
        temporary.write_text(json.dumps(asdict(progress)), encoding="utf-8")
        os.replace(temporary, folder / PROGRESS_NAME)


def remove_progress(folder: Path) -> None:
    """Removes the progress of a run that has ended."""
    with suppress(OSError):
        (folder / PROGRESS_NAME).unlink(missing_ok=True)


@contextmanager
def progress_file(folder: Path) -> Iterator[None]:
    """Context of a run: its progress file exists only inside.

    Args:
        folder (`Path`): folder of the run.
    """
    if not is_main_process():
        yield
        return
    write_progress(folder, Progress())
    try:
        yield
    finally:
        remove_progress(folder)


class ProgressFile(TrainerCallback):
    """Writes the progress of a training at most once a second.

    Args:
        folder (`Path`): folder of the run.
    """

    def __init__(self, folder: Path):
        self.folder = folder
        self.progress = Progress()
        self._began, self._first_step, self._written = 0.0, 0, 0.0

    def on_train_begin(self, args, state, control, **kwargs):
        self._began, self._first_step = time.monotonic(), state.global_step
        self.progress = Progress("training", metric=args.metric_for_best_model or "", best=state.best_metric)
        self._write(state, now=True)

    def on_step_end(self, args, state, control, **kwargs):
        self._write(state)

    def on_evaluate(self, args, state, control, metrics=None, **kwargs):
        value = (metrics or {}).get(f"eval_{args.metric_for_best_model}")
        if value is not None:
            best = max if args.greater_is_better else min
            self.progress.best = value if self.progress.best is None else best(value, self.progress.best)
            self._write(state)

    def on_train_end(self, args, state, control, **kwargs):
        self.progress.state, self.progress.seconds_left = "evaluating", None
        self._write(state, now=True)

    def _write(self, state, now=False) -> None:
        clock = time.monotonic()
        if not state.is_world_process_zero or (clock - self._written < _SECONDS_BETWEEN_WRITES and not now):
            return
        self._written, made = clock, state.global_step - self._first_step
        progress = self.progress
        progress.step, progress.max_steps = state.global_step, state.max_steps
        progress.epoch, progress.num_epochs = state.epoch or 0.0, float(state.num_train_epochs)
        if made and progress.state == "training":
            progress.seconds_left = (clock - self._began) / made * (state.max_steps - state.global_step)
        write_progress(self.folder, progress)
