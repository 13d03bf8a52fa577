"""`hfseq compare [--models ...] [--seeds ...] [--dataset DATA] [--output_dir FOLDER] [--setting value ...]`."""

import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from hfseq.commands import CommandParser
from hfseq.commands.output import FORMATS, add_output_flags, output_format, write_records
from hfseq.errors import HfseqError

if TYPE_CHECKING:
    from hfseq.commands.settings_help import Section

DEFAULT_MODELS = ("lstm", "gru", "transformer", "minilm")


_INTRODUCTION = (
    "usage: hfseq compare [--models MODEL ...] [--seeds N ...] [--dataset DATA] [--SETTING VALUE ...]",
    "Train several models on the same data, each with each seed, and print a table of quality and cost. The other "
    "settings are those of `hfseq train` and apply to every model.",
    "  hfseq compare --models lstm minilm --dataset reviews.csv --seeds 0 1 2",
    "Without a data set and without --max_train_samples, the models are trained on 3,000 examples of "
    "builtin:docstrings, which takes a few minutes.",
)


def _parser() -> CommandParser:
    parser = CommandParser("compare", add_help=False)
    parser.add_argument("--models", nargs="+", default=list(DEFAULT_MODELS))
    parser.add_argument("--seeds", nargs="+", type=int, default=[0])
    parser.add_argument("--output_dir")
    add_output_flags(parser, output=False)
    return parser


def _flags() -> "Section":
    """Flags of this command that are not settings of `hfseq train`, or that replace one."""
    from hfseq.commands.settings_help import Section
    from hfseq.data.settings import Setting

    models = "The models: presets, YAML files of settings, folders with saved models, or ids of models on the Hub."
    folder = "Folder for the models and the comparison. By default comparisons/DATASET."
    return Section(
        "compare",
        "The comparison",
        (
            Setting(
                "models",
                "list",
                list(DEFAULT_MODELS),
                models,
            ),
            Setting("seeds", "list", ["0"], "Seeds. Each model is trained with each seed."),
            Setting("output_dir", "str", None, folder),
            Setting("format", "str", "text", "Format of the result on the screen.", FORMATS),
        ),
    )


def run(argv: Sequence[str]) -> int:
    """Trains the models, prints the table, and writes it."""
    from hfseq.commands.settings_help import help_page, split_help
    from hfseq.training.quick_checks import check_given
    from hfseq.training.reading import read_settings

    topic, words = split_help(argv)
    arguments, rest = _parser().parse_known_args(words)
    try:
        settings = read_settings(rest)
    except HfseqError as error:
        raise HfseqError(str(error).replace("`--model ", "`--models ")) from None
    for name in ("model", "model_type", "seed"):
        if name in settings:
            raise HfseqError(f"compare takes --models and --seeds, not --{name}")
    if topic is not None:
        page = help_page("compare", _INTRODUCTION, topic, arguments.models, settings, _flags())
        sys.stdout.write(page + "\n")
        return 0
    for model in arguments.models:
        check_given({**settings, "model": model})

    from hfseq.commands.quiet import quiet_libraries
    from hfseq.comparison import compare
    from hfseq.comparison.report import print_comparison
    from hfseq.comparison.report.records import model_records
    from hfseq.data.arguments import DataArguments
    from hfseq.training.family_defaults import FIRST_LOOK_NOTE, FIRST_LOOK_SETTINGS
    from hfseq.training.settings import short_name

    quiet_libraries()
    notes = []
    given = [settings, *_model_files(arguments.models)]
    first_look = not any(_says_which_data(layer) for layer in given)
    if first_look:
        settings, notes = {**FIRST_LOOK_SETTINGS, **settings}, [FIRST_LOOK_NOTE]
    dataset = next((layer["dataset"] for layer in given if "dataset" in layer), DataArguments.dataset)
    output_dir = arguments.output_dir or f"comparisons/{'first-look' if first_look else short_name(dataset)}"
    comparison = compare(arguments.models, arguments.seeds, output_dir, notes=notes, **settings)
    form = output_format(arguments)
    if form == "text":
        print_comparison(comparison)
        sys.stdout.write(f"\nmodels, comparison.json and comparison.md are in {output_dir}\n")
    else:
        write_records(sys.stdout, form, model_records(comparison))
    return 0 if any(model["metrics"] for model in comparison["models"].values()) else 1


def _says_which_data(settings: Mapping[str, Any]) -> bool:
    """Whether settings name a data set, its task, or how much of it is used: then there is no first look."""
    return any(name in settings for name in ("dataset", "task", "modality", "max_train_samples"))


def _model_files(models: Sequence[str]) -> list[dict[str, Any]]:
    from hfseq.training.reading import YAML_SUFFIXES, read_yaml

    return [read_yaml(model) for model in models if model.endswith(YAML_SUFFIXES)]
