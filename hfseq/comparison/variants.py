"""Variants of a model's runs: folds, repeated splits, sizes of the training split, trials of the tuning."""

from collections.abc import Mapping
from pathlib import Path

Variant = Mapping[str, int | float | str]

# Key of a variant -> the part of the folder that it adds, and the words that name it.
_FOLDERS = {"repeat": "split-{}", "fold": "fold-{}", "train_size": "train-{}", "trial": "tuning/trial-{:03d}"}
_WORDS = {"repeat": "split {}", "fold": "fold {}", "train_size": "{:,} training examples", "trial": "trial {}"}


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
