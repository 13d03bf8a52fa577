"""Runs the operator with each cell, with the shared library that is named on the command line.

test_sanitizers.py starts it in a process that loads the libraries of the sanitizers first. Torch allocates each tensor
with its exact size, so that accesses after its end are detected, and fills it with NaN, so that reads of uninitialised
memory are detected.
"""

import sys
from pathlib import Path

import torch
from recurrence_cases import MODULES, Problem, Runner, Tensors, relative_error

from hfseq.kernels import buffers, library, recurrence

# Odd sizes, sizes near vectors of 4, 8 and 16 and panels of four vectors, and more rows than a chunk has tokens.
HIDDEN = (1, 5, 8, 15, 17, 31, 64, 65, 100)
SHAPES = [((1,), 1), ((5, 3, 1), 7), ((9, 9, 2, 30, 4, 4, 4), 64), ((2, 1) * 90, 33), ((70,) * 7, 17)]


class FreshMemory:
    """Replaces the memory that is reused in all calls, and is larger than most calls need."""

    memory = property(lambda self: None, lambda self, value: None)


def main(build: str, path: str) -> None:
    torch.use_deterministic_algorithms(True)  # which fills new memory
    assert torch.empty(4, dtype=torch.uint8).eq(255).all() and torch.empty(1).isnan().all()
    recurrence._scratch = FreshMemory()
    buffers._MIN_SIZE = sys.maxsize
    library._file = lambda name: Path(path) if name == build else None
    library._load.cache_clear()
    runs = 0
    for number, hidden in enumerate(HIDDEN):
        for cell in MODULES:
            for lengths, inputs in SHAPES:
                directions, given = 1 + runs % 2, runs // 2 % 2 == 0
                wanted = ("everything", "some", "nothing")[(number + runs) % 3]
                problem = Problem(runs, cell, lengths, inputs, hidden, 1, directions, given, wanted, "all")
                check(problem, build, 1 + runs % 4)
                runs += 1
    sys.stdout.write(f"{runs} runs of {library.load_library().build}\n")


def check(problem: Problem, build: str, threads: int) -> None:
    tensors = Tensors.of(problem)
    expected = tensors.reference()
    with Runner("kernel", build, threads).active():
        results = [tensors.run()]
        with torch.no_grad():
            outputs, _ = tensors.forward()
        with torch.autocast("cpu", dtype=torch.bfloat16):
            tensors.run()
    results.append({"outputs": outputs})
    for found in results:
        for name, value in found.items():
            error = relative_error(value, expected[name], 1e-6)
            assert error < 1e-4, f"{name} is wrong by {error:.1e} in {problem}"


if __name__ == "__main__":
    main(*sys.argv[1:])
