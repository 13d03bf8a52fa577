"""Widths of the tables on a terminal: which columns fit, and how their headings break."""

from collections.abc import Sequence
from dataclasses import replace

from rich.cells import cell_len, set_cell_size

from hfseq.comparison.report.columns import Column

# Number of spaces between two columns of the table, and at its two edges together.
_GAP, _EDGES = 3, 2
_LONGEST_NAME = 24


def fit_columns(names: Sequence[str], columns: Sequence[Column], width: int) -> list[list[Column]]:
    """Columns of each table: one table if it fits into the width, else one of metrics and one of costs.

    If one of these is too wide, its columns lose their intervals (the primary metric is the last one), and then the
    columns with the highest rank are hidden.

    Args:
        names (`Sequence[str]`): the names in the first column.
        columns (`Sequence[Column]`): all columns.
        width (`int`): width of the terminal.
    """
    if _fits(names, columns, width):
        return [list(columns)]
    blocks = []
    for kind in ("quality", "cost"):
        block = [column for column in columns if column.block == kind]
        for place in range(len(block) - 1, 0, -1):
            if not _fits(names, block, width):
                block[place] = replace(block[place], cells=block[place].short)
        while len(block) > 1 and not _fits(names, block, width):
            block.remove(max(reversed(block), key=lambda column: column.rank))
        if block and not _fits(names, block, width):
            block[0] = replace(block[0], cells=block[0].short)
        blocks += [block] if block else []
    return blocks


def headings_of(names: Sequence[str], columns: Sequence[Column], width: int) -> tuple[list[str], int]:
    """The headings, broken into lines if that is necessary, and the width of the column of names."""
    headings = [column.heading for column in columns]
    if _table_width(names, columns, headings) > width:
        headings = [_wrapped_heading(column) for column in columns]
    return headings, max(width - _table_width([], columns, headings), _min_name_width(names))


def shorten(name: str, width: int) -> str:
    """A name of at most this width."""
    return name if cell_len(name) <= width else set_cell_size(name, width - 1).rstrip() + "…"


def _fits(names: Sequence[str], columns: Sequence[Column], width: int) -> bool:
    return _table_width(names, columns, [_wrapped_heading(column) for column in columns]) <= width


def _table_width(names: Sequence[str], columns: Sequence[Column], headings: Sequence[str]) -> int:
    """Width of a table whose first column has its minimum width."""
    widths = [
        max(cell_len(text) for text in [*heading.split("\n"), *column.cells])
        for column, heading in zip(columns, headings, strict=True)
    ]
    return _EDGES + _min_name_width(names) + sum(_GAP + width for width in widths)


def _min_name_width(names: Sequence[str]) -> int:
    """Minimum width of the column of names: that of the longest name, but at most 24."""
    return min(_LONGEST_NAME, max(map(cell_len, ["model", *names]))) if names else 0


def _wrapped_heading(column: Column) -> str:
    """The heading, broken between words to the width of the cells or of the longest word."""
    width = max(cell_len(text) for text in [*column.heading.split(), *column.cells])
    lines: list[str] = []
    for word in column.heading.split():
        if lines and cell_len(f"{lines[-1]} {word}") <= width:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return "\n".join(lines)
