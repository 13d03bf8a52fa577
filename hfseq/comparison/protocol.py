"""How a comparison was made: what is needed to repeat it."""

import json
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hfseq.comparison.environments import SPEED, environment_differences
from hfseq.comparison.run_result import RunResult


def protocol_of(results: Sequence[RunResult]) -> dict[str, Any]:
    """The part of the protocol that the records of the runs tell.

    Args:
        results (`Sequence[RunResult]`): all runs.

    Returns:
        `dict`: `seeds`, `data_fingerprints` (one per fold or repeated split), `splits` (number of examples by split),
            `versions` of the packages, `git_hash`, `launchers`, `started_at` and `finished_at` of all runs together,
            and `training_times_comparable`: whether all runs had the same processor, device and load.
    """
    records = [result.record for result in results if result.finished and result.record is not None]
    first = records[0] if records else None
    starts = [record.started_at for record in records if record.started_at]
    ends = [record.finished_at for record in records if record.finished_at]
    return {
        "seeds": sorted({result.seed for result in results if not result.is_baseline}),
        "data_fingerprints": _distinct(record.data.get("fingerprint") for record in records),
        "splits": dict(first.data.get("examples", {})) if first else {},
        "versions": dict(first.environment.get("versions", {})) if first else {},
        "git_hash": first.environment.get("git_hash") if first else None,
        "launchers": _distinct(record.environment.get("launcher") for record in records),
        "started_at": min(starts, default=None),
        "finished_at": max(ends, default=None),
        "training_times_comparable": not {label for label, *_ in environment_differences(results)} & SPEED,
    }


def _distinct(values: Any) -> list[Any]:
    return list(dict.fromkeys(value for value in values if value is not None))


def repeat_command(
    models: Sequence[str],
    seeds: Sequence[int],
    settings: Mapping[str, Any],
    options: Mapping[str, Any],
    output_dir: str | Path,
) -> str:
    """The command that repeats a comparison, for a shell.

    Args:
        models (`Sequence[str]`): the models, as given.
        seeds (`Sequence[int]`): the seeds.
        settings (`Mapping[str, Any]`): settings that all runs share.
        options (`Mapping[str, Any]`): options of the comparison that differ from their defaults.
        output_dir (`str` or `Path`): folder of the comparison.
    """
    words = ["hfseq", "compare", "--models", *models, "--seeds", *map(str, seeds)]
    for name, value in {**settings, **options, "output_dir": str(output_dir)}.items():
        # Tokens are secret, and a repetition must not delete results.
        if value is not None and name != "overwrite_output_dir" and not name.endswith("_token"):
            words += [f"--{name}", *_words(value)]
    return shlex.join(words)


def _words(value: Any) -> list[str]:
    if isinstance(value, Mapping):
        return [json.dumps(value)]
    if isinstance(value, list | tuple):
        return [str(part) for part in value]
    return [str(value)]
