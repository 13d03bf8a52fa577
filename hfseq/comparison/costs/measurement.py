"""What is measured, in which order, and how often."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from hfseq.comparison.costs.examples import Examples, length_bins
from hfseq.comparison.costs.intervals import is_steady, quantile_interval
from hfseq.comparison.costs.process import MeasuringProcess, measuring_server
from hfseq.errors import HfseqError

_PERCENTILES = (50, 95, 99)
# Memory of a measuring process without its model, about.
_PROCESS_BYTES = 700_000_000


@dataclass(frozen=True)
class Limits:
    """How long a measurement takes. A model that takes seconds for an example takes longer.

    Attributes:
        warm_up (`float`): seconds of predictions before the first measurement of a model.
        one_round (`float`): seconds of one round of the slowest model. It decides how many examples are measured.
        latency (`float`): seconds of all rounds of one model.
        throughput (`float`): seconds of all batches of one model.
        min_rounds (`int`): number of rounds without which there is no interval.
        min_examples (`int`): number of examples that are measured at least.
        tolerance (`float`): rounds are repeated until the 95 % interval of the median is within this share of it.
    """

    warm_up: float = 0.5
    one_round: float = 0.5
    latency: float = 2.5
    throughput: float = 1.0
    min_rounds: int = 6
    min_examples: int = 10
    tolerance: float = 0.05


LIMITS = Limits()


@dataclass(frozen=True)
class Target:
    """A saved model or baseline that is measured.

    Attributes:
        name (`str`): name of the model.
        folder (`Path`): folder of its run.
        trust_remote_code (`bool`): whether the model may run its own code.
        size (`int`): size on disk in bytes.
        plugins (`tuple[str, ...]`): modules of plug-ins that the comparison was given.
    """

    name: str
    folder: Path
    trust_remote_code: bool = False
    size: int = 0
    plugins: tuple[str, ...] = ()


@dataclass
class Measurement:
    """The measured costs of a model.

    Attributes:
        costs (`dict`): costs by key.
        intervals (`dict[str, list[float]]`): 95 % intervals by key.
        details (`dict`): `threads`; `examples`, the number of examples of a round; `round_medians_ms`;
            `throughput_by_batch_size`.
        failures (`list[str]`): what could not be measured, and why.
    """

    costs: dict[str, Any] = field(default_factory=dict)
    intervals: dict[str, list[float]] = field(default_factory=dict)
    details: dict[str, Any] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)


def measure(targets: Sequence[Target], examples: Examples, limits: Limits | None = None) -> dict[str, Measurement]:
    """Measures models, each in a fresh process on the CPU of this machine.

    First the latency: the models take turns in rounds over the same examples, so that other load on the machine
    affects all of them, until the median of each is steady. Only one process works at a time. Then, model by model:
    throughput and operations.

    Args:
        targets (`Sequence[Target]`): the models.
        examples (`Examples`): the examples.
        limits (`Limits`, *optional*): how long it takes.

    Returns:
        `dict[str, Measurement]`: by name. What fails is listed in `failures`, and does not stop the rest.
    """
    limits = limits or LIMITS
    found: dict[str, Measurement] = {}
    for group in _groups(targets, psutil.virtual_memory().available / 2):
        with _processes(group) as processes:
            found |= _measure_group(group, processes, examples, limits)
    return found


def _groups(targets: Sequence[Target], memory: float) -> Iterator[list[Target]]:
    """Parts of the models that fit into the memory together."""
    group: list[Target] = []
    used = 0.0
    for target in targets:
        need = _PROCESS_BYTES + 3 * target.size
        if group and used + need > memory:
            yield group
            group, used = [], 0.0
        group.append(target)
        used += need
    if group:
        yield group


@contextmanager
def _processes(targets: Sequence[Target]) -> Iterator[dict[str, MeasuringProcess]]:
    with ExitStack() as stack:
        started = {}
        server = stack.enter_context(measuring_server())
        for target in targets:
            started[target.name] = MeasuringProcess(server)
            stack.callback(started[target.name].close)
        yield started


def _measure_group(
    targets: Sequence[Target], processes: dict[str, MeasuringProcess], examples: Examples, limits: Limits
) -> dict[str, Measurement]:
    found = {target.name: Measurement() for target in targets}
    for target in targets:
        processes[target.name].send(
            "load",
            folder=str(target.folder),
            trust_remote_code=target.trust_remote_code,
            plugins=target.plugins,
            examples=examples,
        )
    for name, process in processes.items():  # the processes start at the same time
        with _failures(found[name], "the costs"):
            found[name].details |= process.receive()
    working = {name: process for name, process in processes.items() if not found[name].failures}
    rounds = _measure_rounds({name: (process, found[name]) for name, process in working.items()}, examples, limits)
    for name, seconds in rounds.items():
        process, measurement = processes[name], found[name]
        with _failures(measurement, "the peak memory"):  # before the larger batches of the throughput
            measurement.costs["inference_memory_bytes"] = process.ask("peak_memory")
        _add_latency(measurement, seconds)
        _add_latency_by_length(measurement, process, seconds)
        _add_throughput(measurement, process, limits)
        with _failures(measurement, "the number of operations"):
            measurement.costs |= process.ask("flops")
    return found


@contextmanager
def _failures(measurement: Measurement, subject: str) -> Iterator[None]:
    """Notes an error of a measuring process."""
    try:
        yield
    except HfseqError as error:
        measurement.failures.append(f"{subject} could not be measured: {error}")


def _measure_rounds(
    models: dict[str, tuple[MeasuringProcess, Measurement]], examples: Examples, limits: Limits
) -> dict[str, np.ndarray]:
    """Seconds of each example in each round, `(rounds, examples)`, of each model that does not fail."""
    seconds_per_example = {}
    for name, (process, measurement) in models.items():
        with _failures(measurement, "the latency"):
            seconds_per_example[name] = process.ask("warm_up", limit=limits.warm_up)
    affordable = int(limits.one_round / max(seconds_per_example.values(), default=1.0))
    count = min(len(examples.rows), max(affordable, limits.min_examples))
    rounds: dict[str, list[list[float]]] = {name: [] for name in seconds_per_example}
    waiting = list(rounds)
    while waiting:
        for name in waiting:
            process, measurement = models[name]
            with _failures(measurement, "the latency"):
                rounds[name].append(process.ask("latencies", count=count))
            if measurement.failures:
                rounds.pop(name)
        waiting = [name for name in waiting if name in rounds and not _is_measured(rounds[name], limits)]
    return {name: np.asarray(measured) for name, measured in rounds.items()}


def _is_measured(rounds: Sequence[Sequence[float]], limits: Limits) -> bool:
    spent = sum(map(sum, rounds))
    if len(rounds) < limits.min_rounds:
        # A slow model would take minutes: it gets fewer rounds, and no interval.
        return spent > 4 * limits.latency
    medians = [float(np.median(one)) for one in rounds]
    return spent > limits.latency or is_steady(medians, limits.tolerance)


def _add_latency(measurement: Measurement, seconds: np.ndarray) -> None:
    """
    Args:
        measurement (`Measurement`): gets the costs.
        seconds (`np.ndarray` of shape `(rounds, examples)`): time of each example in each round.
    """
    values = 1000 * seconds
    medians = np.median(values, axis=1)
    measurement.details["examples"] = values.shape[1]
    measurement.details["round_medians_ms"] = medians.tolist()
    for percentile in _PERCENTILES:
        key = f"latency_p{percentile}_ms"
        # The median of a round is not disturbed by a moment in which the machine was busy; the tail is what counts in
        # the other percentiles.
        sample = medians if percentile == 50 else values.ravel()
        share = 0.5 if percentile == 50 else percentile / 100
        measurement.costs[key] = float(np.quantile(sample, share))
        if (interval := quantile_interval(sample.tolist(), share)) is not None:
            measurement.intervals[key] = interval


def _add_latency_by_length(measurement: Measurement, process: MeasuringProcess, seconds: np.ndarray) -> None:
    medians = 1000 * np.median(seconds, axis=0)
    with _failures(measurement, "the latency by length"):
        lengths = process.ask("lengths")[: len(medians)]
        if bins := length_bins(lengths):
            measurement.costs["latency_by_length"] = [
                {"length": float(np.median([lengths[row] for row in rows])), "p50_ms": float(np.median(medians[rows]))}
                for rows in bins
            ]


def _add_throughput(measurement: Measurement, process: MeasuringProcess, limits: Limits) -> None:
    with _failures(measurement, "the throughput"):
        reply = process.ask("throughput", limit=limits.throughput)
        measurement.costs["throughput_examples_per_second"] = float(np.median(reply["rates"]))
        measurement.costs["throughput_batch_size"] = reply["batch_size"]
        measurement.details["throughput_by_batch_size"] = reply["by_batch_size"]
        if (interval := quantile_interval(reply["rates"], 0.5)) is not None:
            measurement.intervals["throughput_examples_per_second"] = interval
