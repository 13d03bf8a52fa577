"""Differences between the environments of runs, which make their training costs not comparable."""

from collections.abc import Mapping, Sequence
from typing import Any

from hfseq.comparison.run_result import RunResult

# Key of a record's environment -> its name in the note.
_COMPARED = {
    "device": "devices",
    "processor": "processors",
    "num_threads": "numbers of threads",
    "launcher": "launchers",
    "concurrent_runs": "numbers of runs at the same time",
    "recurrence": "recurrent engines",
    "platform": "operating systems",
    "python": "Python versions",
}
# Properties in which training times must agree to be ranked.
SPEED = frozenset({"devices", "processors", "numbers of threads", "numbers of runs at the same time"})
_COMPARED_PACKAGES = ("hfseq", "torch", "transformers")


def environment_differences(results: Sequence[RunResult]) -> list[tuple[str, str, list[str]]]:
    """The properties in which the finished runs differ.

    Args:
        results (`Sequence[RunResult]`): the runs. Those of baselines are ignored: they use one process on the CPU.

    Returns:
        `list[tuple[str, str, list[str]]]`: for each property its name in plural, such as `processors`, the values with
            their models, such as `A: lstm; B: gru`, and all models. Records without a property are ignored in the
            comparison of that property.
    """
    finished = [result for result in results if result.finished and not result.is_baseline]
    properties = [_properties(result) for result in finished]
    differences = []
    for label in dict.fromkeys(label for found in properties for label in found):
        groups: dict[str, list[str]] = {}
        for result, found in zip(finished, properties, strict=True):
            if label in found:
                groups.setdefault(str(found[label]), []).append(result.name)
        if len(groups) > 1:
            listing = "; ".join(f"{value}: {', '.join(dict.fromkeys(names))}" for value, names in groups.items())
            names = list(dict.fromkeys(name for group in groups.values() for name in group))
            differences.append((label, listing, names))
    return differences


def _properties(result: RunResult) -> dict[str, Any]:
    assert result.record is not None  # true of every finished run
    environment = result.record.environment
    found = {label: environment[key] for key, label in _COMPARED.items() if environment.get(key) is not None}
    versions = environment.get("versions")
    if isinstance(versions, Mapping):
        found |= {f"versions of {name}": versions[name] for name in _COMPARED_PACKAGES if name in versions}
    found["numbers of processes"] = result.record.num_processes
    return found
