"""The work of the measuring process: it holds one saved model, and measures it."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import torch

from hfseq.comparison.baselines.saved import is_baseline, load_baseline
from hfseq.comparison.costs.examples import Examples
from hfseq.comparison.costs.flops import count_flops, input_lengths
from hfseq.inference.predictor import Predictor
from hfseq.plugins import load_plugins
from hfseq.training.costs import peak_memory_bytes

# A larger batch must be faster by this factor to be worth its memory.
_WORTH = 1.03
_MAX_BATCH = 4096
_MIN_REPEATS = 6


class Worker:
    """Measures one model on the CPU."""

    def __init__(self) -> None:
        self._predictor: Any = None
        self._single: list[dict[str, list]] = []

    def load(self, folder: str, trust_remote_code: bool, plugins: Sequence[str], examples: Examples) -> dict[str, Any]:
        """Loads a saved model or baseline.

        Args:
            folder (`str`): folder of the run.
            trust_remote_code (`bool`): whether the model may run its own code.
            plugins (`Sequence[str]`): modules of plug-ins that the comparison was given.
            examples (`Examples`): the examples.

        Returns:
            `dict`: `threads` (`int`): number of threads of torch.
        """
        load_plugins(plugins)
        if is_baseline(Path(folder)):
            self._predictor = load_baseline(Path(folder))
        else:
            self._predictor = Predictor.load(Path(folder), device="cpu", trust_remote_code=trust_remote_code)
        self._examples, self._single = examples, examples.single()
        return {"threads": torch.get_num_threads()}

    def warm_up(self, limit: float) -> float:
        """Predicts the examples one by one, for at most `limit` seconds. Returns the mean seconds per example."""
        self._predict(self._single[0])
        start = time.perf_counter()
        count = 0
        while time.perf_counter() - start < limit and count < len(self._single):
            self._predict(self._single[count])
            count += 1
        return (time.perf_counter() - start) / max(count, 1)

    def latencies(self, count: int) -> list[float]:
        """Seconds for each of the first `count` examples, preprocessing included."""
        seconds = []
        for example in self._single[:count]:
            start = time.perf_counter()
            self._predict(example)
            seconds.append(time.perf_counter() - start)
        return seconds

    def peak_memory(self) -> int:
        """Peak memory of this process so far, in bytes."""
        return peak_memory_bytes(torch.device("cpu"))

    def lengths(self) -> list[int]:
        """Length of each example as the model reads it: in tokens, or time steps. Empty for a baseline."""
        if not isinstance(self._predictor, Predictor):
            return []
        task, processor = self._predictor.task, self._predictor.processor
        rows = self._examples.rows[:]
        encoded = task.encode_rows(rows, self._examples.columns, processor, self._predictor.arguments)
        return input_lengths(encoded, processor)

    def throughput(self, limit: float) -> dict[str, Any]:
        """Predicts in batches of 1, 2, 4, ... examples until that is no longer faster.

        Args:
            limit (`float`): seconds that all batches together may take, about.

        Returns:
            `dict`: `batch_size` (`int`), the fastest; `rates` (`list[float]`), examples per second in each repeat of
            it; `by_batch_size` (`dict[str, float]`): the highest rate of each size.
        """
        stop = time.perf_counter() + limit
        highest: dict[int, float] = {}
        rates: dict[int, list[float]] = {}
        size, failures = 1, 0
        while failures < 2 and size <= _MAX_BATCH:
            before = psutil.virtual_memory().available
            rates[size] = self._rates(size, repeats=3)
            highest[size] = max(rates[size])
            failures = 0 if highest[size] >= _WORTH * max([0.0, *list(highest.values())[:-1]]) else failures + 1
            # The next size takes at least twice as long, and may need twice as much memory.
            used = before - psutil.virtual_memory().available
            if time.perf_counter() + 4 * size / highest[size] > stop or used > before / 4:
                break
            size *= 2
        best = max(highest, key=lambda size: highest[size])
        repeats = max(_MIN_REPEATS, min(30, int(limit / 2 * highest[best] / best)))
        found = rates[best] if best / highest[best] > limit else self._rates(best, repeats)
        by_size = {str(size): rate for size, rate in highest.items()}
        return {"batch_size": best, "rates": found, "by_batch_size": by_size}

    def _rates(self, size: int, repeats: int) -> list[float]:
        """Examples per second of some batches of `size` examples."""
        rows = self._examples.rows
        batch = rows.select(np.resize(np.arange(len(rows)), size))[:]
        rates = []
        for _ in range(repeats):
            start = time.perf_counter()
            self._predictor.predict_rows(batch, self._examples.columns, batch_size=size)
            rates.append(size / (time.perf_counter() - start))
        return rates

    def flops(self) -> dict[str, float]:
        """See [`count_flops`]. Empty for a baseline."""
        if not isinstance(self._predictor, Predictor):
            return {}
        return count_flops(self._predictor, self._examples)

    def _predict(self, example: dict[str, list]) -> None:
        self._predictor.predict_rows(example, self._examples.columns)
