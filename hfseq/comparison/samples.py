"""Samples for the statistics of a comparison, from the saved predictions of its runs."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from hfseq.comparison.evidence import load_evidence
from hfseq.comparison.run_result import RunResult
from hfseq.comparison.statistics import Sample, compare_pairs, metric_interval
from hfseq.comparison.variants import by_variant, headline
from hfseq.metrics.sums import has_formula
from hfseq.training.saved_predictions import load_scores

SPLITS = ("validation", "test")
# Split -> model -> metric -> sample.
SplitSamples = Mapping[str, Mapping[str, Mapping[str, Sample]]]


def load_samples(results: Mapping[str, Sequence[RunResult]]) -> SplitSamples:
    """The samples of all models, on both splits.

    Args:
        results (`Mapping[str, Sequence[RunResult]]`): the runs of each model.

    Returns:
        `dict`: split -> model -> metric -> sample.
    """
    return {split: {name: model_samples(runs, split) for name, runs in results.items()} for split in SPLITS}


def model_samples(results: Sequence[RunResult], split: str) -> dict[str, Sample]:
    """The samples of one model for all its metrics.

    Args:
        results (`Sequence[RunResult]`): the runs of one model, one per seed and fold. Of several sizes of the training
            split, the largest is used.
        split (`str`): `"validation"` or `"test"`.

    Returns:
        `dict[str, Sample]`: by metric. A metric whose sums were not saved has only its value for each seed. Runs of
            earlier versions saved no sums, but the test scores of the ranking metric, if that is a mean.
    """
    results = headline(results)
    records = [result.record for result in results if result.finished and result.record is not None]
    reported = [record.metrics.get(split, {}) for record in records]
    if not reported:
        return {}
    deterministic = bool(records[0].model.get("deterministic", False))
    if len({result.variant.get("repeat") for result in results if result.finished}) > 1:
        return _over_splits(results, split)
    samples = {
        name: Sample(name, None, deterministic=deterministic, known_values=values)
        for name in reported[0]
        if name != "loss" and all(name in metrics for metrics in reported)
        if all(map(math.isfinite, values := [float(metrics[name]) for metrics in reported]))
    }
    evidence = load_evidence(results, split)
    if evidence is None:
        return samples | (_from_scores(results, samples, records[0].data) if split == "test" else {})
    for name, sums in evidence.sums.items():
        if name in samples and has_formula(name, sums.shape[-1]):
            found = Sample(name, sums, evidence.groups, evidence.deterministic)
            if np.isfinite(found.values).all():
                samples[name] = found
    return samples


def _over_splits(results: Sequence[RunResult], split: str) -> dict[str, Sample]:
    """The values of repeated random splits, each averaged over the seeds. The splits share examples."""
    runs = by_variant([result for result in results if result.finished]).values()
    records = [[result.record for result in group if result.record is not None] for group in runs]
    examples = records[0][0].data.get("examples", {})
    overlap = examples.get(split, 0) / max(1, examples.get("train", 0))
    found = {}
    for name in records[0][0].metrics.get(split, {}):
        values = [[record.metrics.get(split, {}).get(name, math.nan) for record in group] for group in records]
        means = [float(np.mean(group)) for group in values]
        if name != "loss" and all(map(math.isfinite, means)):
            found[name] = Sample(name, None, known_values=means, overlap=overlap)
    return found


def _from_scores(
    results: Sequence[RunResult], samples: Mapping[str, Sample], data: Mapping[str, Any]
) -> dict[str, Sample]:
    """The sample of the ranking metric from the scores of the examples, if their mean is the metric."""
    metric = str(data.get("metric"))
    scores = [load_scores(result.folder) for result in results if result.finished]
    if len(by_variant(results)) > 1:
        return {}  # the runs have different examples
    if metric not in samples or any(row is None or row.ndim != 1 for row in scores):
        return {}
    if len({len(row) for row in scores if row is not None}) > 1 or not has_formula(metric, 2):
        return {}
    rows = np.stack([row for row in scores if row is not None]).astype(np.float64)  # (seeds, examples)
    found = Sample(metric, np.stack([rows, np.ones_like(rows)], axis=-1))
    same = np.allclose(found.values, samples[metric].values, rtol=1e-3, atol=1e-6)
    return {metric: found} if same else {}


def intervals_of(samples: Mapping[str, Sample]) -> dict[str, list[float] | None]:
    """Limits of the 95 % interval of each metric; `None` if nothing is known about its error."""
    found = {}
    for name, sample in samples.items():
        interval = metric_interval(sample)
        known = interval is not None and math.isfinite(interval.low) and math.isfinite(interval.high)
        found[name] = [interval.low, interval.high] if known and interval is not None else None
    return found


def pair_records(samples: Mapping[str, Sample], metric: str, split: str) -> list[dict[str, Any]]:
    """The differences between every two models, as written to `comparison.json`.

    Args:
        samples (`Mapping[str, Sample]`): by model, its sample of the metric.
        metric (`str`): the metric.
        split (`str`): the split of the samples.

    Returns:
        `list[dict]`: `a`, `b`, `metric`, `split`, `difference` (a - b), `low`, `high`, `p_value`, `p_adjusted`,
            `effect_size`, `effect_name`, `test`. Unknown numbers are `None`.
    """
    keys = ("difference", "low", "high", "p_value", "p_adjusted", "effect_size", "effect_name", "test")
    return [
        {"a": pair.a, "b": pair.b, "metric": metric, "split": split}
        | {key: _known(getattr(pair, key)) for key in keys}
        for pair in compare_pairs(samples)
    ]


def _known(value: float | str) -> float | str | None:
    return None if isinstance(value, float) and not math.isfinite(value) else value


def selection_samples(samples: SplitSamples, metric: str) -> tuple[str, dict[str, Sample]]:
    """The split on which the models are chosen, and the sample of each model.

    It is the validation split, so that the test split says how good the chosen model is. Where the examples of the
    validation split were not saved, by earlier versions, it is the test split; and where no examples were saved, the
    values of the validation split.

    Args:
        samples (`Mapping`): the samples, see [`load_samples`].
        metric (`str`): the metric.
    """
    choices = [
        (split, {name: found[metric] for name, found in samples[split].items() if metric in found}) for split in SPLITS
    ]
    complete = max(len(found) for _, found in choices)
    choices = [(split, found) for split, found in choices if len(found) == complete] or choices
    for split, found in choices:
        if found and all(sample.num_clusters > 1 for sample in found.values()):
            return split, found
    return choices[0]
