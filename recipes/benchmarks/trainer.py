"""Measures the time of a whole training with hfseq, with the stock Trainer, and with PyTorch only.

The model is a bidirectional LSTM with 256 units, mean pooling, and embeddings of size 300 for 30,000 words. It is
trained for one epoch of synthetic "sentences" and one of "documents", in batches of 32, after a warm-up. Times are
milliseconds per step, from the start of the training to its end. The frequencies of words follow Zipf's law.

- `ours`: SequenceTrainer as `hfseq train` creates it: sequence store, compiled kernel, lazy embedding rows. Batches
  have sequences of similar length;
- `ours, random`: the same with the random batches of the stock Trainer;
- `stock`: Trainer and DataCollatorWithPadding of transformers with their defaults, and a typical model: nn.Embedding,
  packed nn.LSTM, mean, nn.Linear. With the same batches both have the same final loss, which is checked;
- `bare`: a loop without Trainer over our model and our batches, which are created before, with fused AdamW and
  clipping.

Then the overhead of Trainer compared with the bare loop is measured, at about 5 and about 25 ms per step: for
sentences, 5,000 words, and a hidden size with which a step takes this time. There, `ours, dense` has the optimizer of
the bare loop.

    python recipes/benchmarks/trainer.py --output trainer.json

takes about twelve minutes on two cores, mostly in the stock Trainer.
"""

import argparse
import dataclasses
import logging
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import datasets
import measure
import transformers
from trainings import (
    RandomOrderTrainer,
    Run,
    Workplace,
    bare_loop,
    check_models,
    our_trainer,
    stock_trainer,
    train,
    warm_up,
)

# Tolerances for logits and gradients of one batch, and for the mean loss of a training.
TOLERANCE, TOLERANCE_OF_LOSS = 1e-4, 1e-4
_TARGETS_MS = (5.0, 25.0)
_HIDDEN_SIZES = (32, 48, 64, 96, 128, 192, 256, 320, 384, 512, 640, 768)
# A disturbed training is repeated only once, because it is long.
_TRIES = 2

Way = Callable[..., Run]


def main(argv: Sequence[str] | None = None) -> None:
    """Runs the benchmark, prints the tables, and writes the JSON file."""
    options = measure.parse_options(__doc__, argv, repeats=3)
    transformers.logging.set_verbosity_error()
    datasets.disable_progress_bars()
    logging.getLogger("accelerate").setLevel(logging.ERROR)
    machine = measure.describe_machine()
    measure.print_lines(*measure.machine_lines(machine))
    trainings = [measure_training(place, options) for place in workplaces(options.quick)]
    print_trainings(trainings)
    overheads = [measure_overhead(place, options) for place in overhead_workplaces(options)]
    print_overheads(overheads)
    measure.finish(options, "trainer", machine, trainings=trainings, overheads=overheads)


def workplaces(quick: bool) -> list[Workplace]:
    """The settings of the two whole trainings."""
    if quick:
        return [Workplace(name, 3, 4, 3_000, 6, 8, quick=True) for name in ("sentences", "documents")]
    return [Workplace(name, steps, 32, 30_000, 300, 256) for name, steps in (("sentences", 500), ("documents", 15))]


def overhead_workplaces(options: argparse.Namespace) -> list[Workplace]:
    """Models whose steps take about the target time on this machine."""
    if options.quick:
        return [Workplace("sentences", 3, 4, 3_000, 6, hidden_size, quick=True) for hidden_size in (4, 8)]
    place = Workplace("sentences", 100, 32, 5_000, 128, _HIDDEN_SIZES[0])
    sizes = choose_hidden_sizes(place)
    return [dataclasses.replace(place, hidden_size=size) for size in sizes]


def choose_hidden_sizes(place: Workplace) -> list[int]:
    """For each target time, the hidden size whose bare loop is nearest to it."""
    few = place.dataset.select(range(10 * place.batch))
    found: dict[int, float] = {}
    for size in _HIDDEN_SIZES:
        resized = dataclasses.replace(place, hidden_size=size)
        found[size] = 1000 * min(bare_loop(resized, few).seconds for _ in range(2))
        if found[size] > 2 * max(_TARGETS_MS):
            break
    return [min(found, key=lambda size, target=target: abs(found[size] / target - 1)) for target in _TARGETS_MS]


def measure_training(place: Workplace, options: argparse.Namespace) -> dict[str, Any]:
    """Measures our trainer, the stock Trainer, and the bare loop.

    Raises:
        MismatchError: ours and the stock one have different results.
    """
    deviation = check_models(place, TOLERANCE)
    ways: dict[str, Way] = {
        "ours": lambda dataset: train(our_trainer(place, dataset)),
        "ours, random": lambda dataset: train(our_trainer(place, dataset, RandomOrderTrainer)),
        "stock": lambda dataset: train(stock_trainer(place, dataset)),
        "bare": partial(bare_loop, place),
    }
    samples, losses = measure_ways(place, ways, options.repeats)
    ours, stock = losses["ours, random"], losses["stock"]
    if not abs(ours / stock - 1) <= TOLERANCE_OF_LOSS:
        raise measure.MismatchError(
            f"{place.workload}: with the same batches, our loss is {ours}, the stock one {stock}"
        )
    return describe(place, samples) | {
        "deviation": deviation,
        "losses": losses,
        "stock_over_ours": measure.speed_up(samples, "ours", "stock"),
        "stock_over_ours_random": measure.speed_up(samples, "ours, random", "stock"),
        "ours_over_bare": measure.speed_up(samples, "bare", "ours"),
    }


def measure_overhead(place: Workplace, options: argparse.Namespace) -> dict[str, Any]:
    """Measures our trainer and the bare loop."""
    ways: dict[str, Way] = {
        "ours": lambda dataset: train(our_trainer(place, dataset)),
        "ours, dense": lambda dataset: train(our_trainer(place, dataset, lazy_embeddings=False)),
        "bare": partial(bare_loop, place),
    }
    samples, _ = measure_ways(place, ways, max(options.repeats, 1 if options.quick else 7))
    return describe(place, samples) | {
        "ours_over_bare": measure.speed_up(samples, "bare", "ours"),
        "dense_over_bare": measure.speed_up(samples, "bare", "ours, dense"),
    }


def measure_ways(
    place: Workplace, ways: Mapping[str, Way], repeats: int
) -> tuple[dict[str, list[float]], dict[str, float]]:
    """Seconds per step in each round and the mean loss, for each type of training."""
    warm_up(place, dict(ways))
    losses: dict[str, float] = {}

    def sample(name: str) -> float:
        run = ways[name](place.dataset)
        losses[name] = run.loss
        return run.seconds

    return measure.paired_samples({name: partial(sample, name) for name in ways}, repeats, _TRIES), losses


def describe(place: Workplace, samples: Mapping[str, Sequence[float]]) -> dict[str, Any]:
    """Description of a training, and milliseconds per step."""
    return {
        **dataclasses.asdict(place),
        "tokens": place.tokens,
        "ms_per_step": {name: measure.milliseconds(seconds) for name, seconds in samples.items()},
    }


def print_trainings(rows: Sequence[Mapping[str, Any]]) -> None:
    """The table of whole trainings."""
    names = list(rows[0]["ms_per_step"])
    table = [
        [
            row["workload"], str(row["steps"]), *(f"{row['ms_per_step'][name]:.1f}" for name in names),
            f"{row['stock_over_ours']:.2f}", f"{row['stock_over_ours_random']:.2f}", f"{row['ours_over_bare']:.2f}",
        ]
        for row in rows
    ]  # fmt: skip
    ratios = ["stock / ours", "stock / ours, random", "ours / bare"]
    measure.print_table("whole trainings: milliseconds per step, and ratios", ["", "steps", *names, *ratios], table)


def print_overheads(rows: Sequence[Mapping[str, Any]]) -> None:
    """The table of the overhead of Trainer."""
    names = list(rows[0]["ms_per_step"])
    table = [
        [
            f"hidden size {row['hidden_size']}", *(f"{row['ms_per_step'][name]:.2f}" for name in names),
            f"{row['ours_over_bare']:.2f}", f"{row['dense_over_bare']:.2f}",
        ]
        for row in rows
    ]  # fmt: skip
    ratios = ["ours / bare", "ours, dense / bare"]
    measure.print_table("compared with a bare loop: milliseconds per step, and ratios", ["", *names, *ratios], table)


if __name__ == "__main__":
    main()
