"""The summary of several data sets."""

from collections.abc import Mapping
from typing import Any

from hfseq.comparison.report.html.figures.figure import DataTable, Figure, both
from hfseq.comparison.report.html.formats import cell_text, p_value
from hfseq.comparison.report.html.svg.critical_difference import critical_difference_chart


def summary_view(summary: Mapping[str, Any]) -> dict[str, Any]:
    """What the template of the summary needs: `rows`, `models`, `figure`, `test`."""
    rows = [
        {**row, "cells": [cell_text(row["values"].get(name) or {}, row["format"]) for name in summary["models"]]}
        for row in summary["rows"]
    ]
    return {"rows": rows, "models": summary["models"], "figure": _ranks(summary), "test": _test(summary.get("test"))}


def _ranks(summary: Mapping[str, Any]) -> Figure | None:
    ranks = summary.get("ranks")
    if not ranks:
        return None
    critical, cliques = summary.get("critical_difference"), summary.get("cliques") or []
    label = "Mean ranks: " + ", ".join(
        f"{name} {rank:.2f}" for name, rank in sorted(ranks.items(), key=lambda r: r[1])
    )
    panel = both("", critical_difference_chart, ranks, critical, cliques, label=label)
    caption = "Mean rank over the data sets; 1 is the best."
    if critical:
        caption += f" Models that a bar joins do not differ by more than the critical difference of {critical:.2f}."
    table = DataTable([("model", "text"), ("mean rank", "number")], [[name, rank] for name, rank in ranks.items()])
    return Figure("ranks", [panel], table, caption)


def _test(test: Mapping[str, Any] | None) -> str:
    if not test:
        return ""
    if test.get("sentence"):
        return str(test["sentence"])
    return (
        f"{test['name']} test over {test['datasets']} data sets: {test['statistic']:.2f}, {p_value(test['p_value'])}."
    )
