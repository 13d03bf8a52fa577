"""A comparison as a table: on a terminal, and in Markdown."""

from collections.abc import Callable, Mapping
from typing import Any

from rich import box
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

# Column heading -> cost key, and how to print it.
_COST_COLUMNS: dict[str, tuple[str, Callable[[float], str]]] = {
    "parameters": ("parameters", lambda value: count(value)),
    "without embeddings": ("parameters_without_embeddings", lambda value: count(value)),
    "training": ("train_seconds", lambda value: seconds(value)),
    "tokens/s": ("tokens_per_second", lambda value: f"{value:,.0f}"),
    "latency p50": ("latency_p50_ms", lambda value: f"{value:.1f} ms"),
    "p95": ("latency_p95_ms", lambda value: f"{value:.1f} ms"),
    "peak memory": ("peak_memory_bytes", lambda value: size(value)),
    "on disk": ("size_on_disk_bytes", lambda value: size(value)),
}
# The metrics that a table has room for, the primary one first; comparison.json has all.
_SHOWN = (
    "accuracy", "f1", "f1_macro", "f1_micro", "bleu", "chrf", "bleu_4", "bleu_1", "exact_match", "cer", "wer",
    "bits_per_character", "perplexity", "nll_per_frame", "mse", "mae", "mase", "pinball", "pearson", "spearman",
    "expected_calibration_error",
)  # fmt: skip
_MOST_METRICS = 3
_HEADINGS = {
    "expected_calibration_error": "calib. error",
    "f1": "F1",
    "f1_macro": "macro F1",
    "f1_micro": "micro F1",
    "bleu": "BLEU",
    **{f"bleu_{n}": f"BLEU-{n}" for n in range(1, 5)},
    "chrf": "chrF",
    "exact_match": "exact match",
    "cer": "CER",
    "wer": "WER",
    "bits_per_character": "bits/character",
    "nll_per_frame": "NLL/frame",
    "mse": "MSE",
    "mae": "MAE",
    "mase": "MASE",
}
_MISSING = "-"


def count(value: float) -> str:
    """`1.2 M`, `34 k`."""
    for limit, unit in ((1e9, " G"), (1e6, " M"), (1e3, " k")):
        if value >= limit:
            return f"{value / limit:.3g}{unit}"
    return f"{value:.0f}"


def size(value: float) -> str:
    """`2.9 MB`, in powers of 1000."""
    for limit, unit in ((1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if value >= limit:
            return f"{value / limit:.3g} {unit}"
    return f"{value:.0f} B"


def percent(share: float) -> str:
    """`3.1%`; a share that would round to nothing is `under 0.1%`."""
    return f"{share:.1%}" if share >= 0.001 else "under 0.1%"


def seconds(value: float) -> str:
    """`38 s`, `5 min 10 s`, `2 h 05 min`."""
    whole = round(value)
    if whole < 120:
        return f"{value:.3g} s" if value < 10 else f"{whole} s"
    if whole < 7200:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def _metric_names(comparison: Mapping[str, Any]) -> list[str]:
    known = {name for model in comparison["models"].values() for name in model["metrics"]}
    primary = comparison["primary_metric"]
    others = [name for name in _SHOWN if name in known and name != primary]
    if primary == "accuracy":
        others = [name for name in others if name != "f1_micro"]  # the same number
    return ([primary] if primary in known else []) + others[: _MOST_METRICS - 1]


def _metric(model: Mapping[str, Any], name: str) -> str:
    summary = model["metrics"].get(name)
    if summary is None:
        return _MISSING
    spread = f" ± {summary['std']:.3f}" if summary["std"] is not None else ""
    return f"{summary['mean']:.3f}{spread}"


def _rows(comparison: Mapping[str, Any]) -> tuple[list[str], list[list[str]]]:
    metrics = _metric_names(comparison)
    headings = ["model", *(_HEADINGS.get(name, name) for name in metrics), *_COST_COLUMNS]
    rows = []
    for name, model in comparison["models"].items():
        costs = [
            show(model["costs"][key]) if model["costs"].get(key) is not None else _MISSING
            for key, show in _COST_COLUMNS.values()
        ]
        rows.append([name, *(_metric(model, metric) for metric in metrics), *costs])
    return headings, rows


def _captions(comparison: Mapping[str, Any]) -> list[str]:
    data = comparison["data"]
    lines = []
    if data:
        examples = ", ".join(f"{number:,} {name}" for name, number in data["examples"].items())
        lines.append(f"{data['description']}; examples: {examples}")
    seeds = comparison["seeds"]
    spread = "mean ± standard deviation over them" if len(seeds) > 1 else "no spread"
    lines.append(f"Test metrics; {len(seeds)} seed{'s' if len(seeds) > 1 else ''} ({spread}).")
    machine = comparison["environment"]
    if machine:
        lines.append(
            f"Trained on {machine['device']} ({machine['processor']}, {machine['num_threads']} threads); latency: one "
            "example on the CPU, the making of the inputs included; tokens/s: in training, of each model's own inputs."
        )
    return lines


def _remarks(comparison: Mapping[str, Any]) -> list[str]:
    remarks = [
        f"{name}: {model['status']}: {model['reason']}"
        for name, model in comparison["models"].items()
        if model["status"] != "finished"
    ]
    remarks += [f"note: {note}" for note in comparison["notes"]]
    primary = comparison["primary_metric"]
    plain = {name: row[primary] for name, row in comparison["data"].get("baselines", {}).items() if primary in row}
    if plain:
        figures = ", ".join(f"{name.replace('_', ' ')} {value:.3f}" for name, value in plain.items())
        remarks.append(f"note: what takes next to no training has a test {primary} of: {figures}")
    for name, model in comparison["models"].items():
        shares = [f"{percent(share)} of {split}" for split, share in model.get("truncated_share", {}).items() if share]
        if shares:
            remarks.append(f"note: {name} reads long examples in part: {', '.join(shares)} are cut to max_length")
    return remarks


def to_rich(comparison: Mapping[str, Any]) -> RenderableType:
    """The comparison for a terminal: the table, what it was measured on, remarks, and the recommendation."""
    headings, rows = _rows(comparison)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold")
    recommendation = comparison["recommendation"]
    for number, heading in enumerate(headings):
        table.add_column(heading, justify="left" if number == 0 else "right", no_wrap=number == 0, overflow="fold")
    for row in rows:
        chosen = recommendation is not None and row[0] == recommendation["model"]
        table.add_row(*row, style="bold green" if chosen else "")
    parts: list[RenderableType] = [Text(line, style="dim") for line in _captions(comparison)]
    parts.append(table)
    parts += [Text(remark, style="yellow") for remark in _remarks(comparison)]
    if recommendation:
        parts.append(Text("\n" + recommendation["sentence"], style="bold"))
    return Group(*parts)


def print_comparison(comparison: Mapping[str, Any], console: Console | None = None) -> None:
    """Prints a comparison on the terminal; as wide as it needs to be where the output is not one."""
    console = console or Console()
    if not console.is_terminal:
        console = Console(width=160, file=console.file)
    console.print(to_rich(comparison))


def to_markdown(comparison: Mapping[str, Any]) -> str:
    """The comparison as a Markdown document."""
    headings, rows = _rows(comparison)
    lines = ["# Comparison", "", *(line + "  " for line in _captions(comparison)), ""]
    lines.append("| " + " | ".join(headings) + " |")
    lines.append("|" + "|".join([" --- "] + [" ---: "] * (len(headings) - 1)) + "|")
    lines += ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows]
    recommendation = comparison["recommendation"]
    if recommendation:
        lines += ["", f"**{recommendation['sentence']}**"]
    remarks = _remarks(comparison)
    if remarks:
        lines += ["", *(f"- {remark}" for remark in remarks)]
    return "\n".join(lines) + "\n"
