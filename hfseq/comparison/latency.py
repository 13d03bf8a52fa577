"""How long one example takes: the models side by side, in turns, in one process."""

import time
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from datasets import Dataset

from hfseq.data.labels.columns import Columns
from hfseq.inference.predictor import Predictor

WARM_UP = 5
EXAMPLES = 100
FEWEST = 20


def measure_latency(
    folders: Mapping[str, Path],
    rows: Dataset,
    columns: Columns,
    *,
    trust_remote_code: Mapping[str, bool] | None = None,
) -> dict[str, dict[str, float]]:
    """Single-example latency on the CPU, the making of the inputs included, as an application pays it.

    The models take turns example by example, so that whatever else the machine is doing meets all of them alike.

    Args:
        folders (`Mapping[str, Path]`): a saved model by name.
        rows (`datasets.Dataset`): raw examples; the first 100 are measured, again where they are fewer than 20.
        columns (`Columns`): which column is read.
        trust_remote_code (`Mapping[str, bool]`, *optional*): which models may run code of their own.

    Returns:
        `dict`: by name, `latency_p50_ms` and `latency_p95_ms`.
    """
    trusted = trust_remote_code or {}
    predictors = {
        name: Predictor.load(str(folder), device="cpu", trust_remote_code=trusted.get(name, False))
        for name, folder in folders.items()
    }
    few = rows.select(range(min(EXAMPLES, len(rows))))
    examples = [{name: [value] for name, value in row.items()} for row in few]
    # A test split may be one long series; one measurement is none.
    examples *= -(-FEWEST // max(len(examples), 1))
    seconds: dict[str, list[float]] = {name: [] for name in predictors}
    for turn, example in enumerate(examples[:WARM_UP] + examples):
        for name, predictor in predictors.items():
            start = time.perf_counter()
            predictor.predict_rows(example, columns)
            if turn >= WARM_UP:
                seconds[name].append(time.perf_counter() - start)
    return {
        name: {f"latency_p{q}_ms": float(np.percentile(values, q)) * 1000 for q in (50, 95)}
        for name, values in seconds.items()
        if values
    }
