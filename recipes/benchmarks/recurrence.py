"""How fast a recurrent layer is, against torch's own modules and other runtimes.

Four tables, of one layer of 256 units in both directions over inputs of size 300, in float32:

- training: forward and all gradients, over ragged batches of "sentences" (mean of 19 tokens) and "documents" (mean of
  about 230); also two layers, and a dense batch in one direction;
- inference on the same;
- minGRU and minLSTM against the compiled GRU and LSTM;
- inference against onnxruntime and Keras on JAX, where those are installed (the extra `benchmarks` brings
  onnxruntime).

`packed` is torch's module over a PackedSequence, to which the other times are ratios: 2.0 is twice as fast. `padded`
is the same module over the padded batch: it reads the padding, so that its backward direction is wrong for ragged
batches. `torch` and `kernel` are hfseq's two engines. The peak is the matrix product's, measured in turns with them;
only the products of real tokens count. What stands in one row has been checked to give the same numbers, `padded` in
dense batches alone.

    python recipes/benchmarks/recurrence.py --output recurrence.json

takes some four minutes on two cores, most of them in torch's packed modules.
"""

import argparse
from collections.abc import Mapping, Sequence
from typing import Any

import measure
from problems import MIN_CELLS, MODULES, Problem, Run, runs
from rivals import measure_rivals, print_rivals
from workloads import draw_lengths

# Largest deviation from the packed module, as a share of the largest value: sums over thousands of tokens in float32.
TOLERANCE = 1e-4
COMPARED_WITH = {"mingru": "gru", "minlstm": "lstm"}


def main(argv: Sequence[str] | None = None) -> None:
    """Measures, prints, and writes the JSON file."""
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
    rivals, notes = measure_rivals(*sizes, options)
    print_rivals(rivals, notes)
    measure.finish(
        options,
        "recurrence",
        machine,
        peak=_described_peak(peak),
        engines=rows,
        min_cells=min_cells,
        rivals=rivals,
        notes=notes,
    )


def cases(quick: bool) -> list[dict[str, Any]]:
    """What is computed in the first two tables."""
    plain = {"layers": 1, "bidirectional": True}
    found = [
        {"cell": cell, "workload": workload, "batch": 4 if quick else batch, **plain}
        for cell in MODULES
        for workload, batch in (("sentences", 32), ("sentences", 64), ("documents", 32))
    ]
    found.append({"cell": "lstm", "workload": "documents", "batch": 4 if quick else 32, **plain, "layers": 2})
    # That hfseq.models.recurrent.engines leaves nothing to oneDNN where there is the kernel rests on these.
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
        MismatchError: where an exact engine gives other numbers than the packed module.
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
    """The largest deviation of each engine that claims to be exact from the first that is."""
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
    """By engine: milliseconds, speed against the base, and share of the machine's matrix peak (None: disturbed)."""
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
    """A min cell and the cell it simplifies, over documents; they compute different things."""
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
    measure.print_table(f"{rows[0]['pass']}: speed against torch's packed module", headings, table)


def print_min_cells(rows: Sequence[Mapping[str, Any]]) -> None:
    """The table of minGRU and minLSTM."""
    table = [
        [f"{row['pass']}: {name}", f"{found['ms']:.2f}", f"{found['ratio']:.2f}"]
        for row in rows
        for name, found in row["engines"].items()
    ]
    title = f"minGRU and minLSTM against GRU and LSTM: documents, batch {rows[0]['batch']}"
    measure.print_table(title, ["", "ms", "speed"], table)


def _described_peak(peak: measure.Peak) -> dict[str, Any]:
    return {"flops": peak.flops, "size": peak.size, "by": peak.by}


def _label(row: Mapping[str, Any]) -> str:
    layers = f", {row['layers']} layers" if row["layers"] > 1 else ""
    directions = "" if row["bidirectional"] else ", one direction"
    return f"{row['cell']}, {row['workload']}, batch {row['batch']}{layers}{directions}"


if __name__ == "__main__":
    main()
