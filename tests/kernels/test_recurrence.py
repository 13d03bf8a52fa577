"""Every engine, and every build of the kernel, computes what torch's packed modules compute in float64."""

import sys
import threading

import pytest
import torch
from recurrence_cases import KERNELS, TORCH, Problem, Runner, Tensors, needs_kernel, relative_error

from hfseq.kernels import buffers, library, recurrence

# Of the largest value of a result. Single precision keeps 6e-8; a gradient sums over all tokens.
TOLERANCE = 5e-6
# Under this size of a gradient, an error is measured against this size instead. The gradients that come in are of
# size one: what is left of them after fading through a hundred steps, 1e-30 say, has a rounding error from each.
FADED = 1e-6
# The gradient of a weight of so few numbers may cancel to nearly nothing as a sum over the tokens, in all of them at
# once: it is measured by the largest gradient among the weights of its layer.
FEW = 8
THREADED = [Runner("kernel", runner.build, threads) for runner in KERNELS for threads in (2, 3, 4)]
BLOCK = 50


def check(problem: Problem, runners: list[Runner], tolerance: float = TOLERANCE) -> int:
    """Compares all results of the problem; returns how many cases that were."""
    tensors = Tensors.of(problem)
    expected = tensors.reference()
    for runner in runners:
        with runner.active():
            found = tensors.run()
        assert found.keys() == expected.keys(), f"{runner} on {problem}"
        for name, value in expected.items():
            error = relative_error(found[name], value, least_size(name, expected))
            assert error <= tolerance, f"{runner} is wrong by {error:.1e} in the {name} of {problem}"
    return len(runners)


def least_size(name: str, expected: dict[str, torch.Tensor]) -> float:
    layer, dot, _ = name.partition(".")
    if not dot or expected[name].numel() > FEW:
        return FADED
    return max(value.abs().max().item() for other, value in expected.items() if other.startswith(layer + dot))


@needs_kernel
@pytest.mark.parametrize("block", range(8))
def test_random_small_problems(block):
    """More than a thousand cases; the larger problems are in the slow tests."""
    cases = 0
    for seed in range(block * BLOCK, (block + 1) * BLOCK):
        others = [*THREADED, *TORCH]
        some = [others[seed // 5 % len(others)]] if seed % 5 == 0 else []
        cases += check(Problem.draw(seed, most_tokens=200), [*KERNELS, *some])
    assert cases >= BLOCK * len(KERNELS)


@pytest.fixture
def memory_of_nan():
    """New memory is full of NaN, as torch's deterministic mode has it."""
    torch.use_deterministic_algorithms(True)
    assert torch.empty(4, dtype=torch.uint8).eq(255).all()
    yield
    torch.use_deterministic_algorithms(False)


@needs_kernel
def test_nothing_is_read_before_it_is_written(memory_of_nan, monkeypatch):
    monkeypatch.setattr(buffers, "_MIN_SIZE", sys.maxsize)
    for seed in range(40):
        monkeypatch.setattr(recurrence, "_scratch", threading.local())
        check(Problem.draw(seed, most_tokens=300), KERNELS)


@needs_kernel
def test_random_small_problems_under_autocast():
    """Where the processor multiplies in bfloat16, whose numbers have 8 bits; elsewhere as exact as ever."""
    tolerance = 0.03 if library.load_library().bfloat16 else TOLERANCE
    for seed in range(40):
        with torch.autocast("cpu", dtype=torch.bfloat16):
            check(Problem.draw(seed, most_tokens=100), [Runner("kernel", KERNELS[0].build, 1 + seed % 2)], tolerance)


@pytest.mark.parametrize("runner", TORCH, ids=str)
def test_random_small_problems_in_plain_torch(runner):
    for seed in range(30):
        check(Problem.draw(seed, most_tokens=100), [runner])


@pytest.mark.slow
@pytest.mark.parametrize("block", range(20))
def test_random_problems(block):
    """A thousand problems of up to 70 rows of up to 130 tokens, each on every engine and build; threads by turns."""
    for seed in range(block * BLOCK, (block + 1) * BLOCK):
        threaded = [THREADED[seed % len(THREADED)]] if THREADED else []
        check(Problem.draw(1_000_000 + seed, most_tokens=70 * 130), [*KERNELS, *threaded, *TORCH])


# Whole tiles and panels, and one more or less of everything; several chunks of 256 tokens; a step of more rows than
# a chunk has tokens.
EDGES = [
    ((130,) * 70, 33, 65),
    (tuple(range(1, 71)), 100, 17),
    ((300,), 1, 31),
    ((2, *[1] * 299), 5, 100),
    ((3,) * 257, 64, 64),
    ((1,), 1, 1),
    ((1,) * 13, 300, 16),
    ((5, 4), 257, 300),
]


@needs_kernel
@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
@pytest.mark.parametrize(("lengths", "input_size", "hidden_size"), EDGES, ids=lambda value: None)
def test_sizes_around_those_of_blocks(cell, lengths, input_size, hidden_size):
    problem = Problem(0, cell, lengths, input_size, hidden_size, 1, 2, True, "everything", "all")
    check(problem, [*KERNELS, Runner("kernel", KERNELS[0].build, 3)])


PROBLEMS = [
    Problem(seed, cell, (9, 1, 30, 17, 30, 4, 11), 20, 33, 2, directions, seed % 2 == 0, "everything", "all")
    for seed, (cell, directions) in enumerate((cell, way) for cell in ("rnn", "lstm", "gru") for way in (1, 2))
]
problems = pytest.mark.parametrize("problem", PROBLEMS, ids=lambda problem: f"{problem.cell}-{problem.directions}")
kernels = pytest.mark.parametrize("runner", KERNELS, ids=str)


def assert_equal(found, expected):
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        assert torch.equal(found[name], value), name


@needs_kernel
@problems
@kernels
def test_the_same_numbers_again(problem, runner):
    tensors = Tensors.of(problem)
    for threads in (1, 2):
        with Runner("kernel", runner.build, threads).active():
            assert_equal(tensors.run(), tensors.run())


@needs_kernel
@problems
@kernels
def test_threads_change_no_bit(problem, runner):
    tensors = Tensors.of(problem)
    with runner.active():
        expected = tensors.run()
    for threads in (2, 3, 4):
        with Runner("kernel", runner.build, threads).active():
            assert_equal(tensors.run(), expected)


@needs_kernel
@problems
@kernels
@pytest.mark.parametrize("threads", [1, 2])
def test_inference_is_the_forward_pass_of_training(problem, runner, threads):
    tensors = Tensors.of(problem)
    with Runner("kernel", runner.build, threads).active():
        outputs, final = tensors.forward()
        assert outputs.requires_grad
        for mode in (torch.no_grad(), torch.inference_mode()):
            with mode:
                alone, final_alone = tensors.forward()
            assert torch.equal(alone, outputs)
            assert all(torch.equal(one, other) for one, other in zip(final_alone, final, strict=True))


@needs_kernel
@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
def test_results_outlive_later_calls(cell):
    """Memory is used again from call to call; not while somebody holds what is in it."""
    problem = Problem(0, cell, (120,) * 20, 16, 64, 2, 2, True, "everything", "all")
    held, copies, tensors = [], [], Tensors.of(problem)
    with KERNELS[0].active():
        for scale in (1.0, 0.5, 2.0):
            tensors.data = (tensors.data.detach() * scale).requires_grad_()
            found = tensors.run()
            held += found.values()
            copies += [value.detach().clone() for value in found.values()]
        for _ in range(2):
            tensors.run()
    assert all(torch.equal(one, other) for one, other in zip(held, copies, strict=True))


@needs_kernel
@problems
@kernels
def test_a_row_does_not_depend_on_its_batch_mates(problem, runner):
    tensors = Tensors.of(problem)
    _, final = self_and_final(tensors, runner)
    for number, row in enumerate(tensors.layout.rows.tolist()):
        single = Tensors.of(problem)
        single.layout, single.data = row_alone(tensors, number)
        single.state = tensors.state and tuple(part[:, [number]] for part in tensors.state)
        _, alone = self_and_final(single, runner)
        for one, other in zip(alone, final, strict=True):
            torch.testing.assert_close(one[:, 0], other[:, number], rtol=1e-5, atol=1e-6, msg=f"row {row}")


def self_and_final(tensors, runner):
    with runner.active(), torch.no_grad():
        return tensors.forward()


def row_alone(tensors, number):
    steps = [
        tokens[number] for tokens in tensors.data.split(tensors.layout.batch_sizes.tolist()) if len(tokens) > number
    ]
    layout = tensors.layout.dense((1, len(steps)), torch.device("cpu"))
    return layout, torch.stack(steps)
