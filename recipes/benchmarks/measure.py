"""What the benchmarks share: paired measurement, the machine's matrix peak, tables and JSON files.

Times of one machine drift: with its temperature, with its clock, with what else runs on it. So whatever is compared is
measured in turns, A B A B, in one process; a ratio is the median over the turns of the ratio within a turn; and a
sample during which the system took a core away is taken again. A table whose samples were disturbed at every try says
so.
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
except ImportError:  # Windows does not count what is asked of it here
    resource = None  # type: ignore[assignment]

# A sample of a short function is made of as many calls as fill this time.
_SAMPLE_SECONDS = 0.02
# Before each sample, so that the threads of the library measured before have stopped waiting busily for more to do.
_REST_SECONDS = 0.01
# Threads that wait for each other are switched now and then on an idle machine too.
_SWITCHES_PER_SECOND = 40
_TRIES = 4
# The name of the matrix product among what is measured in turns.
PEAK = "peak"


@dataclass
class Disturbance:
    """How often the system took a core away.

    Attributes:
        samples (`int`): samples that were taken.
        retaken (`int`): samples that were thrown away and taken again.
        kept (`int`): samples that were disturbed at each try; the quickest try stands for them.
    """

    samples: int = 0
    retaken: int = 0
    kept: int = 0

    def since(self, before: "Disturbance") -> str | None:
        """What to say of the samples taken since `before`; None if they were undisturbed."""
        samples, kept = self.samples - before.samples, self.kept - before.kept
        if not kept:
            return None
        return (
            f"disturbed: the system took a core away during {kept} of the {samples} samples of this table, at every "
            "try; measure again on an idle machine"
        )


DISTURBANCE = Disturbance()
# As it was when the last table was printed.
_reported = Disturbance()


def parse_options(
    description: str | None, argv: Sequence[str] | None, repeats: int, extend: Callable | None = None
) -> argparse.Namespace:
    """Reads the flags that all benchmarks take, and sets the number of threads.

    Args:
        description (`str`): the benchmark's docstring.
        argv (`Sequence[str]`, *optional*, defaults to those of the process): the flags.
        repeats (`int`): the benchmark's own number of turns.
        extend (`Callable`, *optional*): adds flags to the parser that it is given.
    """
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads(), help="threads of torch and its rivals")
    parser.add_argument("--repeats", type=int, default=repeats, help=f"turns of measurement; by default {repeats}")
    parser.add_argument("--output", type=Path, metavar="FILE", help="a JSON file to write the results to")
    parser.add_argument("--quick", action="store_true", help="tiny sizes, one turn: shows that it runs")
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
    """Measures functions in turns, after a warm-up.

    Args:
        subjects (`Mapping[str, Callable]`): the functions, by name.
        repeats (`int`): number of turns; three at most where one takes more than a second.

    Returns:
        `dict[str, list[float]]`: by name, the seconds of a call in each turn.
    """
    samplers, turn = {}, 0.0
    for name, subject in subjects.items():
        subject()
        once = _seconds(subject, 1)
        turn += once
        samplers[name] = partial(_seconds, subject, max(1, round(_SAMPLE_SECONDS / once)))
    # What takes seconds is disturbed less, and taking it again costs more.
    return paired_samples(samplers, min(repeats, 3), 2) if turn > 1 else paired_samples(samplers, repeats)


def paired_samples(
    samplers: Mapping[str, Callable[[], float]], repeats: int, tries: int = _TRIES
) -> dict[str, list[float]]:
    """As [`paired`], of functions that measure themselves and return seconds; they are not warmed up."""
    samples: dict[str, list[float]] = {name: [] for name in samplers}
    if repeats == 1:
        tries = 1  # a look, not a measurement
    for _ in range(repeats):
        for name, sampler in samplers.items():
            samples[name].append(_undisturbed(sampler, tries))
    return samples


def speed_up(samples: Mapping[str, Sequence[float]], name: str, base: str) -> float:
    """How many times as fast as `base` it is."""
    pairs = zip(samples[base], samples[name], strict=True)
    return statistics.median(slow / fast for slow, fast in pairs)


def milliseconds(samples: Sequence[float]) -> float:
    """The median."""
    return 1000 * statistics.median(samples)


def _seconds(subject: Callable[[], object], calls: int) -> float:
    if calls > 1:
        subject()  # brings back what the others have driven out of the caches
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
    DISTURBANCE.kept += 1
    return min(found)


def _involuntary_switches() -> int:
    return 0 if resource is None else resource.getrusage(resource.RUSAGE_SELF).ru_nivcsw


class MismatchError(RuntimeError):
    """Two things that should compute the same do not, so that their times must not be compared."""


def deviation(found: Tensor, expected: Tensor) -> float:
    """The largest difference, as a share of the largest value expected."""
    scale = float(expected.abs().max()) if expected.numel() else 0.0
    return float((found - expected).abs().max()) / max(scale, 1e-30) if found.numel() else 0.0


def check_equal(name: str, found: Tensor, expected: Tensor, tolerance: float) -> float:
    """The [`deviation`] of two results.

    Raises:
        MismatchError: where it is above the tolerance, or the shapes differ.
    """
    if found.shape != expected.shape:
        raise MismatchError(f"{name}: the shape is {tuple(found.shape)}, but should be {tuple(expected.shape)}")
    error = deviation(found.detach(), expected.detach())
    if not error <= tolerance:
        raise MismatchError(f"{name}: deviates by {error:.2g}, which is above {tolerance:.2g}")
    return error


@dataclass
class Peak:
    """The float32 matrix product at which this machine is the fastest.

    Attributes:
        flops (`float`): operations per second when it was searched for.
        size (`int`): rows and columns of the matrices.
        by (`str`): the library.
        run (`Callable`): the product itself, to be measured in turns with what is compared to it.
    """

    flops: float
    size: int
    by: str
    run: Callable[[], object]

    def share(self, samples: Mapping[str, Sequence[float]], name: str, flops: float) -> float | None:
        """The share of the peak that `name` reaches: the median over the turns of the share within a turn.

        Args:
            samples (`Mapping[str, Sequence[float]]`): by name, seconds by turn; those of [`run`] under [`PEAK`].
            name (`str`): what is compared.
            flops (`float`): its operations.

        Returns:
            `float`: or None where it is above 1, which is impossible: the machine was disturbed.
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
    """A share of the peak; where it is impossible, no figure."""
    return "disturbed" if share is None else f"{share:.0%}"


def describe_machine() -> dict[str, Any]:
    """The processor, its threads, the versions, and the engine that computes a recurrence."""
    return environment(torch.device("cpu"))


def machine_lines(machine: Mapping[str, Any], peak: Peak | None = None) -> list[str]:
    """The machine in words."""
    lines = [
        f"{machine['processor']}, {machine['num_threads']} threads; torch {machine['versions']['torch']}; "
        f"recurrence: {machine['recurrence']}"
    ]
    if peak is not None:
        lines.append(f"float32 peak: {peak.flops / 1e9:.0f} GFLOP/s ({peak.by}, size {peak.size})")
    return lines


def print_lines(*lines: str) -> None:
    """Prints notes beside the tables."""
    console = _console()
    for line in lines:
        console.print(line, markup=False, highlight=False)


def print_table(title: str, headings: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Prints a table whose first column is text and whose others are numbers, and whether its samples, which are those
    taken since the table before, were disturbed."""
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
    """Says how quiet the machine was, and writes the JSON file where one is wanted."""
    noise = vars(DISTURBANCE)
    print_lines(f"samples retaken because the system took a core away: {noise['retaken']}; in vain: {noise['kept']}")
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
