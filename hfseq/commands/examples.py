"""Input of `hfseq predict`: texts of the command line, lines of text, or rows of a table; also standard input."""

import argparse
import contextlib
import io
import json
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from hfseq.errors import HfseqError

# Formats of tables on standard input.
TABLES = ("csv", "tsv", "json", "jsonl")
STANDARD_INPUT = "standard input"

# The columns of an example, which of them the model reads, and the columns that identify it in the output.
Example = tuple[dict[str, Any], Any, dict[str, Any]]


def add_input_flags(parser: argparse.ArgumentParser) -> None:
    """Adds the flags of the input."""
    parser.add_argument("--text", action="append", help="a text; may be repeated")
    parser.add_argument("--text_pair", action="append", help="the second text of a pair, one for each --text")
    parser.add_argument(
        "--input",
        help="a file: .txt with one text per line (for token classification also one token per line), a table (csv, "
        "tsv, json, jsonl, parquet), another file that the model reads (.ts, .fasta, .wav, ...), or a folder of such "
        "files; - for standard input",
    )
    parser.add_argument(
        "--input_format",
        choices=("txt", *TABLES),
        help="format of standard input (default: txt, one text per line)",
    )


def check_input_flags(arguments: argparse.Namespace) -> None:
    """
    Raises:
        HfseqError: the flags contradict each other, or a text is not valid Unicode.
    """
    if arguments.text and arguments.input:
        raise HfseqError("give --text or --input, not both")
    if arguments.text_pair and len(arguments.text_pair) != len(arguments.text or []):
        raise HfseqError("give one --text_pair for each --text")
    if arguments.input_format and (arguments.text or arguments.input not in (None, "-")):
        raise HfseqError(
            "--input_format is the format of standard input: leave it out for --text and for files, whose extension "
            "tells their format"
        )
    for text in (*(arguments.text or ()), *(arguments.text_pair or ())):
        check_unicode(text, "--text")


def check_unicode(text: str, where: str) -> None:
    """
    Raises:
        HfseqError: the text has bytes that are not valid in the encoding of the terminal.
    """
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise HfseqError(f"{where} {text.encode(errors='replace').decode()!r} is not valid UTF-8") from error


def examples(arguments: argparse.Namespace, predictor: Any, key: str) -> Iterator[Example]:
    """The examples, read in the same way as those of the training.

    Args:
        arguments (`argparse.Namespace`): the flags of [`add_input_flags`] and of the columns.
        predictor (`Predictor`): the model.
        key (`str`): column of the output that shows an example.

    Raises:
        HfseqError: they cannot be read.
    """
    table = arguments.input_format if arguments.input_format in TABLES else None
    if table is not None:
        with tempfile.TemporaryDirectory() as folder:
            yield from _table_of_standard_input(Path(folder), table, arguments, predictor, key)
    elif is_table(arguments, predictor):
        if _is_text_file(arguments, predictor):
            sys.stderr.write(
                f"hfseq: note: {arguments.input} is read with one token per line and blank lines between sentences\n"
            )
        yield from _rows(arguments.input, arguments, predictor, key)
    else:
        yield from _texts(arguments, predictor, key)


def is_table(arguments: argparse.Namespace, predictor: Any) -> bool:
    """Whether the input is a table with columns, not single texts."""
    if arguments.input in (None, "-"):
        return arguments.input_format in TABLES
    return not _is_text_file(arguments, predictor) or _has_own_rows(Path(arguments.input), predictor)


def _is_text_file(arguments: argparse.Namespace, predictor: Any) -> bool:
    return arguments.input.endswith(".txt") and predictor.task.modality.trains_tokenizer


def _has_own_rows(path: Path, predictor: Any) -> bool:
    """Whether a `.txt` file has the format of the task, such as tokens with tags, not one text per line."""
    return path.is_file() and predictor.task.reads_text_file(path)


def _texts(arguments: argparse.Namespace, predictor: Any, key: str) -> Iterator[Example]:
    from hfseq.data.labels.columns import Columns

    if arguments.text:
        texts = iter(arguments.text)
    elif arguments.input not in (None, "-"):
        texts = iter(_lines(Path(arguments.input)))
    else:
        texts = _standard_input(predictor, warn=arguments.input_format is None)
    pairs = iter(arguments.text_pair) if arguments.text_pair else None
    columns = Columns("text", "text_pair" if pairs else None)
    for text in texts:
        row = {"text": text, **({"text_pair": next(pairs)} if pairs else {})}
        yield row, columns, {key: text}


def _standard_input(predictor: Any, warn: bool) -> Iterator[str]:
    from hfseq.modalities.text.plain_text import LINE_ENCODING, LINE_END, lines_of

    # In the same way as a file, independent of the locale.
    if isinstance(sys.stdin, io.TextIOWrapper):
        sys.stdin.reconfigure(encoding=LINE_ENCODING, newline=LINE_END, errors="strict")
    try:
        for number, line in enumerate(lines_of(sys.stdin)):
            if number == 0 and warn and (kind := _looks_like(line, predictor)):
                sys.stderr.write(
                    f"hfseq: note: {STANDARD_INPUT} looks like {kind}, but each line is read as one text; "
                    f"--input_format {kind} reads its columns\n"
                )
            yield line
    except UnicodeDecodeError as error:
        raise HfseqError(f"{STANDARD_INPUT} is not UTF-8; convert it first") from error


def _looks_like(line: str, predictor: Any) -> str | None:
    """The format of a table by its first line, if it is a JSON object or a header with the column of the training."""
    with contextlib.suppress(ValueError, RecursionError):
        return "jsonl" if isinstance(json.loads(line), dict) else None
    known = predictor.record.data.get("text_columns", []) if predictor.record else []
    for kind, delimiter in (("csv", ","), ("tsv", "\t")):
        cells = [cell.strip().strip('"') for cell in line.split(delimiter)]
        if len(cells) > 1 and known and set(known) <= set(cells):
            return kind
    return None


def _lines(path: Path) -> list[str]:
    from hfseq.modalities.text.plain_text import numbered_lines

    if not path.is_file():
        raise HfseqError(f"there is no file {path} (looked in {path.absolute().parent})")
    # Each line gets a prediction, so the whole file is checked before the first one.
    return [line for _, line in numbered_lines(path, may_be_empty=True)]


def _table_of_standard_input(
    folder: Path, kind: str, arguments: argparse.Namespace, predictor: Any, key: str
) -> Iterator[Example]:
    """The rows of a table on standard input. The whole table is checked before the first prediction."""
    path = folder / f"input.{kind}"
    with path.open("wb") as file:
        if isinstance(sys.stdin, io.TextIOWrapper):
            shutil.copyfileobj(sys.stdin.buffer, file)
        else:
            file.write(sys.stdin.read().encode())
    # The table is read only once, so it is not cached.
    predictor.arguments.cache_dir = str(folder)
    try:
        yield from _rows(str(path), arguments, predictor, key)
    except HfseqError as error:
        raise HfseqError(str(error).replace(str(path), STANDARD_INPUT)) from error


def _rows(source: str, arguments: argparse.Namespace, predictor: Any, key: str) -> Iterator[Example]:
    from hfseq.modalities.series.row_names import shown_name

    rows, columns = predictor.read_rows(
        source,
        text_column=arguments.text_column,
        text_pair_column=arguments.text_pair_column,
        input_column=arguments.input_column,
    )
    taken = (*columns.texts, columns.label)
    identity = _id_column(rows.column_names, arguments.id_column, taken)
    for number, row in enumerate(rows):
        text = _text_of(row[columns.text])
        if text is not None:
            kept = {} if identity is None else {identity: row[identity]}
            yield row, columns, {**kept, key: text}
        else:
            name = shown_name(row, taken)
            yield row, columns, {key: number if name is None else name}


def _id_column(names: Sequence[str], given: str | None, taken: Sequence[str | None]) -> str | None:
    """The column that identifies a row in the output: the given one, or one with a usual name."""
    from hfseq.modalities.series.row_names import ID_NAMES

    if given is not None and given not in names:
        # The rows are series or sentences made from a table of steps or words, which have no such column.
        return None
    if given is not None:
        return given
    return next((name for name in names if name.lower() in ID_NAMES and name not in taken), None)


def _text_of(value: Any) -> str | None:
    """The text that shows an example: a text, the words of a text, or the path of a file."""
    if isinstance(value, list) and value and all(isinstance(word, str) for word in value):
        return " ".join(value)
    if isinstance(value, dict):
        value = value.get("path")  # a recording
    return value if isinstance(value, str) else None
