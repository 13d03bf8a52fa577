"""What the presets of all cells have in common."""

from typing import Any

CELLS = ("rnn", "lstm", "gru", "mingru", "minlstm")


def for_each_cell(settings: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The same settings for each recurrent preset, with its own cell."""
    overrides = settings.get("config_overrides", {})
    return {cell: {**settings, "config_overrides": {"cell_type": cell, **overrides}} for cell in CELLS}
