"""Differences between the machines and settings of runs, which make their costs hard to compare."""

from collections.abc import Sequence
from typing import Any

from hfseq.comparison.outcome import Outcome

# Key of a record's environment -> what the note calls it.
_COMPARED = {
    "device": "devices",
    "processor": "processors",
    "num_threads": "numbers of threads",
    "recurrence": "recurrent engines",
    "platform": "operating systems",
    "python": "Python versions",
}
_COMPARED_PACKAGES = ("hfseq", "torch", "transformers")


def environment_notes(outcomes: Sequence[Outcome]) -> list[str]:
    """One note per property in which the finished runs differ.

    Args:
        outcomes (`Sequence[Outcome]`): the runs.

    Returns:
        `list[str]`: such as ``the runs used different processors (A: lstm; B: gru): their costs are not comparable``.
        A property that a record lacks is not compared.
    """
    finished = [outcome for outcome in outcomes if outcome.finished and outcome.record is not None]
    properties = [_properties(outcome) for outcome in finished]
    notes = []
    for label in dict.fromkeys(label for found in properties for label in found):
        groups: dict[str, list[str]] = {}
        for outcome, found in zip(finished, properties, strict=True):
            if label in found:
                groups.setdefault(str(found[label]), []).append(outcome.name)
        if len(groups) > 1:
            told = "; ".join(f"{value}: {', '.join(dict.fromkeys(names))}" for value, names in groups.items())
            notes.append(f"the runs used different {label} ({told}): their costs are not comparable")
    return notes


def _properties(outcome: Outcome) -> dict[str, Any]:
    assert outcome.record is not None  # of a finished run
    environment = outcome.record.environment
    found = {label: environment[key] for key, label in _COMPARED.items() if environment.get(key) is not None}
    versions = environment.get("versions", {})
    found |= {f"versions of {name}": versions[name] for name in _COMPARED_PACKAGES if name in versions}
    found["numbers of processes"] = outcome.record.num_processes
    return found
