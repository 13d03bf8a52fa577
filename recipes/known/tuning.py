"""Chooses the settings for small known data sets on a validation split of their training examples."""

from pathlib import Path
from typing import Any

import yaml

import hfseq
from hfseq.training.reading import read_yaml

# Folder in recipes/configs/known -> share of the training examples that the settings are chosen on. These data sets
# have a test split of their own, but no validation split, or none of either.
VALIDATION = {"splice": 0.1, "italy_power_demand": 0.3, "gunpoint": 0.3, "indoor": 0.2}
_DATA_SETTINGS = ("task", "modality", "dataset", "label_column", "kmer")


def choose_settings(name: str, configs: Path, trials: int, seeds: list[int], output: Path, jobs: int) -> str:
    """Chooses the settings of the models of a data set, and writes them to its YAML files.

    The first trial of a model has the settings of its preset, not those of its YAML file. The test split is read once,
    by the runs with the chosen settings. If it is interrupted, the same call continues.

    Args:
        name (`str`): folder in `configs`.
        configs (`Path`): folder of the YAML files.
        trials (`int`): number of trials of each model.
        seeds (`list[int]`): each model is trained with these seeds and the chosen settings.
        output (`Path`): folder of the comparison.
        jobs (`int`): number of runs at the same time.

    Returns:
        `str`: a line per model, with its accuracy on the test split.
    """
    files = {path.stem: path for path in sorted((configs / name).glob("*.yaml"))}
    known = read_yaml(next(iter(files.values())))
    data = {key: known[key] for key in _DATA_SETTINGS if key in known}
    data["validation_fraction"] = VALIDATION[name]
    comparison = hfseq.compare(list(files), seeds, output, tune=trials, jobs=jobs, **data)
    lines = []
    for model, path in files.items():
        found = comparison["models"][model]
        path.write_text(_yaml(path, name, model, trials, data, found["tuning"]["settings"]), encoding="utf-8")
        values = ", ".join(f"{value:.3f}" for value in found["metrics"]["accuracy"]["values"])
        lines.append(f"{name} {model}: accuracy {values} (trial {found['tuning']['trial']} of {trials})")
    return "\n".join(lines)


def _yaml(path: Path, name: str, model: str, trials: int, data: dict[str, Any], chosen: dict[str, Any]) -> str:
    """The YAML file of a model: its preset, the data, and the chosen settings."""
    title = path.read_text(encoding="utf-8").splitlines()[0]
    settings = {"model": model}
    if "config_overrides" in chosen:
        settings["config_overrides"] = yaml.safe_load(chosen["config_overrides"])
    settings |= {**data, **{key: value for key, value in chosen.items() if key != "config_overrides"}}
    settings["output_dir"] = f"runs/known/{name}/{model}/seed-0"
    share = f"{100 * data['validation_fraction']:g} % of the training examples"
    head = f"{title}\n# The best of {trials} trials of `hfseq compare --tune` on a validation split of {share}.\n"
    return head + yaml.safe_dump(settings, sort_keys=False)
