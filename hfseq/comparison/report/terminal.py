"""Report of a comparison on a terminal of any width."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich import box
from rich.cells import cell_len, set_cell_size
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from hfseq.comparison.report.columns import Column, legend, table_columns
from hfseq.comparison.report.content import captions, remarks

# Width if the output is a file or a pipe.
FILE_WIDTH = 200
# Number of spaces between two columns of the table, and at its two edges together.
_GAP, _EDGES = 3, 2


def print_comparison(comparison: Mapping[str, Any], console: Console | None = None) -> None:
    """Prints a comparison. If the output is not a terminal, it is 200 columns wide.

    Args:
        comparison (`Mapping[str, Any]`): the content of `comparison.json`.
        console (`rich.console.Console`, *optional*, defaults to standard output): the console to print to.
    """
    console = console or Console()
    if not console.is_terminal:
        console = Console(width=FILE_WIDTH, file=console.file)
    console.print(to_rich(comparison, console.width))


def to_rich(comparison: Mapping[str, Any], width: int) -> RenderableType:
    """Formats a comparison for the terminal: captions, table, legend, remarks, recommendation.

    Args:
        comparison (`Mapping[str, Any]`): the content of `comparison.json`.
        width (`int`): width of the terminal in columns. If the table is wider, it is split into one table of metrics
            and one of costs. If one of them is still too wide, its least important columns are hidden. Numbers and
            words are never broken.
    """
    columns = table_columns(comparison)
    names = list(comparison["models"])
    recommendation = comparison["recommendation"]
    chosen = recommendation["model"] if recommendation else None
    blocks = _blocks(names, columns, width)
    shown = [column for block in blocks for column in block]
    parts: list[RenderableType] = [Text(line, style="dim") for line in captions(comparison)]
    parts += [_table(names, block, chosen, width) for block in blocks]
    parts += [Text(line, style="dim") for line in legend(shown)]
    if hidden := [column.heading for column in columns if column not in shown]:
        parts.append(Text(f"hidden because the terminal is too narrow: {', '.join(hidden)}", style="dim"))
    if found := remarks(comparison):
        parts += [Text(""), *(Text(remark, style="yellow") for remark in found)]
    if recommendation:
        parts.append(Text("\n" + recommendation["sentence"], style="bold"))
    return Group(*parts)


def _table(names: Sequence[str], columns: Sequence[Column], chosen: str | None, width: int) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold")
    headings = [column.heading for column in columns]
    if _table_width(names, columns, headings) > width:
        headings = [_wrapped_heading(column) for column in columns]
    name_width = width - _table_width([], columns, headings)
    table.add_column("model", no_wrap=True)
    for heading in headings:
        table.add_column(Text(heading), justify="right", no_wrap=True)
    for number, name in enumerate(names):
        short_name = _shorten(name, max(name_width, _min_name_width(names)))
        cells = [short_name, *(column.cells[number] for column in columns)]
        table.add_row(*map(Text, cells), style="bold green" if name == chosen else "")
    return table


def _blocks(names: Sequence[str], columns: Sequence[Column], width: int) -> list[list[Column]]:
    """Columns of each table: one table if it fits into the width, else one of metrics and one of costs."""
    if _fits(names, columns, width):
        return [list(columns)]
    blocks = []
    for kind in ("quality", "cost"):
        block = [column for column in columns if column.block == kind]
        while len(block) > 1 and not _fits(names, block, width):
            block.remove(max(reversed(block), key=lambda column: column.rank))
        blocks += [block] if block else []
    return blocks


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
    return min(24, max(map(cell_len, ["model", *names]))) if names else 0


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


def _shorten(name: str, width: int) -> str:
    return name if cell_len(name) <= width else set_cell_size(name, width - 1).rstrip() + "…"
