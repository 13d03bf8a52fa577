"""Options of a comparison: flags of `hfseq compare`, and keyword arguments of [`compare`].

They are not settings of a run: they say how the models are compared. This module imports neither torch nor
transformers, so that the command line answers at once.
"""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from hfseq.comparison.preferences import PREFERENCES
from hfseq.data.bounds import AT_LEAST_0, AT_LEAST_1, Bounds
from hfseq.data.setting_values import read_value
from hfseq.data.settings import Setting, Settings, declared_settings, setting


@dataclass(frozen=True)
class ComparisonOptions(Settings):
    """Options of a comparison. Each field is made with [`setting`], and is a flag and a keyword argument."""

    group: ClassVar[str] = "compare"

    margin: float | None = setting(
        None,
        "A difference of the primary metric that does not matter: the cheapest model that is not worse than the best "
        "by more than this is recommended. By default one point of a score, and 2 % of the best value of an error.",
        bounds=AT_LEAST_0,
    )
    prefer: str = setting(
        "size",
        "The cost that decides among models that are good enough: size on disk, latency, training time, memory, or "
        "energy of the training.",
        choices=PREFERENCES,
    )
    tune: int | None = setting(
        None,
        "Choose the settings of each model on the validation split, with this many trials per model. The first trial "
        "has the default settings. The test split is used once, after the choice.",
        bounds=Bounds(2),
    )
    match: str | None = setting(
        None,
        "Give all models the same budget: `parameters` (without embeddings) or `flops` (per token, forward) scale the "
        "widths of the models that are trained from scratch to the first of them; `time` trains all models for as "
        "long as the first one.",
        choices=("parameters", "flops", "time"),
    )
    folds: int | None = setting(
        None,
        "Cross-validation: train every model on each of this many folds of all examples (stratified by class, grouped "
        "by group_column; for forecasting, test parts one after another in time).",
        bounds=Bounds(3),
    )
    repeat_splits: int | None = setting(
        None, "Make this many new random splits of all examples, and train every model on each.", bounds=Bounds(2)
    )
    train_sizes: list[str] | None = setting(
        None, "Learning curves: train every model on nested samples of these sizes, such as `100 300 1000`."
    )
    launcher: str = setting(
        "local",
        "What starts the runs: local (processes on this machine), ray or slurm (jobs on a cluster), print (writes one "
        "command per run, to be executed elsewhere), or a launcher of a plug-in.",
    )
    jobs: int | None = setting(
        None,
        "Number of runs at the same time. By default 1 with the launcher local, and all on a cluster.",
        bounds=AT_LEAST_1,
    )
    launcher_options: dict[str, Any] | str | None = setting(
        None,
        "Options of ray (address, num_cpus, num_gpus, resources, max_retries) or slurm (partition, time, cpus, gpus, "
        "memory_gb, ...), as `key=value,...` or a JSON mapping.",
    )
    price_per_hour: float | None = setting(
        None,
        "Price of one hour of the machine. It gives the price of each training and of a million predictions.",
        bounds=AT_LEAST_0,
    )

    baselines: str = setting(
        "auto",
        "Simple baselines beside the models: auto (all that suit the data) or none.",
        choices=("auto", "none"),
    )

    def given(self) -> dict[str, Any]:
        """The options by name, as keyword arguments of [`compare`]."""
        return dataclasses.asdict(self)


def comparison_options() -> dict[str, Setting]:
    """The options by name."""
    return declared_settings(ComparisonOptions)


def changed_options(options: ComparisonOptions) -> dict[str, Any]:
    """The options that differ from their defaults, by name."""
    defaults = comparison_options()
    return {name: value for name, value in options.given().items() if value != defaults[name].default}


def split_options(values: Mapping[str, Any], prefix: str = "") -> tuple[ComparisonOptions, dict[str, Any]]:
    """Separates the options of a comparison from the settings of its runs.

    Args:
        values (`Mapping[str, Any]`): options and settings by name.
        prefix (`str`, *optional*, defaults to `""`): written before the names in errors, such as `"--"`.

    Returns:
        `tuple[ComparisonOptions, dict]`: the options, and the other values. `None` means the default.

    Raises:
        HfseqError: an option has no valid value.
    """
    known = comparison_options()
    given = {name: value for name, value in values.items() if name in known and value is not None}
    options = ComparisonOptions(
        **{name: read_value(known[name], value, f"{prefix}{name}") for name, value in given.items()}
    )
    return options, {name: value for name, value in values.items() if name not in known}
