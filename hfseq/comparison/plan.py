"""Plan of a comparison: its runs, all checked before the first one starts."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from numbers import Integral
from pathlib import Path
from typing import Any

from hfseq.comparison.budgets.rules import VariantSettings, check_budgets, variants_of
from hfseq.comparison.options import ComparisonOptions
from hfseq.comparison.run_result import RunResult
from hfseq.comparison.variants import Variant, run_folder, run_label
from hfseq.data.arguments import data_settings
from hfseq.data.batching.processor_pair import inputs_of
from hfseq.errors import HfseqError
from hfseq.tasks import Forecasting, task_name
from hfseq.tasks.task_data import TaskData
from hfseq.training.arguments import RunArguments
from hfseq.training.checkpoints import (
    check_tokenizer_name,
    minilm_does_not_fit,
    minilm_is_missing,
    tokenizer_maker,
)
from hfseq.training.model_building import load_checkpoint, scratch_config
from hfseq.training.overrides import parse_overrides
from hfseq.training.preparation import load_data, make_task, modality_line
from hfseq.training.reading import layer
from hfseq.training.record import RunRecord
from hfseq.training.run_folder import check_output_dir, check_same_data
from hfseq.training.settings import resolve, run_name


@dataclass(frozen=True)
class PlannedRun:
    """One model trained with one seed.

    Attributes:
        name (`str`): name of the model in the table.
        seed (`int`): random seed.
        folder (`Path`): output folder of the run.
        arguments (`RunArguments`): settings of the run.
        finished (`RunRecord`, *optional*): record of the run if it has finished before and is not repeated.
        variant (`Mapping[str, int | float | str]`): what distinguishes the run from others with the same seed, such
            as `fold` or `train_size`; empty for an ordinary run.
        baseline (`str`, *optional*): name of the baseline in the registry; `None` for the run of a model.
    """

    name: str
    seed: int
    folder: Path
    arguments: RunArguments
    finished: RunRecord | None = None
    variant: Variant = field(default_factory=dict)
    baseline: str | None = None

    def result(self, record: RunRecord | None, error: str | None) -> RunResult:
        """The result of this run."""
        return RunResult(
            self.name, self.seed, self.folder, record, error, self.variant, is_baseline=self.baseline is not None
        )

    @property
    def label(self) -> str:
        """Words that name the run in messages."""
        label = run_label(self.name, self.seed, self.variant)
        return label if self.baseline is None else f"baseline {label}"


@dataclass
class Plan:
    """The runs of a comparison, and their shared data.

    Attributes:
        runs (`list[PlannedRun]`): the runs, ordered by model, then by variant, then by seed.
        data (`TaskData`): the data of the first variant.
        unavailable (`dict[str, str]`): models that cannot be trained here, each with the reason and how to make it
            available.
        planner (`Planner`): plans further runs of the same models.
        given (`dict[str, dict]`): by model, the settings that it was given, without seed and folder.
        shared (`dict`): the settings that all models were given.
    """

    runs: list[PlannedRun]
    data: TaskData
    unavailable: dict[str, str]
    planner: "Planner"
    given: dict[str, dict[str, Any]]
    shared: dict[str, Any]

    def with_settings(self, changes: Mapping[str, Mapping[str, Any]]) -> "Plan":
        """The plan with other settings of some models. Its runs are planned by [`with_runs`].

        Args:
            changes (`Mapping[str, Mapping[str, Any]]`): by model, settings that win over the given ones.
        """
        given = {name: layer(values, changes.get(name, {})) for name, values in self.given.items()}
        return replace(self, runs=[], given=given)

    def with_runs(self) -> "Plan":
        """The plan with the runs of all models.

        Raises:
            HfseqError: the folder of a run holds a run with other settings.
        """
        drafts = [run for name, values in self.given.items() for run in self.planner.drafts(name, values)]
        return replace(self, runs=self.planner.finish(drafts))

    def default_run(self, name: str) -> RunArguments:
        """The settings of the first run of a model."""
        first = self.planner.variants[0]
        return self.planner.draft(name, {**self.given[name], **first.settings}, self.planner.seeds[0], {}).arguments

    def trial(self, name: str, number: int, changes: Mapping[str, Any]) -> PlannedRun:
        """The run of a trial of the tuning, with the first seed. It does not read the test split.

        Args:
            name (`str`): the model.
            number (`int`): number of the trial.
            changes (`Mapping[str, Any]`): settings that win over the given ones.

        Raises:
            HfseqError: the folder of the trial holds a run with other settings.
        """
        settings = {**self.given[name], **self.planner.variants[0].settings, "evaluate_test": False}
        draft = self.planner.draft(name, layer(settings, changes), self.planner.seeds[0], {"trial": number})
        return self.planner.finish([draft])[0]


class Planner:
    """Plans the runs of models: each in every variant, with every seed.

    Args:
        output_dir (`str` or `Path`): parent folder of the runs.
        seeds (`Sequence[int]`): the seeds.
        variants (`Sequence[VariantSettings]`): the variants.
    """

    def __init__(self, output_dir: str | Path, seeds: Sequence[int], variants: Sequence[VariantSettings]):
        self.output_dir, self.seeds, self.variants = Path(output_dir), tuple(seeds), tuple(variants)
        # Data of each variant. A trial of the tuning has that of the first one.
        self._data: dict[tuple[Any, ...], TaskData] = {}

    def draft(self, name: str, settings: Mapping[str, Any], seed: int, variant: Variant) -> PlannedRun:
        """A run whose folder is not checked yet.

        Raises:
            HfseqError: a setting is not valid.
        """
        folder = run_folder(self.output_dir / name, seed, variant)
        given = {**settings, "seed": seed, "output_dir": str(folder), "run_name": name}
        return PlannedRun(name, seed, folder, resolve(given), variant=dict(variant))

    def drafts(self, name: str, given: Mapping[str, Any]) -> list[PlannedRun]:
        """The runs of a model, whose folders are not checked yet.

        Raises:
            HfseqError: a setting is not valid.
        """
        return [
            self.draft(name, {**given, **item.settings}, seed, item.variant)
            for item in self.variants
            for seed in self.seeds
        ]

    def load(self, drafts: Sequence[PlannedRun]) -> TaskData:
        """Loads the data of every variant, and gives that of the first one.

        Args:
            drafts (`Sequence[PlannedRun]`): the runs of one model.

        Raises:
            HfseqError: the data is not fit for the task, or a variant cannot be made of it.
        """
        for run in drafts:
            key = tuple(run.variant.items())
            if key not in self._data:
                self._data[key] = load_data(run.arguments.data)
        return next(iter(self._data.values()))

    def finish(
        self, drafts: Sequence[PlannedRun], records: Mapping[Path, RunRecord | None] | None = None
    ) -> list[PlannedRun]:
        """The runs, with the records of those that have finished before.

        Args:
            drafts (`Sequence[PlannedRun]`): runs of [`draft`], after [`load`].
            records (`Mapping[Path, RunRecord]`, *optional*): the earlier record of each folder, if it is known.

        Raises:
            HfseqError: a folder holds a run with other settings or other data.
        """
        if records is None:
            records = {run.folder: check_output_dir(run.arguments) for run in drafts}
        return [self._finished(run, records[run.folder]) for run in drafts]

    def _finished(self, run: PlannedRun, record: RunRecord | None) -> PlannedRun:
        if record is None:
            return run
        first = next(iter(self._data.values()))
        check_same_data(record, self._data.get(tuple(run.variant.items()), first), run.folder)
        return replace(run, finished=record if record.status == "finished" else None)


def make_plan(
    models: Sequence[str],
    seeds: Sequence[int],
    settings: Mapping[str, Any],
    output_dir: str | Path,
    say: Callable[[str], None] = lambda line: None,
    options: ComparisonOptions | None = None,
) -> Plan:
    """Plans the runs, and checks data, models and folders.

    Args:
        models (`Sequence[str]`): presets, YAML files, folders, Hub ids.
        seeds (`Sequence[int]`): each model is trained once per seed.
        settings (`Mapping[str, Any]`): typed settings that all runs share.
        output_dir (`str` or `Path`): parent folder of the runs; see [`run_folder`].
        say (`Callable[[str], None]`, *optional*): called with a line that names the detected modality, before the data
            is read.
        options (`ComparisonOptions`, *optional*): folds, repeated splits, sizes of the training split, ... If the
            settings of the models are changed later (`tune`, `match`), their folders are checked then.

    Raises:
        HfseqError: a run could not be trained: unsuitable data, an unknown model, a folder that holds other runs.
    """
    options = options or ComparisonOptions()
    for setting in ("push_to_hub", "hub_model_id"):
        if settings.get(setting):
            raise HfseqError(
                f"{setting} cannot be used with compare, because all models would be pushed to the same repository. "
                "Compare first, then push the model that you choose: hfseq train FOLDER/config.yaml --push_to_hub"
            )
    named = _models_by_name(models)
    _check_seeds(seeds)
    check_budgets(options, settings)
    planner = Planner(output_dir, seeds, variants_of(options, settings))
    unavailable: dict[str, str] = {}
    given = {name: {**settings, "model": model} for name, model in named.items()}
    drafts: dict[str, list[PlannedRun]] = {}
    for name, model in named.items():
        if model == "minilm" and (reason := minilm_is_missing()):
            unavailable[name] = reason
            continue
        drafts[name] = planner.drafts(name, given[name])
        if model == "minilm" and (reason := minilm_does_not_fit(drafts[name][0].arguments.data)):
            unavailable[name] = reason
            del drafts[name]
    if not drafts:
        raise HfseqError("; ".join(unavailable.values()) or "name at least one model after --models")
    given = {name: given[name] for name in drafts}
    first = next(iter(drafts.values()))
    _check_same_source(first[0].arguments, {name: runs[0].arguments for name, runs in drafts.items()})
    # From fast to slow: first the folders, then the data, then the models.
    is_final = options.tune is None and options.match is None
    every = [run for runs in drafts.values() for run in runs]
    records = {run.folder: check_output_dir(run.arguments) for run in every} if is_final else {}
    if line := modality_line(first[0].arguments.data):
        say(line)
    data = planner.load(first)
    for runs in drafts.values():
        check_model(runs[0].arguments, data)
    return Plan(planner.finish(every, records) if is_final else [], data, unavailable, planner, given, dict(settings))


def _models_by_name(models: Sequence[str]) -> dict[str, str]:
    if isinstance(models, str) or not all(isinstance(model, str) for model in models):
        raise HfseqError(f"models must be a list of names such as ['lstm', 'gru'], not {models!r}")
    named: dict[str, str] = {}
    for model in models:
        name = run_name({"model": model})
        if name in named:
            raise HfseqError(
                f"two models have the same name {name!r} ({named[name]} and {model}); put the settings of one of them "
                "in a YAML file with a different name"
            )
        named[name] = model
    return named


def _check_seeds(seeds: Sequence[int]) -> None:
    if not isinstance(seeds, Sequence) or not all(isinstance(seed, Integral) for seed in seeds):
        raise HfseqError(f"seeds must be a list of integers such as [0, 1], not {seeds!r}")
    if not seeds:
        raise HfseqError("name at least one seed after --seeds")
    if len(set(seeds)) < len(seeds) or min(seeds) < 0:
        raise HfseqError(f"seeds must differ and be 0 or more, not {' '.join(map(str, seeds))}")


def _check_same_source(first: RunArguments, arguments: Mapping[str, RunArguments]) -> None:
    # Models may differ in how they process an example (truncation, chunks), but not in which examples they get.
    shared = [name for name, item in data_settings().items() if not item.per_model]
    if task_name(first.data) == Forecasting.name:
        shared.append("normalization")  # it defines the unit of the errors
    for name, run in arguments.items():
        for setting in shared:
            here, there = run.data.get(setting), first.data.get(setting)
            if here != there:
                raise HfseqError(
                    f"all models must use the same data, but {name!r} sets {setting} to {here!r} and "
                    f"{first.name!r} sets it to {there!r}"
                )


def check_model(arguments: RunArguments, data: TaskData) -> None:
    """Checks that a model can be built: loads a pretrained model, only creates the config of a new one.

    Raises:
        HfseqError: the model cannot be built.
    """
    check_tokenizer_name(arguments.model, arguments.data)
    model, overrides = arguments.model, parse_overrides(arguments.model.config_overrides)
    task = make_task(arguments, data)
    if model.model_type is not None:
        # The sizes of the inputs are not known yet; any sizes are good enough to check the other settings.
        scratch_config(model.model_type, overrides, arguments.data, task, task.placeholder_values())
        return
    # A pretrained tokenizer needs no training here, and a new feature extractor knows the number of features per step.
    make_tokenizer = tokenizer_maker(model, arguments.data)
    load_checkpoint(model, arguments.data, task, inputs_of(task.make_processor(data, arguments.data, make_tokenizer)))
