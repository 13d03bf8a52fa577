"""`hfseq compare [--models ...] [--seeds ...] [--dataset DATA] [--output_dir FOLDER] [--setting value ...]`."""

import sys
from collections.abc import Sequence

from hfseq.commands import CommandParser
from hfseq.errors import HfseqError

DEFAULT_MODELS = ("lstm", "gru", "transformer", "minilm")


def run(argv: Sequence[str]) -> int:
    """Trains the models, prints the table, and writes it."""
    parser = CommandParser("compare")
    parser.usage = "hfseq compare [--models MODEL ...] [--seeds N ...] [--dataset DATA] [--setting value ...]"
    parser.epilog = (
        "All other settings are those of `hfseq train`, and hold for every model: --max_length 64. Without any, a "
        "first look at builtin:docstrings in a few minutes."
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
    arguments, rest = parser.parse_known_args(argv)

    from hfseq.commands.quiet import quiet_libraries
    from hfseq.comparison import compare
    from hfseq.comparison.report import print_comparison
    from hfseq.data.arguments import DataArguments
    from hfseq.training.presets.defaults import FIRST_LOOK_NOTE, FIRST_LOOK_SETTINGS
    from hfseq.training.settings import read_settings, short_name

    quiet_libraries()
    settings = read_settings(rest)
    for name in ("model", "model_type", "seed"):
        if name in settings:
            raise HfseqError(f"compare takes --models and --seeds, not --{name}")
    dataset = settings.get("dataset", DataArguments.dataset)
    output_dir = arguments.output_dir or f"comparisons/{short_name(dataset) if argv else 'first-look'}"
    notes = []
    if not argv:
        settings, notes = dict(FIRST_LOOK_SETTINGS), [FIRST_LOOK_NOTE]
    comparison = compare(arguments.models, arguments.seeds, output_dir, notes=notes, **settings)
    print_comparison(comparison)
    sys.stdout.write(f"\nmodels, comparison.json and comparison.md are in {output_dir}\n")
    return 0 if any(model["metrics"] for model in comparison["models"].values()) else 1
