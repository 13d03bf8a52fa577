"""The compiled scan with each available build, compared with a slow loop in double precision."""

import random

import pytest
import torch
from slow_scan import GATES, slow_scan

from hfseq.kernels import scan
from hfseq.kernels.library import runnable_builds, use_build
from hfseq.kernels.scan import gated_scan

pytestmark = pytest.mark.skipif(not runnable_builds(), reason="the kernels are not compiled")
cells = pytest.mark.parametrize("cell", GATES)


def make_case(cell, seed, size=None, scale=2.0):
    """Gates, batch sizes and initial states of a ragged batch, in double precision."""
    choose = random.Random(seed)
    torch.manual_seed(seed)
    size = size or choose.choice([1, 3, 4, 15, 16, 17, 33, 70])
    lengths = sorted((choose.randint(1, 12) for _ in range(choose.randint(1, 9))), reverse=True)
    batch_sizes = torch.tensor([sum(length > step for length in lengths) for step in range(lengths[0])])
    directions = choose.choice([1, 2])
    gates = scale * torch.randn(sum(lengths), directions * GATES[cell] * size, dtype=torch.float64)
    return gates, batch_sizes, torch.randn(directions, len(lengths), size, dtype=torch.float64)


def run(function, cell, gates, batch_sizes, hidden0, weights=None):
    """Outputs, final states, and the gradients of gates and initial states."""
    gates, hidden0 = gates.clone().requires_grad_(), hidden0.clone().requires_grad_()
    results = function(cell, gates, batch_sizes, hidden0)
    weights = weights or [torch.linspace(-1, 2, part.numel(), dtype=part.dtype).view_as(part) for part in results]
    value = sum((part * weight).sum() for part, weight in zip(results, weights, strict=True))
    return *results, *torch.autograd.grad(value, (gates, hidden0))


def assert_close(found, expected):
    for one, other in zip(found, expected, strict=True):
        # Relative to the largest value, because a gradient may be a difference of larger numbers.
        scale = float(other.detach().abs().max())
        torch.testing.assert_close(one.double(), other, rtol=0, atol=3e-6 * max(scale, 1.0))


@cells
@pytest.mark.parametrize("build", runnable_builds())
def test_scan_equals_the_slow_loop(cell, build):
    for seed in range(25):
        gates, batch_sizes, hidden0 = make_case(cell, seed)
        with use_build(build):
            found = run(gated_scan, cell, gates.float(), batch_sizes, hidden0.float())
        assert_close(found, run(slow_scan, cell, gates, batch_sizes, hidden0))


@cells
def test_result_does_not_depend_on_the_number_of_threads(monkeypatch, cell):
    monkeypatch.setattr(scan, "_MIN_STATES_FOR_THREADS", 0)
    before = torch.get_num_threads()
    results = []
    try:
        for threads in (1, 2, 3, 7):
            torch.set_num_threads(threads)
            cases = (make_case(cell, seed, size) for seed, size in ((1, 70), (2, 3), (3, 128)))
            results.append([run(gated_scan, cell, g.float(), sizes, h.float()) for g, sizes, h in cases])
    finally:
        torch.set_num_threads(before)
    for other in results[1:]:
        for one_case, other_case in zip(results[0], other, strict=True):
            assert all(torch.equal(*pair) for pair in zip(one_case, other_case, strict=True))


@cells
def test_large_gates_do_not_overflow(cell):
    gates, batch_sizes, hidden0 = make_case(cell, 5, scale=25.0)
    found = run(gated_scan, cell, gates.float(), batch_sizes, hidden0.float())
    assert_close(found, run(slow_scan, cell, gates, batch_sizes, hidden0))
    # A sigmoid of zero in single precision must not cause overflow or division of zero by zero.
    found = run(gated_scan, cell, (40 * gates).float(), batch_sizes, hidden0.float())
    assert all(part.isfinite().all() for part in found)
    shut = torch.tensor([-300.0, -310.0, 7.0] if cell == "minlstm" else [-300.0, 7.0])[None]
    output, _ = gated_scan(cell, shut, torch.tensor([1]), torch.full((1, 1, 1), 5.0))
    assert output.item() == pytest.approx(7.0 if cell == "minlstm" else 5.0, abs=1e-3)


@cells
def test_nan_stays_in_its_unit_and_its_row(cell):
    gates, batch_sizes, hidden0 = make_case(cell, 9, size=17)
    gates = gates.float()
    gates[0, 0] = torch.nan  # the first token of the longest row, unit 0
    output, final = gated_scan(cell, gates, batch_sizes, hidden0.float())
    assert output[0, 0].isnan() and final[0, 0, 0].isnan()
    assert final.isnan().sum() == 1
    assert not output[:, 1:].isnan().any()


@cells
def test_gradient_of_one_result_is_correct(cell):
    gates, batch_sizes, hidden0 = make_case(cell, 4)
    for chosen in (0, 1):

        def value(function, dtype, chosen=chosen):
            leaves = [part.to(dtype).requires_grad_() for part in (gates, hidden0)]
            result = function(cell, leaves[0], batch_sizes, leaves[1])[chosen]
            return torch.autograd.grad(result.square().sum(), leaves)

        assert_close(value(gated_scan, torch.float32), value(slow_scan, torch.float64))


@cells
def test_non_contiguous_views_are_accepted(cell):
    gates, batch_sizes, hidden0 = make_case(cell, 7)
    gates, hidden0 = gates.float(), hidden0.float()
    expected = gated_scan(cell, gates, batch_sizes, hidden0)
    views = gates.t().contiguous().t(), batch_sizes.repeat_interleave(2)[::2], hidden0.mT.contiguous().mT
    assert all(torch.equal(*pair) for pair in zip(gated_scan(cell, *views), expected, strict=True))
    assert torch.equal(views[2], hidden0)


@cells
def test_scan_accepts_no_steps(cell):
    gates, hidden0 = torch.zeros(0, 2 * GATES[cell] * 3, requires_grad=True), torch.randn(2, 4, 3, requires_grad=True)
    output, final = gated_scan(cell, gates, torch.zeros(0, dtype=torch.long), hidden0)
    assert output.shape == (0, 6) and torch.equal(final, hidden0)
    final.sum().backward()
    assert torch.equal(hidden0.grad, torch.ones(2, 4, 3))


@cells
def test_scan_passes_opcheck(cell):
    gates, batch_sizes, hidden0 = make_case(cell, 3)
    arguments = (cell, gates.float().requires_grad_(), batch_sizes, hidden0.float().requires_grad_())
    torch.library.opcheck(torch.ops.hfseq.gated_scan.default, arguments)


@pytest.mark.parametrize(
    "change",
    [
        lambda gates, batch_sizes, hidden0: (gates[1:], batch_sizes, hidden0),
        lambda gates, batch_sizes, hidden0: (gates[:, 1:], batch_sizes, hidden0),
        lambda gates, batch_sizes, hidden0: (gates, batch_sizes.int(), hidden0),
        lambda gates, batch_sizes, hidden0: (gates, batch_sizes, hidden0[:, 1:]),
        lambda gates, batch_sizes, hidden0: (gates.double(), batch_sizes, hidden0),
    ],
    ids=["tokens", "gates", "type of batch sizes", "rows", "precision"],
)
def test_scan_rejects_invalid_arguments(change):
    gates, batch_sizes, hidden0 = make_case("mingru", 1)
    with pytest.raises(ValueError, match=r"gated_scan: gates .* do not match|batch_sizes must be int64"):
        gated_scan("mingru", *change(gates.float(), batch_sizes, hidden0.float()))


@pytest.mark.parametrize("sizes", [[2, 3, 1], [2, -1, 5], [4, 1]], ids=str)
def test_scan_rejects_invalid_batch_sizes(sizes):
    with pytest.raises(ValueError, match="batch_sizes must"):
        gated_scan("mingru", torch.zeros(6, 8), torch.tensor(sizes), torch.zeros(1, sizes[0], 4))
