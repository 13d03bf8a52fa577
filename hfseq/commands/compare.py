"""`hfseq compare [--models MODEL ...] [--seeds N ...] [--dataset DATA] [--SETTING VALUE ...]`."""

import argparse
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from hfseq.commands.output import FORMATS, write_records
from hfseq.commands.settings_help import Section, help_page, split_help
from hfseq.comparison.options import changed_options, comparison_options, split_options
from hfseq.data.bounds import SEED
from hfseq.data.setting_values import read_value
from hfseq.data.settings import Setting
from hfseq.errors import HfseqError
from hfseq.training.all_settings import all_settings
from hfseq.training.quick_checks import check_given
from hfseq.training.reading import YAML_SUFFIXES, SettingsParser, read_settings, read_yaml

DEFAULT_MODELS = ("lstm", "gru", "transformer", "minilm")
# Flags of this command that are not settings of a run, or that replace one.
_FLAGS = (
    Setting(
        "models",
        "list[str]",
        list(DEFAULT_MODELS),
        "The models: presets, YAML files of settings, folders with saved models, or ids of models on the Hub.",
    ),
    Setting("seeds", "list[str]", ["0"], "Seeds. Each model is trained with each seed."),
    Setting(
        "output_dir", "str | None", None, "Folder for the models and the comparison. By default comparisons/DATASET."
    ),
    Setting("format", "str", "text", "Format of the result on the screen.", FORMATS),
)
_SEED = Setting("seeds", "int", 0, "", bounds=SEED)
_INTRODUCTION = (
    "usage: hfseq compare [--models MODEL ...] [--seeds N ...] [--dataset DATA] [--SETTING VALUE ...]",
    "Train several models on the same data, each with each seed, and print a table of quality and cost. The other "
    "settings are those of `hfseq train` and apply to every model.",
    "  hfseq compare --models lstm minilm --dataset reviews.csv --seeds 0 1 2",
    "Without a data set and without --max_train_samples, the models are trained on 3,000 examples of "
    "builtin:docstrings, which takes a few minutes.",
)


def make_parser() -> argparse.ArgumentParser:
    """The parser of all flags of the command: its own, and the settings of a run."""
    settings = {name: item for name, item in all_settings().items() if name not in ("model", "model_type", "seed")}
    return SettingsParser({**settings, **_own_settings()})


def _own_settings() -> dict[str, Setting]:
    """The flags of this command, and the options of a comparison."""
    return {**{item.name: item for item in _FLAGS}, **comparison_options()}


def run(argv: Sequence[str]) -> int:
    """Trains the models, prints the table, and writes it."""
    topic, words = split_help(argv)
    own = _own_settings()
    given, rest = SettingsParser(own).parse_known_args(words)
    values = {name: read_value(own[name], value, f"--{name}") for name, value in vars(given).items()}
    flags = {item.name: values.get(item.name, item.default) for item in _FLAGS}
    options, _ = split_options(values, "--")
    seeds = [read_value(_SEED, word, "--seeds") for word in flags["seeds"]]
    try:
        settings = read_settings(rest)
    except HfseqError as error:
        raise HfseqError(str(error).replace("`--model ", "`--models ")) from None
    for name in ("model", "model_type", "seed"):
        if name in settings:
            raise HfseqError(f"compare takes --models and --seeds, not --{name}")
    if topic is not None:
        page = help_page(
            "compare",
            _INTRODUCTION,
            topic,
            flags["models"],
            settings,
            Section("compare", "The comparison", tuple(own.values())),
        )
        sys.stdout.write(page + "\n")
        return 0
    for model in flags["models"]:
        check_given({**settings, "model": model})

    from hfseq.commands.quiet import quiet_libraries
    from hfseq.comparison import compare
    from hfseq.comparison.launchers.base import RunsDeferred
    from hfseq.comparison.report import print_comparison
    from hfseq.comparison.report.records import model_records
    from hfseq.data.arguments import DataArguments
    from hfseq.training.family_defaults import FIRST_LOOK_NOTE, FIRST_LOOK_SETTINGS
    from hfseq.training.settings import short_name

    quiet_libraries()
    notes = []
    layers = [settings, *_model_files(flags["models"])]
    first_look = not any(_says_which_data(layer) for layer in layers)
    if first_look:
        settings, notes = {**FIRST_LOOK_SETTINGS, **settings}, [FIRST_LOOK_NOTE]
    dataset = next((layer["dataset"] for layer in layers if "dataset" in layer), DataArguments.dataset)
    output_dir = flags["output_dir"] or f"comparisons/{'first-look' if first_look else short_name(dataset)}"
    try:
        comparison = compare(flags["models"], seeds, output_dir, notes=notes, **changed_options(options), **settings)
    except RunsDeferred as deferred:
        sys.stdout.writelines(f"{command}\n" for command in deferred.commands)
        sys.stderr.write(f"{deferred}\n")
        return 0
    form = flags["format"]
    if form == "text":
        print_comparison(comparison)
        sys.stdout.write(f"\nmodels, comparison.json, comparison.md and report.html are in {output_dir}\n")
    else:
        write_records(sys.stdout, form, model_records(comparison))
    models = [model for model in comparison["models"].values() if model.get("kind") != "baseline"]
    return 0 if any(model["metrics"] for model in models) else 1


def _says_which_data(settings: Mapping[str, Any]) -> bool:
    """Whether settings name a data set, its task, or how much of it is used: then there is no first look."""
    return any(name in settings for name in ("dataset", "task", "modality", "max_train_samples"))


def _model_files(models: Sequence[str]) -> list[dict[str, Any]]:
    return [read_yaml(model) for model in models if model.endswith(YAML_SUFFIXES)]
