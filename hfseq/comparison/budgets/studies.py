"""Optuna studies in the folder of a comparison: one per model, in one journal, which a killed comparison continues."""

import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hfseq.comparison.budgets.search_spaces import LogRange, Space
from hfseq.comparison.budgets.trial_settings import Value
from hfseq.extras import require

if TYPE_CHECKING:
    from optuna.trial import FrozenTrial

JOURNAL_NAME = "tuning.journal"


class _NoLock:
    """The comparison has locked its folder. A lock of Optuna would outlive a killed comparison."""

    def acquire(self) -> bool:
        return True

    def release(self) -> None:
        pass


@dataclass(frozen=True)
class Suggestion:
    """A trial to run.

    Attributes:
        number (`int`): number of the trial, from 0.
        values (`Mapping[str, int | float]`): a value for each name of the search space.
    """

    number: int
    values: Mapping[str, Value]


class ModelStudy:
    """The trials of one model.

    Args:
        folder (`Path`): folder of the comparison.
        name (`str`): name of the model.
        space (`Mapping[str, Space]`): the search space.
        default (`Mapping[str, int | float]`): the values of the first trial.
        num_trials (`int`): number of trials of every model.

    Raises:
        HfseqError: Optuna is not installed.
    """

    def __init__(
        self,
        folder: Path,
        name: str,
        space: Mapping[str, Space],
        default: Mapping[str, Value],
        num_trials: int,
    ):
        optuna = require("optuna", "tune")
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        path = folder / JOURNAL_NAME
        _drop_incomplete_line(path)
        backend = optuna.storages.journal.JournalFileBackend(str(path), lock_obj=_NoLock())
        storage = optuna.storages.JournalStorage(backend)
        # Greater is better: the value of an error measure is stored with a minus sign.
        self._study = optuna.create_study(
            storage=storage, study_name=name, direction="maximize", load_if_exists=True, sampler=self._sampler(name, 0)
        )
        if not self._study.trials:
            self._study.enqueue_trial(dict(default))
        self._name, self._num_trials = name, num_trials
        self._distributions = {key: _distribution(item) for key, item in space.items()}

    def _sampler(self, name: str, number: int) -> Any:
        """The sampler of one trial. Its seed does not depend on how often the comparison was interrupted."""
        optuna = require("optuna", "tune")
        return optuna.samplers.TPESampler(seed=zlib.crc32(f"{name}/{number}".encode()))

    def _ended(self) -> list["FrozenTrial"]:
        return [trial for trial in self._study.trials if trial.state.is_finished()]

    @property
    def values(self) -> list[float | None]:
        """The value of each ended trial, greater is better; `None` for a trial that failed."""
        return [trial.value if trial.state.name == "COMPLETE" else None for trial in self._ended()]

    def next(self) -> Suggestion | None:
        """The trial to run next: the one that was interrupted, if there is one. `None` if all have ended."""
        started = [trial for trial in self._study.trials if trial.state.name == "RUNNING"]
        if started:
            return Suggestion(started[0].number, started[0].params)
        number = len(self._ended())
        if number >= self._num_trials:
            return None
        self._study.sampler = self._sampler(self._name, number)
        trial = self._study.ask(self._distributions)
        return Suggestion(trial.number, trial.params)

    def tell(self, number: int, value: float | None) -> None:
        """Ends a trial.

        Args:
            number (`int`): its number.
            value (`float`, *optional*): its value, greater is better; `None` if it failed.
        """
        optuna = require("optuna", "tune")
        if value is None:
            self._study.tell(number, state=optuna.trial.TrialState.FAIL)
        else:
            self._study.tell(number, value)

    def best(self) -> Suggestion | None:
        """The trial with the best value, the earliest of equal ones; `None` if all failed."""
        ended = [(trial.value, -trial.number, trial) for trial in self._ended() if trial.value is not None]
        if not ended:
            return None
        *_, trial = max(ended, key=lambda item: item[:2])
        return Suggestion(trial.number, trial.params)


def _distribution(item: Space) -> Any:
    distributions = require("optuna", "tune").distributions
    if isinstance(item, LogRange):
        return distributions.FloatDistribution(item.low, item.high, log=True)
    return distributions.CategoricalDistribution(item.values)


def _drop_incomplete_line(path: Path) -> None:
    """Removes a last line that a killed process has not finished. Optuna cannot read a journal with such a line."""
    if not path.is_file():
        return
    content = path.read_bytes()
    whole = content[: content.rfind(b"\n") + 1]
    if whole != content:
        path.write_bytes(whole)
