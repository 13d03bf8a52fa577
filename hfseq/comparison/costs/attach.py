"""Adds measured costs and prices to a comparison."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from hfseq.comparison.costs.examples import choose_examples
from hfseq.comparison.costs.measurement import Measurement, Target, measure
from hfseq.comparison.costs.price import prices
from hfseq.comparison.costs.saved import conditions, costs_file, load_costs, machine, save_costs
from hfseq.comparison.plan import Plan
from hfseq.comparison.run_result import RunResult
from hfseq.errors import HfseqError


def add_costs(
    comparison: dict[str, Any],
    results: Sequence[RunResult],
    plan: Plan,
    price_per_hour: float | None,
    say: Callable[[str], None],
) -> None:
    """Measures the first finished run of each model, on this machine, and adds its costs to the comparison.

    What was measured before under the same conditions is not measured again. What cannot be measured becomes a note.

    Args:
        comparison (`dict`): content of `comparison.json`. Of each model, it gets `costs`, `cost_intervals` and
            `measurement`.
        results (`Sequence[RunResult]`): the results of all runs.
        plan (`Plan`): the plan of the comparison, with the data.
        price_per_hour (`float`, *optional*): price of one hour of this machine.
        say (`Callable[[str], None]`): called with each line of progress.
    """
    first: dict[str, RunResult] = {}
    for result in sorted(results, key=lambda result: len(result.variant)):  # an ordinary run before a variant
        if result.finished:
            first.setdefault(result.name, result)
    targets = [_target(result, plan) for result in first.values()]
    try:
        found = _measure_or_load(targets, plan, say)
    except HfseqError as error:  # the results of the training are reported without these costs
        _note(comparison, say, f"the costs could not be measured: {error}")
        found = {}
    for name, measured in found.items():
        model = comparison["models"][name]
        model["costs"] |= measured.costs
        model["cost_intervals"] = {**model.get("cost_intervals", {}), **measured.intervals}
        model["measurement"] = measured.details
        for failure in measured.failures:
            _note(comparison, say, f"{name}: {failure}")
    if price_per_hour is not None:
        for name in first:
            model = comparison["models"][name]
            model["costs"] |= prices(model["costs"], price_per_hour)


def _target(result: RunResult, plan: Plan) -> Target:
    assert result.record is not None  # true of every finished run
    arguments = {run.name: run.arguments for run in plan.runs}
    trusted = result.name in arguments and arguments[result.name].model.trust_remote_code
    plugins = {module for run in plan.runs for module in run.arguments.settings.get("plugins") or ()}
    size = result.record.costs.get("size_on_disk_bytes") or 0
    return Target(result.name, result.folder, trusted, size, tuple(sorted(plugins)))


def _measure_or_load(targets: Sequence[Target], plan: Plan, say: Callable[[str], None]) -> Mapping[str, Measurement]:
    """
    Raises:
        HfseqError: the files of a model cannot be read, or the costs cannot be saved.
    """
    this_machine = machine()
    under = {target.name: conditions(target.folder, plan.data.fingerprint, this_machine) for target in targets}
    known = {target.name: load_costs(costs_file(target.folder), under[target.name]) for target in targets}
    missing = [target for target in targets if known[target.name] is None]
    found = {name: measured for name, measured in known.items() if measured is not None}
    if missing:
        say(f"measuring the costs of {len(missing)} model{'s' if len(missing) > 1 else ''} on this machine")
        measured = measure(missing, choose_examples(plan.data.splits["test"], plan.data.columns))
        for target in missing:
            save_costs(costs_file(target.folder), measured[target.name], under[target.name])
        found |= measured
    return found


def _note(comparison: dict[str, Any], say: Callable[[str], None], text: str) -> None:
    comparison["notes"].append(text)
    say(f"warning: {text}")
