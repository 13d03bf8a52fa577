"""Variants of a model's runs: folds, repeated splits, sizes of the training split, trials of the tuning."""

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Protocol, TypeVar

Variant = Mapping[str, int | float | str]

# Folder of the baselines in the folder of a comparison.
BASELINES_FOLDER = "baselines"
# Key of a variant -> the part of the folder that it adds, and the words that name it.
_FOLDERS = {"repeat": "split-{}", "fold": "fold-{}", "train_size": "train-{}", "trial": "tuning/trial-{:03d}"}
# The same in the other direction.
_PART = re.compile(r"(seed|split|fold|train|trial)-(\d+)")
_KEYS = {"split": "repeat", "fold": "fold", "train": "train_size", "trial": "trial"}
_WORDS = {"repeat": "split {}", "fold": "fold {}", "train_size": "{:,} training examples", "trial": "trial {}"}


class HasVariant(Protocol):
    """A planned run, or the result of a run."""

    @property
    def variant(self) -> Variant: ...


_Run = TypeVar("_Run", bound=HasVariant)


def run_folder(parent: str | Path, seed: int, variant: Variant) -> Path:
    """The folder of a run.

    Args:
        parent (`str` or `Path`): folder of the model.
        seed (`int`): seed of the run. A trial of the tuning has no folder of its own for its seed.
        variant (`Mapping[str, int | float | str]`): what distinguishes the run from others with the same seed:
            `fold` and `repeat` (from 1), `train_size` (examples), `trial` (from 0). Empty for an ordinary run.

    Returns:
        `Path`: for example `MODEL/seed-0`, `MODEL/fold-1/seed-0`, `MODEL/train-300/seed-0` or
        `MODEL/tuning/trial-003`.
    """
    parts = [form.format(variant[key]) for key, form in _FOLDERS.items() if key in variant]
    if "trial" not in variant:
        parts.append(f"seed-{seed}")
    return Path(parent, *parts)


def run_label(name: str, seed: int, variant: Variant) -> str:
    """Words that name a run in messages: `lstm, fold 1, seed 0`."""
    words = [form.format(variant[key]) for key, form in _WORDS.items() if key in variant]
    return ", ".join([name, *words, f"seed {seed}"])


def headline(runs: Sequence[_Run]) -> list[_Run]:
    """The runs that the table shows: of several sizes of the training split, those of the largest."""
    sizes = [run.variant["train_size"] for run in runs if "train_size" in run.variant]
    largest = max(map(int, sizes), default=None)
    return [run for run in runs if run.variant.get("train_size") == largest]


def by_variant(runs: Iterable[_Run]) -> dict[tuple[tuple[str, int | float | str], ...], list[_Run]]:
    """The runs by variant, in the order of the first run of each. The runs of a variant have the same examples."""
    found: dict[tuple[tuple[str, int | float | str], ...], list[_Run]] = {}
    for run in runs:
        found.setdefault(tuple(sorted(run.variant.items())), []).append(run)
    return found


def parse_run_folder(parts: Sequence[str]) -> tuple[str | None, dict[str, int]]:
    """The name of a model and the variant of a run from the folder of the run: the inverse of [`run_folder`].

    Args:
        parts (`Sequence[str]`): the parts of the path, from the folder of the comparison to that of the run.

    Returns:
        `tuple[str, dict]`: the name, which is `None` if the path has none, and the variant.
    """
    variant: dict[str, int] = {}
    names = []
    for part in parts:
        found = _PART.fullmatch(part)
        if found is None:
            names.append(part)
        elif found[1] != "seed":
            variant[_KEYS[found[1]]] = int(found[2])
    names = [name for name in names if name != "tuning"]
    return (names[-1] if names else None), variant
