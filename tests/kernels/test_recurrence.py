"""Each engine and each build of the kernel has the results of the packed modules of torch in float64."""

import sys
import threading

import pytest
import torch
from recurrence_cases import KERNELS, TORCH, Problem, Runner, Tensors, needs_kernel, relative_error

from hfseq.kernels import buffers, library, recurrence

# Relative to the largest value of a result. Single precision has an error of 6e-8; gradients are sums over tokens.
TOLERANCE = 5e-6
# Errors of smaller gradients are measured relative to this value. Gradients of the outputs have size one. After a
# hundred steps they may vanish to 1e-30, with a rounding error from each step.
FADED = 1e-6
# The gradient of a weight with few values may cancel to almost zero. Its error is therefore relative to the largest
# gradient of the layer.
FEW = 8
THREADED = [Runner("kernel", runner.build, threads) for runner in KERNELS for threads in (2, 3, 4)]
BLOCK = 50


def check(problem: Problem, runners: list[Runner], tolerance: float = TOLERANCE) -> int:
    """Compares all results of the problem. Returns the number of cases."""
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
def test_small_problems_equal_torch(block):
    """More than a thousand cases. Larger problems are in the slow tests."""
    cases = 0
    for seed in range(block * BLOCK, (block + 1) * BLOCK):
        others = [*THREADED, *TORCH]
        some = [others[seed // 5 % len(others)]] if seed % 5 == 0 else []
        cases += check(Problem.draw(seed, most_tokens=200), [*KERNELS, *some])
    assert cases >= BLOCK * len(KERNELS)


@pytest.fixture
def memory_of_nan():
    """New memory is filled with NaN, as in the deterministic mode of torch."""
    torch.use_deterministic_algorithms(True)
    assert torch.empty(4, dtype=torch.uint8).eq(255).all()
    yield
    torch.use_deterministic_algorithms(False)


@needs_kernel
def test_uninitialised_memory_is_not_read(memory_of_nan, monkeypatch):
    monkeypatch.setattr(buffers, "_MIN_SIZE", sys.maxsize)
    for seed in range(40):
        monkeypatch.setattr(recurrence, "_scratch", threading.local())
        check(Problem.draw(seed, most_tokens=300), KERNELS)


@needs_kernel
def test_small_problems_under_autocast_equal_torch():
    """With bfloat16 products, if the processor has them, the tolerance is that of 8 bits."""
    tolerance = 0.03 if library.load_library().bfloat16 else TOLERANCE
    for seed in range(40):
        with torch.autocast("cpu", dtype=torch.bfloat16):
            check(Problem.draw(seed, most_tokens=100), [Runner("kernel", KERNELS[0].build, 1 + seed % 2)], tolerance)


@pytest.mark.parametrize("runner", TORCH, ids=str)
def test_small_problems_in_plain_torch_equal_torch(runner):
    for seed in range(30):
        check(Problem.draw(seed, most_tokens=100), [runner])


@pytest.mark.slow
@pytest.mark.parametrize("block", range(20))
def test_large_problems_equal_torch(block):
    """A thousand problems of up to 70 rows of up to 130 tokens, with each engine and build."""
    for seed in range(block * BLOCK, (block + 1) * BLOCK):
        threaded = [THREADED[seed % len(THREADED)]] if THREADED else []
        check(Problem.draw(1_000_000 + seed, most_tokens=70 * 130), [*KERNELS, *threaded, *TORCH])


# Whole tiles and panels, and one more or less; several chunks of 256 tokens; a step with more rows than a chunk has
# tokens.
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
def test_sizes_near_block_sizes_equal_torch(cell, lengths, input_size, hidden_size):
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
def test_results_are_deterministic(problem, runner):
    tensors = Tensors.of(problem)
    for threads in (1, 2):
        with Runner("kernel", runner.build, threads).active():
            assert_equal(tensors.run(), tensors.run())


@needs_kernel
@problems
@kernels
def test_results_do_not_depend_on_the_number_of_threads(problem, runner):
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
def test_inference_equals_the_forward_pass_of_training(problem, runner, threads):
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
def test_later_calls_do_not_change_results(cell):
    """Memory is reused in later calls, but not while a result uses it."""
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
def test_row_does_not_depend_on_other_rows(problem, runner):
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
