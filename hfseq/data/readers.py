"""Rows of csv, tsv, json and jsonl files, read strictly: whatever is malformed is an error that says where."""

import codecs
import csv
import gzip
import hashlib
import json
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Any

from hfseq.errors import HfseqError

TABLE_EXTENSIONS = ("csv", "tsv")
TEXT_EXTENSIONS = (*TABLE_EXTENSIONS, "json", "jsonl")
DATA_EXTENSIONS = (*TEXT_EXTENSIONS, "parquet")

_BLOCK = 1 << 20


def data_extension(name: str) -> str | None:
    """The kind of data file that a name stands for.

    Args:
        name (`str`): a file's name or path.

    Returns:
        `str` or `None`: one of `DATA_EXTENSIONS`, without dot and without a trailing `.gz`; `None` for other files.
    """
    name = name.lower()
    packed = name.endswith(".gz")
    extension = name.removesuffix(".gz").rpartition(".")[2]
    return extension if extension in (TEXT_EXTENSIONS if packed else DATA_EXTENSIONS) else None


def inspect_file(path: Path, may_be_empty: bool = False) -> str:
    """Reads a text file once, to be sure that it is whole, not empty, and UTF-8.

    Args:
        path (`Path`): the file, may be packed with gzip.
        may_be_empty (`bool`, *optional*, defaults to `False`): whether it may be empty, or hold blank lines alone.

    Returns:
        `str`: the sha256 of its (unpacked) content.

    Raises:
        HfseqError: the file is empty, damaged, unreadable, or not UTF-8.
    """
    digest, decoder = hashlib.sha256(), codecs.getincrementaldecoder("utf-8")()
    offset, lines, blank = 0, 0, True
    try:
        with _open_binary(path) as stream:
            while block := stream.read(_BLOCK):
                pending = len(decoder.getstate()[0])
                _decode(decoder, block, path, offset - pending, lines)
                digest.update(block)
                blank = blank and not block.strip()
                offset += len(block)
                lines += block.count(b"\n")
    except (OSError, EOFError, zlib.error) as error:
        raise HfseqError(f"{path} cannot be read: {error}.") from error
    _decode(decoder, b"", path, offset - len(decoder.getstate()[0]), lines, final=True)
    if blank and not may_be_empty:
        raise HfseqError(f"{path} is empty.")
    return digest.hexdigest()


def table_rows(path: Path) -> Iterator[tuple[int, dict[str, str | None]]]:
    """The line number and the cells of each row of a csv (RFC 4180) or tsv (no quoting) file; an empty cell is `None`.

    Published tsv files carry quotation marks as plain text, so quoting is off for them.

    Raises:
        HfseqError: a row has more cells than the header, a quotation is never closed, a column's name stands twice.
    """
    tabs = data_extension(path.name) == "tsv"
    dialect: dict[str, Any] = {"delimiter": "\t", "quoting": csv.QUOTE_NONE} if tabs else {"delimiter": ","}
    # The csv module refuses cells above 128 KiB by default, which whole documents exceed.
    csv.field_size_limit(2**31 - 1)
    with _open_text(path) as stream:
        lines = _Lines(stream)
        header: list[str] | None = None
        started = 0
        for row in csv.reader(lines, **dialect):
            # A reader that needed another line in the middle of a row, and got none, was inside a quotation.
            if lines.ended:
                raise HfseqError(f"{path}: a quotation that begins at or after line {started + 1} is never closed.")
            if row and header is None:
                header = _header(row, path)
            elif row and header is not None:
                if len(row) > len(header):
                    raise HfseqError(
                        f"{path}, line {started + 1}: {len(row)} cells, but the header has {len(header)} "
                        f"({', '.join(header)}). A {'tab' if tabs else 'comma'} inside a text "
                        f"{'is not possible in a tsv file' if tabs else 'needs quotation marks around that text'}."
                    )
                yield started + 1, {name: (row[i] if i < len(row) else "") or None for i, name in enumerate(header)}
            started = lines.count


def table_header(path: Path) -> list[str]:
    """The names of a csv or tsv file's columns.

    Raises:
        HfseqError: the file has a header but no rows, or is malformed at its beginning.
    """
    for _, row in table_rows(path):
        return list(row)
    raise HfseqError(f"{path} has a header but no rows.")


def json_rows(path: Path) -> Iterator[dict[str, Any]]:
    """The rows of a json (a list of objects, or an object of columns) or jsonl file.

    Raises:
        HfseqError: the file is malformed, with the line.
    """
    if data_extension(path.name) == "json":
        with _open_text(path) as stream:
            try:
                content = json.load(stream)
            except json.JSONDecodeError as error:
                # Many a file named .json holds one object a line.
                if error.msg != "Extra data":
                    raise HfseqError(
                        f"{path} is not valid JSON: {error.msg} at line {error.lineno}, column {error.colno}."
                    ) from error
            else:
                yield from _json_table(content, path)
                return
    with _open_text(path) as stream:
        for number, line in enumerate(stream, start=1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
            except json.JSONDecodeError as error:
                raise HfseqError(f"{path}, line {number} is not valid JSON: {error.msg}.") from error
            if not isinstance(row, dict):
                raise HfseqError(f"{path}, line {number}: expected an object such as {{...}}, got {line.strip()[:40]}")
            yield row


class _Lines:
    """A stream's lines, counted, that remember having ended."""

    def __init__(self, stream: Iterable[str]):
        self._lines = iter(stream)
        self.count = 0
        self.ended = False

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        try:
            line = next(self._lines)
        except StopIteration:
            self.ended = True
            raise
        self.count += 1
        return line


def _open_binary(path: Path) -> IO[bytes]:
    return gzip.open(path, "rb") if path.name.lower().endswith(".gz") else open(path, "rb")  # type: ignore[return-value]


def _open_text(path: Path) -> IO[str]:
    # newline="" leaves line breaks inside quotations as they are; utf-8-sig drops the mark that spreadsheets write.
    if path.name.lower().endswith(".gz"):
        return gzip.open(path, "rt", encoding="utf-8-sig", newline="")
    return open(path, encoding="utf-8-sig", newline="")


def _decode(decoder: Any, block: bytes, path: Path, offset: int, lines: int, final: bool = False) -> None:
    try:
        decoder.decode(block, final)
    except UnicodeDecodeError as error:
        line = lines + error.object[: error.start].count(b"\n") + 1
        raise HfseqError(
            f"{path} is not UTF-8: byte 0x{error.object[error.start]:02x} at offset {offset + error.start} "
            f"(line {line}). Save the file as UTF-8."
        ) from error


def _header(row: list[str], path: Path) -> list[str]:
    names = [name.strip() or f"Unnamed: {i}" for i, name in enumerate(row)]
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise HfseqError(f"{path}: the header names column {repeated[0]!r} more than once.")
    return names


def _json_table(content: Any, path: Path) -> Iterator[dict[str, Any]]:
    if isinstance(content, list):
        for number, row in enumerate(content):
            if not isinstance(row, dict):
                raise HfseqError(f"{path}: element {number} of the list is {str(row)[:40]!r}, expected an object.")
            yield row
    elif isinstance(content, dict) and content and all(isinstance(column, list) for column in content.values()):
        if len({len(column) for column in content.values()}) > 1:
            lengths = ", ".join(f"{name} {len(column)}" for name, column in content.items())
            raise HfseqError(f"{path}: the columns are of different length ({lengths}).")
        for row in zip(*content.values(), strict=True):
            yield dict(zip(content, row, strict=True))
    elif isinstance(content, dict) and not any(isinstance(column, (list, dict)) for column in content.values()):
        yield content
    else:
        raise HfseqError(f"{path}: expected a list of objects, an object of columns, or one object a line.")
