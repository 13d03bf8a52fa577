"""`hfseq predict MODEL --text "..." | --input FILE | < standard input`."""

import argparse
import dataclasses
import io
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from hfseq.commands import CommandParser
from hfseq.commands.answers import WRITERS
from hfseq.commands.reading import ANSWERS, add_reading_flags, reading_settings
from hfseq.errors import HfseqError

# The columns of an example, which of them are read, and what it is shown as.
Example = tuple[dict[str, Any], Any, str | int]


def run(argv: Sequence[str]) -> int:
    """Prints one line an example: of a classifier, its labels and scores."""
    parser = CommandParser("predict")
    parser.add_argument("model", help="folder of a saved model, or id on the Hub")
    parser.add_argument("--text", action="append", help="a text; may be given several times")
    parser.add_argument("--text_pair", action="append", help="the second text of each --text, for pairs")
    parser.add_argument(
        "--input",
        help="a file: .txt with a text a line, a table (csv, tsv, json, jsonl, parquet), or what else the model was "
        "trained on (.ts, .fasta, .wav, ...), or a folder of such files",
    )
    add_reading_flags(parser, without=ANSWERS)
    parser.add_argument("--format", choices=tuple(WRITERS), default="text", help="default: text")
    parser.add_argument("--batch_size", type=int, default=64, help="examples at a time (default: 64)")
    parser.add_argument("--trust_remote_code", action="store_true", help="let code that comes with the model run")
    arguments = parser.parse_args(argv)
    if arguments.text and arguments.input:
        raise HfseqError("give --text or --input, not both")
    if arguments.text_pair and len(arguments.text_pair) != len(arguments.text or []):
        raise HfseqError("give one --text_pair for each --text")
    if arguments.batch_size < 1:
        raise HfseqError(f"--batch_size must be at least 1, not {arguments.batch_size}")

    from datasets import Dataset

    from hfseq.commands.quiet import quiet_libraries
    from hfseq.training.predictor import Predictor

    quiet_libraries()

    predictor = Predictor.load(arguments.model, trust_remote_code=arguments.trust_remote_code)
    predictor.arguments = dataclasses.replace(predictor.arguments, **reading_settings(arguments))
    _check_pairs(arguments, predictor)
    modality = predictor.task.modality
    if arguments.input is None and not modality.trains_tokenizer:
        raise HfseqError(f"this model reads {modality.name}, not texts: give it a file or folder with --input")
    key = "text" if modality.name == "text" and not predictor.task.writes else "input"
    write = WRITERS[arguments.format](sys.stdout, key, predictor.task.value_names)
    # Read and answered at a time, so that a stream of any length passes through: many texts, but few videos.
    size = max(arguments.batch_size, modality.batch_size)
    for number, chunk in enumerate(_chunks(_examples(arguments, predictor), size)):
        columns = chunk[0][1]
        rows = {name: [row[name] for row, _, _ in chunk] for name in columns.texts}
        if modality.name != "text" and (arguments.input is None or arguments.input.endswith(".txt")):
            # A line of text may hold anything, a sequence of nucleotides may not.
            source = arguments.input or ("--text" if arguments.text else "standard input")
            after = f", after line {number * size}" if number else ""
            predictor.task.check_rows(Dataset.from_dict(rows), columns, f"{source}{after}")
        for (_, _, shown), prediction in zip(
            chunk, predictor.predict_rows(rows, columns, arguments.batch_size), strict=True
        ):
            write(shown, prediction)
        sys.stdout.flush()
    return 0


def _check_pairs(arguments: argparse.Namespace, predictor) -> None:
    columns = predictor.record.data.get("text_columns", []) if predictor.record else []
    from_table = arguments.input is not None and not arguments.input.endswith(".txt")
    if len(columns) == 2 and not arguments.text_pair and not from_table:
        raise HfseqError(
            f"this model reads pairs ({' and '.join(columns)}): give each --text a --text_pair, or --input a table"
        )


def _examples(arguments: argparse.Namespace, predictor) -> Iterator[Example]:
    lines_alone = arguments.input is not None and arguments.input.endswith(".txt")
    if arguments.input is not None and not (lines_alone and predictor.task.modality.trains_tokenizer):
        yield from _rows(arguments, predictor)
        return
    from hfseq.data.columns import Columns

    if arguments.text:
        texts = iter(arguments.text)
    elif lines_alone:
        texts = iter(_lines(Path(arguments.input)))
    else:
        texts = _standard_input()
    pairs = iter(arguments.text_pair) if arguments.text_pair else None
    columns = Columns("text", "text_pair" if pairs else None)
    for text in texts:
        row = {"text": text, **({"text_pair": next(pairs)} if pairs else {})}
        yield row, columns, text


def _standard_input() -> Iterator[str]:
    from hfseq.data.formats.plain_text import LINE_ENCODING, LINE_END, lines_of

    # Read as a file would be, whatever the locale says.
    if isinstance(sys.stdin, io.TextIOWrapper):
        sys.stdin.reconfigure(encoding=LINE_ENCODING, newline=LINE_END, errors="strict")
    try:
        yield from lines_of(sys.stdin)
    except UnicodeDecodeError as error:
        raise HfseqError("standard input is not UTF-8; convert it first") from error


def _lines(path: Path) -> list[str]:
    from hfseq.data.formats.plain_text import numbered_lines

    if not path.is_file():
        raise HfseqError(f"there is no file {path} (looked in {path.absolute().parent})")
    # Of each line there is an answer, so all of the file is looked at before the first.
    return [line for _, line in numbered_lines(path, may_be_empty=True)]


def _rows(arguments: argparse.Namespace, predictor) -> Iterator[Example]:
    rows, columns = predictor.read_rows(
        arguments.input,
        text_column=arguments.text_column,
        text_pair_column=arguments.text_pair_column,
        input_column=arguments.input_column,
    )
    from hfseq.data.formats.row_names import shown_name

    for number, row in enumerate(rows):
        name = shown_name(row, taken=(*columns.texts, columns.label))
        yield row, columns, _shown(row[columns.text], number if name is None else name)


def _shown(value: Any, name: str | int) -> str | int:
    """A text, also one that is cut into words, as it is; a file by its path; anything else by its name or number."""
    if isinstance(value, list) and value and all(isinstance(word, str) for word in value):
        return " ".join(value)
    if isinstance(value, dict):
        value = value.get("path")  # a recording
    return value if isinstance(value, str) else name


def _chunks(examples: Iterator[Example], size: int) -> Iterator[list[Example]]:
    chunk: list[Example] = []
    for example in examples:
        chunk.append(example)
        if len(chunk) == size:
            yield chunk
            chunk = []
    if chunk:
        yield chunk
