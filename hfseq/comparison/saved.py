"""Reads a saved comparison. One that an earlier version wrote is rebuilt from its runs."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hfseq.comparison.collect import FORMAT_VERSION, collect, refresh
from hfseq.comparison.entries import BASELINE
from hfseq.comparison.run_result import RunResult
from hfseq.comparison.variants import run_folder
from hfseq.errors import HfseqError
from hfseq.training.record import RunRecord

JSON_NAME = "comparison.json"
# Beginnings of notes of version 1 that are checks today.
_FORMER_NOTES = ("the runs used different ", "the models were not all trained and tested on the same data")


def read_comparison(folder: Path) -> tuple[dict[str, Any], list[RunResult]]:
    """Reads a comparison and its runs.

    Args:
        folder (`Path`): the `output_dir` of the comparison. It may have been moved.

    Returns:
        `tuple[dict, list[RunResult]]`: the content of `comparison.json` in the current format, and the runs.

    Raises:
        HfseqError: there is no comparison in the folder, it is damaged, it was written by a newer version, or by an
            earlier one and its runs are missing.
    """
    file = folder / JSON_NAME
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        version = content["format_version"]
        if version > FORMAT_VERSION:
            raise HfseqError(f"{file} has format {version}; this hfseq reads up to {FORMAT_VERSION}: upgrade it")
        runs = [
            _read_run(folder, name, run, model.get("kind") == BASELINE)
            for name, model in content["models"].items()
            for run in model["runs"]
        ]
        return (content if version == FORMAT_VERSION else _rebuilt(content, runs, file)), runs
    except FileNotFoundError:
        raise HfseqError(f"there is no comparison in {folder}: it has no file {JSON_NAME}") from None
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise HfseqError(f"{file} is damaged ({error!r}); run the comparison again") from error


def _read_run(folder: Path, name: str, run: Mapping[str, Any], is_baseline: bool) -> RunResult:
    variant = run.get("variant", {})  # comparisons of earlier versions have none
    path = run_folder(folder / name, run["seed"], variant)
    if is_baseline:  # its folder may have another name than its row
        depth = len(path.relative_to(folder).parts)
        path = folder.joinpath(*Path(run["folder"]).parts[-depth - 1 :])
    return RunResult(name, run["seed"], path, RunRecord.load(path), run["error"], variant, is_baseline)


def _rebuilt(content: Mapping[str, Any], runs: Sequence[RunResult], file: Path) -> dict[str, Any]:
    """The content in the current format, from the records of the runs. Costs that only the file has are kept.

    Raises:
        HfseqError: the record of a run is missing.
    """
    models = content["models"]
    missing = [str(run.folder) for run in runs if run.record is None and run.error is None]
    if missing:
        raise HfseqError(
            f"{file} was written by an earlier version of hfseq, and the runs from which it can be made again are "
            f"missing: {', '.join(missing)}. Put them back, or run the comparison again"
        )
    rebuilt = collect(
        runs,
        {name: model["reason"] for name, model in models.items() if model["status"] == "unavailable"},
        [note for note in content["notes"] if not note.startswith(_FORMER_NOTES)],
    )
    for name, model in models.items():
        rebuilt["models"][name]["costs"] = {**model["costs"], **rebuilt["models"][name]["costs"]}
    refresh(rebuilt, runs)
    return rebuilt
