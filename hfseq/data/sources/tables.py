"""Rows of csv and tsv files: detection of delimiter and header, and reading of the cells as strings."""

import csv
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from hfseq.data.sources.cells import is_plain_number
from hfseq.data.sources.file_format import DELIMITER_NAMES, FileFormat
from hfseq.data.sources.readers import bounded_lines, data_extension, open_text
from hfseq.errors import HfseqError

_DELIMITERS = (",", ";", "\t", "|")
_SAMPLE_LINES = 50
_MONTH = (
    "(jan(uary|uar)?|feb(ruary|ruar)?|mar(ch)?|m[aä]r(z)?|apr(il)?|ma[iy]|jun[ei]?|jul[iy]?|aug(ust)?|sept?(ember)?|"
    "o[ck]t(ober)?|nov(ember)?|de[cz](ember)?)\\.?"
)
_DATE = re.compile(
    r"\d{4}[-/.]\d{1,2}[-/.]\d{1,2}([T ].*)?|\d{1,2}[-/.]\d{1,2}[-/.]\d{2,4}( .*)?|\d{1,2}:\d{2}(:.*)?"
    # Months, quarters and weeks of a year, and dates with names of months.
    r"|\d{4}[-/ ]\d{1,2}|\d{1,2}[-/ ]\d{4}|\d{4}[- ]?[MQW]\d{1,2}|Q[1-4][-/ ]\d{4}"
    rf"|(\d{{1,2}}\.?[- ])?{_MONTH}[- ](\d{{1,2}},? )?\d{{2,4}}( .*)?|\d{{4}}[- ]{_MONTH}",
    re.IGNORECASE,
)
# Cells that mean a missing value, in addition to empty cells.
_MISSING = ("na", "n/a", "nan", "null", "none", "-", "?")


@dataclass(frozen=True)
class Layout:
    """Layout of a table.

    Attributes:
        names (`tuple[str, ...]`): names of the columns.
        has_header (`bool`): whether the first row contains the names.
        delimiter (`str`): character between cells.
        quoted (`bool`): whether cells can be quoted. In tab-separated files, quotation marks are normal text.
        decimal (`str`): decimal sign of numbers.
    """

    names: tuple[str, ...]
    has_header: bool
    delimiter: str
    quoted: bool
    decimal: str

    @property
    def dialect(self) -> dict[str, Any]:
        """Arguments of `csv.reader`."""
        return _dialect(self.delimiter, self.quoted)


def table_layout(path: Path, form: FileFormat | None = None) -> Layout:
    """Infers the layout of a csv or tsv file from its first lines and from the settings.

    Args:
        path (`Path`): the file.
        form (`FileFormat`, *optional*): known properties of the file.

    Raises:
        HfseqError: there is no header and no names were given, the numbers of names and columns differ, or a name
            occurs twice.
    """
    form = form or FileFormat()
    _allow_long_cells(form)
    with open_text(path, form.encoding) as stream:
        lines = list(islice(bounded_lines(stream, path, form), _SAMPLE_LINES))
    tabs = data_extension(path.name) == "tsv"
    usual = "\t" if tabs else ","
    delimiter = form.delimiter or _find_delimiter(lines, usual, tabs)
    quoted = not (tabs and delimiter == "\t")
    decimal = form.decimal or ("," if delimiter == ";" else ".")
    first = next((row for row in _sample_rows(lines, delimiter, quoted)), None)
    if first is None:
        raise HfseqError(f"{path} has no rows that can be read as a table.")
    names, has_header = _names(first, form, decimal, path)
    return Layout(tuple(names), has_header, delimiter, quoted, decimal)


def table_rows(
    path: Path, form: FileFormat | None = None, layout: Layout | None = None
) -> Iterator[tuple[int, dict[str, str | None]]]:
    """Yields the line number and the cells of each row of a csv (RFC 4180) or tsv (without quoting) file.

    Empty cells are `None`.

    Args:
        path (`Path`): the file.
        form (`FileFormat`, *optional*): known properties of the file.
        layout (`Layout`, *optional*, defaults to [`table_layout`] of the file): layout of the table.

    Raises:
        HfseqError: the numbers of cells and columns differ in a row, a quoted cell is never closed, or a cell is too
            large. The message names the line.
    """
    form = form or FileFormat()
    layout = layout or table_layout(path, form)
    _allow_long_cells(form)
    header_expected = layout.has_header
    with open_text(path, form.encoding) as stream:
        lines = _Lines(bounded_lines(stream, path, form))
        # Without `strict`, an undoubled quotation mark inside a quoted cell would be removed silently.
        reader = csv.reader(lines, **layout.dialect, strict=True)
        started, empty = 0, True
        while (row := _next_row(reader, lines, started, form, path)) is not None:
            if row and header_expected:
                header_expected = False
            elif row:
                if len(row) != len(layout.names):
                    raise HfseqError(_wrong_length(row, layout, f"{path}, line {started + 1}"))
                empty = False
                yield started + 1, {name: cell or None for name, cell in zip(layout.names, row, strict=True)}
            started = lines.count
    if empty:
        raise HfseqError(f"{path} has a header but no rows.")


def _allow_long_cells(form: FileFormat) -> None:
    # The default limit of the csv module, 128 KiB, is too small for whole documents. It is global to the process.
    csv.field_size_limit(form.max_cell_mb << 20)


class _Lines:
    """Iterates over the lines of a stream, counts them, and remembers whether the end was reached."""

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


def _next_row(reader: Any, lines: _Lines, started: int, form: FileFormat, path: Path) -> list[str] | None:
    try:
        row = next(reader, None)
    except csv.Error as error:
        # If the file ended while the reader needed another line of a row, it was inside a quoted cell.
        if lines.ended:
            raise HfseqError(
                f"{path}: a quoted cell that starts at or after line {started + 1} is never closed."
            ) from error
        if "expected after" in str(error):
            raise HfseqError(
                f"{path}, line {started + 1}: there is text after the closing quotation mark of a cell ({error}). "
                'Double a quotation mark inside a quoted cell (""), do not use a backslash, and put the delimiter '
                "directly after the closing quotation mark."
            ) from error
        raise HfseqError(
            f"{path}, line {started + 1}: a cell cannot be read ({error}). A quoted cell may not be closed. If a cell "
            f"is larger than {form.max_cell_mb} MB, increase --max_cell_mb."
        ) from error
    return row


def _wrong_length(row: list[str], layout: Layout, where: str) -> str:
    named = "the header has" if layout.has_header else "the table has"
    found = (
        f"{where}: {len(row)} cells, but {named} {len(layout.names)} ({', '.join(layout.names[:20])}; separated by "
        f"{layout.delimiter!r})."
    )
    if len(row) < len(layout.names):
        return f"{found} Write an empty cell for a missing value, or remove the row."
    inside = "must be in quotation marks" if layout.quoted else "is not possible in a tsv file"
    return f"{found} A text that contains a {DELIMITER_NAMES.get(layout.delimiter, repr(layout.delimiter))} {inside}."


def _dialect(delimiter: str, quoted: bool) -> dict[str, Any]:
    return {"delimiter": delimiter, "quoting": csv.QUOTE_MINIMAL if quoted else csv.QUOTE_NONE}


def _sample_rows(lines: list[str], delimiter: str, quoted: bool) -> list[list[str]]:
    """The rows of the first lines, without blank rows and without a possibly incomplete last row."""
    try:
        rows = [row for row in csv.reader(lines, **_dialect(delimiter, quoted)) if row]
    except csv.Error:
        return []
    return rows[:-1] if len(lines) == _SAMPLE_LINES and len(rows) > 1 else rows


def _find_delimiter(lines: list[str], usual: str, tabs: bool) -> str:
    """Finds the delimiter: the first one that gives all rows the same number of cells, and more than one."""
    found: dict[str, list[list[str]]] = {}
    for delimiter in (usual, *_DELIMITERS):
        rows = _sample_rows(lines, delimiter, quoted=not (tabs and delimiter == "\t"))
        widths = {len(row) for row in rows}
        if len(widths) == 1 and widths.pop() > 1:
            found[delimiter] = rows
    # Commas that only occur inside numbers are decimal signs.
    if next(iter(found), "") == "," and ";" in found and _has_decimal_commas(found[";"]):
        return ";"
    return next(iter(found), usual)


def _has_decimal_commas(rows: list[list[str]]) -> bool:
    # The header is ignored, because names of columns may contain commas.
    cells = [cell for row in rows[1:] for cell in row if "," in cell]
    return bool(cells) and all(is_plain_number(cell, decimal=",") for cell in cells)


def _names(first: list[str], form: FileFormat, decimal: str, path: Path) -> tuple[list[str], bool]:
    """The names of the columns, and whether the first row contains them."""
    cells = [cell.strip() for cell in first]
    if form.column_names:
        if set(cells) <= set(form.column_names):
            return _checked(cells, path), True
        if len(cells) != len(form.column_names):
            raise HfseqError(
                f"{path}: --column_names has {len(form.column_names)} names ({', '.join(form.column_names)}), but "
                f"the first row has {len(cells)} cells."
            )
        return list(form.column_names), False
    if form.no_header:
        return [f"column_{number}" for number in range(1, len(cells) + 1)], False
    if form.no_header is None and _is_data(cells, decimal):
        shown = ", ".join(cells[:5])[:60] + (", ..." if len(cells) > 5 else "")
        raise HfseqError(
            f"{path} seems to have no header: its first row contains values ({shown}), not names. Set --column_names "
            "a,b,c or --no_header, which names the columns column_1, column_2, ... If the first row does contain the "
            "names, set --no_header false."
        )
    return _checked([name or f"Unnamed: {i}" for i, name in enumerate(cells)], path), True


def _checked(names: list[str], path: Path) -> list[str]:
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise HfseqError(f"{path}: the header contains column {repeated[0]!r} more than once.")
    return names


def _is_data(cells: list[str], decimal: str) -> bool:
    """Whether a first row contains only numbers and dates. The names 0, 1, 2, ... of pandas are not data."""
    numbers = [cell for cell in cells if is_plain_number(cell, decimal)]
    dates = [cell for cell in cells if _DATE.fullmatch(cell)]
    counted = cells[1:] if cells[0] == "" else cells
    if len(counted) > 2 and counted == [str(number) for number in range(len(counted))]:
        return False
    others = sum(not cell or cell.lower() in _MISSING for cell in cells)
    return bool(numbers or dates) and len(numbers) + len(dates) + others == len(cells)
