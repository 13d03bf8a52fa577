"""Pooling over packed tokens, compared with pooling of single rows."""

import pytest
import torch

from hfseq import RecurrentConfig
from hfseq.models.recurrent.pooling import SequencePooling, max_of_rows, sum_of_rows
from hfseq.models.recurrent.recurrent_stack import RecurrentState
from hfseq.models.recurrent.sequence_layout import SequenceLayout

RAGGED = torch.tensor([[1, 1, 0, 0, 0], [0, 0, 0, 0, 0], [1, 1, 1, 1, 1], [0, 0, 1, 1, 1]])
WHOLE = torch.ones(3, 4, dtype=torch.long)


def rows_of(padded, mask):
    return [row[real.bool()] for row, real in zip(padded, mask, strict=True)]


@pytest.mark.parametrize("mask", [RAGGED, WHOLE], ids=["ragged", "whole rows"])
@pytest.mark.parametrize("pooling", ["mean", "max", "attention"])
def test_pooling_equals_that_of_single_rows(pooling, mask):
    torch.manual_seed(0)
    padded = torch.randn(*mask.shape, 6, dtype=torch.float64).round(decimals=1).requires_grad_()
    pool = SequencePooling(RecurrentConfig(vocab_size=5, hidden_size=3, pooling=pooling)).double()
    layout = SequenceLayout.from_mask(mask, tuple(mask.shape), mask.device)
    state = RecurrentState(torch.zeros(2, len(mask), 3))
    found = pool(layout.pack(padded), layout, state)
    expected = []
    for row in rows_of(padded, mask):
        if len(row) == 0:
            expected.append(torch.zeros(6, dtype=torch.float64))
        elif pooling == "mean":
            expected.append(row.mean(0))
        elif pooling == "max":
            expected.append(row.amax(0))
        else:
            expected.append(pool.query(torch.tanh(pool.projection(row))).softmax(0).mul(row).sum(0))
    torch.testing.assert_close(found, torch.stack(expected))
    weights = torch.randn_like(found)
    (one,) = torch.autograd.grad((found * weights).sum(), padded, retain_graph=True)
    (other,) = torch.autograd.grad((torch.stack(expected) * weights).sum(), padded)
    torch.testing.assert_close(one, other)


@pytest.mark.parametrize("lengths", [(2000, 2000), (2000, 1999)], ids=["whole rows", "ragged"])
def test_long_sum_in_half_precision_is_accurate(lengths):
    mask = torch.arange(2000) < torch.tensor(lengths)[:, None]
    layout = SequenceLayout.from_mask(mask, tuple(mask.shape), mask.device)
    packed = torch.full((sum(lengths), 1), 0.5, dtype=torch.bfloat16)
    found = sum_of_rows(packed, layout)
    assert found.dtype == torch.bfloat16
    torch.testing.assert_close(found[:, 0].float(), torch.tensor(lengths) / 2, rtol=0.01, atol=0)


def test_maximum_of_negative_numbers_is_correct():
    layout = SequenceLayout.from_mask(RAGGED, tuple(RAGGED.shape), RAGGED.device)
    found = max_of_rows(torch.full((10, 2), -3.0), layout)
    assert found.tolist() == [[-3, -3], [0, 0], [-3, -3], [-3, -3]]
