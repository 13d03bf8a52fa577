"""The plain-torch engine, compared with the packed modules of torch in double precision."""

import random

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence

from hfseq.models.recurrent import packed_lstm
from hfseq.models.recurrent.packed_recurrence import packed_layer

MODULES = {"rnn": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}
CELLS = tuple(MODULES)


class Case:
    """A layer, ragged tokens, initial states, and a gradient of each result."""

    def __init__(
        self, cell, lengths, input_size, hidden_size, directions, zero_state=False, dtype=torch.float32, seed=0
    ):
        torch.manual_seed(seed)
        lengths = torch.tensor(sorted(lengths, reverse=True))
        self.cell = cell
        self.batch_sizes = (lengths > torch.arange(int(lengths[0])).unsqueeze(1)).sum(1)
        module = MODULES[cell](input_size, hidden_size, bidirectional=directions == 2, dtype=dtype)
        self.weights = [weight.detach().requires_grad_() for weight in module._flat_weights]
        self.data = torch.randn(int(lengths.sum()), input_size, dtype=dtype, requires_grad=True)
        shape = (directions, len(lengths), hidden_size)
        make = torch.zeros if zero_state else torch.randn
        states = 2 if cell == "lstm" else 1
        self.state = tuple(make(shape, dtype=dtype, requires_grad=not zero_state) for _ in range(states))
        sizes = [(len(self.data), directions * hidden_size)] + [shape] * states
        self.grads = [torch.randn(size, dtype=dtype) for size in sizes]

    @property
    def arguments(self) -> list[Tensor]:
        return [self.data, *self.weights, *self.state]

    def run(self) -> tuple[Tensor, ...]:
        outputs, final = packed_layer(self.cell, self.data, self.batch_sizes, self.weights, self.state)
        return outputs, *final

    def expected(self) -> dict[str, list[Tensor]]:
        """Results and gradients of the module of torch in double precision."""
        data, *others = (argument.detach().double().requires_grad_() for argument in self.arguments)
        weights, state = others[: len(self.weights)], others[len(self.weights) :]
        directions, _, hidden_size = state[0].shape
        module = MODULES[self.cell](data.size(1), hidden_size, bidirectional=directions == 2, dtype=torch.double)
        named = dict(zip(module._flat_weights_names, weights, strict=True))
        initial = tuple(state) if self.cell == "lstm" else state[0]
        packed = PackedSequence(data, self.batch_sizes)
        outputs, final = torch.func.functional_call(module, named, (packed, initial))
        results = [outputs.data, *(final if self.cell == "lstm" else (final,))]
        wanted = [copy for copy, own in zip((data, *others), self.arguments, strict=True) if own.requires_grad]
        grads = torch.autograd.grad(results, wanted, [grad.double() for grad in self.grads])
        return {"results": results, "gradients": list(grads)}

    def found(self, **retain) -> dict[str, list[Tensor]]:
        results = list(self.run())
        return {"results": results, "gradients": self.gradients(results, **retain)}

    def gradients(self, results: list[Tensor], **retain) -> list[Tensor]:
        wanted = [argument for argument in self.arguments if argument.requires_grad]
        return list(torch.autograd.grad(results, wanted, self.grads, **retain))

    def check(self, tolerance: float) -> None:
        expected, found = self.expected(), self.found()
        for part, values in expected.items():
            for number, (value, own) in enumerate(zip(values, found[part], strict=True)):
                assert own.shape == value.shape
                error = (own - value).abs().max() / value.abs().max().clamp(min=1e-3)
                assert error <= tolerance, f"{part} {number}: {error:.1e}"


@pytest.fixture(params=["rnn", "gru", "lstm", "lstm by segments", "lstm by steps"])
def cell_on_route(request, monkeypatch) -> str:
    """A cell; an LSTM in single precision also with the algorithm that would not be chosen."""
    cell, _, route = request.param.partition(" by ")
    if route == "segments":
        monkeypatch.setattr(packed_lstm, "_MIN_TOKENS_PER_SEGMENT", 0)
    elif route == "steps":
        monkeypatch.setattr("hfseq.models.recurrent.packed_recurrence.choose_segments", lambda *_: None)
    return cell


def random_cases(number: int):
    draw = random.Random(5)
    for seed in range(number):
        lengths = [draw.randint(1, 40) for _ in range(draw.randint(1, 20))]
        yield lengths, draw.randint(1, 19), draw.randint(1, 37), draw.randint(1, 2), draw.random() < 0.3, seed


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("dtype, tolerance", [(torch.float32, 5e-6), (torch.float64, 1e-12)])
def test_equals_packed_module(cell, dtype, tolerance):
    for lengths, input_size, hidden_size, directions, zero_state, seed in random_cases(12):
        Case(cell, lengths, input_size, hidden_size, directions, zero_state, dtype, seed).check(tolerance)


def test_each_algorithm_equals_the_module(cell_on_route):
    for lengths, input_size, hidden_size, directions, zero_state, seed in random_cases(8):
        Case(cell_on_route, lengths, input_size, hidden_size, directions, zero_state, seed=seed).check(5e-6)


@pytest.mark.parametrize("lengths", [[7, 7, 7], [1, 1], [13], [1], [30, 2, 2, 1]], ids=str)
def test_special_shapes_equal_the_module(cell_on_route, lengths):
    Case(cell_on_route, lengths, 5, 6, 2).check(5e-6)


@pytest.mark.parametrize("cell", CELLS)
def test_many_tokens_equal_the_module(cell):
    Case(cell, range(3, 36, 2), 24, 64, 2).check(5e-6)


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("directions", [1, 2])
def test_gradcheck(cell, directions):
    case = Case(cell, [3, 2, 2, 1], 2, 3, directions, dtype=torch.float64)

    def run(data, *others):
        weights, state = others[: len(case.weights)], others[len(case.weights) :]
        outputs, final = packed_layer(cell, data, case.batch_sizes, weights, state)
        return outputs, *final

    assert torch.autograd.gradcheck(run, case.arguments)


def test_results_are_deterministic(cell_on_route):
    first, second = (Case(cell_on_route, [9, 31, 4, 4, 17], 11, 20, 2).found() for _ in range(2))
    for part, values in first.items():
        assert all(torch.equal(value, again) for value, again in zip(values, second[part], strict=True)), part


def test_retained_graph(cell_on_route):
    case = Case(cell_on_route, [5, 3, 3, 1], 4, 6, 2)
    before = [argument.detach().clone() for argument in case.arguments]
    results = list(case.run())
    values = [result.detach().clone() for result in results]
    first = case.gradients(results, retain_graph=True)
    second = case.gradients(results)
    for one, other in zip([*before, *values, *first], [*case.arguments, *results, *second], strict=True):
        assert torch.equal(one, other)
    with pytest.raises(RuntimeError, match="second time"):
        case.gradients(results)


def test_gradients_of_some_results_for_some_arguments_are_correct(cell_on_route):
    case = Case(cell_on_route, [6, 4, 1], 3, 5, 2)
    case.grads = [torch.zeros_like(grad) if number != 1 else grad for number, grad in enumerate(case.grads)]
    expected = case.expected()["gradients"]
    for frozen in range(len(case.arguments)):
        for argument in case.arguments:
            argument.requires_grad_(True)
        case.arguments[frozen].requires_grad_(False)
        wanted = [argument for argument in case.arguments if argument.requires_grad]
        found = torch.autograd.grad(case.run()[1], wanted, case.grads[1])
        rest = expected[:frozen] + expected[frozen + 1 :]
        for own, value in zip(found, rest, strict=True):
            torch.testing.assert_close(own.double(), value, rtol=1e-4, atol=1e-5)


def test_forward_works_without_gradients(cell_on_route):
    case = Case(cell_on_route, [8, 8, 3, 2], 3, 5, 2)
    with torch.no_grad():
        found = case.run()
    for own, value in zip(found, case.expected()["results"], strict=True):
        assert not own.requires_grad
        torch.testing.assert_close(own.double(), value.detach(), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("rows", [0, 2])
def test_empty_inputs_are_accepted(cell, rows):
    case = Case(cell, [1], 3, 5, 2)
    state = tuple(torch.randn(2, rows, 5) for _ in case.state)
    none = torch.zeros(0, dtype=torch.long)
    outputs, final = packed_layer(cell, torch.zeros(0, 3), none, case.weights, state)
    assert outputs.shape == (0, 10)
    assert all(torch.equal(after, before) for after, before in zip(final, state, strict=True))


@pytest.mark.parametrize("cell", CELLS)
def test_half_precision_and_autocast(cell):
    case = Case(cell, [5, 2, 2], 3, 4, 2)
    exact = case.run()
    with torch.autocast("cpu", torch.bfloat16):
        results = case.run()
        found = case.gradients(list(results))
    for own, value in zip((*results, *found), (*exact, *case.gradients(list(exact))), strict=True):
        assert torch.equal(own, value)
    mixed = packed_layer(cell, case.data.bfloat16(), case.batch_sizes, case.weights, case.state)
    assert mixed[0].dtype == torch.float32
    half = Case(cell, [5, 2, 2], 3, 4, 2, dtype=torch.bfloat16)
    assert half.run()[0].dtype == torch.bfloat16
    half.check(0.1)


def test_row_of_nan_does_not_change_others(cell_on_route):
    case = Case(cell_on_route, [6, 5, 3, 1], 3, 5, 2)
    clean = case.run()
    starts = case.batch_sizes.cumsum(0) - case.batch_sizes
    with torch.no_grad():
        case.data[starts[:3] + 2] = torch.nan  # all of the third row
    dirty = case.run()
    rows = torch.cat([torch.arange(size) for size in case.batch_sizes.tolist()])
    torch.testing.assert_close(dirty[0][rows != 2], clean[0][rows != 2])
    assert dirty[0][rows == 2].isnan().all()
    for after, before in zip(dirty[1:], clean[1:], strict=True):
        torch.testing.assert_close(after[:, [0, 1, 3]], before[:, [0, 1, 3]])


def test_layer_works_in_a_compiled_function():
    case = Case("gru", [40, 40, 7], 4, 6, 2)
    compiled = torch.compile(lambda data, *rest: packed_layer(case.cell, 2 * data, *rest)[0] + 1, backend="eager")
    found = compiled(case.data, case.batch_sizes, case.weights, case.state)
    expected = packed_layer(case.cell, 2 * case.data, case.batch_sizes, case.weights, case.state)[0] + 1
    assert torch.equal(found, expected)


def test_segments_cover_each_step_once():
    batch_sizes = torch.tensor([9] * 5 + [8, 7, 7, 3] + [2] * 60)
    segments = packed_lstm.choose_segments(batch_sizes, differentiable=False)
    assert segments == [(0, 5, 9), (5, 69, 8)]
    many = torch.arange(300, 0, -1)
    segments = packed_lstm.choose_segments(many, differentiable=False)
    starts, stops, heights = zip(*segments, strict=True)
    assert starts == (0, *stops[:-1])
    assert stops[-1] == len(many)
    assert heights == tuple(many[list(starts)].tolist())


def test_training_uses_the_loop_for_short_segments():
    batch_sizes = torch.tensor([32] * 5 + [8] * 5)
    assert packed_lstm.choose_segments(batch_sizes, differentiable=False) == [(0, 5, 32), (5, 10, 8)]
    assert packed_lstm.choose_segments(batch_sizes, differentiable=True) is None
    assert packed_lstm.choose_segments(batch_sizes.repeat_interleave(8), differentiable=True) is not None
