"""The recurrent layer as an operator of torch: autograd, torch.compile, autocast and threads."""

import itertools
import threading

import pytest
import torch
from recurrence_cases import MODULES, needs_kernel
from torch import nn
from torch.nn.utils.rnn import PackedSequence
from transformers import set_seed

from hfseq import RecurrentConfig, RecurrentModel
from hfseq.kernels.recurrence import recurrent_layer
from hfseq.models.recurrent.packed_recurrence import packed_layer

pytestmark = needs_kernel

BATCH_SIZES = torch.tensor([4, 4, 3, 1, 1])
TOKENS, INPUTS, HIDDEN = 13, 6, 9
cells = pytest.mark.parametrize("cell", MODULES)


def make_module(cell, seed=0, directions=2, inputs=INPUTS, hidden=HIDDEN):
    set_seed(seed)
    return MODULES[cell](inputs, hidden, bidirectional=directions == 2)


def make_state(cell, rows=4, directions=2, hidden=HIDDEN):
    return tuple(torch.randn(directions, rows, hidden) for _ in range(2 if cell == "lstm" else 1))


def make_data():
    return torch.randn(TOKENS, INPUTS, generator=torch.Generator().manual_seed(1))


def through_torch(module, data, batch_sizes, state=None):
    initial = state if state is None or len(state) == 2 else state[0]
    packed, final = module(PackedSequence(data, batch_sizes), initial)
    return packed.data, final if isinstance(final, tuple) else (final,)


def assert_near(found, expected):
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-5, atol=2e-6)


@cells
@pytest.mark.parametrize("wanted", ["everything", "data", "nothing"])
@pytest.mark.parametrize("given", [True, False], ids=["state", "no state"])
def test_opcheck(cell, wanted, given):
    module = make_module(cell).requires_grad_(wanted == "everything")
    data = make_data().requires_grad_(wanted != "nothing")
    hidden, memory = (*(make_state(cell) if given else ()), None, None)[:2]
    arguments = (cell, data, BATCH_SIZES, hidden, memory, wanted != "nothing", False, *module.parameters())
    torch.library.opcheck(torch.ops.hfseq.recurrent_layer.default, arguments)


@cells
def test_opcheck_of_the_gradient(cell):
    weights = [weight.detach() for weight in make_module(cell).parameters()]
    hidden, memory = (*make_state(cell), None)[:2]
    data = make_data()
    forward = torch.ops.hfseq.recurrent_layer(cell, data, BATCH_SIZES, hidden, memory, True, False, *weights)
    kept = forward[0], forward[3], forward[4]
    for wanted in ([True, True, cell == "lstm"] + [True] * 8, [True, False, False] + [False, True] * 4):
        arguments = (
            cell, data, BATCH_SIZES, weights, hidden, memory, *kept, torch.randn(forward[0].shape),
            torch.randn(forward[1].shape), None, wanted, False,
        )  # fmt: skip
        torch.library.opcheck(torch.ops.hfseq.recurrent_layer_backward.default, arguments)


@cells
def test_retained_graph_gives_the_same_gradients_again(cell):
    module, data = make_module(cell), make_data().requires_grad_()
    outputs, final = recurrent_layer(cell, data, BATCH_SIZES, list(module.parameters()))
    value, inputs = outputs.square().sum() + sum(final).sum(), [data, *module.parameters()]
    first = torch.autograd.grad(value, inputs, retain_graph=True)
    second = torch.autograd.grad(value, inputs)
    assert all(torch.equal(one, other) for one, other in zip(first, second, strict=True))
    with pytest.raises(RuntimeError, match="backward through the graph a second time"):
        torch.autograd.grad(value, inputs)


@cells
@pytest.mark.parametrize("engine", [recurrent_layer, packed_layer], ids=["kernel", "packed"])
def test_second_derivative_is_rejected(cell, engine):
    module, data = make_module(cell), make_data().requires_grad_()
    outputs, _ = engine(cell, data, BATCH_SIZES, list(module.parameters()), make_state(cell))
    (gradient,) = torch.autograd.grad(outputs.square().sum(), data, create_graph=True)
    with pytest.raises(RuntimeError, match=r"differentiated (only once|twice)|differentiate twice"):
        gradient.sum().backward()


@cells
def test_gradients_accumulate_over_uses(cell):
    module = make_module(cell)
    weights = list(module.parameters())
    for _ in range(2):
        recurrent_layer(cell, make_data(), BATCH_SIZES, weights)[0].square().sum().backward()
    summed = [weight.grad.clone() for weight in weights]
    module.zero_grad()
    recurrent_layer(cell, make_data(), BATCH_SIZES, weights)[0].square().sum().backward()
    assert_near(summed, [2 * weight.grad for weight in weights])


def spread(tensor):
    """The same values, not contiguous in memory."""
    wide = tensor.new_full((*tensor.shape[:-1], 2 * tensor.shape[-1]), torch.nan)
    wide[..., ::2] = tensor
    return wide[..., ::2]


@cells
def test_non_contiguous_tensors_are_accepted(cell):
    module, data, state = make_module(cell), make_data(), make_state(cell)
    weights = list(module.parameters())
    expected, expected_final = recurrent_layer(cell, data, BATCH_SIZES, weights, state)
    gaps = [spread(weight.detach()).requires_grad_() for weight in weights]
    steps = spread(BATCH_SIZES.double()).long()
    read = data.detach().clone().requires_grad_()
    outputs, final = recurrent_layer(cell, spread(read), steps, gaps, tuple(map(spread, state)))
    assert torch.equal(outputs, expected)
    assert all(torch.equal(one, other) for one, other in zip(final, expected_final, strict=True))
    # An expanded gradient, as that of a sum, and a transposed one.
    for value, other in ((outputs.sum(), expected.sum()), (outputs.t().cumsum(0).sum(), expected.t().cumsum(0).sum())):
        found = torch.autograd.grad(value, gaps, retain_graph=True)
        assert_near(found, torch.autograd.grad(other, weights, retain_graph=True))
    with torch.no_grad():
        assert torch.equal(recurrent_layer(cell, spread(data), steps, gaps, state)[0], expected)


@cells
def test_nan_in_a_token_spreads_only_to_dependent_values(cell):
    module, data = make_module(cell, directions=1), make_data()
    weights = list(module.parameters())
    clean, _ = recurrent_layer(cell, data, BATCH_SIZES, weights)
    data[5, 2] = torch.nan  # the second step of the second row
    for mode in (torch.enable_grad(), torch.no_grad()):
        with mode:
            outputs, final = recurrent_layer(cell, data, BATCH_SIZES, weights)
        reached = torch.zeros(TOKENS, dtype=torch.bool)
        reached[[5, 9]] = True
        assert outputs[reached].isnan().all()
        assert torch.equal(outputs[~reached], clean[~reached])
        assert all(part[:, 1].isnan().all() and part[:, [0, 2, 3]].isfinite().all() for part in final)


@cells
@pytest.mark.parametrize("mode", [torch.enable_grad, torch.no_grad])
def test_batch_without_tokens_is_accepted(cell, mode):
    module, data = make_module(cell), torch.empty(0, INPUTS, requires_grad=True)
    steps = torch.empty(0, dtype=torch.long)
    with mode():
        outputs, final = recurrent_layer(cell, data, steps, list(module.parameters()))
    assert outputs.shape == (0, 2 * HIDDEN)
    assert all(part.shape == (2, 0, HIDDEN) for part in final)
    if outputs.requires_grad:
        gradients = torch.autograd.grad(outputs.sum(), [data, *module.parameters()])
        assert not any(gradient.any() for gradient in gradients)


def wrong(**changes):
    module = make_module("lstm")
    arguments = {
        "cell": "lstm", "data": make_data(), "batch_sizes": BATCH_SIZES, "weights": list(module.parameters()),
        "state": make_state("lstm"),
    }  # fmt: skip
    return arguments | changes


WRONG = {
    "float32, but its arguments have the dtypes torch.float32, torch.float64": {"data": make_data().double()},
    "arguments have the dtypes torch.bfloat16, torch.float32": {
        "state": tuple(s.bfloat16() for s in make_state("lstm"))
    },
    "the sum is 13, and there are 12 tokens": {"data": make_data()[1:]},
    "batch_sizes must be int64.* the dtype is torch.int32": {"batch_sizes": BATCH_SIZES.int()},
    "must not increase": {"batch_sizes": BATCH_SIZES.flip(0)},
    "batch_sizes must be positive": {"batch_sizes": torch.tensor([13, 0])},
    r"weights of this lstm must have the shapes \[\(36, 5\)": {"data": make_data()[:, 1:]},
    "weights of this gru must have the shapes": {"cell": "gru"},
    "the cell must be one of rnn, gru, lstm, not 'elman'": {"cell": "elman"},
    "4 weights for each of one or two directions; got a tensor .* and 7": {
        "weights": list(make_module("lstm").parameters())[1:]
    },
    r"state must have the shape \(2, 4, 9\), not \(2, 3, 9\)": {"state": make_state("lstm", rows=3)},
}


@pytest.mark.parametrize("message", WRONG)
def test_invalid_arguments_are_rejected(message):
    with pytest.raises(ValueError, match=message):
        recurrent_layer(**wrong(**WRONG[message]))


@cells
def test_compiled_function_has_the_operator_in_one_graph(cell):
    module, data = make_module(cell), make_data().requires_grad_()
    weights = list(module.parameters())

    def run(data, steps, state):
        outputs, final = recurrent_layer(cell, data * 2, steps, weights, state)
        return outputs.tanh(), *final

    compiled = torch.compile(run, backend="aot_eager", fullgraph=True)
    for state in (None, make_state(cell)):
        results = []
        for function in (run, compiled):
            found = function(data, BATCH_SIZES, state)
            gradients = torch.autograd.grad(sum(part.square().sum() for part in found), [data, *weights])
            results.append([*found, *gradients])
        assert_near(*results)


@pytest.mark.parametrize(
    ("cell", "backend"),
    [
        ("gru", "aot_eager"),
        *(pytest.param(cell, "inductor", marks=pytest.mark.slow) for cell in MODULES),
    ],
)
def test_compiled_model_gives_equal_results(cell, backend):
    if backend == "inductor":
        require_inductor()
    set_seed(0)
    layers = 2 if backend == "inductor" else 1
    config = RecurrentConfig(vocab_size=11, embedding_size=5, hidden_size=6, cell_type=cell, num_hidden_layers=layers)
    model = RecurrentModel(config).eval()
    ids = torch.randint(1, 11, (3, 7))
    mask = torch.arange(7) < torch.tensor([7, 3, 5])[:, None]
    results = []
    for run in (model, torch.compile(model, backend=backend)):
        model.zero_grad()
        outputs = run(ids, attention_mask=mask).last_hidden_state
        outputs.square().sum().backward()
        results.append([outputs, *(weight.grad.clone() for weight in model.parameters())])
    assert_near(*results)


def require_inductor():
    try:
        torch.compile(lambda x: x.sin() + 1, backend="inductor")(torch.ones(3))
    except Exception as error:  # any error of a missing compiler
        pytest.skip(f"inductor cannot compile here: {type(error).__name__}")


@cells
def test_operator_works_under_autocast(cell):
    module, data = make_module(cell, hidden=10), make_data()
    weights = list(module.parameters())
    expected, _ = recurrent_layer(cell, data, BATCH_SIZES, weights)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        outputs, final = recurrent_layer(cell, data, BATCH_SIZES, weights)
    assert {outputs.dtype, *(part.dtype for part in final)} == {torch.float32}
    torch.testing.assert_close(outputs, expected, rtol=0.02, atol=0.02)
    for found, exact in zip(*(torch.autograd.grad(o.sum(), weights) for o in (outputs, expected)), strict=True):
        assert (found - exact).abs().max() < 0.03 * exact.abs().max()
    with torch.autocast("cpu", dtype=torch.float16):
        outputs, _ = recurrent_layer(cell, data, BATCH_SIZES, weights)
    assert torch.equal(outputs, expected)


def long_problem(seed=0):
    module = make_module("lstm", seed, inputs=64, hidden=128)
    return list(module.parameters()), torch.randn(32 * 200, 64), torch.full((200,), 32)


@pytest.mark.parametrize("threads", [1, 2])
def test_operator_releases_the_interpreter_lock(threads):
    """Another thread counts. It could not while the interpreter lock is held. Times are not measured."""
    weights, data, steps = long_problem()
    counter, stop = itertools.count(), threading.Event()
    seen = []

    def count():
        while not stop.is_set():
            seen.append(next(counter))

    before, worker = torch.get_num_threads(), threading.Thread(target=count)
    torch.set_num_threads(threads)
    worker.start()
    try:
        with torch.no_grad():
            # The interpreter switches threads every 5 ms at the earliest. A call takes several tens of milliseconds.
            grown = []
            for _ in range(5):
                start = len(seen)
                recurrent_layer("lstm", data, steps, weights)
                grown.append(len(seen) - start)
    finally:
        stop.set()
        worker.join()
        torch.set_num_threads(before)
    assert max(grown) > 1000


@pytest.mark.parametrize("threads", [1, 2])
def test_operator_is_thread_safe(threads):
    problems = [(cell, make_module(cell, seed, inputs=64, hidden=64)) for seed, cell in enumerate(["lstm", "gru"])]
    data, steps = torch.randn(8 * 60, 64), torch.full((60,), 8)
    expected = [through_torch(module, data, steps)[0] for _, module in problems]
    wrong_ones, start = [], threading.Barrier(len(problems))

    def work(number):
        torch.set_num_threads(threads)
        cell, module = problems[number]
        start.wait()
        for _ in range(20):
            outputs, _ = recurrent_layer(cell, data, steps, list(module.parameters()))
            torch.autograd.grad(outputs.square().sum(), list(module.parameters()))
            if not torch.allclose(outputs, expected[number], rtol=1e-4, atol=1e-5):
                wrong_ones.append(number)

    before = torch.get_num_threads()
    workers = [threading.Thread(target=work, args=(number,)) for number in range(len(problems))]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    torch.set_num_threads(before)
    assert not wrong_ones


def test_torch_rejects_zero_threads():
    with pytest.raises(RuntimeError, match="positive"):
        torch.set_num_threads(0)


def test_gradients_pass_through_other_layers():
    """Between other layers, all gradients equal those of the modules of torch."""
    module, before, after = make_module("gru"), nn.Linear(INPUTS, INPUTS), nn.Linear(2 * HIDDEN, 3)
    parameters = [*module.parameters(), *before.parameters(), *after.parameters()]
    data, found = make_data(), []
    for kernel in (True, False):
        tokens = before(data).tanh()
        if kernel:
            outputs, _ = recurrent_layer("gru", tokens, BATCH_SIZES, list(module.parameters()))
        else:
            outputs, _ = through_torch(module, tokens, BATCH_SIZES)
        found.append(torch.autograd.grad(after(outputs).square().sum(), parameters))
    for one, other in zip(*found, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5)


@cells
def test_backward_needs_saved_tensors(cell):
    module, data = make_module(cell), make_data().requires_grad_()
    results = torch.ops.hfseq.recurrent_layer(cell, data, BATCH_SIZES, None, None, False, False, *module.parameters())
    if cell == "rnn":  # it saves only its outputs
        results[0].sum().backward()
        assert data.grad.isfinite().all()
    else:
        with pytest.raises(ValueError, match=r"needs a tensor of shape .* from the forward pass"):
            results[0].sum().backward()
