"""Measures the speed of a recurrent layer, compared with the modules of torch and with other runtimes.

There are four tables, for one bidirectional layer with 256 units and inputs of size 300, in float32:

- training: forward pass and all gradients, for ragged batches of "sentences" (19 tokens on average) and "documents"
  (about 230 tokens on average); also for two layers, and for a dense batch with one direction;
- inference with the same batches;
- minGRU and minLSTM compared with the compiled GRU and LSTM;
- inference compared with onnxruntime and Keras on JAX, if they are installed (onnxruntime is in the extra
  `benchmarks`).

`packed` is the module of torch with a PackedSequence. The other columns are ratios to it: 2.0 is twice as fast.
`padded` is the same module with the padded batch: it reads padding, so its backward direction is wrong for ragged
batches. `torch` and `kernel` are the two engines of hfseq. The peak is that of a matrix product, which is measured
alternately with them. Only products of real tokens are counted. All results in a row were compared and are equal,
those of `padded` only for dense batches.

    python recipes/benchmarks/recurrence.py --output recurrence.json

takes about four minutes on two cores, mostly in the packed modules of torch.
"""

import argparse
from collections.abc import Mapping, Sequence
from typing import Any

import measure
from problems import MIN_CELLS, MODULES, Problem, Run, runs
from runtimes import measure_runtimes, print_runtimes
from workloads import draw_lengths

# Largest deviation from the packed module, relative to the largest value. Sums have thousands of tokens in float32.
TOLERANCE = 1e-4
COMPARED_WITH = {"mingru": "gru", "minlstm": "lstm"}


def main(argv: Sequence[str] | None = None) -> None:
    """Runs the benchmark, prints the tables, and writes the JSON file."""
    options = measure.parse_options(__doc__, argv, repeats=5)
    machine, peak = measure.describe_machine(), measure.matrix_peak(options.quick)
    measure.print_lines(*measure.machine_lines(machine, peak))
    sizes = (6, 8) if options.quick else (300, 256)
    rows = []
    for training in (True, False):
        part = [measure_case(case, training, sizes, peak, options) for case in cases(options.quick)]
        print_engines(part)
        rows += part
    min_cells = [
        measure_min_cell(cell, training, sizes, peak, options) for training in (True, False) for cell in MIN_CELLS
    ]
    print_min_cells(min_cells)
    runtimes, notes = measure_runtimes(*sizes, options)
    print_runtimes(runtimes, notes)
    measure.finish(
        options,
        "recurrence",
        machine,
        peak=_described_peak(peak),
        engines=rows,
        min_cells=min_cells,
        runtimes=runtimes,
        notes=notes,
    )


def cases(quick: bool) -> list[dict[str, Any]]:
    """The cases of the first two tables."""
    plain = {"layers": 1, "bidirectional": True}
    found = [
        {"cell": cell, "workload": workload, "batch": 4 if quick else batch, **plain}
        for cell in MODULES
        for workload, batch in (("sentences", 32), ("sentences", 64), ("documents", 32))
    ]
    found.append({"cell": "lstm", "workload": "documents", "batch": 4 if quick else 32, **plain, "layers": 2})
    # hfseq.models.recurrent.engines prefers the kernel to oneDNN because of these cases.
    for length in (3,) if quick else (20, 230):
        dense = {"workload": f"dense {length}", "batch": 4 if quick else 32, "layers": 1, "bidirectional": False}
        found.append({"cell": "lstm", **dense})
    return found


def make_problem(case: Mapping[str, Any], sizes: tuple[int, int], quick: bool) -> Problem:
    """The weights and the batch of a case."""
    kind, _, length = case["workload"].partition(" ")
    lengths = [int(length)] * case["batch"] if kind == "dense" else draw_lengths(kind, case["batch"], quick=quick)
    return Problem.make(case["cell"], lengths, *sizes, case["layers"], case["bidirectional"])


def measure_case(
    case: Mapping[str, Any], training: bool, sizes: tuple[int, int], peak: measure.Peak, options: argparse.Namespace
) -> dict[str, Any]:
    """One row of the first two tables.

    Raises:
        MismatchError: the results of an exact engine differ from those of the packed module.
    """
    problem = make_problem(case, sizes, options.quick)
    subjects = runs(problem, training)
    row = {"pass": "training" if training else "inference", **case, "tokens": problem.layout.num_tokens}
    row["deviation"] = check_engines(problem, subjects)
    samples = measure.paired({measure.PEAK: peak.run, **subjects}, options.repeats)
    row["engines"] = describe(problem, samples, "packed", training, peak)
    found = ", ".join(f"{name} {engine['ratio']:.2f}" for name, engine in row["engines"].items())
    measure.print_lines(f"{row['pass']}, {_label(row)}: {found}")
    return row


def check_engines(problem: Problem, subjects: Mapping[str, Run]) -> dict[str, float]:
    """The largest deviation of each exact engine from the first one."""
    reference, *others = [name for name in subjects if name != "padded"]
    expected = subjects[reference]()
    found = {
        name: max(
            measure.check_equal(f"{problem.cell}, {name} against {reference}", result, wanted, TOLERANCE)
            for result, wanted in zip(subjects[name](), expected, strict=True)
        )
        for name in others
    }
    if problem.layout.is_dense and "padded" in subjects:
        outputs = subjects["padded"]()[0].flatten(0, 1)
        found["padded"] = measure.check_equal(f"{problem.cell}, padded", outputs, expected[0], TOLERANCE)
    return found


def describe(
    problem: Problem, samples: Mapping[str, Sequence[float]], base: str, training: bool, peak: measure.Peak
) -> dict[str, dict[str, Any]]:
    """Milliseconds, speed relative to the base, and share of the matrix peak (`None`: disturbed) of each engine."""
    return {
        name: {
            "ms": measure.milliseconds(seconds),
            "ratio": measure.speed_up(samples, name, base),
            "share_of_peak": peak.share(samples, name, problem.flops(training)),
        }
        for name, seconds in samples.items()
        if name != measure.PEAK
    }


def measure_min_cell(
    cell: str, training: bool, sizes: tuple[int, int], peak: measure.Peak, options: argparse.Namespace
) -> dict[str, Any]:
    """minGRU or minLSTM, and the cell that it simplifies, for documents. Their results differ."""
    case = {"workload": "documents", "batch": 4 if options.quick else 32, "layers": 1, "bidirectional": True}
    problem = make_problem({"cell": cell, **case}, sizes, options.quick)
    model = COMPARED_WITH[cell]
    compared = make_problem({"cell": model, **case}, sizes, options.quick)
    own, others = runs(problem, training), runs(compared, training)
    deviation = check_engines(problem, own)
    base = f"{model} {'kernel' if 'kernel' in others else 'torch'}"
    subjects = {base: others[base.split()[1]]} | {f"{cell} {name}": run for name, run in own.items()}
    samples = measure.paired({measure.PEAK: peak.run, **subjects}, options.repeats)
    described = describe(problem, samples, base, training, peak)
    both = {name: samples[name] for name in (measure.PEAK, base)}
    described[base] |= describe(compared, both, base, training, peak)[base]
    row = {"pass": "training" if training else "inference", "cell": cell, **case, "tokens": problem.layout.num_tokens}
    return row | {"deviation": deviation, "engines": described}


def print_engines(rows: Sequence[Mapping[str, Any]]) -> None:
    """One of the first two tables."""
    headings = ["", "tokens", "packed ms", "padded", "torch", "kernel", "torch of peak", "kernel of peak"]
    table = []
    for row in rows:
        found, dense = row["engines"], row["workload"].startswith("dense")
        padded = f"{found['padded']['ratio']:.2f}" + ("" if dense else " (inexact)")
        ours = [found.get(name) for name in ("torch", "kernel")]
        ratios = [f"{engine['ratio']:.2f}" if engine else "-" for engine in ours]
        shares = [measure.percent(engine["share_of_peak"]) if engine else "-" for engine in ours]
        table.append([_label(row), f"{row['tokens']:,}", f"{found['packed']['ms']:.2f}", padded, *ratios, *shares])
    measure.print_table(f"{rows[0]['pass']}: speed relative to the packed module of torch", headings, table)


def print_min_cells(rows: Sequence[Mapping[str, Any]]) -> None:
    """The table of minGRU and minLSTM."""
    table = [
        [f"{row['pass']}: {name}", f"{found['ms']:.2f}", f"{found['ratio']:.2f}"]
        for row in rows
        for name, found in row["engines"].items()
    ]
    title = f"minGRU and minLSTM compared with GRU and LSTM: documents, batch {rows[0]['batch']}"
    measure.print_table(title, ["", "ms", "speed"], table)


def _described_peak(peak: measure.Peak) -> dict[str, Any]:
    return {"flops": peak.flops, "size": peak.size, "by": peak.by}


def _label(row: Mapping[str, Any]) -> str:
    layers = f", {row['layers']} layers" if row["layers"] > 1 else ""
    directions = "" if row["bidirectional"] else ", one direction"
    return f"{row['cell']}, {row['workload']}, batch {row['batch']}{layers}{directions}"


if __name__ == "__main__":
    main()
