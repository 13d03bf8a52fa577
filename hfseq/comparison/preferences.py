"""The costs that may decide among models that are good enough."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Preference:
    """A cost that decides among models that are good enough.

    Attributes:
        costs (`tuple[str, ...]`): keys of the cost; the first one that all models have counts.
        name (`str`): its name.
        least (`str`): what the model with the least cost is.
    """

    costs: tuple[str, ...]
    name: str
    least: str


PREFERENCES = {
    "size": Preference(("size_on_disk_bytes", "parameters"), "size on disk", "smallest"),
    "latency": Preference(("latency_p50_ms",), "time per example", "fastest"),
    "training": Preference(("train_seconds",), "training time", "fastest to train"),
    "memory": Preference(("inference_memory_bytes", "peak_memory_bytes"), "memory", "one with the least memory"),
    "energy": Preference(("energy_joules",), "energy of the training", "one with the least energy"),
}
