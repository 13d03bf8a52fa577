"""Latency of one example: all models are measured alternately in one process."""

import time
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from datasets import Dataset

from hfseq.comparison.baselines.saved import BaselinePredictor, is_baseline, load_baseline
from hfseq.data.labels.columns import Columns
from hfseq.inference.predictor import Predictor

WARM_UP_EXAMPLES = 5
MAX_EXAMPLES = 100
MIN_MEASUREMENTS = 20


def measure_latency(
    folders: Mapping[str, Path],
    rows: Dataset,
    columns: Columns,
    *,
    trust_remote_code: Mapping[str, bool] | None = None,
) -> dict[str, dict[str, float]]:
    """Measures the latency of one example on the CPU, including preprocessing, as in an application.

    The models take turns: each example is run through all models before the next one, so that other load on the
    machine affects all models equally.

    Args:
        folders (`Mapping[str, Path]`): folder of a saved model, by name.
        rows (`datasets.Dataset`): raw examples. The first 100 are measured; fewer than 20 are measured repeatedly.
        columns (`Columns`): the columns that the models read.
        trust_remote_code (`Mapping[str, bool]`, *optional*): for each name, whether the model may run its own code.

    Returns:
        `dict`: by name, `latency_p50_ms` and `latency_p95_ms`, in milliseconds.
    """
    trusted = trust_remote_code or {}
    predictors: dict[str, Predictor | BaselinePredictor] = {
        name: load_baseline(folder)
        if is_baseline(folder)
        else Predictor.load(str(folder), device="cpu", trust_remote_code=trusted.get(name, False))
        for name, folder in folders.items()
    }
    measured = rows.select(range(min(MAX_EXAMPLES, len(rows))))
    examples = [{name: [value] for name, value in row.items()} for row in measured]
    # A test split may be one long series; percentiles need more than one measurement.
    examples *= -(-MIN_MEASUREMENTS // max(len(examples), 1))
    seconds: dict[str, list[float]] = {name: [] for name in predictors}
    for turn, example in enumerate(examples[:WARM_UP_EXAMPLES] + examples):
        for name, predictor in predictors.items():
            start = time.perf_counter()
            predictor.predict_rows(example, columns)
            if turn >= WARM_UP_EXAMPLES:
                seconds[name].append(time.perf_counter() - start)
    return {
        name: {f"latency_p{q}_ms": float(np.percentile(values, q)) * 1000 for q in (50, 95)}
        for name, values in seconds.items()
        if values
    }
