"""`hfseq compare [--models ...] [--seeds ...] [--dataset DATA] [--output_dir FOLDER] [--setting value ...]`."""

import sys
from collections.abc import Mapping, Sequence
from typing import Any

from hfseq.commands import CommandParser
from hfseq.commands.output import add_output_flags, output_format, write_records
from hfseq.errors import HfseqError

DEFAULT_MODELS = ("lstm", "gru", "transformer", "minilm")


def run(argv: Sequence[str]) -> int:
    """Trains the models, prints the table, and writes it."""
    parser = CommandParser("compare")
    parser.usage = "hfseq compare [--models MODEL ...] [--seeds N ...] [--dataset DATA] [--setting value ...]"
    parser.epilog = (
        "All other settings are those of `hfseq train` and apply to every model, for example --max_length 64. Without "
        "a data set and without --max_train_samples, the models are trained on 3,000 examples of builtin:docstrings, "
        "which takes a few minutes."
    )
    parser.add_argument(
        "--models",
        nargs="+",
        default=list(DEFAULT_MODELS),
        metavar="MODEL",
        help="presets (lstm, gru, rnn, minlstm, mingru, transformer, minilm), YAML files, folders, Hub ids "
        f"(default: {' '.join(DEFAULT_MODELS)})",
    )
    parser.add_argument("--seeds", nargs="+", type=int, default=[0], metavar="N", help="seeds (default: 0)")
    parser.add_argument("--output_dir", help="default: comparisons/DATA")
    add_output_flags(parser, output=False)
    arguments, rest = parser.parse_known_args(argv)

    from hfseq.training.quick_checks import check_given
    from hfseq.training.reading import read_settings

    settings = read_settings(rest)
    for name in ("model", "model_type", "seed"):
        if name in settings:
            raise HfseqError(f"compare takes --models and --seeds, not --{name}")
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
