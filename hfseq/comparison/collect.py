"""Combines run records into one comparison."""

from collections.abc import Mapping, Sequence
from typing import Any

from hfseq.comparison.budgets.learning_curves import learning_curves
from hfseq.comparison.checks import run_checks
from hfseq.comparison.entries import BASELINE, OF_TRAINING, model_entry, unavailable_entry
from hfseq.comparison.protocol import protocol_of
from hfseq.comparison.ranking_metric import ranking_metric, recorded_directions
from hfseq.comparison.run_result import RunResult
from hfseq.comparison.samples import SplitSamples, load_samples, pair_records, selection_samples
from hfseq.comparison.verdict import Candidate, decide
from hfseq.metrics.direction import metric_direction

FORMAT_VERSION = 2


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
        protocol (`Mapping[str, Any]`, *optional*): rules of the comparison, such as `margin` and `prefer` (see
            [`decide`]), and the command that repeats it.

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
              `throughput_by_batch_size`.
            - `runs` (`list`): `seed`, `folder`, `status`, `error`, `variant` (`dict`: for example `fold`).
            - `channels` (`list`, of forecasts): errors of each channel in the units of the data (`mae`, `rmse`) and of
              the standardised data (`mae_standardized`, `mse_standardized`). Each is the mean over the seeds.
            - `truncated_share` (`dict`): by split, the share of examples that this model truncates.
            - `model` (`dict`): architecture and sizes. `config` (`dict`): the settings.
            - `tuning` (`dict`, with `tune`): `trials`, `failed`, `trial` (the best one; 0 has the default settings),
              `chosen` (its values in the search space), `settings`, `values` (validation metric of each trial).
        - `pairs` (`list`): the difference between every two models for the primary metric, see [`pair_records`].
        - `recommendation` (`dict`): `model` (null if none beats the best baseline), `decided` (whether the data
          suffice), `provisional`, `sentence`, `split`, `metric`, `margin`, `prefer`, `best`, `baseline` (the best
          baseline on this split, or null), `candidates` (models that may be the best one), `needs` (`examples` and
          `seeds` that would decide, or null). Null without a model.
        - `checks` (`list`): what the checks found, see [`run_checks`].
        - `protocol` (`dict`): what is needed to repeat the comparison, see [`protocol_of`], and its rules: `margin`,
          `prefer`, `tune`, `match`, `folds`, `repeat_splits`, `train_sizes`, and `rules` (`list[str]`), which says in
          words how the models got the same budget.
        - `learning_curves` (`dict`, with `train_sizes`), see [`learning_curves`].
        - `notes` (`list[str]`), `environment` (`dict`).
    """
    finished = [result for result in results if result.finished]
    first = min(finished, key=lambda result: result.is_baseline).record if finished else None
    data = dict(first.data) if first else {}
    directions = recorded_directions(finished)
    metric, metric_notes = ranking_metric(finished, data, directions)
    if metric not in directions:
        directions[metric] = metric_direction(metric) == "max"
    by_model = _by_model(results)
    samples = load_samples(by_model)
    comparison: dict[str, Any] = {
        "format_version": FORMAT_VERSION,
        "data": data,
        "primary_metric": metric,
        "greater_is_better": directions[metric],
        "directions": directions,
        "seeds": sorted({result.seed for result in results}),
        "models": {
            name: model_entry(runs, {split: found.get(name, {}) for split, found in samples.items()})
            for name, runs in by_model.items()
        }
        | {name: unavailable_entry(reason) for name, reason in (unavailable or {}).items()},
        "notes": list(dict.fromkeys([*notes, *_model_notes(finished, notes), *metric_notes])),
        "environment": first.environment if first else {},
        "protocol": {**protocol_of(results), **(protocol or {})},
    }
    comparison["recommendation"] = _recommend(comparison, samples)
    comparison["pairs"] = _pairs(comparison, samples)
    _check(comparison, results)
    curves = learning_curves(results, metric, comparison["greater_is_better"])
    if curves is not None:
        comparison["learning_curves"] = curves
    return comparison


def refresh(comparison: dict[str, Any], results: Sequence[RunResult]) -> None:
    """Updates the recommendation and the checks of a comparison whose costs have changed.

    Args:
        comparison (`dict`): the result of [`collect`].
        results (`Sequence[RunResult]`): the runs, as given to [`collect`].
    """
    comparison["recommendation"] = _recommend(comparison, load_samples(_by_model(results)))
    _check(comparison, results)


def _check(comparison: dict[str, Any], results: Sequence[RunResult]) -> None:
    comparison["checks"], replaced = run_checks(comparison, results)
    # A note about single models begins with their names.
    comparison["notes"] = [
        note
        for note in comparison["notes"]
        if not any(note == other or note.endswith(f": {other}") for other in replaced)
    ]


def _by_model(results: Sequence[RunResult]) -> dict[str, list[RunResult]]:
    by_model: dict[str, list[RunResult]] = {}
    for result in results:
        by_model.setdefault(result.name, []).append(result)
    return by_model


def _model_notes(finished: Sequence[RunResult], known: Sequence[str]) -> list[str]:
    """Notes about single models, such as settings that have no effect: the names, then the note."""
    names: dict[str, list[str]] = {}
    for result in finished:
        assert result.record is not None  # true of every finished run
        for note in result.record.data.get("notes", []):
            if note not in known and not result.is_baseline:
                names.setdefault(note, []).append(result.name)
    return [f"{', '.join(dict.fromkeys(found))}: {note}" for note, found in names.items()]


def _recommend(comparison: Mapping[str, Any], samples: SplitSamples) -> dict[str, Any] | None:
    metric, models = comparison["primary_metric"], comparison["models"]
    split, chosen = selection_samples(samples, metric)
    candidates = {
        name: Candidate(
            sample,
            _ranked_costs(comparison, name),
            models[name]["kind"] == BASELINE,
            samples["test"][name].get(metric),
        )
        for name, sample in chosen.items()
    }
    rules = {key: value for key, value in comparison["protocol"].items() if key in ("margin", "prefer")}
    asked = sum(model["kind"] != BASELINE for model in models.values())
    return decide(candidates, metric, comparison["greater_is_better"], split=split, asked=asked, **rules)


def _ranked_costs(comparison: Mapping[str, Any], name: str) -> dict[str, Any]:
    """The costs of a model that may be compared with those of the others."""
    costs = comparison["models"][name]["costs"]
    if comparison["protocol"]["training_times_comparable"]:
        return costs
    return {key: value for key, value in costs.items() if key not in OF_TRAINING}


def _pairs(comparison: Mapping[str, Any], samples: SplitSamples) -> list[dict[str, Any]]:
    """The differences between every two models and the best baseline of the verdict, on both splits."""
    metric, baseline = comparison["primary_metric"], (comparison["recommendation"] or {}).get("baseline")
    pairs = []
    for split, found in samples.items():
        shown = {
            name: by_metric[metric]
            for name, by_metric in found.items()
            if metric in by_metric and (comparison["models"][name]["kind"] != BASELINE or name == baseline)
        }
        pairs += pair_records(shown, metric, split)
    return pairs
