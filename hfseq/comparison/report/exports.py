"""Exports of comparisons for other programs and for papers: csv, Markdown, LaTeX, and pictures as SVG."""

import csv
import io
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hfseq.comparison.report.html.data import report_data
from hfseq.comparison.report.html.formats import MINUS, MISSING, cell_text, interval_ends
from hfseq.comparison.report.html.view import dataset_view
from hfseq.comparison.report.markdown import to_markdown
from hfseq.writing import write_text

if TYPE_CHECKING:
    from hfseq.comparison.comparison import Comparison

# Formats that are one text, by name.
TEXT_FORMATS = ("csv", "md", "latex")
FORMATS = (*TEXT_FORMATS, "svg")
_CSV_COLUMNS = ("dataset", "model", "kind", "split", "figure", "value", "low", "high", "std", "seeds")
_LATEX = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{", "}": r"\}",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", MINUS: "$-$", MISSING: "--", "±": r"$\pm$", "<": r"$<$",
    "\N{NO-BREAK SPACE}": "~", ">": r"$>$", "°": r"$^\circ$",
}  # fmt: skip


def to_text(comparisons: Sequence["Comparison"], form: str) -> str:
    """Exports comparisons as one text.

    Args:
        comparisons (`Sequence[Comparison]`): one per data set.
        form (`str`): `"csv"` (one row per figure, with its interval), `"md"` (Markdown), or `"latex"` (one table per
            data set, for the package booktabs).
    """
    if form == "md":
        return "\n".join(to_markdown(comparison) for comparison in comparisons)
    datasets = report_data(comparisons, from_runs=False)["datasets"]
    if form == "latex":
        return "\n".join(latex_table(dataset) for dataset in datasets)
    rows = [
        {"dataset": dataset["name"], **row}
        for dataset, comparison in zip(datasets, comparisons, strict=True)
        for row in figure_rows(comparison)
    ]
    stream = io.StringIO()
    writer = csv.DictWriter(stream, _CSV_COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return stream.getvalue()


def figure_rows(comparison: Mapping[str, Any]) -> list[dict[str, Any]]:
    """All figures of a comparison, one per row: metrics of the test and validation split, and costs.

    Args:
        comparison (`Mapping[str, Any]`): the content of `comparison.json`.

    Returns:
        `list[dict]`: `model`, `kind`, `split` (empty for costs), `figure`, `value`, `low`, `high`, `std`, `seeds`;
        unknown values are `None`.
    """
    rows = []
    for name, model in comparison["models"].items():
        start = {"model": name, "kind": model.get("kind", "model")}
        for split, key in (("test", "metrics"), ("validation", "validation_metrics")):
            for metric, summary in (model.get(key) or {}).items():
                low, high = summary.get("interval") or (None, None)
                rows.append(
                    {
                        **start, "split": split, "figure": metric, "value": summary["mean"], "low": low, "high": high,
                        "std": summary.get("std"), "seeds": len(summary.get("values") or ()) or None,
                    }
                )  # fmt: skip
        for cost, value in model["costs"].items():
            if isinstance(value, int | float):
                low, high = (model.get("cost_intervals") or {}).get(cost) or (None, None)
                rows.append({**start, "split": "", "figure": cost, "value": value, "low": low, "high": high})
    return rows


def latex_table(dataset: Mapping[str, Any]) -> str:
    """The table of a data set in LaTeX, with the best value of each column in bold and baselines below a line.

    Args:
        dataset (`Mapping[str, Any]`): one of the data sets of `report_data`.
    """
    columns, rows = dataset["table"]["columns"], dataset["table"]["rows"]
    kinds = {model["name"]: model.get("kind") for model in dataset["models"]}
    best = {column["key"]: _best(column, rows) for column in columns}
    header = " & ".join(["model", *(escape_latex(column["heading"]) for column in columns)])
    models = [_latex_row(row, columns, best) for row in rows if kinds[row["model"]] != "baseline"]
    baselines = [_latex_row(row, columns, best) for row in rows if kinds[row["model"]] == "baseline"]
    lines = [
        r"\begin{table}",
        r"\centering",
        rf"\caption{{{escape_latex(_caption(dataset))}}}",
        rf"\label{{tab:{dataset['id']}}}",
        rf"\begin{{tabular}}{{l{'r' * len(columns)}}}",
        r"\toprule",
        rf"{header} \\",
        r"\midrule",
        *models,
        *([r"\midrule", *baselines] if models and baselines else baselines),
        r"\bottomrule",
        r"\end{tabular}",
        r"\end{table}",
    ]
    return "\n".join(lines) + "\n"


def _latex_row(row: Mapping[str, Any], columns: Sequence[Mapping[str, Any]], best: Mapping[str, Any]) -> str:
    cells = [escape_latex(row["model"])]
    for column in columns:
        cell = row["cells"].get(column["key"]) or {}
        text = escape_latex(cell_text(cell, column["format"]))
        if cell.get("value") is not None and cell["value"] == best[column["key"]]:
            text = rf"\textbf{{{text}}}"
        ends = interval_ends(cell, column["format"]) if column["group"] == "quality" else ""
        cells.append(f"{text} ({escape_latex(ends)})" if ends else text)
    return " & ".join(cells) + r" \\"


def _best(column: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> float | None:
    found = [cell["value"] for row in rows if (cell := row["cells"].get(column["key"])) and cell["value"] is not None]
    if len(set(found)) < 2 or column["better"] is None:
        return None
    return max(found) if column["better"] == "higher" else min(found)


def _caption(dataset: Mapping[str, Any]) -> str:
    notes = dataset["table"].get("notes") or [""]
    return f"{dataset['description'] or dataset['name']}. {notes[0]}".strip()


def escape_latex(text: str) -> str:
    """A text without characters that LaTeX reads as commands."""
    return "".join(_LATEX.get(character, character) for character in text)


def save_pictures(comparisons: Sequence["Comparison"], folder: Path) -> list[Path]:
    """Writes the pictures of the report as SVG files.

    Args:
        comparisons (`Sequence[Comparison]`): one per data set.
        folder (`Path`): folder of the files, such as `sst2-cost-size-on-disk.svg`.

    Returns:
        `list[Path]`: the files.

    Raises:
        HfseqError: a file cannot be written.
    """
    written = []
    for dataset in report_data(comparisons)["datasets"]:
        for figure in dataset_view(dataset)["figures"]:
            for panel in figure.panels:
                name = [dataset["id"], figure.key, *([_file_name(panel.name)] if len(figure.panels) > 1 else [])]
                path = folder / f"{'-'.join(filter(None, name))}.svg"
                write_text(path, str(panel.wide))
                written.append(path)
    return written


def _file_name(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
