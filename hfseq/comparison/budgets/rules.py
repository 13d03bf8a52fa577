"""The budget of a comparison: which options go together, and the variants of the runs that they ask for."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import product
from typing import Any

from hfseq.comparison.options import ComparisonOptions
from hfseq.comparison.variants import Variant
from hfseq.errors import HfseqError

# Two options that cannot be combined, and the reason.
_EXCLUSIVE = (
    ("tune", "folds", "the settings would be chosen on examples that another fold tests on"),
    ("tune", "repeat_splits", "the settings would be chosen on examples that another split tests on"),
    ("train_sizes", "folds", "a learning curve needs one test split"),
    ("train_sizes", "repeat_splits", "a learning curve needs one test split"),
)
# Options -> settings of a run that they set themselves.
_SETS = {
    "folds": ("num_folds", "fold", "resplit"),
    "repeat_splits": ("num_folds", "fold", "resplit"),
    "train_sizes": ("train_size",),
}


@dataclass(frozen=True)
class VariantSettings:
    """A variant of the runs of every model.

    Attributes:
        variant (`Mapping[str, int | float | str]`): its keys, such as `{"fold": 1}`.
        settings (`dict`): the settings of the data that it stands for.
    """

    variant: Variant = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)


def read_train_sizes(options: ComparisonOptions) -> tuple[int, ...]:
    """The sizes of `--train_sizes`, ascending; empty if the option is not given.

    Raises:
        HfseqError: they are not at least two different whole numbers above 0.
    """
    if options.train_sizes is None:
        return ()
    words = options.train_sizes
    if not all(str(word).isdecimal() and int(word) > 0 for word in words) or len({*map(int, words)}) < 2:
        raise HfseqError(
            f"train_sizes must be at least two different whole numbers above 0, such as 100 300 1000, not "
            f"{' '.join(map(str, words))!r}"
        )
    return tuple(sorted({*map(int, words)}))


def check_budgets(options: ComparisonOptions, settings: Mapping[str, Any]) -> None:
    """
    Args:
        options (`ComparisonOptions`): the options.
        settings (`Mapping[str, Any]`): settings that all runs share.

    Raises:
        HfseqError: two options, or an option and a setting, contradict each other.
    """
    read_train_sizes(options)
    if settings.get("evaluate_test") is False:
        raise HfseqError("evaluate_test cannot be switched off in a comparison, which reports the test split")
    for one, other, reason in _EXCLUSIVE:
        if getattr(options, one) is not None and getattr(options, other) is not None:
            raise HfseqError(f"{one} and {other} cannot be combined: {reason}")
    for option, names in _SETS.items():
        for name in names:
            if getattr(options, option) is not None and settings.get(name) not in (None, False):
                raise HfseqError(f"{option} sets {name} for each run: leave out {name}")
    if options.match == "time":
        for option in ("tune", "train_sizes"):
            if getattr(options, option) is not None:
                raise HfseqError(f"match time and {option} cannot be combined: each trial or size has its own time")
        for name in ("max_train_seconds", "max_steps"):
            if settings.get(name) is not None:
                raise HfseqError(f"match time sets the training time of each run: leave out {name}")


def variants_of(options: ComparisonOptions, settings: Mapping[str, Any]) -> list[VariantSettings]:
    """The variants of the runs of every model: the folds, the repeated splits, or the sizes of the training split.

    Args:
        options (`ComparisonOptions`): the options.
        settings (`Mapping[str, Any]`): settings that all runs share. The seed of the first split is `split_seed`.

    Returns:
        `list[VariantSettings]`: the same for all models; one empty variant by default. The largest training split is
        the first, because it shows errors of the data at once.
    """
    sizes = read_train_sizes(options)
    if sizes:
        return [VariantSettings({"train_size": size}, {"train_size": size}) for size in reversed(sizes)]
    first = int(settings.get("split_seed") or 0)
    repeats = range(1, (options.repeat_splits or 0) + 1)
    folds = range(1, (options.folds or 0) + 1)
    found = []
    for repeat, fold in product(repeats or (None,), folds or (None,)):
        variant: dict[str, int | float | str] = {}
        given: dict[str, Any] = {}
        if repeat is not None:
            variant["repeat"] = repeat
            given |= {"split_seed": first + repeat - 1, **({} if fold else {"resplit": True})}
        if fold is not None and options.folds is not None:
            variant["fold"] = fold
            given |= {"num_folds": options.folds, "fold": fold}
        found.append(VariantSettings(variant, given))
    return found
