"""The verdict, the table of all models, their costs and pairwise differences, from `comparison.json`."""

from collections.abc import Mapping, Sequence
from typing import Any

from hfseq.comparison.preferences import PREFERENCES
from hfseq.comparison.report.metric_names import METRICS, metric_format, metric_name

# Cost -> name, format, whether greater is better.
COSTS: dict[str, tuple[str, str, bool]] = {
    "latency_p50_ms": ("latency per example (median)", "ms", False),
    "size_on_disk_bytes": ("size on disk", "bytes", False),
    "parameters": ("parameters", "count", False),
    "train_seconds": ("training time", "seconds", False),
    "inference_memory_bytes": ("memory of inference", "bytes", False),
    "peak_memory_bytes": ("memory of training", "bytes", False),
    "flops_per_token_forward": ("FLOPs per token", "flops", False),
    "flops_per_token_training": ("FLOPs per token in training", "flops", False),
    "latency_p95_ms": ("latency (95th percentile)", "ms", False),
    "latency_p99_ms": ("latency (99th percentile)", "ms", False),
    "throughput_examples_per_second": ("examples per second", "count", True),
    "tokens_per_second": ("tokens per second in training", "count", True),
    "energy_joules": ("energy of training", "joules", False),
    "price": ("price of training", "money", False),
    "trainable_parameters": ("trained parameters", "count", False),
    "parameters_without_embeddings": ("parameters without embeddings", "count", False),
}
# Costs that depend on the machine of the training.
OF_TRAINING = ("train_seconds", "tokens_per_second", "energy_joules", "price", "peak_memory_bytes")
_IN_TABLE = (
    "latency_p50_ms", "latency_p95_ms", "size_on_disk_bytes", "parameters", "train_seconds", "peak_memory_bytes",
    "energy_joules", "price",
)  # fmt: skip
_MACHINES_NOTE = "The runs used different machines: these values are not ranked."
_MOST_METRICS = 4


def summary_value(summary: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """A value of the report from a metric in `comparison.json`: mean over the seeds, with its interval."""
    if summary is None or summary.get("mean") is None:
        return None
    found: dict[str, Any] = {"value": summary["mean"], "std": summary.get("std")}
    if summary.get("values"):
        found["values"] = list(summary["values"])
    if summary.get("interval"):
        found["low"], found["high"] = summary["interval"]
    return {key: value for key, value in found.items() if value is not None}


def cost_value(model: Mapping[str, Any], key: str) -> dict[str, Any] | None:
    """A value of the report from a cost in `comparison.json`."""
    amount = model["costs"].get(key)
    if not isinstance(amount, int | float):
        return None
    low_high = (model.get("cost_intervals") or {}).get(key)
    return {"value": amount, **({"low": low_high[0], "high": low_high[1]} if low_high else {})}


def metric_data(content: Mapping[str, Any]) -> dict[str, Any]:
    """The primary metric."""
    key = content["primary_metric"]
    name, meaning = metric_name(key)
    greater = content["greater_is_better"]
    return {
        "key": key, "name": name, "meaning": meaning, "format": metric_format(key), "greater_is_better": greater,
    }  # fmt: skip


def models_data(content: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Name, kind, status, description and quality of each model."""
    rows = []
    for name, model in content["models"].items():
        row = {"name": name, "kind": model.get("kind", "model"), "status": model["status"]}
        quality = summary_value(model["metrics"].get(content["primary_metric"]))
        more = {"reason": model.get("reason"), "description": _description(model), "quality": quality}
        rows.append({**row, **{key: value for key, value in more.items() if value is not None}})
    return rows


def _description(model: Mapping[str, Any]) -> str | None:
    known = model.get("model") or {}
    if known.get("summary"):  # of a baseline
        return str(known["summary"])
    sizes = known.get("description") or {}
    parts = [known.get("base_model") or known.get("model_type")]
    for key, words in (
        ("cell_type", "{}"),
        ("num_hidden_layers", "{} layers"),
        ("hidden_size", "hidden size {}"),
        ("pooling", "{} pooling"),
    ):
        if sizes.get(key) not in (None, False):
            text = words.format(sizes[key])
            parts.append(text.removesuffix("s") if text == "1 layers" else text)
    if known.get("initialization"):
        parts.append(str(known["initialization"]))
    return ", ".join(str(part) for part in parts if part) or None


def verdict_data(content: Mapping[str, Any], sentence: str) -> dict[str, Any]:
    """The verdict.

    Args:
        content (`Mapping[str, Any]`): the content of `comparison.json`.
        sentence (`str`): the verdict in words, or why no model finished.
    """
    found = content["recommendation"]
    if not found:
        return {"model": None, "status": "none", "sentence": sentence, "candidates": []}
    if found["model"] is None:
        status = "none"  # none beats the best baseline
    elif not found["decided"]:
        status = "undecided"
    else:
        status = "provisional" if found.get("provisional") else "decided"
    keys = ("metric", "margin", "prefer", "split", "best", "baseline", "candidates", "needs", "details")
    return {
        "model": found["model"], "status": status, "sentence": found["sentence"],
        **{key: found[key] for key in keys if found.get(key) is not None},
    }  # fmt: skip


def costs_data(content: Mapping[str, Any], several_machines: bool) -> list[dict[str, Any]] | None:
    """The costs of the Pareto picture that two or more models have; the preferred one comes first.

    Args:
        content (`Mapping[str, Any]`): the content of `comparison.json`.
        several_machines (`bool`): whether the runs used different machines.
    """
    preference = PREFERENCES.get((content["recommendation"] or {}).get("prefer") or "")
    preferred = preference.costs if preference else ()
    found = []
    for key, (name, form, greater) in COSTS.items():
        values = {model: cost_value(row, key) for model, row in content["models"].items()}
        known = {model: value for model, value in values.items() if value is not None}
        if len(known) > 1:
            row = {"key": key, "name": name, "format": form, "greater_is_better": greater, "values": known}
            found.append({**row, **({"note": _MACHINES_NOTE} if several_machines and key in OF_TRAINING else {})})
    return sorted(found, key=lambda row: row["key"] not in preferred) or None


def table_data(content: Mapping[str, Any], several_machines: bool) -> dict[str, Any]:
    """The table of all models; see [`costs_data`]."""
    primary, directions = content["primary_metric"], content.get("directions", {})
    known = {name for model in content["models"].values() for name in model["metrics"]}
    others = [name for name in METRICS if name in known and name != primary]
    metrics = [name for name in [primary, *others] if name in known and (name != "f1_micro" or primary != "accuracy")]
    columns = [
        {
            "key": name, "heading": metric_name(name)[0], "meaning": metric_name(name)[1],
            "format": metric_format(name), "better": _better(directions.get(name)), "group": "quality",
        }
        for name in metrics[:_MOST_METRICS]
    ]  # fmt: skip
    rows: dict[str, dict[str, Any]] = {name: {} for name in content["models"]}
    for name, model in content["models"].items():
        cells = {column["key"]: summary_value(model["metrics"].get(column["key"])) for column in columns}
        cells |= {key: cost_value(model, key) for key in _IN_TABLE}
        rows[name] = {key: value for key, value in cells.items() if value is not None}
    shown = [key for key in _IN_TABLE if any(key in cells for cells in rows.values())]
    for key in shown:
        name, form, greater = COSTS[key]
        better = None if several_machines and key in OF_TRAINING else _better(greater)
        columns.append(
            {"key": key, "heading": name, "meaning": name, "format": form, "better": better, "group": "cost"}
        )
    notes = [_figures_note(content), *([_MACHINES_NOTE] if several_machines else [])]
    return {"columns": columns, "rows": [{"model": name, "cells": rows[name]} for name in rows], "notes": notes}


def _better(greater: bool | None) -> str | None:
    return None if greater is None else "higher" if greater else "lower"


def _figures_note(content: Mapping[str, Any]) -> str:
    seeds = content["seeds"]
    intervals = any(
        summary.get("interval") for model in content["models"].values() for summary in model["metrics"].values()
    )
    start = f"Figures: test split, mean over {len(seeds)} seeds" if len(seeds) > 1 else "Figures: test split, one seed"
    if not intervals:
        return f"{start}."
    return f"{start}, with 95 % intervals over test examples" + (" and seeds." if len(seeds) > 1 else ".")


def pairs_data(content: Mapping[str, Any]) -> dict[str, Any] | None:
    """The differences between every two models."""
    known = [row for row in content.get("pairs") or () if row.get("low") is not None]
    splits = [split for split in ("validation", "test") if any(row["split"] == split for row in known)]
    if not splits:
        return None
    # The models are chosen by the validation split, so the differences on it are those that count.
    rows = [row for row in known if row["split"] == splits[0]]
    keys = (
        "a", "b", "difference", "low", "high", "p_value", "p_adjusted", "effect_size", "effect_name", "test",
        "split",
    )  # fmt: skip
    metric, margin = rows[0].get("metric", content["primary_metric"]), (content["recommendation"] or {}).get("margin")
    return {
        "split": rows[0].get("split", "validation"), "metric": metric, "format": metric_format(metric),
        "correction": "Holm", "confidence": 0.95, **({"margin": margin} if margin is not None else {}),
        "rows": [{key: row[key] for key in keys if row.get(key) is not None} for row in rows],
    }  # fmt: skip


def train_sizes_data(content: Mapping[str, Any]) -> dict[str, Any] | None:
    """The learning curves over the number of training examples."""
    curves = content.get("learning_curves")
    if not curves or not curves.get("models"):
        return None
    metric = content["primary_metric"]
    lines: Sequence[Mapping[str, Any]] = [
        {"model": name, "points": list(points)} for name, points in curves["models"].items() if points
    ]
    return {
        "name": metric_name(metric)[0], "format": metric_format(metric), "sizes": list(curves["sizes"]),
        "lines": lines, **({"crossings": curves["crossings"]} if curves.get("crossings") else {}),
    }  # fmt: skip
