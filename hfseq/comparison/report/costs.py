"""The costs that tables show: headings, meanings, formats."""

from collections.abc import Callable
from dataclasses import dataclass

from hfseq.formatting import count, figure, seconds, size


@dataclass(frozen=True)
class Cost:
    """How a cost is shown.

    Attributes:
        heading (`str`), meaning (`str`): words for the table and its legend.
        show (`Callable[[float], str]`): formats a number.
        rank (`int`): on a narrow terminal, columns with the highest rank are hidden first.
        unit (`str`, *optional*): written behind the number.
        greater_is_better (`bool`, *optional*, defaults to `False`): the direction.
    """

    heading: str
    meaning: str
    show: Callable[[float], str]
    rank: int
    unit: str = ""
    greater_is_better: bool = False


def _joules(value: float) -> str:
    for limit, unit in ((1e6, "MJ"), (1e3, "kJ")):
        if value >= limit:
            return f"{value / limit:.3g} {unit}"
    return f"{value:.3g} J"


COSTS = {
    "parameters": Cost("parameters", "number of parameters", count, 2),
    "parameters_without_embeddings": Cost(
        "without embeddings", "number of parameters without embedding tables", count, 6
    ),
    "size_on_disk_bytes": Cost("on disk", "size of the saved model", size, 0),
    "latency_p50_ms": Cost("latency p50", "median time per example on the CPU, with preprocessing", figure, 0, " ms"),
    "latency_p95_ms": Cost("latency p95", "95th percentile of the time per example on the CPU", figure, 5, " ms"),
    "latency_p99_ms": Cost("latency p99", "99th percentile of the time per example on the CPU", figure, 9, " ms"),
    "throughput_examples_per_second": Cost(
        "examples/s", "examples per second on the CPU at the best batch size", figure, 3, greater_is_better=True
    ),
    "inference_memory_bytes": Cost("memory", "peak memory of the process of predictions", size, 4),
    "flops_per_token_forward": Cost("FLOPs/token", "operations per token (or time step) of a prediction", count, 7),
    "train_seconds": Cost("training", "time of the training steps", seconds, 0),
    "tokens_per_second": Cost(
        "tokens/s", "training speed in tokens (or time steps) per second", figure, 6, greater_is_better=True
    ),
    "peak_memory_bytes": Cost("training memory", "peak memory of the training process", size, 4),
    "flops_per_token_training": Cost(
        "training FLOPs/token", "operations per token (or time step) of the training", count, 8
    ),
    "energy_joules": Cost("energy", "energy of the training", _joules, 3),
    "price": Cost("price", "price of the training, at --price_per_hour", figure, 1),
    "price_per_million_predictions": Cost("price/million", "price of a million predictions", figure, 4),
}
