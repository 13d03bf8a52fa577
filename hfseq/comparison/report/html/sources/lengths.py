"""Quality by input length."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from hfseq.comparison.report.html.sources.model_runs import ModelRuns, same_size
from hfseq.comparison.report.metric_names import metric_format, metric_name
from hfseq.comparison.statistics.intervals import metric_interval
from hfseq.comparison.statistics.sample import Sample

_MOST_BINS, _FEWEST_EXAMPLES = 6, 20
_UNITS = {"text": "tokens", "dna": "tokens", "music": "tokens", "video": "frames"}


def by_length(models: Sequence[ModelRuns], metric: str, modality: str) -> dict[str, Any] | None:
    """The primary metric of the test examples in bins of their length.

    The lengths are those that the first model sees: tokenizers differ, and bins of the same examples can be compared.

    Args:
        models (`Sequence[ModelRuns]`): the models.
        metric (`str`): the primary metric.
        modality (`str`): modality of the data, for the unit.

    Returns:
        `dict`: see the key `by_length` of `report_data`; `None` without sums, or if all inputs have one length.
    """
    sizes = [None if (found := model.evidence(metric)) is None else found.size for model in models]
    usable = [model for model, same in zip(models, same_size(sizes), strict=True) if same]
    lengths = next(
        (one.lengths for model in usable if (one := model.evidence(metric)) and one.lengths is not None), None
    )
    if lengths is None:
        return None
    bins = _bins(lengths)
    if len(bins) < 2:
        return None
    lines = [{"model": model.name, "points": [_point(model, metric, rows) for rows in bins]} for model in usable]
    return {
        "name": metric_name(metric)[0],
        "format": metric_format(metric),
        "unit": _UNITS.get(modality, "time steps"),
        "bins": [
            {"low": int(lengths[rows].min()), "high": int(lengths[rows].max()), "examples": int(rows.sum())}
            for rows in bins
        ],
        "lines": lines,
    }


def _bins(lengths: np.ndarray) -> list[np.ndarray]:
    """Masks of the examples of each bin, of about equal size. Examples of one length are in one bin."""
    number = min(_MOST_BINS, len(lengths) // _FEWEST_EXAMPLES)
    if number < 2:
        return []
    edges = np.unique(np.quantile(lengths, np.arange(1, number) / number, method="higher"))
    edges = edges[edges > lengths.min()]
    numbers = np.searchsorted(edges, lengths, side="right")
    return [numbers == number for number in np.unique(numbers)]


def _point(model: ModelRuns, metric: str, rows: np.ndarray) -> dict[str, float] | None:
    evidence = model.evidence(metric)
    assert evidence is not None  # the caller chose models with evidence
    groups = None if evidence.groups is None else evidence.groups[rows]
    sample = Sample(metric, evidence.sums[metric][:, rows], groups, evidence.deterministic)
    if not np.isfinite(sample.estimate):
        return None
    interval = metric_interval(sample)
    if interval is None or not np.isfinite([interval.low, interval.high]).all():
        return {"value": sample.estimate}
    return {"value": interval.estimate, "low": interval.low, "high": interval.high}
