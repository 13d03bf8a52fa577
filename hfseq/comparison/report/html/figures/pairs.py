"""Differences between every two models."""

from collections.abc import Mapping, Sequence
from typing import Any

from hfseq.comparison.report.html.figures.figure import DataTable, Figure, Look, both
from hfseq.comparison.report.html.formats import MINUS, difference, margin, p_value
from hfseq.comparison.report.html.svg.differences import Difference, difference_chart
from hfseq.comparison.report.html.svg.frame import Axis

# Pairs of an interval picture. A comparison of more models shows the pairs with the best model only.
MAX_ROWS = 36


def pairs_figure(dataset: Mapping[str, Any], look: Look) -> Figure | None:
    """The intervals of the differences; `None` if there are none."""
    pairs = dataset.get("pairs")
    if not pairs or not pairs.get("rows"):
        return None
    kind, alpha = pairs["format"], 1 - pairs.get("confidence", 0.95)
    shown = pairs["rows"]
    if len(shown) > MAX_ROWS:
        best = (dataset.get("verdict") or {}).get("best")
        shown = [row for row in shown if best in (row["a"], row["b"])] or shown[:MAX_ROWS]
    by_split: dict[str, list[Difference]] = {}
    for row in shown:
        if None not in (row["difference"], row["low"], row["high"]):
            by_split.setdefault(row.get("split") or pairs["split"], []).append(_row(row, kind, alpha, look))
    if not by_split:
        return None
    unit = ", in points" if kind == "share" else ""
    axis = Axis(f"difference in {pairs['metric']}{unit}", "points" if kind == "share" else kind)
    limit = _scaled(pairs.get("margin"), kind)
    panels = []
    for split, rows in by_split.items():
        label = f"Intervals of the differences on the {split} split. "
        label += " ".join(row.title.replace("\n", ", ") + "." for row in rows)
        name = f"{split} split" if len(by_split) > 1 else ""
        panels.append(both(name, difference_chart, rows, axis, limit, label=label))
    return Figure("differences", panels, _table(pairs), _caption(pairs, list(by_split)), "Split")


def _row(row: Mapping[str, Any], kind: str, alpha: float, look: Look) -> Difference:
    name = f"{row['a']} {MINUS} {row['b']}"
    error = (row["high"] - row["low"]) / 2
    p = row.get("p_adjusted", row.get("p_value"))
    texts = [difference(row[key], kind, error, unit=False) for key in ("difference", "low", "high")]
    title = f"{name}: {texts[0]} ({texts[1]} to {texts[2]})"
    title += f"\nadjusted {p_value(p)} ({row['test']})" if p is not None else ""
    values = [_scaled(row[key], kind) for key in ("difference", "low", "high")]
    value, low, high = values
    aside = look.slot(row["a"]).baseline or look.slot(row["b"]).baseline
    clear, note = p is not None and p < alpha, p_value(p) if p is not None else ""
    return Difference(name, value, texts[0], low, high, note, clear, title, aside)


def _scaled(value: float | None, kind: str) -> Any:
    return value * 100 if value is not None and kind == "share" else value


def _caption(pairs: Mapping[str, Any], splits: Sequence[str]) -> str:
    width = pairs.get("margin")
    shaded = f" The shaded band is the margin of {margin(width, pairs['format'])}." if width else ""
    confidence = 100 * pairs.get("confidence", 0.95)
    where = f" on the {splits[0]} split" if len(splits) == 1 else ""
    return (
        f"First model minus second model{where}, with {confidence:.0f} % intervals. "
        f"Filled points are significant after {pairs.get('correction', 'no')}'s correction for several comparisons; "
        f"outlined points may be chance.{shaded}"
    )


def _table(pairs: Mapping[str, Any]) -> DataTable:
    kind = "share_points" if pairs["format"] == "share" else pairs["format"]
    columns = [("model a", "text"), ("model b", "text"), (f"a {MINUS} b", kind), ("low", kind), ("high", kind)]
    columns += [
        ("p", "p"),
        ("adjusted p", "p"),
        ("effect size", "number"),
        ("effect", "text"),
        ("test", "text"),
    ]
    keys = ("a", "b", "difference", "low", "high", "p_value", "p_adjusted", "effect_size", "effect_name", "test")
    rows = [[*(row.get(key) for key in keys), row.get("split") or pairs["split"]] for row in pairs["rows"]]
    return DataTable([*columns, ("split", "text")], rows)


def pairs_matrix(dataset: Mapping[str, Any]) -> dict[str, Any] | None:
    """The differences as a matrix (row minus column) for three or more models; `None` for fewer."""
    pairs = dataset.get("pairs")
    if not pairs or not pairs.get("rows"):
        return None
    rows = [row for row in pairs["rows"] if (row.get("split") or pairs["split"]) == pairs["split"]]
    found = {(row["a"], row["b"]): row for row in rows if row["difference"] is not None}
    names = [model["name"] for model in dataset["models"] if any(model["name"] in pair for pair in found)]
    if len(names) < 3:
        return None
    sign = -1 if dataset["metric"].get("greater_is_better") is False else 1
    return {
        "names": names,
        "split": pairs["split"],
        "rows": [[_entry(found, a, b, pairs, sign) for b in names] for a in names],
    }


def _entry(
    found: Mapping[tuple[str, str], Mapping[str, Any]], a: str, b: str, pairs: Mapping[str, Any], sign: int
) -> Any:
    row, factor = (found[a, b], 1) if (a, b) in found else (found.get((b, a)), -1)
    if row is None:
        return None
    error = None if row["low"] is None or row["high"] is None else (row["high"] - row["low"]) / 2
    p = row.get("p_adjusted", row.get("p_value"))
    value = factor * row["difference"]
    clear = p is not None and p < 1 - pairs.get("confidence", 0.95)
    return {
        "text": difference(value, pairs["format"], error, unit=False),
        "p": p_value(p) if p is not None else "",
        "tone": ("better" if sign * value > 0 else "worse") if clear else "unclear",
    }
