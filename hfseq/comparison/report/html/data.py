"""The data of the report: everything that its pictures and tables need, as one dict for JSON."""

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from hfseq import __version__
from hfseq.comparison.report.html.sources.calibration import precision_recall, reliability
from hfseq.comparison.report.html.sources.classes import class_scores, confusion, matrices
from hfseq.comparison.report.html.sources.data_sets import summary_data
from hfseq.comparison.report.html.sources.epochs import epochs
from hfseq.comparison.report.html.sources.examples import outputs
from hfseq.comparison.report.html.sources.forecasts import channels
from hfseq.comparison.report.html.sources.lengths import by_length
from hfseq.comparison.report.html.sources.method import method_data
from hfseq.comparison.report.html.sources.model_runs import ModelRuns, models_with_runs
from hfseq.comparison.report.html.sources.tables import (
    costs_data,
    metric_data,
    models_data,
    pairs_data,
    table_data,
    train_sizes_data,
    verdict_data,
)
from hfseq.comparison.run_result import RunResult

FORMAT_VERSION = 1


class Reported(Protocol):
    """What the report reads of a comparison: the content of `comparison.json`, and the runs."""

    folder: Path
    runs: tuple[RunResult, ...]

    @property
    def verdict(self) -> str: ...

    def keys(self) -> Iterable[str]: ...

    def __getitem__(self, key: str) -> Any: ...


def report_data(comparisons: Sequence[Reported], from_runs: bool = True) -> dict[str, Any]:
    """Collects the data of the report of one or several comparisons.

    Args:
        comparisons (`Sequence[Comparison]`): one per data set.
        from_runs (`bool`, *optional*, defaults to `True`): whether to read the folders of the runs. Otherwise the
            verdict, the costs, the tables and the method are those of `comparison.json`, and other sections are left
            out.

    Returns:
        `dict`: `format`, `title`, `hfseq_version`, `created`, `summary` (of several data sets), and `datasets`: for
        each, the verdict, the table of all models, and the data of each picture. A section without data is left out.
    """
    datasets: list[dict[str, Any]] = []
    for comparison in comparisons:
        datasets.append(_dataset(comparison, {dataset["id"] for dataset in datasets}, from_runs))
    names = [dataset["name"] for dataset in datasets]
    title = f"Comparison on {names[0]}" if len(names) == 1 else f"Comparison on {len(names)} data sets"
    return {
        "format": FORMAT_VERSION,
        "title": title,
        "hfseq_version": __version__,
        "created": _created(comparisons),
        "summary": summary_data(datasets) if len(datasets) > 1 else None,
        "datasets": datasets,
    }


def _dataset(comparison: Reported, taken: set[str], from_runs: bool) -> dict[str, Any]:
    content = dict(comparison)
    models = models_with_runs(content, comparison.runs)
    data, task = content["data"], next((model.records[0].task for model in models), "")
    several = _several_machines(models)
    found: dict[str, Any] = {
        "id": _identifier(_name(data, comparison.folder), taken),
        "name": _name(data, comparison.folder),
        "description": data.get("description", ""),
        "task": task,
        "examples": data.get("examples", {}),
        "seeds": content["seeds"],
        "metric": metric_data(content),
        "models": models_data(content),
        "verdict": verdict_data(content, comparison.verdict),
        "costs": costs_data(content, several),
        "table": table_data(content, several),
        "pairs": pairs_data(content),
        "train_sizes": train_sizes_data(content),
        **(_from_runs(content, models, task) if from_runs else {}),
        "checks": [_check(check) for check in content.get("checks") or ()],
        "method": method_data(content, models),
    }
    return {key: value for key, value in found.items() if value not in (None, [])}


def _from_runs(content: Mapping[str, Any], models: Sequence[ModelRuns], task: str) -> dict[str, Any]:
    """The sections that need the histories and the predictions of the runs."""
    data, metric = content["data"], content["primary_metric"]
    labels = [str(label) for label in data.get("labels") or ()]
    counts = matrices(models, len(labels)) if labels else {}
    return {
        "epochs": epochs(models, metric),
        "by_length": by_length(models, metric, data.get("modality", "")),
        "channels": channels(models),
        "confusion": confusion(counts, labels),
        "class_scores": class_scores(counts, labels),
        "reliability": reliability(models) if labels else None,
        "precision_recall": precision_recall(models, labels) if labels else None,
        "outputs": outputs(models, metric, content["greater_is_better"], task, labels),
    }


def _check(check: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in check.items() if value is not None}


def _name(data: Mapping[str, Any], folder: Path) -> str:
    """Short name of the data: the last part of its path, without the ending of a file."""
    dataset = str(data.get("dataset") or folder.name)
    name = re.split(r"[/\\:]", dataset.rstrip("/"))[-1]
    return re.sub(r"\.(csv|tsv|json|jsonl|parquet|txt|ts)(\.gz)?$", "", name) or folder.name


def _identifier(name: str, taken: set[str]) -> str:
    base = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "data"
    number = 1
    while (found := base if number == 1 else f"{base}-{number}") in taken:
        number += 1
    return found


def _several_machines(models: Sequence[ModelRuns]) -> bool:
    environments = [record.environment for model in models for record in model.records]
    return len({(one.get("device"), one.get("processor"), one.get("num_threads")) for one in environments}) > 1


def _created(comparisons: Sequence[Reported]) -> str | None:
    """When the last run finished: the same whenever the report is made again."""
    records = [run.record for comparison in comparisons for run in comparison.runs if run.record is not None]
    times = [record.finished_at for record in records if record.finished_at]
    return f"{max(times)[:16].replace('T', ' ')} UTC" if times else None
