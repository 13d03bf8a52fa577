"""Plan of a comparison: its runs, all checked before the first one starts."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from numbers import Integral
from pathlib import Path
from typing import Any

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
from hfseq.training.record import RunRecord
from hfseq.training.run_folder import check_output_dir, check_same_data
from hfseq.training.settings import resolve, run_name

# Data settings without influence on the examples.
_NEUTRAL_SETTINGS = {"cache_dir", "preprocessing_num_workers"}


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
        runs (`list[PlannedRun]`): the runs, ordered by model, then by seed.
        data (`TaskData`): the data of all runs.
        unavailable (`dict[str, str]`): models that cannot be trained here, each with the reason and how to make it
            available.
    """

    runs: list[PlannedRun]
    data: TaskData
    unavailable: dict[str, str] = field(default_factory=dict)


def make_plan(
    models: Sequence[str],
    seeds: Sequence[int],
    settings: Mapping[str, Any],
    output_dir: str | Path,
    say: Callable[[str], None] = lambda line: None,
) -> Plan:
    """Plans the runs, and checks data, models and folders.

    Args:
        models (`Sequence[str]`): presets, YAML files, folders, Hub ids.
        seeds (`Sequence[int]`): each model is trained once per seed.
        settings (`Mapping[str, Any]`): typed settings that all runs share.
        output_dir (`str` or `Path`): parent folder; each run gets the subfolder `MODEL/seed-N`.
        say (`Callable[[str], None]`, *optional*): called with a line that names the detected modality, before the data
            is read.

    Raises:
        HfseqError: a run could not be trained: unsuitable data, an unknown model, a folder that holds other runs.
    """
    for setting in ("push_to_hub", "hub_model_id"):
        if settings.get(setting):
            raise HfseqError(
                f"{setting} cannot be used with compare, because all models would be pushed to the same repository. "
                "Compare first, then push the model that you choose: hfseq train FOLDER/config.yaml --push_to_hub"
            )
    named = _models_by_name(models)
    _check_seeds(seeds)
    unavailable = {}
    arguments: dict[str, list[tuple[int, Path, RunArguments]]] = {}
    for name, model in named.items():
        if model == "minilm" and (reason := minilm_is_missing()):
            unavailable[name] = reason
            continue
        arguments[name] = []
        for seed in seeds:
            folder = run_folder(Path(output_dir) / name, seed, {})
            given = {**settings, "model": model, "seed": seed, "output_dir": str(folder), "run_name": name}
            arguments[name].append((seed, folder, resolve(given)))
        if model == "minilm" and (reason := minilm_does_not_fit(arguments[name][0][2].data)):
            unavailable[name] = reason
            del arguments[name]
    if not arguments:
        raise HfseqError("; ".join(unavailable.values()) or "name at least one model after --models")
    first = next(iter(arguments.values()))[0][2]
    _check_same_source(first, arguments)
    # From fast to slow: first the folders, then the data, then the models.
    records = {folder: check_output_dir(run) for runs in arguments.values() for _, folder, run in runs}
    if line := modality_line(first.data):
        say(line)
    data = load_data(first.data)
    for runs in arguments.values():
        check_model(runs[0][2], data)
    planned = []
    for name, runs in arguments.items():
        for seed, folder, run in runs:
            record = records[folder]
            if record is not None:
                check_same_data(record, data, folder)
            finished = record if record is not None and record.status == "finished" else None
            planned.append(PlannedRun(name, seed, folder, run, finished))
    return Plan(planned, data, unavailable)


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


def _check_same_source(first: RunArguments, arguments: dict[str, list[tuple[int, Path, RunArguments]]]) -> None:
    # Models may differ in how they process an example (truncation, chunks), but not in which examples they get.
    shared = [name for name, item in data_settings().items() if not item.per_model]
    if task_name(first.data) == Forecasting.name:
        shared.append("normalization")  # it defines the unit of the errors
    for name, runs in arguments.items():
        for setting in shared:
            here, there = runs[0][2].data.get(setting), first.data.get(setting)
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
