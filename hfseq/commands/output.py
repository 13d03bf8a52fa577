"""Output of commands: text, JSON, JSON lines or csv, on the screen or in a file."""

import argparse
import csv
import json
import math
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

from hfseq.errors import HfseqError
from hfseq.writing import open_atomically

FORMATS = ("text", "json", "jsonl", "csv")


def add_output_flags(parser: argparse.ArgumentParser, output: bool = True) -> None:
    """Adds `--format` and `--output` to the parser of a command.

    Args:
        parser (`argparse.ArgumentParser`): the parser.
        output (`bool`, *optional*, defaults to `True`): whether to add `--output` as well.
    """
    by_ending = "that of the extension of --output, or else text" if output else "text"
    parser.add_argument("--format", choices=FORMATS, help=f"format of the results (default: {by_ending})")
    if output:
        parser.add_argument(
            "--output",
            help="file to write to instead of the screen; an existing file is replaced only by complete results",
        )


def output_format(arguments: argparse.Namespace) -> str:
    """The output format: `--format`, or that of the extension of `--output`, or text."""
    ending = Path(getattr(arguments, "output", None) or "").suffix.lower().removeprefix(".")
    return arguments.format or (ending if ending in FORMATS else "text")


@contextmanager
def open_output(path: str | None, *sources: str | None, model: str | None = None) -> Iterator[TextIO]:
    """Opens the output: a stream that becomes the file when it is complete, or standard output.

    A device or a pipe, such as `/dev/null`, is written to directly. A symbolic link is followed.

    Args:
        path (`str`, *optional*): the file; standard output without one, or with `-`.
        sources (`str`, *optional*): files and folders that are read: see [`check_output`].
        model (`str`, *optional*): the model that is read: see [`check_output`].

    Raises:
        HfseqError: the file cannot be written, or must not be replaced. Its earlier content is unchanged.
    """
    if path in (None, "-"):
        yield sys.stdout
        return
    target = Path(str(path)).expanduser()
    _check_target(target, str(path))
    check_output(path, *sources, model=model)
    if target.exists() and not target.is_file():
        with _write_errors(target), target.open("w", encoding="utf-8") as stream:
            yield stream
        return
    target = target.resolve()
    with _write_errors(target), open_atomically(target, newline="") as stream:
        yield stream


class RecordWriter:
    """Writes records one by one, as JSON, JSON lines, or rows of a csv file.

    Args:
        out (`TextIO`): stream to write to.
        form (`str`): `json` for a list of records, `jsonl` for one record per line, or `csv` for one record per row
            below a header.
    """

    def __init__(self, out: TextIO, form: str):
        self._out = out
        self._form = form
        self._count = 0
        self._cells = csv.writer(out, lineterminator="\n")

    def write(self, record: Mapping[str, Any]) -> None:
        """Writes a record. In a csv file, all records must have the keys of the first one."""
        if self._form == "csv":
            self.write_row(list(record), list(record.values()))
            return
        text = json.dumps(record, ensure_ascii=False, allow_nan=False)
        self._out.write(f"{text}\n" if self._form == "jsonl" else f"{',' if self._count else '['}\n{text}")
        self._count += 1

    def write_row(self, names: Sequence[str], cells: Sequence[Any]) -> None:
        """Writes a row of a csv file, and the header before the first row. Names of columns may repeat."""
        if not self._count:
            self._cells.writerow(names)
        self._cells.writerow(cells)
        self._count += 1

    def close(self) -> None:
        """Writes the end of a JSON list."""
        if self._form == "json":
            self._out.write("\n]\n" if self._count else "[]\n")


def write_records(out: TextIO, form: str, records: Sequence[Mapping[str, Any]]) -> None:
    """Writes several records at once: see [`RecordWriter`]."""
    writer = RecordWriter(out, form)
    for record in records:
        writer.write(record)
    writer.close()


def write_values(out: TextIO, form: str, values: Mapping[str, Any], shown: Callable[[Any], str] = str) -> None:
    """Writes named values, such as metrics: one per line as text, one object as JSON, one row of a csv file.

    A number that is not finite, such as an undefined metric, is `null` in JSON and an empty cell in csv.

    Args:
        out (`TextIO`): stream to write to.
        form (`str`): one of `FORMATS`.
        values (`dict`): the values by name.
        shown (`Callable`, *optional*, defaults to `str`): formats a value as text.
    """
    finite = {
        name: None if isinstance(value, float) and not math.isfinite(value) else value
        for name, value in values.items()
    }
    if form == "text":
        width = max(map(len, values), default=0)
        out.writelines(
            f"{name:<{width}}  {'undefined' if value is None else shown(value)}\n" for name, value in finite.items()
        )
    elif form == "json":
        out.write(json.dumps(finite, indent=2, ensure_ascii=False) + "\n")
    else:
        write_records(out, form, [finite])


def check_output(path: str | None, *sources: str | None, model: str | None = None) -> None:
    """Checks that the output does not replace a file that is read.

    Args:
        path (`str`, *optional*): the file to write.
        sources (`str`, *optional*): files that are read, and folders of which any file may be read. Other names
            are ignored.
        model (`str`, *optional*): the folder of the model. Results in it may be replaced, but not its own files.

    Raises:
        HfseqError: the output is one of these files.
    """
    if path in (None, "-"):
        return
    target = Path(str(path)).expanduser()
    if not target.is_file():
        return
    for source in filter(None, sources):
        read = Path(source).expanduser()
        if read.is_file() and target.samefile(read):
            raise HfseqError(f"--output {path} is the input file; name another file")
        if _is_below(target, read):
            raise HfseqError(f"--output {path} is a file of the input folder {source}; name another file")
    if model is not None and _is_below(target, folder := Path(model).expanduser()) and _is_of_model(target, folder):
        raise HfseqError(f"--output {path} is a file of the model {model}; name another file")


def _is_below(file: Path, folder: Path) -> bool:
    return folder.is_dir() and file.resolve().is_relative_to(folder.resolve())


def _is_of_model(file: Path, folder: Path) -> bool:
    """Whether a file in the folder of a model belongs to the model. If there is no manifest, any file may."""
    from hfseq.hub import RECORD_NAME
    from hfseq.training.manifest import MANIFEST_NAME, Manifest
    from hfseq.training.run_files import CONFIG_NAME

    manifest, name = Manifest.load(folder), file.resolve().relative_to(folder.resolve()).as_posix()
    return manifest is None or name in {*manifest.files, RECORD_NAME, MANIFEST_NAME, CONFIG_NAME}


def _check_target(target: Path, path: str) -> None:
    if not path.strip() or target.is_dir():
        raise HfseqError(f"--output {path!r} is not the name of a file" + (": it is a folder" if path.strip() else ""))
    if not target.parent.is_dir():
        raise HfseqError(f"--output {path}: there is no folder {target.parent.absolute()}; create it first")


@contextmanager
def _write_errors(target: Path) -> Iterator[None]:
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        unchanged = "; the existing file is unchanged" if target.is_file() else ""
        raise HfseqError(f"cannot write {target}: {error.strerror or error}{unchanged}") from error
