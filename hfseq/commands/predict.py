"""`hfseq predict MODEL --text "..." | --input FILE | < standard input`."""

import argparse
import csv
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TextIO

from hfseq.commands import CommandParser
from hfseq.errors import HfseqError

# Read and labelled at a time, so that a stream of any length passes through.
CHUNK = 1024


def run(argv: Sequence[str]) -> int:
    """Prints one line a text: its labels and scores."""
    parser = CommandParser("predict")
    parser.add_argument("model", help="folder of a saved model, or id on the Hub")
    parser.add_argument("--text", action="append", help="a text; may be given several times")
    parser.add_argument("--text_pair", action="append", help="the second text of each --text, for pairs")
    parser.add_argument("--input", help="a file: .txt with a text a line, or a table (csv, tsv, json, jsonl, parquet)")
    parser.add_argument("--text_column", help="the column of the text in a table")
    parser.add_argument("--text_pair_column", help="the column of the second text in a table")
    parser.add_argument("--format", choices=("text", "jsonl", "csv"), default="text", help="default: text")
    parser.add_argument("--batch_size", type=int, default=64, help="texts at a time (default: 64)")
    parser.add_argument("--trust_remote_code", action="store_true", help="let code that comes with the model run")
    arguments = parser.parse_args(argv)
    if arguments.text and arguments.input:
        raise HfseqError("give --text or --input, not both")
    if arguments.text_pair and len(arguments.text_pair) != len(arguments.text or []):
        raise HfseqError("give one --text_pair for each --text")
    if arguments.batch_size < 1:
        raise HfseqError(f"--batch_size must be at least 1, not {arguments.batch_size}")

    from hfseq.commands.quiet import quiet_libraries
    from hfseq.training.predictor import Predictor

    quiet_libraries()

    predictor = Predictor.load(arguments.model, trust_remote_code=arguments.trust_remote_code)
    _check_pairs(arguments, predictor)
    write = WRITERS[arguments.format](sys.stdout, predictor.task.describe().get("labels") or ["value"])
    for texts, pairs in _chunks(_texts(arguments, predictor)):
        predictions = predictor.predict(texts, pairs, arguments.batch_size)
        for text, prediction in zip(texts, predictions, strict=True):
            write(text, prediction)
        sys.stdout.flush()
    return 0


def _check_pairs(arguments: argparse.Namespace, predictor) -> None:
    columns = predictor.record.data.get("text_columns", []) if predictor.record else []
    from_table = arguments.input is not None and not arguments.input.endswith(".txt")
    if len(columns) == 2 and not arguments.text_pair and not from_table:
        raise HfseqError(
            f"this model reads pairs ({' and '.join(columns)}): give each --text a --text_pair, or --input a table"
        )


def _texts(arguments: argparse.Namespace, predictor) -> Iterator[tuple[str, str | None]]:
    if arguments.text:
        pairs = arguments.text_pair or [None] * len(arguments.text)
        yield from zip(arguments.text, pairs, strict=True)
    elif arguments.input is None:
        yield from ((line, None) for line in _standard_input())
    elif arguments.input.endswith(".txt"):
        yield from ((line, None) for line in _lines(Path(arguments.input)))
    else:
        yield from _rows(arguments, predictor)


def _standard_input() -> Iterator[str]:
    try:
        for number, line in enumerate(sys.stdin, 1):
            # In some locales Python passes on bytes that are not UTF-8 as lone surrogates, which no tokenizer takes.
            if any("\ud800" <= character <= "\udfff" for character in line):
                raise HfseqError(f"standard input, line {number}, is not UTF-8; convert it first")
            yield line.rstrip("\n")
    except UnicodeDecodeError as error:
        raise HfseqError("standard input is not UTF-8; convert it first") from error


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        raise HfseqError(f"there is no file {path} (looked in {path.absolute().parent})") from None
    except OSError as error:
        raise HfseqError(f"cannot read {path}: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise HfseqError(f"{path} is not UTF-8 at byte {error.start}; convert it first") from error


def _rows(arguments: argparse.Namespace, predictor) -> Iterator[tuple[str, str | None]]:
    from hfseq.data.encoding import with_texts
    from hfseq.data.sources import load_source

    splits = load_source(arguments.input)
    if len(splits) > 1:
        raise HfseqError(f"{arguments.input} has the splits {', '.join(splits)}; name the file of one of them")
    rows = next(iter(splits.values()))
    columns = predictor.columns_of(
        rows.column_names,
        require_label=False,
        text_column=arguments.text_column,
        text_pair_column=arguments.text_pair_column,
    )
    for row in with_texts(rows, columns, arguments.input):
        yield row[columns.text], row[columns.text_pair] if columns.text_pair else None


def _chunks(texts: Iterator[tuple[str, str | None]]) -> Iterator[tuple[list[str], list[str] | None]]:
    chunk: list[tuple[str, str | None]] = []
    for item in texts:
        chunk.append(item)
        if len(chunk) == CHUNK:
            yield _split(chunk)
            chunk = []
    if chunk:
        yield _split(chunk)


def _split(chunk: list[tuple[str, str | None]]) -> tuple[list[str], list[str] | None]:
    pairs = [pair for _, pair in chunk if pair is not None]
    return [text for text, _ in chunk], pairs if len(pairs) == len(chunk) else None


def _write_text(out: TextIO, names: list[str]):
    def write(text: str, prediction) -> None:
        labels = ",".join(prediction.labels) if names != ["value"] else "value"
        score = max((prediction.scores[name] for name in prediction.labels), default=None)
        if score is None:
            score = prediction.scores.get("value", max(prediction.scores.values()))
        out.write(f"{labels or '-'}\t{score:.4f}\t{' '.join(text.split())}\n")

    return write


def _write_jsonl(out: TextIO, names: list[str]):
    def write(text: str, prediction) -> None:
        row = {"text": text, "labels": prediction.labels, "scores": prediction.scores}
        out.write(json.dumps(row, ensure_ascii=False) + "\n")

    return write


def _write_csv(out: TextIO, names: list[str]):
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["text", "labels", *names])

    def write(text: str, prediction) -> None:
        writer.writerow([text, "|".join(prediction.labels), *(f"{prediction.scores[name]:.6f}" for name in names)])

    return write


WRITERS = {"text": _write_text, "jsonl": _write_jsonl, "csv": _write_csv}
