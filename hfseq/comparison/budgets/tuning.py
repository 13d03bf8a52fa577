"""Chooses the settings of each model on the validation split, with the same number of trials for every model."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from hfseq.comparison.budgets.studies import ModelStudy
from hfseq.comparison.budgets.trial_settings import TrialSpace, Value
from hfseq.comparison.plan import PlannedRun
from hfseq.comparison.run_result import RunResult
from hfseq.training.run_files import clear_model

TrainRuns = Callable[[Sequence[PlannedRun]], list[RunResult]]
# Plans a trial: name of the model, number of the trial, settings that differ from the defaults.
PlanTrial = Callable[[str, int, Mapping[str, Any]], PlannedRun]


@dataclass(frozen=True)
class Tuned:
    """The result of the tuning of one model.

    Attributes:
        settings (`dict`): the chosen settings, as far as they differ from the defaults of the model.
        trials (`int`): number of trials, the failed ones included.
        failed (`int`): number of failed trials.
        chosen (`dict`): the values of the search space in the best trial.
        trial (`int`, *optional*): number of the best trial; 0 is the default; `None` if all trials failed.
        values (`list[float | None]`): validation metric of each trial.
    """

    settings: dict[str, Any]
    trials: int
    failed: int
    chosen: dict[str, Value]
    trial: int | None
    values: list[float | None]

    def content(self) -> dict[str, Any]:
        """The content for `comparison.json`."""
        return asdict(self)


def tune(
    spaces: Mapping[str, TrialSpace],
    num_trials: int,
    metric: tuple[str, bool],
    folder: Path,
    plan_trial: PlanTrial,
    train: TrainRuns,
    say: Callable[[str], None],
) -> dict[str, Tuned]:
    """Runs the trials of all models, and chooses the best settings of each by the validation metric.

    The test split is not read. The first trial of a model has its default settings. An interrupted tuning continues
    with the trial that was running.

    Args:
        spaces (`Mapping[str, TrialSpace]`): the search space of each model.
        num_trials (`int`): number of trials of every model.
        metric (`tuple[str, bool]`): the metric, and whether greater values are better.
        folder (`Path`): folder of the comparison. It keeps the journal of the trials.
        plan_trial (`PlanTrial`): plans the run of a trial.
        train (`TrainRuns`): executes runs. It gets one trial of every model at a time.
        say (`Callable[[str], None]`): called with a line for each model at the end.

    Returns:
        `dict[str, Tuned]`: the result of each model.

    Raises:
        HfseqError: Optuna is not installed.
    """
    name_of_metric, greater_is_better = metric
    sign = 1.0 if greater_is_better else -1.0
    studies = {
        name: ModelStudy(folder, name, space.space, space.default, num_trials) for name, space in spaces.items()
    }
    while suggestions := {name: found for name, study in studies.items() if (found := study.next()) is not None}:
        runs = [
            plan_trial(name, suggestion.number, spaces[name].settings(suggestion.values))
            for name, suggestion in suggestions.items()
        ]
        for result in train(runs):
            value = _validation(result, name_of_metric)
            studies[result.name].tell(int(result.variant["trial"]), None if value is None else sign * value)
            clear_model(result.folder)  # only the record is needed
    tuned = {name: _tuned(study, spaces[name], sign) for name, study in studies.items()}
    for name, result_of_model in tuned.items():
        say(_line(name, result_of_model, name_of_metric))
    return tuned


def _validation(result: RunResult, metric: str) -> float | None:
    if not result.finished or result.record is None:
        return None
    return result.record.metrics.get("validation", {}).get(metric)


def _tuned(study: ModelStudy, space: TrialSpace, sign: float) -> Tuned:
    best, values = study.best(), study.values
    return Tuned(
        settings={} if best is None else space.settings(best.values),
        trials=len(values),
        failed=sum(value is None for value in values),
        chosen={} if best is None else dict(best.values),
        trial=None if best is None else best.number,
        values=[None if value is None else sign * value for value in values],
    )


def _line(name: str, found: Tuned, metric: str) -> str:
    if found.trial is None:
        return f"{name}: all {found.trials} trials failed, so its default settings are used"
    value = f"validation {metric} {found.values[found.trial]:.3g}"
    if found.trial == 0:
        return f"{name}: the default settings are the best of {found.trials} trials ({value})"
    chosen = ", ".join(f"{key} {setting:.3g}" for key, setting in found.chosen.items())
    return f"{name}: trial {found.trial} is the best of {found.trials} ({value}): {chosen}"
