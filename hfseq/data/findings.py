"""Notes with the facts behind them, for the checks of a comparison."""

from collections.abc import Iterable
from typing import Any

# Kinds of findings.
TRAIN_OVERLAP = "train_overlap"
UNKNOWN_TOKENS = "unknown_tokens"


class FindingNote(str):
    """A note about the data, with the facts that it states. For all other purposes it is a string.

    Args:
        text (`str`): the note.
        kind (`str`): what was found.
        facts: numbers and words by name.
    """

    facts: dict[str, Any]

    def __new__(cls, text: str, kind: str, **facts: Any) -> "FindingNote":
        note = super().__new__(cls, text)
        note.facts = {"kind": kind, **facts}
        return note


def findings_of(notes: Iterable[str]) -> list[dict[str, Any]]:
    """The facts of the notes that have some, each with its `note`: an entry of a record."""
    return [{**note.facts, "note": str(note)} for note in notes if isinstance(note, FindingNote)]
