"""`hfseq evaluate MODEL --dataset DATA [--split test]`."""

import argparse
import sys
from collections.abc import Sequence

from hfseq.commands import CommandParser
from hfseq.commands.output import add_output_flags, check_output, open_output, output_format, write_values
from hfseq.commands.reading import add_reading_flags, reading_settings
from hfseq.data.sources.dataset_names import check_dataset_name
from hfseq.errors import HfseqError


def make_parser() -> argparse.ArgumentParser:
    """The parser of the flags of the command."""
    parser = CommandParser("evaluate")
    parser.add_argument("model", help="folder with a saved model, or id of a model on the Hub")
    parser.add_argument(
        "--dataset", help="the data to evaluate on, as in `hfseq train` (default: the data of the training)"
    )
    parser.add_argument(
        "--split", help="the split to evaluate on: train, validation or test (default: test, or the only split)"
    )
    add_reading_flags(parser)
    parser.add_argument("--batch_size", type=int, default=64, help="number of examples per batch (default: 64)")
    parser.add_argument("--trust_remote_code", action="store_true", help="run code that comes with the model")
    add_output_flags(parser)
    return parser


def run(argv: Sequence[str]) -> int:
    """Writes the metrics of a saved model on a data set."""
    arguments = make_parser().parse_args(argv)
    given = reading_settings(arguments)
    if arguments.dataset is not None:
        check_dataset_name(arguments.dataset)
    if arguments.batch_size < 1:
        raise HfseqError(f"--batch_size must be at least 1, not {arguments.batch_size}")

    from hfseq.commands.quiet import quiet_libraries
    from hfseq.inference.predictor import Predictor

    quiet_libraries()
    with open_output(arguments.output, arguments.dataset, model=arguments.model) as out:
        predictor = Predictor.load(arguments.model, trust_remote_code=arguments.trust_remote_code)
        if arguments.dataset is None:
            check_output(arguments.output, predictor.trained_on)
        metrics = predictor.evaluate(arguments.dataset, arguments.split, batch_size=arguments.batch_size, **given)
        write_values(out, output_format(arguments), metrics, "{:.4f}".format)
    if predictor.task.metric_note is not None:
        sys.stderr.write(f"hfseq: note: {predictor.task.metric_note}\n")
    return 0
