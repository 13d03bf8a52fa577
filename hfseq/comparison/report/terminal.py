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
FILE_WIDTH = 160
# Blanks between two columns of the table's box, and those at its edges.
_GAP, _EDGES = 3, 2


def print_comparison(comparison: Mapping[str, Any], console: Console | None = None) -> None:
    """Prints a comparison; 160 columns wide where the output is not a terminal.

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
        width (`int`): columns of the terminal. Where the table is wider, it is split into several, one below the
            other: metrics first, then costs. No number and no word of a heading is ever broken.
    """
    columns = table_columns(comparison)
    names = list(comparison["models"])
    recommendation = comparison["recommendation"]
    chosen = recommendation["model"] if recommendation else None
    parts: list[RenderableType] = [Text(line, style="dim") for line in captions(comparison)]
    parts += [_table(names, block, chosen, width) for block in _blocks(names, columns, width)]
    parts += [Text(line, style="dim") for line in legend(columns)]
    if found := remarks(comparison):
        parts += [Text(""), *(Text(remark, style="yellow") for remark in found)]
    if recommendation:
        parts.append(Text("\n" + recommendation["sentence"], style="bold"))
    return Group(*parts)


def _table(names: Sequence[str], columns: Sequence[Column], chosen: str | None, width: int) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold")
    room = width - _EDGES - sum(_GAP + _width(column) for column in columns)
    table.add_column("model", no_wrap=True)
    for column in columns:
        table.add_column(_heading(column), justify="right", no_wrap=True)
    for number, name in enumerate(names):
        cells = [_shortened(name, max(room, _least(names))), *(column.cells[number] for column in columns)]
        table.add_row(*map(Text, cells), style="bold green" if name == chosen else "")
    return table


def _blocks(names: Sequence[str], columns: Sequence[Column], width: int) -> list[list[Column]]:
    """The columns of each table: one for all if there is room, else one for metrics and one for costs, or more."""
    if _fits(names, columns, width):
        return [list(columns)]
    blocks: list[list[Column]] = []
    for kind in ("quality", "cost"):
        block: list[Column] = []
        for column in columns:
            if column.block != kind:
                continue
            if block and not _fits(names, [*block, column], width):
                blocks.append(block)
                block = []
            block.append(column)
        blocks += [block] if block else []
    return blocks


def _fits(names: Sequence[str], columns: Sequence[Column], width: int) -> bool:
    return _EDGES + _least(names) + sum(_GAP + _width(column) for column in columns) <= width


def _least(names: Sequence[str]) -> int:
    """The width that the column of names gets at least: the longest name, or 24 if that is longer."""
    return min(24, max(map(cell_len, ["model", *names])))


def _width(column: Column) -> int:
    return max(cell_len(text) for text in [*column.heading.split(), *column.cells])


def _heading(column: Column) -> Text:
    """The heading, broken between words to be no wider than the cells need."""
    lines: list[str] = []
    for word in column.heading.split():
        if lines and cell_len(f"{lines[-1]} {word}") <= _width(column):
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return Text("\n".join(lines))


def _shortened(name: str, room: int) -> str:
    return name if cell_len(name) <= room else set_cell_size(name, room - 1).rstrip() + "…"
