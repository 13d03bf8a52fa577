"""Combines run records into one comparison."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from hfseq.comparison.environments import environment_notes
from hfseq.comparison.run_result import RunResult
from hfseq.comparison.samples import SplitSamples, intervals_of, load_samples, pair_records, selection_samples
from hfseq.comparison.statistics import Sample, summarize, summarize_metrics
from hfseq.comparison.variants import by_variant, headline, run_label
from hfseq.comparison.verdict import Candidate, decide
from hfseq.metrics.direction import TASK_METRICS, default_metric, known_directions, metric_direction
from hfseq.training.record import RunRecord

FORMAT_VERSION = 2

# Costs that every run measures. The comparison reports their mean over the seeds.
RUN_COSTS = (
    "parameters",
    "parameters_without_embeddings",
    "trainable_parameters",
    "train_seconds",
    "tokens_per_second",
    "peak_memory_bytes",
    "size_on_disk_bytes",
    "energy_joules",
    "epochs",
)


def collect(
    results: Sequence[RunResult],
    unavailable: Mapping[str, str] | None = None,
    notes: Sequence[str] = (),
    protocol: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Combines the results of all runs into one comparison.

    Args:
        results (`Sequence[RunResult]`): one result per run.
        unavailable (`Mapping[str, str]`, *optional*): models that could not be trained, each with the reason and how
            to make it available.
        notes (`Sequence[str]`, *optional*): notes for the reader of the report.
        protocol (`Mapping[str, Any]`, *optional*): rules of the comparison, such as `margin` and `prefer`; see
            [`decide`].

    Returns:
        `dict` with stable keys:

        - `format_version` (`int`).
        - `data` (`dict`): `dataset`, `description`, `fingerprint`, `examples` by split, `labels`, `problem_type`, ...
        - `primary_metric` (`str`), `greater_is_better` (`bool`), `seeds` (`list[int]`).
        - `directions` (`dict[str, bool]`): whether greater is better, by metric.
        - `models` (`dict`), by name:
            - `kind`: `"model"` or `"baseline"`.
            - `status`: `"finished"`, `"partial"` (some seeds failed), `"failed"` or `"unavailable"`; `reason` if not
              finished.
            - `metrics.<metric>.mean`, `.std` (sample standard deviation; null for one seed), `.values`, `.interval`
              (limits of the 95 % interval over test examples and seeds, or null): metrics of the test split,
              over the seeds and folds or repeated splits, with the largest training split.
              `validation_metrics` has the same form.
            - `costs`: `parameters`, `parameters_without_embeddings`, `trainable_parameters`, `train_seconds` (training
              steps only), `tokens_per_second` (tokens without padding, in training), `peak_memory_bytes` (of the
              training), `size_on_disk_bytes`, `energy_joules` (of the training, if the machine has counters),
              `epochs`. Each is the mean over the seeds. [`add_costs`] adds those
              that are measured afterwards, of the first finished run: `latency_p50_ms`, `latency_p95_ms`,
              `latency_p99_ms` (one example on the CPU, including preprocessing), `latency_by_length` (`list` of
              `length` and `p50_ms`), `throughput_examples_per_second`, `throughput_batch_size`,
              `inference_memory_bytes`, `flops_per_token_forward`, `flops_per_token_training`, `price`,
              `price_per_million_predictions`.
            - `cost_intervals` (`dict`): 95 % intervals of measured costs, `[low, high]` by key.
            - `measurement` (`dict`): how costs were measured: `threads`, `examples`, `round_medians_ms`,
              `slowest_to_fastest_round`, `throughput_by_batch_size`.
            - `runs` (`list`): `seed`, `folder`, `status`, `error`, `variant` (`dict`: for example `fold`).
            - `truncated_share` (`dict`): by split, the share of examples that this model truncates.
            - `model` (`dict`): architecture and sizes. `config` (`dict`): the settings.
            - `tuning` (`dict`, with `tune`): `trials`, `failed`, `trial` (the best one; 0 has the default settings),
              `chosen` (its values in the search space), `settings`, `values` (validation metric of each trial).
        - `pairs` (`list`): the difference between every two models for the primary metric, see [`pair_records`].
        - `recommendation` (`dict`): `model` (null if none beats the best baseline), `decided` (whether the data
          suffice), `provisional`, `sentence`, `split`, `metric`, `margin`, `prefer`, `best`, `candidates` (models that
          may be the best one), `needs` (`examples` and `seeds` that would decide, or null). Null without a model.
        - `protocol` (`dict`): the rules of the comparison: `margin`, `prefer`, `seeds`, `tune`, `match`, `folds`,
          `repeat_splits`, `train_sizes`, and `rules` (`list[str]`), which says in words how the models got the same
          budget.
        - `learning_curves` (`dict`, with `train_sizes`), see [`learning_curves`].
        - `notes` (`list[str]`), `environment` (`dict`).
    """
    finished = [result for result in results if result.finished]
    first = min(finished, key=lambda result: result.is_baseline).record if finished else None
    data = dict(first.data) if first else {}
    directions = _directions(finished)
    metric, metric_notes = _primary_metric(finished, data, directions)
    if metric not in directions:
        directions[metric] = metric_direction(metric) == "max"
    by_model = _by_model(results)
    samples = load_samples(by_model)
    comparison: dict[str, Any] = {
        "format_version": FORMAT_VERSION,
        "data": data,
        "primary_metric": metric,
        "greater_is_better": directions.get(metric, True),
        "directions": directions,
        "seeds": sorted({result.seed for result in results}),
        "models": {
            name: _model(runs, {split: found.get(name, {}) for split, found in samples.items()})
            for name, runs in by_model.items()
        },
        "notes": [*notes, *_model_notes(finished, notes), *metric_notes, *environment_notes(results)],
        "environment": first.environment if first else {},
    }
    for name, reason in (unavailable or {}).items():
        comparison["models"][name] = {
            "kind": "model",
            "status": "unavailable",
            "reason": reason,
            "metrics": {},
            "costs": {},
            "runs": [],
        }
    comparison["protocol"] = dict(protocol or {})
    comparison["pairs"] = _pairs(comparison, samples)
    comparison["recommendation"] = _recommend(comparison, samples)
    return comparison


def _by_model(results: Sequence[RunResult]) -> dict[str, list[RunResult]]:
    by_model: dict[str, list[RunResult]] = {}
    for result in results:
        by_model.setdefault(result.name, []).append(result)
    return by_model


def _model_notes(finished: Sequence[RunResult], known: Sequence[str]) -> list[str]:
    """Notes about single models, for example about tokens that are unknown to their tokenizer."""
    notes = [
        f"{result.name}: {note}"
        for result in finished
        if result.record is not None
        for note in result.record.data.get("notes", [])
        if note not in known
    ]
    return list(dict.fromkeys(notes))


def _directions(finished: Sequence[RunResult]) -> dict[str, bool]:
    """Whether greater is better, as the records say; their metrics may not be registered in this process."""
    found: dict[str, bool] = {}
    for result in finished:
        assert result.record is not None  # true of every finished run
        data, metrics = result.record.data, result.record.metrics.get("test", {})
        found |= data.get("directions", {})
        if "metric" in data and "greater_is_better" in data:
            found[data["metric"]] = bool(data["greater_is_better"])
        if missing := metrics.keys() - found.keys():
            found |= known_directions(missing)  # of a record of an earlier version
    return found


def _primary_metric(
    finished: Sequence[RunResult], data: Mapping[str, Any], directions: Mapping[str, bool]
) -> tuple[str, list[str]]:
    """The metric that ranks the models, and notes about it for the reader."""
    wanted = data.get("metric") or default_metric(data.get("problem_type", "single_label_classification"))
    records = [result.record for result in finished if result.record is not None]
    notes = []
    variants = by_variant(finished).values()
    if any(len({run.record.data.get("fingerprint") for run in runs if run.record}) > 1 for runs in variants):
        notes.append("the models were not all trained and tested on the same data: their metrics are not comparable")
    metrics_of_runs = [record.metrics.get("test", {}) for record in records]
    if not metrics_of_runs or any(wanted in metrics for metrics in metrics_of_runs):
        return wanted, notes
    # The metrics of the task come first: captions are ranked by BLEU-3, for example, and not by token accuracy.
    names = dict.fromkeys([*TASK_METRICS.get(records[0].task, ()), *metrics_of_runs[0]])
    shared = [name for name in names if name != "loss" and all(name in metrics for metrics in metrics_of_runs)]
    known = [name for name in shared if name in directions]
    if not known:
        return wanted, notes
    return known[0], [*notes, f"{wanted} is not defined on this test split: the models are ranked by {known[0]}"]


def _model(results: Sequence[RunResult], samples: Mapping[str, Mapping[str, Sample]]) -> dict[str, Any]:
    finished = [result for result in results if result.finished]
    records = [result.record for result in headline(finished) if result.record is not None]
    failures = [
        f"{run_label('', result.seed, result.variant).removeprefix(', ')}: {result.error}"
        for result in results
        if not result.finished
    ]
    status = "finished" if not failures else "partial" if finished else "failed"
    return {
        "kind": "baseline" if any(result.is_baseline for result in results) else "model",
        "status": status,
        **({"reason": "; ".join(failures)} if failures else {}),
        "metrics": _summaries([record.metrics.get("test", {}) for record in records], samples["test"]),
        "validation_metrics": _summaries(
            [record.metrics.get("validation", {}) for record in records], samples["validation"]
        ),
        "costs": {name: mean for name in RUN_COSTS if (mean := _mean_cost(records, name)) is not None},
        "runs": [
            {
                "seed": result.seed,
                "folder": str(result.folder),
                "status": "finished" if result.finished else "failed",
                "error": result.error,
                "variant": dict(result.variant),
            }
            for result in results
        ],
        "truncated_share": records[0].data.get("truncated_share", {}) if records else {},
        "model": records[0].model if records else {},
        "config": records[0].config if records else {},
    }


def _summaries(runs: list[dict[str, float]], samples: Mapping[str, Sample]) -> dict[str, Any]:
    intervals = intervals_of(samples)
    return {
        name: {**asdict(summary), "interval": intervals.get(name)} for name, summary in summarize_metrics(runs).items()
    }


def _mean_cost(records: Sequence[RunRecord], name: str) -> float | int | None:
    values = [record.costs[name] for record in records if record.costs.get(name) is not None]
    if not values:
        return None
    mean = summarize(values).mean
    return int(mean) if all(isinstance(value, int) for value in values) and mean == int(mean) else mean


def choose(comparison: Mapping[str, Any], results: Sequence[RunResult]) -> dict[str, Any] | None:
    """Recommends a model, based on the metrics and the costs that are known so far."""
    return _recommend(comparison, load_samples(_by_model(results)))


def _recommend(comparison: Mapping[str, Any], samples: SplitSamples) -> dict[str, Any] | None:
    metric, models = comparison["primary_metric"], comparison["models"]
    split, chosen = selection_samples(samples, metric)
    candidates = {
        name: Candidate(
            sample, models[name]["costs"], models[name]["kind"] == "baseline", samples["test"][name].get(metric)
        )
        for name, sample in chosen.items()
    }
    rules = {key: value for key, value in comparison["protocol"].items() if key in ("margin", "prefer")}
    asked = sum(model["kind"] != "baseline" for model in models.values())
    return decide(candidates, metric, comparison["greater_is_better"], split=split, asked=asked, **rules)


def _pairs(comparison: Mapping[str, Any], samples: SplitSamples) -> list[dict[str, Any]]:
    """The differences between every two models and the best baseline, on both splits."""
    metric, sign = comparison["primary_metric"], 1 if comparison["greater_is_better"] else -1
    pairs = []
    for split, found in samples.items():
        known = {name: by_metric[metric] for name, by_metric in found.items() if metric in by_metric}
        baselines = [name for name in known if comparison["models"][name]["kind"] == "baseline"]
        best = max(baselines, key=lambda name, known=known: sign * known[name].estimate, default=None)
        shown = {name: sample for name, sample in known.items() if name not in baselines or name == best}
        pairs += pair_records(shown, metric, split)
    return pairs
