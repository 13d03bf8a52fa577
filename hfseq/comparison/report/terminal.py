"""Report of a comparison on a terminal of any width."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich import box
from rich.cells import cell_len
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from hfseq.comparison.report.columns import Column, legend, table_columns, table_rows
from hfseq.comparison.report.content import GUIDE, captions, check_lines, crossings, remarks
from hfseq.comparison.report.differences import HEADINGS, difference_rows, differences_title
from hfseq.comparison.report.layout import fit_columns, headings_of, shorten

# Width if the output is a file or a pipe.
FILE_WIDTH = 200
# With more pairs of models, their differences are only in comparison.md.
_MOST_PAIRS = 6
_SEVERITY_STYLES = {"error": "red", "warning": "yellow", "info": "dim"}
_BASELINES = "simple baselines"


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
    """Formats a comparison for the terminal: captions, table, legend, differences, remarks, checks, verdict.

    Args:
        comparison (`Mapping[str, Any]`): the content of `comparison.json`.
        width (`int`): width of the terminal in columns. If the table is wider, it is split into one table of metrics
            and one of costs. If one of them is still too wide, see [`fit_columns`]. Numbers and words are never
            broken.
    """
    columns = table_columns(comparison)
    recommendation = comparison["recommendation"]
    blocks = fit_columns(_row_names(comparison), columns, width)
    shown = [column for block in blocks for column in block]
    parts: list[RenderableType] = [Text(line, style="dim") for line in captions(comparison)]
    parts += [_table(comparison, block, width) for block in blocks]
    parts += [Text(line, style="dim") for line in legend(shown)]
    headings = {column.heading for column in shown}
    if hidden := [column.heading for column in columns if column.heading not in headings]:
        parts.append(Text(f"hidden because the terminal is too narrow: {', '.join(hidden)}", style="dim"))
    parts += _differences(comparison, width)
    if found := [*crossings(comparison), *remarks(comparison)]:
        parts += [Text(""), *map(Text, found)]
    if checks := check_lines(comparison):
        parts += [Text(""), *(_check(severity, text) for severity, text in checks)]
        parts.append(Text(f"what each code means, and what to do: {GUIDE}", style="dim"))
    if recommendation:
        parts.append(Text("\n" + recommendation["sentence"], style="bold"))
    return Group(*parts)


def _check(severity: str, text: str) -> Text:
    """A check. Only its code and its severity are coloured: the terminal may be light or dark."""
    code, colon, message = text.partition(": ")
    return Text.assemble((code + colon, _SEVERITY_STYLES[severity]), message)


def _row_names(comparison: Mapping[str, Any]) -> list[str]:
    """The texts of the first column: the models, then the baselines with a heading of their own."""
    models, baselines = table_rows(comparison)
    return [*models, *([_BASELINES, *(f"  {name}" for name in baselines)] if baselines else [])]


def _table(comparison: Mapping[str, Any], columns: Sequence[Column], width: int) -> Table:
    models, baselines = table_rows(comparison)
    chosen = (comparison["recommendation"] or {}).get("model")
    headings, name_width = headings_of(_row_names(comparison), columns, width)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold")
    table.add_column("model", no_wrap=True)
    for heading in headings:
        table.add_column(Text(heading), justify="right", no_wrap=True)
    for number, name in enumerate((*models, *baselines)):
        if number == len(models):
            table.add_section()
            table.add_row(Text(shorten(_BASELINES, name_width), style="dim italic"))
        indent, style = ("  ", "dim") if number >= len(models) else ("", "bold green" if name == chosen else "")
        cells = [shorten(indent + name, name_width), *(column.cells[number] for column in columns)]
        table.add_row(*map(Text, cells), style=style)
    return table


def _differences(comparison: Mapping[str, Any], width: int) -> list[RenderableType]:
    """The differences between every two models on the test split, or where they are."""
    rows = difference_rows(comparison, "test")
    if not rows:
        return []
    widths = [max(cell_len(text) for text in column) + 3 for column in zip(HEADINGS, *rows, strict=True)]
    shown = len(HEADINGS) if sum(widths) <= width else len(HEADINGS) - 1  # without the names of the tests
    if len(rows) > _MOST_PAIRS or sum(widths[:shown]) > width:
        return [Text("the differences between every two models, with p-values, are in comparison.md", style="dim")]
    title = Text("\n" + differences_title(comparison, "test"), style="dim")
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold")
    for place, heading in enumerate(HEADINGS[:shown]):
        table.add_column(Text(heading), justify="left" if place in (0, 4) else "right", no_wrap=True)
    for row in rows:
        table.add_row(*map(Text, row[:shown]))
    return [title, table]
