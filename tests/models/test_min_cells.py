import random

import pytest
import torch
from ragged import pad_rows
from slow_scan import slow_scan
from torch import nn
from torch.nn.utils.rnn import PackedSequence, pack_sequence, pad_packed_sequence, unpad_sequence

from hfseq import RecurrentConfig, RecurrentModel
from hfseq.kernels.library import load_library
from hfseq.models.recurrent import min_cells
from hfseq.models.recurrent.min_cells import MinGRU, MinLSTM

MODULES = {"mingru": MinGRU, "minlstm": MinLSTM}

modules = pytest.mark.parametrize("cell", MODULES)
directions = pytest.mark.parametrize("bidirectional", [False, True], ids=["one way", "both ways"])
needs_kernel = pytest.mark.skipif(load_library() is None, reason="the kernels are not compiled")


def make_case(cell, seed, bidirectional=False, sizes=None):
    """A module, a ragged batch and a state, in double precision."""
    choose = random.Random(seed)
    torch.manual_seed(seed)
    input_size, hidden_size = sizes or (choose.randint(1, 9), choose.randint(1, 35))
    module = MODULES[cell](input_size, hidden_size, bidirectional=bidirectional).double()
    lengths = [choose.randint(1, 12) for _ in range(choose.randint(1, 8))]
    rows = [torch.randn(length, input_size, dtype=torch.float64) for length in lengths]
    state = torch.randn(1 + bidirectional, len(rows), hidden_size, dtype=torch.float64)
    return module, rows, state


def packed(rows):
    return pack_sequence(sorted(rows, key=len, reverse=True))


def slow(module, inputs, state):
    """Results of a module, computed from the definition."""
    ways = ("", "_reverse") if module.bidirectional else ("",)
    weights = module.state_dict(keep_vars=True)
    gates = [inputs.data @ weights[f"weight_ih_l0{way}"].T + weights[f"bias_ih_l0{way}"] for way in ways]
    data, final = slow_scan(module.cell, torch.cat(gates, 1), inputs.batch_sizes, state)
    return PackedSequence(data, inputs.batch_sizes), final


def run(function, module, inputs, state):
    """Outputs, final state, and the gradients of inputs, state and parameters."""
    data, state = inputs.data.clone().requires_grad_(), state.clone().requires_grad_()
    outputs, final = function(PackedSequence(data, inputs.batch_sizes), state)
    results = outputs.data, final
    value = sum((part * torch.linspace(-1, 2, part.numel()).view_as(part)).sum() for part in results)
    return *results, *torch.autograd.grad(value, (data, state, *module.parameters()))


@modules
@directions
def test_plain_torch_equals_the_reference(cell, bidirectional):
    for seed in range(12):
        module, rows, state = make_case(cell, seed, bidirectional)
        found = run(module, module, packed(rows), state)
        expected = run(lambda *inputs, module=module: slow(module, *inputs), module, packed(rows), state)
        torch.testing.assert_close(found, expected, rtol=1e-11, atol=1e-11)


@modules
@directions
@pytest.mark.parametrize("kernel", [pytest.param(True, marks=needs_kernel), False], ids=["kernel", "torch"])
def test_single_precision_equals_the_reference(cell, bidirectional, kernel):
    for seed in range(12):
        module, rows, state = make_case(cell, seed, bidirectional)
        expected = run(lambda *inputs, module=module: slow(module, *inputs), module, packed(rows), state)
        module.float()
        inputs = packed(rows)
        inputs = PackedSequence(inputs.data.float(), inputs.batch_sizes)
        found = run(lambda *given, module=module: module(*given, kernel=kernel), module, inputs, state.float())
        for one, other in zip(found, expected, strict=True):
            scale = max(float(other.detach().abs().max()), 1.0)
            torch.testing.assert_close(one.double(), other, rtol=0, atol=5e-6 * scale)


@modules
@directions
def test_gradcheck(cell, bidirectional):
    module, _, state = make_case(cell, 2, bidirectional, sizes=(2, 3))
    inputs = packed([torch.randn(length, 2, dtype=torch.float64) for length in (4, 2, 1)])
    state = state.new_empty(len(state), 3, 3).normal_()
    names = [name for name, _ in module.named_parameters()]

    def function(data, state, *weights):
        arguments = PackedSequence(data, inputs.batch_sizes), state
        outputs, final = torch.func.functional_call(module, dict(zip(names, weights, strict=True)), arguments)
        return outputs.data, final

    leaves = [part.detach().requires_grad_() for part in (inputs.data, state, *module.parameters())]
    assert torch.autograd.gradcheck(function, leaves)


@modules
def test_closed_gates_do_not_divide_by_zero(cell):
    module, _, _ = make_case(cell, 0, sizes=(1, 1))
    gates = torch.full((3, module.gates), -1000.0, dtype=torch.float64, requires_grad=True)
    coefficients = torch.cat(module.coefficients(gates))
    assert coefficients.isfinite().all()
    assert torch.autograd.grad(coefficients.sum(), gates)[0].isfinite().all()


@modules
@directions
def test_interface_is_that_of_a_gru(cell, bidirectional):
    module, rows, state = make_case(cell, 11, bidirectional)
    gru = nn.GRU(module.input_size, module.hidden_size, batch_first=True, bidirectional=bidirectional).double()
    names = {name: value.shape[1:] for name, value in gru.named_parameters() if "_ih_" in name}
    assert {name: value.shape[1:] for name, value in module.named_parameters()} == names

    assert len({len(row) for row in rows}) > 1
    in_any_order = pack_sequence(rows, enforce_sorted=False)
    outputs, final = module(in_any_order, state)
    reference, _ = gru(in_any_order, state)
    assert torch.equal(outputs.unsorted_indices, reference.unsorted_indices)
    padded, lengths = pad_packed_sequence(outputs, batch_first=True)
    for number, (row, output) in enumerate(zip(rows, unpad_sequence(padded, lengths, True), strict=True)):
        alone, last = module(row[None], state[:, [number]])
        assert alone.shape == (1, *output.shape) == gru(row[None])[0].shape
        torch.testing.assert_close(alone[0], output)
        torch.testing.assert_close(last[:, 0], final[:, number])

    batch = torch.stack([row[:1].repeat(5, 1) for row in rows])  # (batch, length, size)
    expected = module(batch)
    module.batch_first = False
    time_first = module(batch.transpose(0, 1), torch.zeros_like(state))
    assert torch.equal(time_first[0].transpose(0, 1), expected[0]) and torch.equal(time_first[1], expected[1])


@modules
@directions
@pytest.mark.parametrize("kernel", [pytest.param(True, marks=needs_kernel), False], ids=["kernel", "torch"])
def test_empty_inputs_are_accepted(cell, bidirectional, kernel):
    module, _, _ = make_case(cell, 0, bidirectional, sizes=(2, 3))
    module.float()
    state = torch.randn(1 + bidirectional, 4, 3)
    outputs, final = module(torch.zeros(4, 0, 2), state, kernel=kernel)
    assert outputs.shape == (4, 0, 3 + 3 * bidirectional) and torch.equal(final, state)
    outputs, final = module(torch.zeros(0, 5, 2), kernel=kernel)
    assert outputs.shape == (0, 5, 3 + 3 * bidirectional) and final.shape == (1 + bidirectional, 0, 3)


@modules
def test_state_of_another_shape_is_rejected(cell):
    module, _, _ = make_case(cell, 0, sizes=(2, 3))
    with pytest.raises(ValueError, match=r"the state must have the shape \(1, 4, 3\), but has \(1, 5, 3\)"):
        module(torch.zeros(4, 6, 2, dtype=torch.float64), torch.zeros(1, 5, 3))


@modules
def test_half_precision_is_summed_in_single_precision(cell):
    module, _, _ = make_case(cell, 0, sizes=(4, 8))
    inputs = torch.randn(2, 400, 4)
    expected, _ = module.float()(inputs)
    for outputs, final in (module.bfloat16()(inputs.bfloat16()), module.half()(inputs.half())):
        assert outputs.dtype == final.dtype != torch.float32
        torch.testing.assert_close(outputs.float(), expected, rtol=0, atol=0.03)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        outputs, final = module.float()(inputs)
    assert outputs.dtype == final.dtype == torch.float32


@modules
def test_kernel_runs_only_in_float32_on_a_cpu(monkeypatch, cell):
    calls = []
    monkeypatch.setattr(min_cells, "load_library", lambda: "a library")
    monkeypatch.setattr(min_cells, "gated_scan", lambda *call: calls.append(call) or slow_scan(*call))
    module, _, _ = make_case(cell, 0, sizes=(2, 3))
    inputs = torch.randn(2, 3, 2)
    module(inputs.double())
    module.float()(inputs, kernel=False)
    assert not calls
    found, _ = module(inputs)
    assert [call[0] for call in calls] == [cell]
    monkeypatch.setattr(min_cells, "load_library", lambda: None)
    torch.testing.assert_close(module(inputs)[0], found)
    monkeypatch.setattr(min_cells, "load_library", None)
    torch.testing.assert_close(module(inputs)[0], found)
    assert len(calls) == 1


@needs_kernel
@modules
def test_engine_setting_is_used(monkeypatch, cell):
    config = RecurrentConfig(input_features=3, hidden_size=5, num_hidden_layers=2, cell_type=cell)
    model = RecurrentModel(config).eval()
    batch, mask = pad_rows([torch.randn(length, 3) for length in (4, 7, 1)], "mixed", 2)
    calls = []
    kernel = min_cells.gated_scan
    monkeypatch.setattr(min_cells, "gated_scan", lambda *call: calls.append(call) or kernel(*call))
    outputs = {}
    for engine, expected_calls in (("torch", 0), ("kernel", 2)):
        monkeypatch.setenv("HFSEQ_ENGINE", engine)
        outputs[engine] = model(input_features=batch, attention_mask=mask)[0]
        assert len(calls) == expected_calls
    torch.testing.assert_close(outputs["kernel"], outputs["torch"], rtol=1e-5, atol=1e-6)
    with pytest.raises(RuntimeError, match=r"HFSEQ_ENGINE=kernel, but .* in float32, not in torch\.float64"):
        model.double()(input_features=batch.double(), attention_mask=mask)
