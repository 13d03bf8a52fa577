"""A comparison on a terminal of any width."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich import box
from rich.cells import cell_len, set_cell_size
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from hfseq.comparison.report.columns import Column, legend, table_columns
from hfseq.comparison.report.content import captions, remarks

# Width where the output is a file or a pipe.
FILE_WIDTH = 200
# Blanks between two columns of the table's box, and those at its edges.
_GAP, _EDGES = 3, 2


def print_comparison(comparison: Mapping[str, Any], console: Console | None = None) -> None:
    """Prints a comparison; 200 columns wide where the output is not a terminal.

    Args:
        comparison (`Mapping[str, Any]`): the content of `comparison.json`.
        console (`rich.console.Console`, *optional*): where to; by default standard output.
    """
    console = console or Console()
    if not console.is_terminal:
        console = Console(width=FILE_WIDTH, file=console.file)
    console.print(to_rich(comparison, console.width))


def to_rich(comparison: Mapping[str, Any], width: int) -> RenderableType:
    """What was measured, the table with its legend, remarks, and the recommendation.

    Args:
        comparison (`Mapping[str, Any]`): the content of `comparison.json`.
        width (`int`): columns of the terminal. Where the table is wider, metrics and costs are two tables, and where
            that is not enough, the least important columns are left out. No number and no word is ever broken.
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
        parts.append(Text(f"not shown on a terminal of this width: {', '.join(hidden)}", style="dim"))
    if found := remarks(comparison):
        parts += [Text(""), *(Text(remark, style="yellow") for remark in found)]
    if recommendation:
        parts.append(Text("\n" + recommendation["sentence"], style="bold"))
    return Group(*parts)


def _table(names: Sequence[str], columns: Sequence[Column], chosen: str | None, width: int) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold")
    headings = [column.heading for column in columns]
    if _total(names, columns, headings) > width:
        headings = [_wrapped(column) for column in columns]
    room = width - _total([], columns, headings)
    table.add_column("model", no_wrap=True)
    for heading in headings:
        table.add_column(Text(heading), justify="right", no_wrap=True)
    for number, name in enumerate(names):
        cells = [_shortened(name, max(room, _least(names))), *(column.cells[number] for column in columns)]
        table.add_row(*map(Text, cells), style="bold green" if name == chosen else "")
    return table


def _blocks(names: Sequence[str], columns: Sequence[Column], width: int) -> list[list[Column]]:
    """The columns of each table: one table if there is room, else one of metrics and one of costs."""
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
    return _total(names, columns, [_wrapped(column) for column in columns]) <= width


def _total(names: Sequence[str], columns: Sequence[Column], headings: Sequence[str]) -> int:
    """The width of a table whose column of names is as narrow as it may be."""
    widths = [
        max(cell_len(text) for text in [*heading.split("\n"), *column.cells])
        for column, heading in zip(columns, headings, strict=True)
    ]
    return _EDGES + _least(names) + sum(_GAP + width for width in widths)


def _least(names: Sequence[str]) -> int:
    """The width that the column of names gets at least: that of the longest name, but no more than 24."""
    return min(24, max(map(cell_len, ["model", *names]))) if names else 0


def _wrapped(column: Column) -> str:
    """The heading, broken between words so that it is hardly wider than the cells below it."""
    room = max(cell_len(text) for text in [*column.heading.split(), *column.cells])
    lines: list[str] = []
    for word in column.heading.split():
        if lines and cell_len(f"{lines[-1]} {word}") <= room:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return "\n".join(lines)


def _shortened(name: str, room: int) -> str:
    return name if cell_len(name) <= room else set_cell_size(name, room - 1).rstrip() + "…"
