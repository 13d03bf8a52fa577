"""`hfseq predict MODEL --text "..." | --input FILE | < standard input`."""

import argparse
import dataclasses
from collections.abc import Iterator, Sequence
from typing import Any, TextIO

from hfseq.commands import CommandParser
from hfseq.commands.examples import (
    STANDARD_INPUT,
    Example,
    add_input_flags,
    check_input_flags,
    examples,
    is_table,
)
from hfseq.commands.output import add_output_flags, open_output, output_format
from hfseq.commands.prediction_output import prediction_writer
from hfseq.commands.reading import LABEL_FLAGS, add_reading_flags, reading_settings
from hfseq.data.sources.dataset_names import check_dataset_name
from hfseq.errors import HfseqError


def make_parser() -> argparse.ArgumentParser:
    """The parser of the flags of the command."""
    parser = CommandParser("predict")
    parser.add_argument("model", help="folder with a saved model, or id of a model on the Hub")
    add_input_flags(parser)
    add_reading_flags(parser, without=LABEL_FLAGS)
    add_output_flags(parser)
    parser.add_argument("--batch_size", type=int, default=64, help="number of examples per batch (default: 64)")
    parser.add_argument("--trust_remote_code", action="store_true", help="run code that comes with the model")
    return parser


def run(argv: Sequence[str]) -> int:
    """Writes the prediction of each example."""
    arguments = make_parser().parse_args(argv)
    check_input_flags(arguments)
    given = reading_settings(arguments)
    if arguments.input not in (None, "-"):
        check_dataset_name(arguments.input)
    if arguments.batch_size < 1:
        raise HfseqError(f"--batch_size must be at least 1, not {arguments.batch_size}")

    from hfseq.commands.quiet import quiet_libraries
    from hfseq.inference.predictor import Predictor

    quiet_libraries()
    with open_output(arguments.output, arguments.input, model=arguments.model) as out:
        predictor = Predictor.load(arguments.model, trust_remote_code=arguments.trust_remote_code)
        predictor.arguments = dataclasses.replace(predictor.arguments, **given)
        _check_kind(arguments, predictor)
        _predict(arguments, predictor, out)
    return 0


def _check_kind(arguments: argparse.Namespace, predictor: Any) -> None:
    columns = predictor.record.data.get("text_columns", []) if predictor.record else []
    if len(columns) == 2 and not arguments.text_pair and not is_table(arguments, predictor):
        raise HfseqError(
            f"this model reads pairs ({' and '.join(columns)}): give each --text a --text_pair, or --input a table"
        )
    modality = predictor.task.modality
    if not modality.trains_tokenizer and arguments.input in (None, "-") and not is_table(arguments, predictor):
        raise HfseqError(
            f"this model reads {modality.name}, not texts: give it a file or folder with --input, or a table on "
            f"{STANDARD_INPUT} with --input_format"
        )


def _predict(arguments: argparse.Namespace, predictor: Any, out: TextIO) -> None:
    from datasets import Dataset

    modality = predictor.task.modality
    key = "text" if modality.name == "text" and not predictor.task.generates_text else "input"
    write, close = prediction_writer(out, output_format(arguments), key, predictor.task.value_names)
    # Any line is a valid text, but not a valid DNA sequence.
    unchecked = modality.name != "text" and not is_table(arguments, predictor)
    # In chunks, so that a stream of any length can be read: many texts, but few videos.
    size = max(arguments.batch_size, modality.batch_size)
    for number, chunk in enumerate(_chunks(examples(arguments, predictor, key), size)):
        columns = chunk[0][1]
        context = [name for name in predictor.task.context_columns if name in chunk[0][0]]
        rows = {name: [row[name] for row, _, _ in chunk] for name in (*columns.texts, *context)}
        if unchecked:
            source = arguments.input or ("--text" if arguments.text else STANDARD_INPUT)
            after = f", after line {number * size}" if number else ""
            predictor.task.check_rows(Dataset.from_dict(rows), columns, f"{source}{after}")
        answers = predictor.predict_rows(rows, columns, arguments.batch_size)
        for (_, _, shown), answer in zip(chunk, answers, strict=True):
            write(shown, answer)
        out.flush()
    close()


def _chunks(examples: Iterator[Example], size: int) -> Iterator[list[Example]]:
    chunk: list[Example] = []
    for example in examples:
        chunk.append(example)
        if len(chunk) == size:
            yield chunk
            chunk = []
    if chunk:
        yield chunk
