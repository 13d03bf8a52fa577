"""Sentences above and below the comparison table."""

from collections.abc import Mapping
from typing import Any

from hfseq.formatting import percent


def captions(comparison: Mapping[str, Any]) -> list[str]:
    """Sentences above the table: data, number of seeds, machine."""
    data = comparison["data"]
    lines = []
    if data:
        examples = ", ".join(f"{number:,} {name}" for name, number in data["examples"].items())
        lines.append(f"{data['description']}; examples: {examples}")
    seeds = comparison["seeds"]
    if len(seeds) > 1:
        lines.append(f"Metrics of the test split: mean ± standard deviation over {len(seeds)} seeds.")
    else:
        lines.append("Metrics of the test split, from one seed.")
    machine = comparison["environment"]
    if machine:
        lines.append(
            f"Trained on {machine['device']} ({machine['processor']}, {machine['num_threads']} "
            f"thread{'s' if machine['num_threads'] != 1 else ''}); recurrent engine: "
            f"{machine.get('recurrence', 'not recorded')}. Latency: one example at a time on the CPU, including "
            "preprocessing."
        )
    return lines


def remarks(comparison: Mapping[str, Any]) -> list[str]:
    """Sentences below the table: failed models, notes, simple baselines, truncated examples."""
    lines = [
        f"{name}: {model['status']}: {model['reason']}"
        for name, model in comparison["models"].items()
        if model["status"] != "finished"
    ]
    lines += [f"note: {note}" for note in comparison["notes"]]
    primary = comparison["primary_metric"]
    baselines = {name: row[primary] for name, row in comparison["data"].get("baselines", {}).items() if primary in row}
    if baselines:
        values = ", ".join(f"{name.replace('_', ' ')} {value:.3f}" for name, value in baselines.items())
        lines.append(f"note: test {primary} of simple baselines: {values}")
    for name, model in comparison["models"].items():
        shares = [f"{percent(share)} of {split}" for split, share in model.get("truncated_share", {}).items() if share]
        if shares:
            lines.append(f"note: {name} truncates examples longer than max_length: {', '.join(shares)}")
    return lines
