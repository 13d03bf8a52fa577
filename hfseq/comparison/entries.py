"""Entries of `comparison.json`, one per model."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from hfseq.comparison.run_result import RunResult
from hfseq.comparison.samples import intervals_of
from hfseq.comparison.statistics import Sample, summarize, summarize_metrics
from hfseq.comparison.variants import headline, run_label
from hfseq.training.record import RunRecord

MODEL, BASELINE = "model", "baseline"

# Costs that depend on the processor of the training.
OF_TRAINING = ("train_seconds", "tokens_per_second", "energy_joules", "price")
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


def model_entry(results: Sequence[RunResult], samples: Mapping[str, Mapping[str, Sample]]) -> dict[str, Any]:
    """The entry of a model or a baseline in `comparison.json`: see [`collect`].

    Args:
        results (`Sequence[RunResult]`): all its runs. The figures are those of [`headline`].
        samples (`Mapping`): split -> metric -> sample.
    """
    finished = [result for result in results if result.finished]
    records = [result.record for result in headline(finished) if result.record is not None]
    failures = [
        f"{run_label('', result.seed, result.variant).removeprefix(', ')}: {result.error or 'the run did not finish'}"
        for result in results
        if not result.finished
    ]
    status = "finished" if not failures else "partial" if finished else "failed"
    return {
        "kind": BASELINE if any(result.is_baseline for result in results) else MODEL,
        "status": status,
        **({"reason": "; ".join(failures)} if failures else {}),
        "metrics": _summaries([record.metrics.get("test", {}) for record in records], samples["test"]),
        "validation_metrics": _summaries(
            [record.metrics.get("validation", {}) for record in records], samples["validation"]
        ),
        "costs": {name: mean for name in RUN_COSTS if (mean := _mean_cost(records, name)) is not None},
        "cost_intervals": {},
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
        **_channels(headline(finished)),
        "model": records[0].model if records else {},
        "config": records[0].config if records else {},
    }


def unavailable_entry(reason: str) -> dict[str, Any]:
    """The entry of a model that cannot be trained here."""
    return {
        "kind": MODEL, "status": "unavailable", "reason": reason, "metrics": {}, "validation_metrics": {},
        "costs": {}, "cost_intervals": {}, "runs": [],
    }  # fmt: skip


def _summaries(runs: list[dict[str, float]], samples: Mapping[str, Sample]) -> dict[str, Any]:
    intervals = intervals_of(samples)
    return {
        name: {**asdict(summary), "interval": intervals.get(name)} for name, summary in summarize_metrics(runs).items()
    }


def _channels(results: Sequence[RunResult]) -> dict[str, Any]:
    """Errors of forecasts per channel, as means over the runs; nothing for other tasks."""
    details = [result.record.details.get("test", {}) for result in results if result.record is not None]
    runs = [found["channels"] for found in details if found.get("channels")]
    if not runs or len({len(rows) for rows in runs}) > 1:
        return {}
    return {
        "channels": [
            {"channel": rows[0]["channel"], **{key: _mean_known(rows, key) for key in rows[0] if key != "channel"}}
            for rows in zip(*runs, strict=True)
        ]
    }


def _mean_known(rows: Sequence[Mapping[str, Any]], key: str) -> float | None:
    """Mean of a value that all rows have; a channel without observed values has no errors."""
    values = [row.get(key) for row in rows]
    known = [value for value in values if value is not None]
    return summarize(known).mean if len(known) == len(values) else None


def _mean_cost(records: Sequence[RunRecord], name: str) -> float | int | None:
    values = [record.costs[name] for record in records if record.costs.get(name) is not None]
    if not values:
        return None
    mean = summarize(values).mean
    return int(mean) if all(isinstance(value, int) for value in values) and mean == int(mean) else mean
