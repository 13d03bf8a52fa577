"""Gives all models of a plan the same budget: matched sizes, the same number of trials, or the same training time."""

import statistics
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hfseq.comparison.budgets.matching import Match, match_sizes
from hfseq.comparison.budgets.rules import read_train_sizes
from hfseq.comparison.budgets.sentences import rules
from hfseq.comparison.budgets.studies import JOURNAL_NAME
from hfseq.comparison.budgets.trial_settings import TrialSpace
from hfseq.comparison.budgets.tuning import TrainRuns, Tuned, tune
from hfseq.comparison.options import ComparisonOptions
from hfseq.comparison.plan import Plan
from hfseq.errors import HfseqError
from hfseq.metrics import metric_direction
from hfseq.training.preparation import make_task
from hfseq.training.record import RunRecord


@dataclass(frozen=True)
class Budget:
    """How the models of a comparison got the same budget.

    Attributes:
        options (`ComparisonOptions`): the options of the comparison.
        seeds (`tuple[int, ...]`): the seeds.
        match (`Match`, *optional*): the result of `match`.
        tuned (`dict[str, Tuned]`): by model, the result of `tune`.
    """

    options: ComparisonOptions
    seeds: tuple[int, ...]
    match: Match | None = None
    tuned: dict[str, Tuned] = field(default_factory=dict)

    def protocol(self) -> dict[str, Any]:
        """The part of `protocol` in `comparison.json`. `rules` says in words which rules held."""
        return {
            "seeds": list(self.seeds),
            "tune": self.options.tune,
            "match": None if self.match is None else self.match.content(),
            "folds": self.options.folds,
            "repeat_splits": self.options.repeat_splits,
            "train_sizes": list(read_train_sizes(self.options)) or None,
            "rules": rules(self.options, len(self.seeds), self.match, self.tuned),
        }

    def add_to(self, comparison: dict[str, Any]) -> None:
        """Adds `tuning` of each tuned model to the content of `comparison.json`."""
        for name, found in self.tuned.items():
            if name in comparison["models"]:
                comparison["models"][name]["tuning"] = found.content()


def apply_budgets(
    plan: Plan, options: ComparisonOptions, output_dir: Path, train: TrainRuns, say: Callable[[str], None]
) -> tuple[Plan, Budget]:
    """Carries out `tune` and `match`, and plans the runs with the settings that result.

    Args:
        plan (`Plan`): the plan. Without these options, it is returned unchanged.
        options (`ComparisonOptions`): the options.
        output_dir (`Path`): folder of the comparison.
        train (`TrainRuns`): executes runs.
        say (`Callable[[str], None]`): called with each line of progress.

    Raises:
        HfseqError: a model cannot be sized, the first model failed and gives no time, or a folder holds another run.
    """
    match: Match | None = None
    tuned: dict[str, Tuned] = {}
    if options.match in ("parameters", "flops"):
        match = _match_sizes(plan, options.match)
        plan = plan.with_settings(match.settings)
        say(rules(options, len(plan.planner.seeds), match, {})[0])
    if options.tune is not None:
        tuned = _tune(plan, options, output_dir, train, say)
        plan = plan.with_settings({name: found.settings for name, found in tuned.items()})
    if options.match == "time":
        match = _match_time(plan, train)
        plan = plan.with_settings(match.settings)
    if options.tune is not None or options.match is not None:
        plan = plan.with_runs()
    return plan, Budget(options, plan.planner.seeds, match, tuned)


def _match_sizes(plan: Plan, rule: str) -> Match:
    models = {name: plan.default_run(name) for name in plan.given}
    return match_sizes(rule, models, plan.data)


def _tune(
    plan: Plan, options: ComparisonOptions, output_dir: Path, train: TrainRuns, say: Callable[[str], None]
) -> dict[str, Tuned]:
    assert options.tune is not None  # checked by the caller
    journal = output_dir / JOURNAL_NAME
    runs = {name: plan.default_run(name) for name in plan.given}
    if any(run.training.overwrite_output_dir for run in runs.values()):
        journal.unlink(missing_ok=True)
    elif not journal.exists():
        _check_untuned(plan)
    task = make_task(next(iter(runs.values())), plan.data)
    metric = task.ranking_metric
    sizes_match = options.match in ("parameters", "flops")
    spaces = {name: TrialSpace(run, plan.data, plan.shared, sizes_match) for name, run in runs.items()}
    say(f"choosing the settings of {len(spaces)} models on the validation split, with {options.tune} trials each")
    direction = (metric, metric_direction(metric) == "max")
    return tune(spaces, options.tune, direction, output_dir, plan.trial, train, say)


def _check_untuned(plan: Plan) -> None:
    """
    Raises:
        HfseqError: the folder holds a comparison without tuning, whose runs have other settings.
    """
    for name, given in plan.given.items():
        for run in plan.planner.drafts(name, given):
            if RunRecord.load(run.folder) is not None:
                raise HfseqError(
                    f"{run.folder} holds a run of a comparison without tune. Give another --output_dir, or "
                    "--overwrite_output_dir to start again there"
                )


def _match_time(plan: Plan, train: TrainRuns) -> Match:
    """Trains the first model, and gives its mean training time to the others.

    Raises:
        HfseqError: the first model failed.
    """
    reference, *others = plan.given
    results = train(plan.planner.finish(plan.planner.drafts(reference, plan.given[reference])))
    times = [result.record.costs["train_seconds"] for result in results if result.finished and result.record]
    if not times:
        raise HfseqError(f"match time: {reference} gives the training time, but it failed: {results[0].error}")
    target = max(round(statistics.fmean(times), 2), 0.01)
    settings: dict[str, dict[str, Any]] = {name: {"max_train_seconds": target} for name in others}
    unit = "seconds of training"
    return Match("time", unit, reference, target, {}, dict.fromkeys(others, target), [], settings)
