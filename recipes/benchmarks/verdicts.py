"""Coverage of the intervals, and share of false verdicts, over many drawn comparisons with a known truth.

Each comparison has four models: `best`; `equal`, as good as the best; `outside`, worse than the best by 1.05 times the
margin; and `worse`, by three times the margin. The cheapest one is `outside`, then `worse`, `equal`, `best`: a verdict
that takes a model for good enough too easily is false here. The seeds change each model, and the models share easy and
difficult examples. The metrics are

- accuracy: a proportion; true values from 0.65 to 0.95;
- macro F1: not a mean over examples; three classes of different sizes;
- MSE: squared errors of normal errors, which are very skewed.

With one seed, the truth is that of the trained models; with several seeds, the mean over all seeds. An interval should
hold the truth in 95 % of the comparisons. A verdict is false if it takes a model that is worse than the best one by
more than the margin. A test is false if it finds a model better (with Holm's correction) that is not. Numbers in
parentheses are the share of comparisons in which a verdict was possible.

    python recipes/benchmarks/verdicts.py --comparisons 1000

takes several minutes on one core.
"""

import argparse
import json
import math
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy import optimize, special

from hfseq.comparison.statistics import Sample, compare_pairs, metric_interval, select

MODELS = ("outside", "worse", "equal", "best")  # from the cheapest
# Distance to the best model in margins.
BEHIND = {"outside": 1.05, "worse": 3.0, "equal": 0.0, "best": 0.0}
# Shares of the variance of the difficulty: of the example, of the example for this model, and for this seed.
SHARES = (0.6, 0.2, 0.2)
# Standard deviations of the seeds, on the scale of the difficulty: 0.2 to 2 points of accuracy.
SEED_EFFECTS = (0.01, 0.03, 0.08)
PRIORS = np.array([0.5, 0.3, 0.2])
# Difficulty of the classes beyond the mean difficulty.
CLASS_SHIFTS = np.array([0.3, 0.0, -0.5])
_NODES, _WEIGHTS = np.polynomial.hermite_e.hermegauss(21)


@dataclass(frozen=True)
class Drawn:
    """One drawn comparison: the samples, the true value of each model, and the margin."""

    samples: dict[str, Sample]
    truth: dict[str, float]
    margin: float


def main(argv: Sequence[str] | None = None) -> None:
    """Runs the simulation, prints the table, and writes the JSON file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--comparisons", type=int, default=1000, help="number of comparisons per cell")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 3, 5], help="numbers of seeds")
    parser.add_argument("--examples", type=int, nargs="+", default=[30, 300, 3000], help="numbers of examples")
    parser.add_argument("--metrics", nargs="+", default=list(METRICS), choices=list(METRICS), help="metrics")
    parser.add_argument("--output", type=Path, help="JSON file for the results")
    options = parser.parse_args(argv)
    rows = []
    started = time.perf_counter()
    for line in header():
        sys.stdout.write(line + "\n")
    for metric in options.metrics:
        for seeds in options.seeds:
            for examples in options.examples:
                row = measure_cell(metric, seeds, examples, options.comparisons)
                rows.append(row)
                sys.stdout.write(table_row(row) + "\n")
                sys.stdout.flush()
    sys.stdout.write(f"{time.perf_counter() - started:.0f} s\n")
    if options.output:
        options.output.write_text(json.dumps({"comparisons": options.comparisons, "rows": rows}, indent=2))


def measure_cell(metric: str, seeds: int, examples: int, comparisons: int) -> dict[str, Any]:
    """Coverage and false verdicts of one cell of the table."""
    generator = np.random.default_rng([seeds, examples, list(METRICS).index(metric)])
    covered, covered_differences, false, decided, false_tests = [], [], 0, 0, 0
    for _ in range(comparisons):
        drawn = METRICS[metric](generator, seeds, examples)
        sign = -1 if metric == "mse" else 1
        for name, sample in drawn.samples.items():
            interval = metric_interval(sample)
            covered.append(interval is not None and interval.low <= drawn.truth[name] <= interval.high)
        wrong = False
        for pair in compare_pairs(drawn.samples):
            difference = drawn.truth[pair.a] - drawn.truth[pair.b]
            covered_differences.append(pair.low <= difference <= pair.high)
            wrong |= pair.p_adjusted < 0.05 and (abs(difference) < 1e-12 or pair.difference * difference < 0)
        false_tests += wrong
        good_enough = select(drawn.samples, drawn.margin, sign > 0).not_worse
        chosen = next((name for name in MODELS if name in good_enough), None)
        if chosen is not None:
            decided += 1
            best = max(sign * value for value in drawn.truth.values())
            false += best - sign * drawn.truth[chosen] > drawn.margin
    return {
        "metric": metric,
        "seeds": seeds,
        "examples": examples,
        "coverage": float(np.mean(covered)),
        "coverage_of_differences": float(np.mean(covered_differences)),
        "false_verdicts": false / comparisons,
        "decided": decided / comparisons,
        "false_tests": false_tests / comparisons,
    }


def header() -> list[str]:
    """The head of the table."""
    names = ("metric", "seeds", "examples", "intervals", "intervals of differences", "false verdicts", "false tests")
    return [f"| {' | '.join(names)} |", f"|{' --- |' * len(names)}"]


def table_row(row: dict[str, Any]) -> str:
    """A row of the table."""
    cells = [row["metric"], str(row["seeds"]), f"{row['examples']:,}"]
    cells += [f"{100 * row[key]:.1f} %" for key in ("coverage", "coverage_of_differences")]
    cells.append(f"{100 * row['false_verdicts']:.1f} % ({100 * row['decided']:.0f} %)")
    cells.append(f"{100 * row['false_tests']:.1f} %")
    return f"| {' | '.join(cells)} |"


def draw_difficulties(
    generator: np.random.Generator, seeds: int, examples: int
) -> Iterator[tuple[str, np.ndarray, np.ndarray, float]]:
    """Normal difficulty of each example for each seed of each model, `(seeds, examples)`, with the effect of each seed
    and its standard deviation."""
    spread = float(generator.choice(SEED_EFFECTS))
    common = math.sqrt(SHARES[0]) * generator.standard_normal(examples)
    for name in MODELS:
        own = math.sqrt(SHARES[1]) * generator.standard_normal(examples)
        rest = math.sqrt(SHARES[2]) * generator.standard_normal((seeds, examples))
        yield name, common + own + rest, spread * generator.standard_normal(seeds), spread


def draw_accuracy(generator: np.random.Generator, seeds: int, examples: int) -> Drawn:
    """A comparison by accuracy."""
    margin, best = 0.01, generator.uniform(0.65, 0.95)
    samples, truth = {}, {}
    for name, difficulty, effects, spread in draw_difficulties(generator, seeds, examples):
        ability = special.ndtri(best - BEHIND[name] * margin) * math.sqrt(1 + spread**2)
        right = difficulty < ability + effects[:, None]  # (seeds, examples)
        samples[name] = Sample("accuracy", np.stack([right, np.ones_like(right)], axis=-1).astype(np.int32))
        truth[name] = float(special.ndtr(ability + effects[0])) if seeds == 1 else best - BEHIND[name] * margin
    return Drawn(samples, truth, margin)


def draw_macro_f1(generator: np.random.Generator, seeds: int, examples: int) -> Drawn:
    """A comparison by macro F1 of three classes of different sizes and difficulties."""
    margin, best = 0.01, generator.uniform(0.6, 0.9)
    labels = generator.choice(3, examples, p=PRIORS)
    true = labels[:, None] == np.arange(3)
    samples, truth = {}, {}
    for name, difficulty, effects, spread in draw_difficulties(generator, seeds, examples):
        target = best - BEHIND[name] * margin
        ability = float(optimize.brentq(lambda x: mean_macro_f1(x, spread) - target, -3, 6))  # noqa: B023
        right = difficulty < ability + effects[:, None] + CLASS_SHIFTS[labels]
        other = (labels + generator.integers(1, 3, (seeds, examples))) % 3
        guess = np.where(right, labels, other)[..., None] == np.arange(3)  # (seeds, examples, classes)
        first = np.zeros((seeds, examples, 1), dtype=bool)
        columns = [first, guess & true, guess, np.broadcast_to(true, guess.shape)]
        samples[name] = Sample("f1_macro", np.concatenate(columns, axis=-1).astype(np.int32))
        truth[name] = float(macro_f1(ability + effects[0])) if seeds == 1 else target
    return Drawn(samples, truth, margin)


def macro_f1(ability: float | np.ndarray) -> np.ndarray:
    """Macro F1 over all examples that could be drawn; wrong answers are one of the other two classes."""
    right = special.ndtr(np.asarray(ability)[..., None] + CLASS_SHIFTS)  # (..., classes)
    wrong = PRIORS * (1 - right) / 2
    predicted = PRIORS * right + wrong.sum(-1, keepdims=True) - wrong
    return (2 * PRIORS * right / (PRIORS + predicted)).mean(-1)


def mean_macro_f1(ability: float, spread: float) -> float:
    """Mean of macro F1 over the seeds."""
    return float(_WEIGHTS @ macro_f1(ability + spread * _NODES) / _WEIGHTS.sum())


def draw_mse(generator: np.random.Generator, seeds: int, examples: int) -> Drawn:
    """A comparison by mean squared error; the margin is 2 % of the error of the best model."""
    best = math.exp(generator.uniform(-3, 3))
    samples, truth = {}, {}
    for name, error, effects, spread in draw_difficulties(generator, seeds, examples):
        mean = best * (1 + 0.02 * BEHIND[name])
        # The seed multiplies the squared error by exp(2 * effect), which is exp(2 * spread**2) on average.
        scale = mean * np.exp(2 * effects - 2 * spread**2)
        squares = scale[:, None] * error**2
        samples[name] = Sample("mse", np.stack([squares, np.ones_like(squares)], axis=-1))
        truth[name] = float(scale[0]) if seeds == 1 else mean
    return Drawn(samples, truth, 0.02 * best)


METRICS: dict[str, Callable[[np.random.Generator, int, int], Drawn]] = {
    "accuracy": draw_accuracy,
    "f1_macro": draw_macro_f1,
    "mse": draw_mse,
}

if __name__ == "__main__":
    main()
