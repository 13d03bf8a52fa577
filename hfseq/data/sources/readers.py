"""Strict reading of data files and of the rows of JSON files. Errors name the position of malformed content."""

import codecs
import gzip
import hashlib
import json
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from hfseq.data.sources.file_format import FileFormat
from hfseq.errors import HfseqError

TABLE_EXTENSIONS = ("csv", "tsv")
TEXT_EXTENSIONS = (*TABLE_EXTENSIONS, "json", "jsonl")
DATA_EXTENSIONS = (*TEXT_EXTENSIONS, "parquet")

_BLOCK = 1 << 20
# Limits of decompressed files: a ratio to the compressed size, and a size in bytes that is always allowed. Texts are
# usually compressed to about a tenth of their size, rarely to less than a hundredth.
_MAX_RATIO, _ALWAYS_ALLOWED = 200, 256 << 20


def data_extension(name: str) -> str | None:
    """Finds the type of a data file from its name.

    Args:
        name (`str`): name or path of a file.

    Returns:
        `str` or `None`: one of `DATA_EXTENSIONS`, without dot and without `.gz`; `None` for other files.
    """
    name = name.lower()
    packed = name.endswith(".gz")
    extension = name.removesuffix(".gz").rpartition(".")[2]
    return extension if extension in (TEXT_EXTENSIONS if packed else DATA_EXTENSIONS) else None


def inspect_file(path: Path, may_be_empty: bool = False, form: FileFormat | None = None) -> str:
    """Reads a text file once, to check that it is complete, not empty, not too large, and correctly encoded.

    Args:
        path (`Path`): the file, which may be compressed with gzip.
        may_be_empty (`bool`, *optional*, defaults to `False`): whether the file may be empty or have only blank lines.
        form (`FileFormat`, *optional*): encoding, and maximum length of a line of a table or a jsonl file.

    Returns:
        `str`: sha256 of the (decompressed) content.

    Raises:
        HfseqError: the file is not a regular file, is empty, damaged or unreadable, has another encoding, or
            decompresses to much more than usual.
    """
    form = form or FileFormat()
    check_regular(path)
    digest, decoder = hashlib.sha256(), codecs.getincrementaldecoder(form.encoding)()
    limits = _Limits(path, form)
    offset, lines, blank = 0, 0, True
    try:
        with _open_binary(path) as stream:
            while block := stream.read(_BLOCK):
                pending = len(decoder.getstate()[0])
                _decode(decoder, block, path, form.encoding, offset - pending, lines)
                limits.check(block, offset)
                digest.update(block)
                blank = blank and not block.strip()
                offset += len(block)
                lines += block.count(b"\n")
    except (OSError, EOFError, zlib.error) as error:
        raise HfseqError(f"{path} cannot be read: {error}.") from error
    _decode(decoder, b"", path, form.encoding, offset - len(decoder.getstate()[0]), lines, final=True)
    if blank and not may_be_empty:
        raise HfseqError(f"{path} is empty.")
    return digest.hexdigest()


def check_regular(path: Path) -> None:
    """Raises `HfseqError` for a device, a pipe or a socket, which may block or never end."""
    if path.exists() and not path.is_file():
        kind = (
            "folder"
            if path.is_dir()
            else "device"
            if path.is_char_device() or path.is_block_device()
            else ("pipe" if path.is_fifo() else "special file")
        )
        raise HfseqError(f"{path} is a {kind}, not a regular file. Copy its content to a file and use the file.")


class _Limits:
    """Limits on the decompressed size and on the length of lines, checked while a file is read."""

    def __init__(self, path: Path, form: FileFormat):
        self._path, self._form = path, form
        compressed = path.name.lower().endswith(".gz") and path.exists()
        self._max_size = max(_ALWAYS_ALLOWED, _MAX_RATIO * path.stat().st_size) if compressed else None
        by_line = data_extension(path.name) in (*TABLE_EXTENSIONS, "jsonl")
        self._max_line = form.max_cell_mb << 20 if by_line else None
        self._line = 0  # number of bytes of the unfinished line at the end of the last block

    def check(self, block: bytes, offset: int) -> None:
        """Checks another block, which starts at the given offset."""
        if self._max_size is not None and offset > self._max_size:
            raise HfseqError(
                f"{self._path} decompresses to more than {self._max_size >> 20:,} MB, over {_MAX_RATIO} times its "
                "size. If this is correct, decompress it with gunzip and use the decompressed file."
            )
        if self._max_line is None:
            return
        last = block.rfind(b"\n")
        self._line = self._line + len(block) if last < 0 else len(block) - last - 1
        if self._line > self._max_line:
            raise _long_line(self._path, self._form)


def _long_line(path: Path, form: FileFormat) -> HfseqError:
    return HfseqError(
        f"{path} has a line of more than {form.max_cell_mb} MB. If this is correct, increase --max_cell_mb."
    )


def bounded_lines(stream: IO[str], path: Path, form: FileFormat) -> Iterator[str]:
    """Yields the lines of a stream. A line that is longer than the format allows is an error."""
    max_length = form.max_cell_mb << 20
    while line := stream.readline(max_length + 1):
        if len(line) > max_length:
            raise _long_line(path, form)
        yield line


def json_rows(path: Path, form: FileFormat | None = None) -> Iterator[dict[str, Any]]:
    """Yields the rows of a json file (a list of objects, or an object of columns) or a jsonl file.

    Raises:
        HfseqError: the file is malformed. The message names the line.
    """
    form = form or FileFormat()
    if data_extension(path.name) == "json":
        with open_text(path, form.encoding) as stream:
            try:
                content = json.load(stream)
            except RecursionError:
                raise HfseqError(f"{path} has too deeply nested lists or objects.") from None
            except json.JSONDecodeError as error:
                # Many files named .json have one object per line.
                if error.msg != "Extra data":
                    raise HfseqError(
                        f"{path} is not valid JSON: {error.msg} at line {error.lineno}, column {error.colno}."
                    ) from error
            else:
                yield from _json_table(content, path)
                return
    with open_text(path, form.encoding) as stream:
        for number, line in enumerate(bounded_lines(stream, path, form), start=1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
            except RecursionError:
                raise HfseqError(f"{path}, line {number} has too deeply nested lists or objects.") from None
            except json.JSONDecodeError as error:
                raise HfseqError(f"{path}, line {number} is not valid JSON: {error.msg}.") from error
            if not isinstance(row, dict):
                raise HfseqError(f"{path}, line {number}: expected an object {{...}}, got {line.strip()[:40]}")
            yield row


def _open_binary(path: Path) -> IO[bytes]:
    return gzip.open(path, "rb") if path.name.lower().endswith(".gz") else open(path, "rb")  # type: ignore[return-value]


def open_text(path: Path, encoding: str = "utf-8") -> IO[str]:
    """Opens a text file with its original line breaks. A file whose name ends with `.gz` is decompressed."""
    # utf-8-sig removes the byte order mark that spreadsheet programs write.
    encoding = "utf-8-sig" if _is_utf8(encoding) else encoding
    if path.name.lower().endswith(".gz"):
        return gzip.open(path, "rt", encoding=encoding, newline="")
    return open(path, encoding=encoding, newline="")


def _is_utf8(encoding: str) -> bool:
    return codecs.lookup(encoding).name == "utf-8"


def _decode(
    decoder: Any, block: bytes, path: Path, encoding: str, offset: int, lines: int, final: bool = False
) -> None:
    try:
        decoder.decode(block, final)
    except UnicodeDecodeError as error:
        line = lines + error.object[: error.start].count(b"\n") + 1
        utf16 = error.object[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE) and offset == 0
        remedy = (
            "it starts like UTF-16: set --encoding utf-16"
            if utf16
            else "save the file as UTF-8, or set the --encoding of a table or JSON file, for example cp1252"
        )
        raise HfseqError(
            f"{path} is not {'UTF-8' if _is_utf8(encoding) else encoding}: byte 0x{error.object[error.start]:02x} at "
            f"offset {offset + error.start} (line {line}); {remedy}."
        ) from error


def _json_table(content: Any, path: Path) -> Iterator[dict[str, Any]]:
    if isinstance(content, list):
        for number, row in enumerate(content):
            if not isinstance(row, dict):
                raise HfseqError(f"{path}: element {number} of the list is {str(row)[:40]!r}, but must be an object.")
            yield row
    elif isinstance(content, dict) and content and all(isinstance(column, list) for column in content.values()):
        if len({len(column) for column in content.values()}) > 1:
            lengths = ", ".join(f"{name} {len(column)}" for name, column in content.items())
            raise HfseqError(f"{path}: the columns have different lengths ({lengths}).")
        for row in zip(*content.values(), strict=True):
            yield dict(zip(content, row, strict=True))
    elif isinstance(content, dict) and not any(isinstance(column, (list, dict)) for column in content.values()):
        yield content
    else:
        raise HfseqError(f"{path}: expected a list of objects, an object of columns, or one object per line.")
