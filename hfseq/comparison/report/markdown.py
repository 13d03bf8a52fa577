"""Report of a comparison as a Markdown document."""

from collections.abc import Mapping, Sequence
from typing import Any

from hfseq.comparison.report.columns import Column, legend, table_columns, table_rows
from hfseq.comparison.report.content import (
    GUIDE,
    captions,
    channel_table,
    check_lines,
    crossings,
    curve_table,
    remarks,
)
from hfseq.comparison.report.differences import HEADINGS, difference_rows, differences_title

# Columns of costs with a higher rank are only in comparison.json.
_MOST_RANK = 7


def to_markdown(comparison: Mapping[str, Any]) -> str:
    """Formats a comparison as Markdown.

    It has captions, a table of metrics and one of costs, the verdict, remarks, checks, the differences of every two
    models, learning curves, the errors per channel of forecasts, the legend, and how the comparison was done.

    Args:
        comparison (`Mapping[str, Any]`): the content of `comparison.json`.
    """
    columns = [column for column in table_columns(comparison) if column.rank <= _MOST_RANK]
    lines = ["# Comparison", "", *(line + "  " for line in captions(comparison)), ""]
    for block in ("quality", "cost"):
        lines += _columns_table(comparison, [column for column in columns if column.block == block])
    if recommendation := comparison["recommendation"]:
        lines += [f"**{recommendation['sentence']}**", ""]
    if found := [*crossings(comparison), *remarks(comparison)]:
        lines += [*(f"- {remark}" for remark in found), ""]
    if checks := check_lines(comparison):
        lines += ["## Checks", "", *(f"- {text}" for _, text in checks), "", f"{GUIDE} explains each code.", ""]
    for split in ("test", "validation"):
        if rows := difference_rows(comparison, split):
            lines += [f"## {differences_title(comparison, split)}", "", *_table(HEADINGS, rows), ""]
    headings, rows = curve_table(comparison)
    if rows:
        title = f"## Test {comparison['primary_metric']} by number of training examples"
        lines += [title, "", *_table(headings, rows), ""]
    headings, rows = channel_table(comparison)
    if rows:
        meaning = "Mean absolute error of each channel in the units of the data, and of the standardised data."
        lines += ["## Errors per channel", "", meaning, "", *_table(headings, rows), ""]
    lines += ["## Columns", "", *(f"- {line}" for line in legend(columns)), ""]
    lines += _method(comparison)
    return "\n".join(lines)


def _method(comparison: Mapping[str, Any]) -> list[str]:
    """How the comparison was done: rules, fingerprint of the data, versions, and the command that repeats it."""
    protocol = comparison.get("protocol", {})
    facts = [
        *protocol.get("rules", []),
        f"Seeds: {', '.join(map(str, protocol.get('seeds', [])))}.",
        f"Fingerprints of the data: {', '.join(found[:12] for found in protocol.get('data_fingerprints', []))}.",
        f"Versions: {', '.join(f'{name} {version}' for name, version in protocol.get('versions', {}).items())}.",
    ]
    lines = ["## How it was done", "", *(f"- {fact}" for fact in facts if not fact.endswith(": .")), ""]
    if command := protocol.get("command"):
        lines += ["```", command, "```", ""]
    return lines


def _columns_table(comparison: Mapping[str, Any], columns: Sequence[Column]) -> list[str]:
    if not columns:
        return []
    models, baselines = table_rows(comparison)
    names = [*models, *(f"{name} (baseline)" for name in baselines)]
    rows = [[name, *(column.cells[number] for column in columns)] for number, name in enumerate(names)]
    return [*_table(["model", *(column.heading for column in columns)], rows), ""]


def _table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """The lines of a table: the first column is aligned left, the others right."""
    lines = ["| " + " | ".join(headings) + " |", "|" + "|".join([" --- "] + [" ---: "] * (len(headings) - 1)) + "|"]
    return lines + ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows]
