"""Report of a comparison as a Markdown document."""

from collections.abc import Mapping
from typing import Any

from hfseq.comparison.report.columns import legend, table_columns
from hfseq.comparison.report.content import captions, remarks


def to_markdown(comparison: Mapping[str, Any]) -> str:
    """Formats a comparison as Markdown: captions, table, recommendation, remarks, legend.

    Args:
        comparison (`Mapping[str, Any]`): the content of `comparison.json`.
    """
    columns = table_columns(comparison)
    lines = ["# Comparison", "", *(line + "  " for line in captions(comparison)), ""]
    lines.append("| " + " | ".join(["model", *(column.heading for column in columns)]) + " |")
    lines.append("|" + "|".join([" --- "] + [" ---: "] * len(columns)) + "|")
    for number, name in enumerate(comparison["models"]):
        cells = [name, *(column.cells[number] for column in columns)]
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    if recommendation := comparison["recommendation"]:
        lines += ["", f"**{recommendation['sentence']}**"]
    if found := remarks(comparison):
        lines += ["", *(f"- {remark}" for remark in found)]
    lines += ["", "Columns:", "", *(f"- {line}" for line in legend(columns))]
    return "\n".join(lines) + "\n"
