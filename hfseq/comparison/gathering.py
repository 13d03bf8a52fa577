"""Finds comparisons and runs in folders, and makes comparisons of them again, without training."""

import json
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from hfseq.comparison.collect import collect, refresh
from hfseq.comparison.comparison import Comparison
from hfseq.comparison.run_result import RunResult
from hfseq.comparison.saved import JSON_NAME
from hfseq.comparison.variants import parse_run_folder
from hfseq.errors import HfseqError
from hfseq.hub import RECORD_NAME
from hfseq.training.record import RunRecord

# Levels of folders that are searched.
_DEEPEST = 6
_SEED_IN_NAME = re.compile(r"^(.*?)[-_]?seed[-_]?\d+$")


def gather(folders: Sequence[str | Path]) -> list[Comparison]:
    """Reads comparisons from folders: those of [`compare`], and single runs, which are grouped by their data.

    Comparisons of the same data, for example from two machines, become one. A comparison without `comparison.json`,
    because it was interrupted, or with one of an earlier version, is made again from its runs.

    Args:
        folders (`Sequence[str]`): folders of comparisons, of single runs, or parents of them.

    Returns:
        `list[Comparison]`: one per data set, in the order of the folders.

    Raises:
        HfseqError: a folder does not exist, or has no runs; or a record is damaged.
    """
    parts: list[Comparison] = []
    for given in folders:
        found = _parts(Path(given).expanduser())
        if not found:
            raise HfseqError(
                f"there are no runs in {given}: name the output folder of `hfseq compare`, or folders of runs, which "
                f"hold a file {RECORD_NAME}"
            )
        parts += [part for part in found if not any(part.folder.resolve() == one.folder.resolve() for one in parts)]
    groups: dict[str, list[Comparison]] = {}
    for part in parts:
        groups.setdefault(part["data"].get("fingerprint") or str(part.folder), []).append(part)
    return [group[0] if len(group) == 1 else _merged(group) for group in groups.values()]


def _parts(folder: Path) -> list[Comparison]:
    """The comparisons in a folder. Those of single runs have one run each."""
    if not folder.is_dir():
        raise HfseqError(f"there is no folder {folder}: name the output folder of `hfseq compare`, or folders of runs")
    if (folder / JSON_NAME).is_file():
        return [_comparison(folder)]
    if (folder / RECORD_NAME).is_file():
        record = RunRecord.load(folder)
        assert record is not None  # the file is there
        return [_made(folder, [_result(_run_name(folder, record), folder, record, {})])]
    nested = sorted(path.parent for path in _files(folder, JSON_NAME))
    if nested:
        return [_comparison(path) for path in nested]
    runs = _runs_below(folder)
    return [_made(folder, runs)] if runs else []


def _comparison(folder: Path) -> Comparison:
    """A comparison from its file, or from its runs if the file is damaged."""
    try:
        content = json.loads((folder / JSON_NAME).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        content = None
    if isinstance(content, dict) and isinstance(content.get("format_version"), int):
        return Comparison.load(folder)
    runs = _runs_below(folder)
    if not runs:
        raise HfseqError(f"{folder / JSON_NAME} is damaged, and there are no runs beside it")
    return _made(folder, runs)


def _made(folder: Path, runs: Sequence[RunResult]) -> Comparison:
    return Comparison(collect(runs), folder, runs)


def _complete(models: dict[str, Any], name: str, earlier: Mapping[str, Any]) -> None:
    """Adds the costs that were measured after the training, such as latency, and models without runs."""
    if name in models:
        models[name]["costs"] = {**earlier.get("costs", {}), **models[name]["costs"]}
        for key, value in earlier.items():
            models[name].setdefault(key, value)
    elif earlier.get("status") == "unavailable":
        models[name] = {"kind": "model", **earlier}


def _merged(parts: Sequence[Comparison]) -> Comparison:
    """One comparison of several of the same data. A model of the same name and seed gets the name of its folder."""
    results: list[RunResult] = []
    names: dict[tuple[int, str], str] = {}
    for number, part in enumerate(parts):
        taken = {_key(result) for result in results}
        doubled = {result.name for result in part.runs if _key(result) in taken}
        names |= {(number, name): f"{name} ({part.folder.name})" for name in doubled}
        results += [replace(result, name=names.get((number, result.name), result.name)) for result in part.runs]
    results.sort(key=lambda result: result.is_baseline)
    content = collect(results, protocol=parts[0].get("protocol"))
    for number, part in enumerate(parts):
        for name, model in part["models"].items():
            _complete(content["models"], names.get((number, name), name), model)
    refresh(content, results)
    folder = Path(os.path.commonpath([part.folder.resolve() for part in parts]))
    return Comparison(content, folder, results)


def _key(result: RunResult) -> tuple[Any, ...]:
    return result.name, result.seed, *sorted(result.variant.items())


def _runs_below(folder: Path) -> list[RunResult]:
    results = []
    for path in sorted(_files(folder, RECORD_NAME), key=_natural_order):
        record = RunRecord.load(path.parent)
        assert record is not None  # the file is there
        parts = path.parent.relative_to(folder).parts
        name, variant = parse_run_folder(parts)
        if "trial" not in variant:  # trials of the tuning are not part of the result
            results.append(_result(name or record.name, path.parent, record, variant))
    return sorted(results, key=lambda result: result.is_baseline)  # the models come first in the report


def _result(name: str, folder: Path, record: RunRecord, variant: Mapping[str, int]) -> RunResult:
    error = None if record.status == "finished" else record.error or f"the run is {record.status}"
    is_baseline = record.model.get("kind") == "baseline"
    return RunResult(name, record.seed, folder, record, error, variant, is_baseline)


def _files(folder: Path, name: str) -> Iterable[Path]:
    """The files of this name in a folder, without those in hidden folders."""
    for path in folder.rglob(name):
        parts = path.relative_to(folder).parts
        if len(parts) <= _DEEPEST and not any(part.startswith(".") for part in parts):
            yield path


def _natural_order(path: Path) -> list[Any]:
    """Folders in the order of the numbers in their names: `seed-2` before `seed-10`."""
    return [[int(part) if part.isdigit() else part for part in re.split(r"(\d+)", name)] for name in path.parts]


def _run_name(folder: Path, record: RunRecord) -> str:
    found = _SEED_IN_NAME.match(record.name)
    return (found[1] if found else record.name) or folder.name
