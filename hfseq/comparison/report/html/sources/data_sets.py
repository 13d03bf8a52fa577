"""Several data sets together: the figures of each, and the ranks of the models."""

from collections.abc import Mapping, Sequence
from typing import Any

from hfseq.comparison.report.html.formats import p_value

# Ranks need at least so many data sets and models.
_FEWEST = 2


def summary_data(datasets: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The key `summary` of `report_data`.

    Args:
        datasets (`Sequence[Mapping[str, Any]]`): the data of each data set.
    """
    rows = [_row(dataset) for dataset in datasets]
    models = list(dict.fromkeys(name for row in rows for name in row["values"]))
    found: dict[str, Any] = {"rows": rows, "models": models}
    shared = [name for name in models if all(name in row["values"] for row in rows)]
    if len(shared) >= _FEWEST:
        found |= _ranks(datasets, rows, shared)
    return found


def _row(dataset: Mapping[str, Any]) -> dict[str, Any]:
    metric, verdict = dataset["metric"], dataset["verdict"]
    return {
        "dataset": dataset["name"],
        "id": dataset["id"],
        "metric": metric["name"],
        "format": metric["format"],
        "status": verdict["status"],
        "model": verdict["model"],
        "sentence": verdict["sentence"],
        "values": {model["name"]: model["quality"] for model in dataset["models"] if model.get("quality")},
    }


def _ranks(
    datasets: Sequence[Mapping[str, Any]], rows: Sequence[Mapping[str, Any]], models: Sequence[str]
) -> dict[str, Any]:
    """Mean ranks of the models that all data sets share, with Friedman's and Nemenyi's tests."""
    # Not at the top: scipy.stats takes longer to import than the report of one data set to be made.
    from hfseq.comparison.statistics.data_sets import rank_models

    scores = {}
    for dataset, row in zip(datasets, rows, strict=True):
        sign = 1 if dataset["metric"]["greater_is_better"] else -1
        scores[dataset["id"]] = {name: sign * row["values"][name]["value"] for name in models}
    ranks = rank_models(scores)
    sentence = f"Friedman's test over {ranks.data_sets} data sets: {p_value(ranks.p_value)}."
    return {
        "ranks": ranks.ranks,
        "critical_difference": ranks.critical_difference,
        "cliques": [list(group) for group in ranks.groups],
        "test": {"name": "Friedman", "p_value": ranks.p_value, "datasets": ranks.data_sets, "sentence": sentence},
    }
