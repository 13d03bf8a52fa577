"""Functions of all benchmarks: paired measurement, the matrix peak of the machine, tables and JSON files.

Times on one machine change with its temperature, its clock, and other processes. Therefore the compared functions are
measured alternately, A B A B, in one process. A ratio is the median over the rounds of the ratio within a round. A
sample during which the system took a core away is measured again. If this happens at each try, the table has a note.
"""

import argparse
import dataclasses
import json
import statistics
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from rich import box
from rich.console import Console
from rich.table import Table
from torch import Tensor

from hfseq.training.costs import environment

try:
    import resource
except ImportError:  # Windows does not have these counters
    resource = None  # type: ignore[assignment]

# A sample of a short function consists of as many calls as fit into this time.
_SAMPLE_SECONDS = 0.02
# Pause before each sample, so that the threads of the previous library have stopped waiting actively.
_REST_SECONDS = 0.01
# Threads that wait for each other are sometimes interrupted even on an idle machine.
_SWITCHES_PER_SECOND = 40
_TRIES = 4
# Name of the matrix product among the measured functions.
PEAK = "peak"


@dataclass
class Disturbance:
    """Counts samples during which the system took a core away.

    Attributes:
        samples (`int`): number of samples.
        retaken (`int`): number of samples that were measured again.
        disturbed (`int`): number of samples that were disturbed at each try. The fastest try is used.
    """

    samples: int = 0
    retaken: int = 0
    disturbed: int = 0

    def since(self, before: "Disturbance") -> str | None:
        """A note about the samples since `before`; `None` if they were not disturbed."""
        samples, disturbed = self.samples - before.samples, self.disturbed - before.disturbed
        if not disturbed:
            return None
        return (
            f"disturbed: the system took a core away during {disturbed} of the {samples} samples of this table, at "
            "every try; measure again on an idle machine"
        )


DISTURBANCE = Disturbance()
# Counts when the last table was printed.
_reported = Disturbance()


def parse_options(
    description: str | None, argv: Sequence[str] | None, repeats: int, extend: Callable | None = None
) -> argparse.Namespace:
    """Parses the flags of all benchmarks, and sets the number of threads.

    Args:
        description (`str`): docstring of the benchmark.
        argv (`Sequence[str]`, *optional*, defaults to those of the process): the flags.
        repeats (`int`): default number of rounds.
        extend (`Callable`, *optional*): function that adds flags to the parser.
    """
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--threads", type=int, default=torch.get_num_threads(), help="threads of torch and of the other runtimes"
    )
    parser.add_argument("--repeats", type=int, default=repeats, help=f"turns of measurement; by default {repeats}")
    parser.add_argument("--output", type=Path, metavar="FILE", help="a JSON file to write the results to")
    parser.add_argument("--quick", action="store_true", help="tiny sizes and one round, to check that the script runs")
    if extend is not None:
        extend(parser)
    options = parser.parse_args(argv)
    if options.threads < 1 or options.repeats < 1:
        parser.error("--threads and --repeats must be at least 1")
    if options.quick:
        options.repeats = 1
    torch.set_num_threads(options.threads)
    return options


def paired(subjects: Mapping[str, Callable[[], object]], repeats: int) -> dict[str, list[float]]:
    """Measures functions alternately, after a warm-up.

    Args:
        subjects (`Mapping[str, Callable]`): the functions, by name.
        repeats (`int`): number of rounds; at most three if a round takes more than a second.

    Returns:
        `dict[str, list[float]]`: seconds per call in each round, by name.
    """
    samplers, turn = {}, 0.0
    for name, subject in subjects.items():
        subject()
        once = _seconds(subject, 1)
        turn += once
        samplers[name] = partial(_seconds, subject, max(1, round(_SAMPLE_SECONDS / once)))
    # Long functions are disturbed less, and measuring them again takes longer.
    return paired_samples(samplers, min(repeats, 3), 2) if turn > 1 else paired_samples(samplers, repeats)


def paired_samples(
    samplers: Mapping[str, Callable[[], float]], repeats: int, tries: int = _TRIES
) -> dict[str, list[float]]:
    """Like [`paired`], for functions that measure themselves and return seconds. There is no warm-up."""
    samples: dict[str, list[float]] = {name: [] for name in samplers}
    if repeats == 1:
        tries = 1  # a check, not a measurement
    for _ in range(repeats):
        for name, sampler in samplers.items():
            samples[name].append(_undisturbed(sampler, tries))
    return samples


def speed_up(samples: Mapping[str, Sequence[float]], name: str, base: str) -> float:
    """How many times faster than `base` it is."""
    pairs = zip(samples[base], samples[name], strict=True)
    return statistics.median(slow / fast for slow, fast in pairs)


def milliseconds(samples: Sequence[float]) -> float:
    """The median."""
    return 1000 * statistics.median(samples)


def _seconds(subject: Callable[[], object], calls: int) -> float:
    if calls > 1:
        subject()  # loads the data into the caches again
    begin = time.perf_counter()
    for _ in range(calls):
        subject()
    return (time.perf_counter() - begin) / calls


def _undisturbed(sampler: Callable[[], float], tries: int) -> float:
    found = []
    DISTURBANCE.samples += 1
    for _ in range(tries):
        time.sleep(_REST_SECONDS)
        switches, begin = _involuntary_switches(), time.perf_counter()
        found.append(sampler())
        elapsed = time.perf_counter() - begin
        if _involuntary_switches() - switches <= 1 + _SWITCHES_PER_SECOND * elapsed:
            return found[-1]
        DISTURBANCE.retaken += 1
    DISTURBANCE.retaken -= 1
    DISTURBANCE.disturbed += 1
    return min(found)


def _involuntary_switches() -> int:
    return 0 if resource is None else resource.getrusage(resource.RUSAGE_SELF).ru_nivcsw


class MismatchError(RuntimeError):
    """Two functions have different results, so their times cannot be compared."""


def deviation(found: Tensor, expected: Tensor) -> float:
    """The largest difference, relative to the largest expected value."""
    scale = float(expected.abs().max()) if expected.numel() else 0.0
    return float((found - expected).abs().max()) / max(scale, 1e-30) if found.numel() else 0.0


def check_equal(name: str, found: Tensor, expected: Tensor, tolerance: float) -> float:
    """The [`deviation`] of two results.

    Raises:
        MismatchError: it is above the tolerance, or the shapes differ.
    """
    if found.shape != expected.shape:
        raise MismatchError(f"{name}: the shape is {tuple(found.shape)}, but should be {tuple(expected.shape)}")
    error = deviation(found.detach(), expected.detach())
    if not error <= tolerance:
        raise MismatchError(f"{name}: deviates by {error:.2g}, which is above {tolerance:.2g}")
    return error


@dataclass
class Peak:
    """The float32 matrix product with the highest speed on this machine.

    Attributes:
        flops (`float`): operations per second when it was chosen.
        size (`int`): rows and columns of the matrices.
        by (`str`): name of the library.
        run (`Callable`): the product, to be measured alternately with the compared functions.
    """

    flops: float
    size: int
    by: str
    run: Callable[[], object]

    def share(self, samples: Mapping[str, Sequence[float]], name: str, flops: float) -> float | None:
        """Share of the peak that `name` reaches: the median over the rounds of the share within a round.

        Args:
            samples (`Mapping[str, Sequence[float]]`): seconds per round by name; those of [`run`] are under [`PEAK`].
            name (`str`): name of the compared function.
            flops (`float`): number of its operations.

        Returns:
            `float`: or `None` if it is above 1, which is impossible unless the machine was disturbed.
        """
        pairs = zip(samples[PEAK], samples[name], strict=True)
        share = statistics.median(flops / seconds * peak / (2 * self.size**3) for peak, seconds in pairs)
        return share if share <= 1 else None


def matrix_peak(quick: bool) -> Peak:
    """The fastest float32 matrix product of this machine."""
    found = []
    for size in (64,) if quick else (512, 1024, 1536, 2048):
        left, right = torch.randn(size, size), torch.randn(size, size)
        ways: dict[str, Callable[[], Tensor]] = {"torch.mm": partial(torch.mm, left, right)}
        if torch.backends.mkldnn.is_available() and hasattr(torch.ops.mkldnn, "_linear_pointwise"):
            ways["oneDNN"] = partial(torch.ops.mkldnn._linear_pointwise, left, right, None, "none", [], "")
        for name, seconds in paired(ways, repeats=1 if quick else 7).items():
            found.append(Peak(2 * size**3 / statistics.median(seconds), size, name, ways[name]))
    return max(found, key=lambda peak: peak.flops)


def percent(share: float | None) -> str:
    """A share of the peak in percent, or "disturbed"."""
    return "disturbed" if share is None else f"{share:.0%}"


def describe_machine() -> dict[str, Any]:
    """The processor, its threads, library versions, and the engine of recurrent layers."""
    return environment(torch.device("cpu"))


def machine_lines(machine: Mapping[str, Any], peak: Peak | None = None) -> list[str]:
    """A description of the machine, as lines of text."""
    lines = [
        f"{machine['processor']}, {machine['num_threads']} threads; torch {machine['versions']['torch']}; "
        f"recurrence: {machine['recurrence']}"
    ]
    if peak is not None:
        lines.append(f"float32 peak: {peak.flops / 1e9:.0f} GFLOP/s ({peak.by}, size {peak.size})")
    return lines


def print_lines(*lines: str) -> None:
    """Prints notes."""
    console = _console()
    for line in lines:
        console.print(line, markup=False, highlight=False)


def print_table(title: str, headings: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Prints a table with text in the first column and numbers in the others, and a note if samples since the previous
    table were disturbed."""
    global _reported
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold")
    for number, heading in enumerate(headings):
        table.add_column(heading, justify="left" if number == 0 else "right", no_wrap=number == 0)
    for row in rows:
        table.add_row(*row)
    console = _console()
    console.print(f"\n{title}", style="bold", markup=False, highlight=False)
    console.print(table)
    disturbed = DISTURBANCE.since(_reported)
    if disturbed is not None:
        console.print(disturbed, style="bold red", markup=False, highlight=False)
    _reported = dataclasses.replace(DISTURBANCE)


def finish(options: argparse.Namespace, benchmark: str, machine: Mapping[str, Any], **results: Any) -> None:
    """Prints how often samples were disturbed, and writes the JSON file if requested."""
    noise = vars(DISTURBANCE)
    print_lines(f"disturbed samples: {noise['retaken']} measured again, {noise['disturbed']} disturbed at each try")
    if options.output is None:
        return
    settings = {"threads": options.threads, "repeats": options.repeats, "quick": options.quick}
    content = {
        "benchmark": benchmark, "settings": settings, "machine": machine, "disturbance": noise, **results,
    }  # fmt: skip
    options.output.parent.mkdir(parents=True, exist_ok=True)
    options.output.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def _console() -> Console:
    console = Console(file=sys.stdout)
    return console if console.is_terminal else Console(file=sys.stdout, width=140)
