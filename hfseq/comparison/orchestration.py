"""The whole comparison: plan the runs, train, measure the costs, write the report."""

import shutil
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hfseq.comparison.baselines.planning import plan_baselines
from hfseq.comparison.budgets.apply import apply_budgets
from hfseq.comparison.collect import collect, refresh
from hfseq.comparison.comparison import HTML_NAME, Comparison
from hfseq.comparison.costs.attach import add_costs
from hfseq.comparison.launchers import Launcher, make_launcher
from hfseq.comparison.options import ComparisonOptions, changed_options, split_options
from hfseq.comparison.plan import Plan, PlannedRun, make_plan
from hfseq.comparison.protocol import repeat_command
from hfseq.comparison.report import to_markdown
from hfseq.comparison.run_result import RunResult
from hfseq.comparison.saved import JSON_NAME
from hfseq.comparison.scheduling import train_runs
from hfseq.data.arguments import DataArguments
from hfseq.data.sources.dataset_names import MEMORY_PREFIX
from hfseq.data.sources.memory import name_memory, save_memory
from hfseq.errors import HfseqError
from hfseq.training.engine import check_recurrence_engine
from hfseq.training.lock import lock_folder
from hfseq.training.reading import parse_mapping
from hfseq.training.settings import short_name
from hfseq.training.storage import check_output_name
from hfseq.writing import write_json, write_text

MARKDOWN_NAME = "comparison.md"


def compare(
    models: Sequence[str],
    seeds: Sequence[int] = (0,),
    output_dir: str | Path | None = None,
    *,
    dataset: Any = None,
    notes: Sequence[str] = (),
    say: Callable[[str], None] | None = None,
    **settings: Any,
) -> Comparison:
    """Trains several models on the same data, and reports the quality and the cost of each.

    Each model is trained with each seed, in its own process. If the comparison is interrupted, the same call continues
    it, and finished runs are not repeated. If a run fails, its error is reported, and the other runs continue. The
    model and the record of each run are saved in `output_dir/MODEL/seed-N`, the comparison in
    `output_dir/comparison.json`, `output_dir/comparison.md` and `output_dir/report.html`, a page with pictures.

    Args:
        models (`Sequence[str]`): each is a preset (`lstm`, `gru`, `rnn`, `minlstm`, `mingru`, `transformer`,
            `minilm`), a YAML file, a folder or a Hub id.
        seeds (`Sequence[int]`, *optional*, defaults to `(0,)`): each model is trained once per seed.
        output_dir (`str` or `Path`, *optional*, defaults to `"comparisons/<name of the data>"`): folder for all runs
            and the report.
        dataset (*optional*, defaults to `"builtin:docstrings"`): the data, as in [`load_source`]: a path, the id of a
            data set on the Hub, a `pandas.DataFrame`, a `datasets.Dataset`, ... Data in memory is saved in the folder
            of the comparison, for the processes of the runs, and stays there.
        notes (`Sequence[str]`, *optional*): additional notes for the report.
        say (`Callable[[str], None]`, *optional*, defaults to printing to standard error): called with each line of
            progress.
        settings: options of the comparison, see [`ComparisonOptions`], and settings shared by all runs, named like
            the flags of `hfseq train`: `text_column="review"`.

    Returns:
        `Comparison`: `to_pandas()` gives the metrics and costs, `verdict` the recommendation, `runs` each run.

    Raises:
        HfseqError: a setting, the data, a model or the output folder is not valid. This is checked before the first
            training.
        RunsDeferred: `launcher` is `"print"`: the commands of the runs are in `output_dir/commands.sh`.

    Example:

    ```py
    >>> import hfseq
    >>> comparison = hfseq.compare(models=["lstm", "minilm"], dataset=frame, text_column="review", seeds=[0, 1, 2])
    >>> print(comparison.verdict)
    >>> comparison.to_pandas()
    ```
    """
    say = say or (lambda line: print(line, file=sys.stderr))  # noqa: T201 (a message to the caller's screen)
    name = name_memory(dataset)
    options, rest = split_options(settings)
    typed = parse_mapping({**rest, **({} if name is None else {"dataset": name})}, where="compare")
    if output_dir is None:
        output_dir = f"comparisons/{short_name(typed.get('dataset', DataArguments.dataset))}"
    check_output_name(output_dir)
    output_dir = Path(output_dir).expanduser()
    check_recurrence_engine()
    launcher = make_launcher(options.launcher, output_dir, options.jobs, options.launcher_options)
    if options.tune and not launcher.returns_results:
        raise HfseqError(
            f"tune cannot be used with the launcher {options.launcher}: the settings of a trial depend on the results "
            "of earlier trials"
        )
    try:
        with lock_folder(output_dir):
            _check_report_paths(output_dir)
            with _data_for_processes(typed, output_dir) as shared:
                plan = make_plan(models, seeds, shared, output_dir, say, options)
                command = repeat_command(models, seeds, shared, changed_options(options), output_dir)
            return _compare(plan, options, launcher, output_dir, command, notes, say)
    except KeyboardInterrupt as interruption:
        interruption.add_note("run the same command again to continue from here")
        raise


@contextmanager
def _data_for_processes(settings: Mapping[str, Any], output_dir: Path) -> Iterator[dict[str, Any]]:
    """The settings with data in memory saved in the folder of the comparison; removed again if the plan fails."""
    dataset = settings.get("dataset", "")
    if not dataset.startswith(MEMORY_PREFIX):
        yield dict(settings)
        return
    known = set(output_dir.iterdir())
    path = save_memory(dataset, output_dir)
    try:
        yield {**settings, "dataset": str(path)}
    except BaseException:
        if path not in known:
            shutil.rmtree(path)
        raise


def _compare(
    plan: Plan,
    options: ComparisonOptions,
    launcher: Launcher,
    output_dir: Path,
    command: str,
    notes: Sequence[str],
    say: Callable[[str], None],
) -> Comparison:
    for note in plan.data.notes:
        say(f"note: {note}")
    with launcher:

        def train(runs: Sequence[PlannedRun]) -> list[RunResult]:
            return train_runs(runs, launcher, say)

        plan, budget = apply_budgets(plan, options, output_dir, train, say)
        results = train([*_baselines(plan, options, output_dir), *plan.runs])
    results.sort(key=lambda result: result.is_baseline)  # the models come first in the report
    protocol = {**options.given(), "command": command, **budget.protocol()}
    comparison = collect(results, plan.unavailable, [*plan.data.notes, *notes], protocol)
    budget.add_to(comparison)
    _write(comparison, output_dir)  # the results of the training are saved even if costs cannot be measured
    add_costs(comparison, results, plan, options.price_per_hour, say)
    refresh(comparison, results)
    _write(comparison, output_dir)
    found = Comparison(comparison, output_dir, results)
    found.save_html()
    return found


def _baselines(plan: Plan, options: ComparisonOptions, output_dir: Path) -> list[PlannedRun]:
    """The runs of the baselines, which come first because they are fast."""
    return plan_baselines(plan.runs, plan.data, output_dir) if options.baselines == "auto" else []


def _check_report_paths(output_dir: Path) -> None:
    """Checks that the files of the report can be written.

    Raises:
        HfseqError: a folder has the name of one of these files.
    """
    for name in (JSON_NAME, MARKDOWN_NAME, HTML_NAME):
        if (output_dir / name).is_dir():
            raise HfseqError(
                f"output_dir {output_dir} contains a folder {name}, but the report is written to a file of this name. "
                "Move the folder, or choose another --output_dir"
            )


def _write(comparison: dict[str, Any], output_dir: Path) -> None:
    write_json(output_dir / JSON_NAME, comparison)
    write_text(output_dir / MARKDOWN_NAME, to_markdown(comparison))
