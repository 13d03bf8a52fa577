"""Pooling of the hidden states of a sequence to one vector. Padding is ignored."""

from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from .configuration_recurrent import RecurrentConfig
from .recurrent_stack import RecurrentState
from .sequence_layout import SequenceLayout


class SequencePooling(nn.Module):
    """Pools the hidden states of a sequence to `(batch, output_size)`: last, mean, max or attention.

    Attention is the additive attention of Yang et al. (2016), "Hierarchical Attention Networks for Document
    Classification". The result for a row without real tokens is zero.
    """

    def __init__(self, config: RecurrentConfig):
        super().__init__()
        self.config = config
        if config.pooling == "attention":
            self.projection = nn.Linear(config.output_size, config.output_size)
            self.query = nn.Linear(config.output_size, 1, bias=False)

    def forward(self, hidden: Tensor, layout: SequenceLayout, state: RecurrentState) -> Tensor:
        """Pools each row.

        Args:
            hidden (`torch.Tensor` of shape `(num_tokens, output_size)`): the last layer's outputs.
            layout (`SequenceLayout`): the positions of the tokens.
            state (`RecurrentState`): the state after the last token.
        """
        if self.config.pooling == "last":
            final = state.hidden[-self.config.num_directions :]  # (directions, batch, hidden)
            return final.transpose(0, 1).flatten(1)  # (batch, output)
        if self.config.pooling == "mean":
            lengths = layout.lengths.clamp(min=1).unsqueeze(1)  # (batch, 1)
            return sum_of_rows(hidden, layout) / lengths
        rows = layout.token_rows()
        if self.config.pooling == "max":
            largest = max_of_rows(hidden, layout).index_select(0, rows)
            # If several steps have the largest value, the gradient is divided among them, as in torch.amax.
            share = (hidden.detach() == largest).to(hidden.dtype)
            share = share / sum_of_rows(share, layout).index_select(0, rows)
            return sum_of_rows(hidden * share, layout)
        scores = self.query(torch.tanh(self.projection(hidden))).to(hidden.dtype)  # (num_tokens, 1)
        weights = torch.exp(scores - max_of_rows(scores, layout).index_select(0, rows))
        weights = weights / sum_of_rows(weights, layout).index_select(0, rows)
        return sum_of_rows(weights * hidden, layout)


def sum_of_rows(packed: Tensor, layout: SequenceLayout) -> Tensor:
    """Sums the packed tokens `(num_tokens, size)` of each row, to `(batch, size)`."""
    return _SumOfRows.apply(packed, layout)


@torch.no_grad()
def max_of_rows(packed: Tensor, layout: SequenceLayout) -> Tensor:
    """Maximum of the packed tokens of each row, `(batch, size)`; zero for a row without tokens. Without gradient."""
    if layout.is_dense:
        return _by_step(packed, layout).amax(0)
    if packed.device.type != "cpu":
        rows = layout.token_rows().unsqueeze(1).expand_as(packed)
        lowest = packed.new_zeros(layout.shape[0], packed.size(1))
        return lowest.scatter_reduce(0, rows, packed, "amax", include_self=False)
    largest = packed.new_full((len(layout.rows), packed.size(1)), -torch.inf)
    for active, step in _steps(largest, packed, layout):
        torch.maximum(active, step, out=active)
    return _scatter(largest, layout)


class _SumOfRows(torch.autograd.Function):
    # One pass over the packed tokens. With padding, a batch of documents would be several times larger.
    @staticmethod
    def forward(ctx, packed, layout):
        ctx.layout = layout
        # In half precision, small terms of a long sum would be rounded to nothing.
        half = packed.dtype in (torch.float16, torch.bfloat16)
        dtype = torch.float32 if half else packed.dtype
        if layout.is_dense:
            return _by_step(packed, layout).sum(0, dtype=dtype).to(packed.dtype)
        if packed.device.type != "cpu":
            total = packed.new_zeros(layout.shape[0], packed.size(1), dtype=dtype)
            return total.index_add(0, layout.token_rows(), packed.to(dtype)).to(packed.dtype)
        total = packed.new_zeros(len(layout.rows), packed.size(1), dtype=dtype)
        for active, step in _steps(total, packed, layout):
            active.add_(step)
        return _scatter(total, layout).to(packed.dtype)

    @staticmethod
    @once_differentiable
    def backward(ctx, grad):
        return grad.index_select(0, ctx.layout.token_rows()), None


def _by_step(packed: Tensor, layout: SequenceLayout) -> Tensor:
    """Packed tokens of a batch without padding as `(length, batch, size)`."""
    batch, length = layout.shape
    return packed.view(length, batch, packed.size(1))


def _steps(rows: Tensor, packed: Tensor, layout: SequenceLayout) -> Iterator[tuple[Tensor, Tensor]]:
    """The tokens of each step, with the rows that they belong to."""
    sizes = layout.batch_sizes.tolist()
    for size, step in zip(sizes, packed.split(sizes), strict=True):
        yield rows[:size], step


def _scatter(rows: Tensor, layout: SequenceLayout) -> Tensor:
    return rows.new_zeros(layout.shape[0], rows.size(1)).index_copy_(0, layout.rows, rows)
