"""The sentences around a comparison's table."""

from collections.abc import Mapping
from typing import Any

from hfseq.formatting import percent


def captions(comparison: Mapping[str, Any]) -> list[str]:
    """What was measured, on which data and machine."""
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
            f"Trained on {machine['device']} ({machine['processor']}, {machine['num_threads']} threads); "
            f"recurrent engine: {machine.get('recurrence', 'not recorded')}. Latency: one example at a time on the "
            "CPU, including preprocessing."
        )
    return lines


def remarks(comparison: Mapping[str, Any]) -> list[str]:
    """What the reader has to know beside the table: failures, notes, simple baselines, truncation."""
    lines = [
        f"{name}: {model['status']}: {model['reason']}"
        for name, model in comparison["models"].items()
        if model["status"] != "finished"
    ]
    lines += [f"note: {note}" for note in comparison["notes"]]
    primary = comparison["primary_metric"]
    plain = {name: row[primary] for name, row in comparison["data"].get("baselines", {}).items() if primary in row}
    if plain:
        figures = ", ".join(f"{name.replace('_', ' ')} {value:.3f}" for name, value in plain.items())
        lines.append(f"note: simple baselines have a test {primary} of: {figures}")
    for name, model in comparison["models"].items():
        shares = [f"{percent(share)} of {split}" for split, share in model.get("truncated_share", {}).items() if share]
        if shares:
            lines.append(f"note: {name} truncates long examples to max_length: {', '.join(shares)}")
    return lines
