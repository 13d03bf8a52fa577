"""How long one example takes: the models side by side, in turns, in one process."""

import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from hfseq.training.predictor import Predictor

WARM_UP = 5
EXAMPLES = 100


def measure_latency(
    folders: Mapping[str, Path],
    texts: Sequence[str],
    text_pairs: Sequence[str] | None = None,
    *,
    trust_remote_code: Mapping[str, bool] | None = None,
) -> dict[str, dict[str, float]]:
    """Single-example latency on the CPU, tokenisation included, as an application pays it.

    The models take turns example by example, so that whatever else the machine is doing meets all of them alike.

    Args:
        folders (`Mapping[str, Path]`): a saved model by name.
        texts (`Sequence[str]`): real examples; the first 100 are measured.
        text_pairs (`Sequence[str]`, *optional*): their second texts.
        trust_remote_code (`Mapping[str, bool]`, *optional*): which models may run code of their own.

    Returns:
        `dict`: by name, `latency_p50_ms` and `latency_p95_ms`.
    """
    trusted = trust_remote_code or {}
    predictors = {
        name: Predictor.load(str(folder), device="cpu", trust_remote_code=trusted.get(name, False))
        for name, folder in folders.items()
    }
    examples = [
        ([text], None if text_pairs is None else [text_pairs[row]]) for row, text in enumerate(texts[:EXAMPLES])
    ]
    seconds: dict[str, list[float]] = {name: [] for name in predictors}
    for turn, (text, pair) in enumerate(examples[:WARM_UP] + examples):
        for name, predictor in predictors.items():
            start = time.perf_counter()
            predictor.predict(text, pair)
            if turn >= WARM_UP:
                seconds[name].append(time.perf_counter() - start)
    return {
        name: {f"latency_p{q}_ms": float(np.percentile(values, q)) * 1000 for q in (50, 95)}
        for name, values in seconds.items()
        if values
    }
