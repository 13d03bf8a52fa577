"""Rows that are updated before they are next read, compared with the fused AdamW of torch."""

import pytest
import torch

from hfseq.kernels.lazy_adamw import LazyRows
from hfseq.kernels.library import load_library, runnable_builds, use_build

pytestmark = pytest.mark.skipif(load_library() is None, reason="the compiled kernels are not installed")

LR, EPS = 1e-2, 1e-8


class Pair:
    """The same weight with dense and with lazy AdamW."""

    def __init__(self, rows=50, size=37, betas=(0.9, 0.999), weight_decay=0.01, seed=0):
        torch.manual_seed(seed)
        weight = torch.randn(rows, size) / 10
        self.dense = weight.clone().requires_grad_()
        self.optimizer = torch.optim.AdamW([self.dense], betas=betas, eps=EPS, fused=True)
        self.lazy = LazyRows(weight, torch.zeros(rows, size), torch.zeros(rows, size), betas, EPS)
        self.weight_decay, self.number = weight_decay, 0

    def step(self, rows, grad=None, lr=LR):
        """A gradient for these rows, which may be empty."""
        rows = torch.tensor(rows, dtype=torch.int64)
        if grad is None:
            # With many magnitudes, also below eps.
            grad = torch.randn(len(rows), self.dense.shape[1]) * 10 ** (-8 * torch.rand(self.dense.shape[1]))
        self.number += 1
        self.dense.grad = torch.zeros_like(self.dense).index_copy_(0, rows, grad)
        self.optimizer.param_groups[0].update(lr=lr, weight_decay=self.weight_decay)
        self.optimizer.step()
        self.lazy.step(rows, grad, self.number, lr, self.weight_decay)

    def assert_equal(self, **tolerance):
        self.lazy.catch_up()
        state = self.optimizer.state[self.dense]
        tolerance = {"rtol": 1e-6, "atol": 1e-6, "equal_nan": True} | tolerance
        torch.testing.assert_close(self.lazy.weight, self.dense.detach(), **tolerance)
        torch.testing.assert_close(self.lazy.exp_avg, state["exp_avg"], **tolerance)
        torch.testing.assert_close(self.lazy.exp_avg_sq, state["exp_avg_sq"], **tolerance)


@pytest.mark.parametrize("build", runnable_builds())
@pytest.mark.parametrize(("size", "weight_decay"), [(1, 0.0), (37, 0.01), (64, 0.1), (300, 0.01)])
def test_equals_dense_adamw(build, size, weight_decay):
    with use_build(build):
        pair = Pair(size=size, weight_decay=weight_decay)
        for step in range(300):
            # Row 0 has a gradient at each step, row 49 never, and the others increasingly rarely.
            rows = [0, *(row for row in range(1, 49) if torch.rand(()) < 1 / row)]
            pair.lazy.catch_up(torch.tensor([[row, row] for row in rows]))
            pair.step(rows, lr=LR * min(1, (step + 1) / 30) * (1 - step / 300))
        pair.assert_equal()
        assert pair.lazy.pending == 0


@pytest.mark.parametrize("betas", [(0.9, 0.999), (0.0, 0.99), (0.4, 0.95), (0.9, 0.8), (0.99, 0.999)])
def test_long_gap_equals_dense_adamw(betas):
    """More steps than those that are computed individually, and than the initial size of the history."""
    pair = Pair(rows=3, betas=betas)
    pair.step([0, 1])
    for _ in range(600):
        pair.step([])
    pair.step([0])
    pair.assert_equal()


def test_row_without_gradients_decays_like_dense_adamw():
    pair = Pair(rows=2)
    for _ in range(400):
        pair.step([0])
    pair.lazy.catch_up()
    assert torch.equal(pair.lazy.weight[1], pair.dense.detach()[1])
    assert not pair.lazy.exp_avg[1].any() and not pair.lazy.exp_avg_sq[1].any()


def test_catch_up_in_pieces_equals_one_catch_up():
    pair, other = Pair(seed=1), Pair(seed=1)
    for number in range(40):
        torch.manual_seed(number)
        pair.step([number])
        torch.manual_seed(number)
        other.step([number])
        if number % 7 == 0:
            other.lazy.catch_up()
    pair.assert_equal()
    other.assert_equal()


def test_only_the_given_rows_are_updated():
    pair = Pair(rows=6)
    pair.step([0, 1, 2])
    pair.step([])
    before = pair.lazy.weight.clone()
    pair.lazy.catch_up(torch.tensor([1, 1, -1, 6, 10**12], dtype=torch.int64))
    changed = (pair.lazy.weight != before).any(dim=1)
    assert changed.tolist() == [False, True, False, False, False, False]
    pair.lazy.catch_up(torch.tensor([], dtype=torch.int64))
    pair.assert_equal()


def test_non_finite_values_spread_as_in_dense_adamw():
    pair = Pair(rows=6, size=5)
    grad = torch.full((5, 5), 1e-3)
    grad[0, 0], grad[1, 1], grad[2, 2], grad[3, 3] = float("inf"), float("-inf"), float("nan"), 1e30
    pair.step([0, 1, 2, 3, 4], grad)
    pair.assert_equal()
    for _ in range(3):
        pair.step([])
    pair.assert_equal()
    assert pair.lazy.weight.isnan().sum() == 3


def test_result_is_independent_of_the_number_of_threads():
    results = []
    before = torch.get_num_threads()
    try:
        for threads in (1, 2, 3):
            torch.set_num_threads(threads)
            pair = Pair(rows=200, size=100)
            for step in range(20):
                pair.step([row for row in range(200) if row % 20 < 12 or row % 20 == step])
                pair.lazy.catch_up(torch.randint(0, 200, (100,)))
            pair.lazy.catch_up()
            results.append((pair.lazy.weight, pair.lazy.exp_avg, pair.lazy.exp_avg_sq))
    finally:
        torch.set_num_threads(before)
    for other in results[1:]:
        assert all(torch.equal(one, two) for one, two in zip(results[0], other, strict=True))


def test_version_of_the_weight_changes():
    pair = Pair()
    version = pair.lazy.weight._version
    pair.step([0])
    assert pair.lazy.weight._version > version


def test_invalid_tensors_are_rejected():
    weight = torch.zeros(4, 3)
    with pytest.raises(ValueError, match=r"exp_avg must be a contiguous torch.float32 tensor of shape \(4, 3\)"):
        LazyRows(weight, torch.zeros(3, 4).t(), weight, (0.9, 0.999), EPS)
    with pytest.raises(ValueError, match=r"weight must be .* not torch.float64"):
        LazyRows(weight.double(), weight, weight, (0.9, 0.999), EPS)
    with pytest.raises(ValueError, match="eps must be above 0, not 0"):
        LazyRows(weight, weight, weight, (0.9, 0.999), 0)
    rows = LazyRows(weight, weight.clone(), weight.clone(), (0.9, 0.999), EPS)
    with pytest.raises(ValueError, match=r"grad must be .* of shape \(2, 3\) on the CPU, not .* of shape \(1, 3\)"):
        rows.step(torch.tensor([0, 1]), torch.zeros(1, 3), 1, LR, 0.0)
