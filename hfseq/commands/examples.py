"""What `hfseq predict` reads: texts of the command line, lines, or the rows of a table, also from standard input."""

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

# The kinds of tables that standard input may hold.
TABLES = ("csv", "tsv", "json", "jsonl")
STANDARD_INPUT = "standard input"

# The columns of an example, which of them are read, and the columns that tell in the output which example it is.
Example = tuple[dict[str, Any], Any, dict[str, Any]]


def add_input_flags(parser: argparse.ArgumentParser) -> None:
    """Adds the flags that say what to predict from."""
    parser.add_argument("--text", action="append", help="a text; may be given several times")
    parser.add_argument("--text_pair", action="append", help="the second text of each --text, for pairs")
    parser.add_argument(
        "--input",
        help="a file: .txt with one text per line (for tags, also with one token per line), a table (csv, tsv, json, "
        "jsonl, parquet), or what else the model was trained on (.ts, .fasta, .wav, ...), or a folder of such files; "
        "- for standard input",
    )
    parser.add_argument(
        "--input_format",
        choices=("txt", *TABLES),
        help="what standard input holds (default: txt, one text per line)",
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
            "--input_format says what standard input holds: leave it out for --text and for files, whose ending says "
            "what they hold"
        )
    for text in (*(arguments.text or ()), *(arguments.text_pair or ())):
        check_unicode(text, "--text")


def check_unicode(text: str, where: str) -> None:
    """
    Raises:
        HfseqError: bytes of the command line were not valid in the encoding of the terminal.
    """
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise HfseqError(f"{where} {text.encode(errors='replace').decode()!r} is not valid UTF-8") from error


def examples(arguments: argparse.Namespace, predictor: Any, key: str) -> Iterator[Example]:
    """The examples, read as those of the training were.

    Args:
        arguments (`argparse.Namespace`): the flags of [`add_input_flags`] and of the columns.
        predictor (`Predictor`): the model.
        key (`str`): the output's column that shows an example.

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
    """Whether the examples come with columns, and not as single texts."""
    if arguments.input in (None, "-"):
        return arguments.input_format in TABLES
    return not _is_text_file(arguments, predictor) or _has_own_rows(Path(arguments.input), predictor)


def _is_text_file(arguments: argparse.Namespace, predictor: Any) -> bool:
    return arguments.input.endswith(".txt") and predictor.task.modality.trains_tokenizer


def _has_own_rows(path: Path, predictor: Any) -> bool:
    """Whether a `.txt` is of the task's own kind, such as tokens with tags, and has no text per line."""
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

    # Read as a file would be, whatever the locale says.
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
    """The kind of table that a first line is of, where it is clear: an object, or a header with the known column."""
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
    # Of each line there is an answer, so all of the file is looked at before the first.
    return [line for _, line in numbered_lines(path, may_be_empty=True)]


def _table_of_standard_input(
    folder: Path, kind: str, arguments: argparse.Namespace, predictor: Any, key: str
) -> Iterator[Example]:
    """A table is read as a whole, so that all of it is checked before the first answer."""
    path = folder / f"input.{kind}"
    with path.open("wb") as file:
        if isinstance(sys.stdin, io.TextIOWrapper):
            shutil.copyfileobj(sys.stdin.buffer, file)
        else:
            file.write(sys.stdin.read().encode())
    # What is read once needs no place in the cache.
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
    """The column that identifies a row, to be kept in the output: the one that is named, or one of a usual name."""
    from hfseq.modalities.series.row_names import ID_NAMES

    if given is not None and given not in names:
        # A table of steps or words has become one of series or sentences, and named its column then.
        return None
    if given is not None:
        return given
    return next((name for name in names if name.lower() in ID_NAMES and name not in taken), None)


def _text_of(value: Any) -> str | None:
    """What shows an example: a text, also one that is cut into words, as it is; a file by its path."""
    if isinstance(value, list) and value and all(isinstance(word, str) for word in value):
        return " ".join(value)
    if isinstance(value, dict):
        value = value.get("path")  # a recording
    return value if isinstance(value, str) else None
