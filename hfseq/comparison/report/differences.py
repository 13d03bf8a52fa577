"""The table of differences between every two models."""

from collections.abc import Mapping
from typing import Any

from hfseq.comparison.report.cells import MISSING, difference_cell, p_value_cell

HEADINGS = ("models", "difference [95 %]", "p (Holm)", "effect", "test")


def difference_rows(comparison: Mapping[str, Any], split: str) -> list[list[str]]:
    """A row of cells for every two models: names, difference, p-value, effect size, test.

    Args:
        comparison (`Mapping[str, Any]`): the content of `comparison.json`.
        split (`str`): `"validation"` or `"test"`.
    """
    return [
        [
            f"{pair['a']} - {pair['b']}",
            difference_cell(pair),
            p_value_cell(pair["p_adjusted"]),
            MISSING if pair["effect_size"] is None else f"{pair['effect_size']:+.2f}",
            pair["test"],
        ]
        for pair in comparison.get("pairs", [])
        if pair["split"] == split
    ]


def differences_title(comparison: Mapping[str, Any], split: str) -> str:
    """What the table shows."""
    return f"Differences in {split} {comparison['primary_metric']}, with p-values corrected for their number (Holm)"
