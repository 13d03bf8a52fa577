"""An LSTM over packed tokens with the LSTM of oneDNN, which needs rows of equal length: a few dense segments in time.

A packed batch is cut into a few segments at steps where rows end. A segment has as many rows as its first step. If a
row ends within a segment, its state is held: an additional input feature, which is one where there is no token, sets
the input gate to exactly zero and the forget gate to exactly one. At the end of the segment, the cell state of such a
row is that of its last token, and it gets no gradient from later steps.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

# Measured: overhead of a segment, in cells; and the number of rows below which a step does not get faster.
_SEGMENT_COST = 32
_MIN_ROWS = 8
# Measured: with fewer tokens per segment, the gradient of the weights takes longer than a loop over the steps.
_MIN_TOKENS_PER_SEGMENT = 200
# With more possible cuts, the choice takes longer than the time it saves.
_MAX_CUTS = 48
# sigmoid(_SATURATED) is one and sigmoid(-_SATURATED) is zero, even if other terms are added.
_SATURATED = 1e5
# oneDNN is faster if the size of a token is a multiple of this.
_ALIGNMENT = 8


def choose_segments(batch_sizes: Tensor, differentiable: bool) -> list[tuple[int, int, int]] | None:
    """Cuts the steps of a packed batch into segments. `None` if a loop over single steps is faster.

    Args:
        batch_sizes (`torch.LongTensor` of shape `(num_steps,)`, on the CPU): number of rows with a token at each step.
        differentiable (`bool`): whether gradients are needed.

    Returns:
        `list[tuple[int, int, int]]`: first step, step after the last, and rows of each segment, or `None`.
    """
    sizes = tuple(batch_sizes.tolist())
    segments = _cheapest_segments(sizes)
    enough = len(segments) == 1 or sum(sizes) >= _MIN_TOKENS_PER_SEGMENT * len(segments)
    return segments if enough or not differentiable else None


# All layers of a stack have the same batch.
@lru_cache(maxsize=4)
def _cheapest_segments(sizes: tuple[int, ...]) -> list[tuple[int, int, int]]:
    """The segments with the lowest total cost, by dynamic programming over the steps at which rows end."""
    ends = [step for step in range(1, len(sizes)) if sizes[step] != sizes[step - 1]]
    cuts = [0, *ends[:: len(ends) // _MAX_CUTS + 1], len(sizes)]
    costs, starts = [0], [0]
    for stop in range(1, len(cuts)):
        cost, best = min(
            (costs[start] + (cuts[stop] - cuts[start]) * max(sizes[cuts[start]], _MIN_ROWS), start)
            for start in range(stop)
        )
        costs.append(cost + _SEGMENT_COST)
        starts.append(best)
    segments = []
    stop = len(cuts) - 1
    while stop:
        start = starts[stop]
        segments.append((cuts[start], cuts[stop], sizes[cuts[start]]))
        stop = start
    return segments[::-1]


class SegmentedWalk:
    """One direction over packed tokens, in dense segments.

    Args:
        batch_sizes (`torch.LongTensor` of shape `(num_steps,)`, on the CPU): number of rows with a token at each step.
        segments (`Sequence[tuple[int, int, int]]`): first step, step after the last, and rows of each segment.
        reverse (`bool`): whether to go backwards in time. Each row then starts at its last token.

    Attributes:
        shapes (`list[tuple[int, int]]`): steps and rows of each segment.
        sources (`torch.LongTensor` of shape `(num_cells,)`): the token of each cell; `num_tokens` if there is none.
        cells (`torch.LongTensor` of shape `(num_tokens,)`): the cell of each token.
        ends (`torch.LongTensor` of shape `(rows,)`): the last token of each row in the order of the walk.
    """

    def __init__(self, batch_sizes: Tensor, segments: Sequence[tuple[int, int, int]], reverse: bool):
        self.shapes = [(stop - start, height) for start, stop, height in segments]
        rows = torch.arange(int(batch_sizes[0]))
        firsts = batch_sizes.cumsum(0) - batch_sizes  # (num_steps,)
        lengths = (batch_sizes.unsqueeze(1) > rows).sum(0)  # (rows,)
        self.ends = rows if reverse else firsts[lengths - 1] + rows

        row = torch.cat([rows[:height].repeat(stop - start) for start, stop, height in segments])  # (num_cells,)
        walked = torch.cat([torch.arange(start, stop).repeat_interleave(height) for start, stop, height in segments])
        length = lengths[row]
        step = (length - 1 - walked).clamp_(min=0) if reverse else walked
        num_tokens = int(batch_sizes.sum())
        self.sources = torch.where(walked < length, firsts[step] + row, num_tokens)
        cells = torch.empty(num_tokens + 1, dtype=torch.long)
        cells[self.sources] = torch.arange(len(row))
        self.cells = cells[:num_tokens]

    @property
    def is_exact(self) -> bool:
        """Whether all cells have a token."""
        return len(self.sources) == len(self.cells)


def segmented_lstm(
    walk: SegmentedWalk, data: Tensor, weights: Sequence[Tensor], hidden: Tensor, cell: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """One direction of an LSTM layer.

    Args:
        walk (`SegmentedWalk`): the segments.
        data (`torch.Tensor` of shape `(num_tokens, input_size)`): packed tokens, `torch.float32`, on the CPU.
        weights (`Sequence[torch.Tensor]`): input weight, recurrent weight, and their biases.
        hidden (`torch.Tensor` of shape `(rows, hidden_size)`): hidden state of the rows before the walk.
        cell (`torch.Tensor` of shape `(rows, hidden_size)`): cell state of the rows before the walk.

    Returns:
        `tuple`: the outputs, `(num_tokens, hidden_size)`, and the hidden and cell states after the walk.
    """
    weight_ih, *others = weights
    extra = 0
    if not walk.is_exact:
        extra = 1 + -(data.size(1) + 1) % _ALIGNMENT
        weight_ih = torch.cat([weight_ih, _holding_columns(weight_ih, extra)], 1)
    pieces = _Spread.apply(data, walk, extra).split([steps * rows for steps, rows in walk.shapes])
    outputs, cells = [], []
    hidden, cell = hidden.unsqueeze(0), cell.unsqueeze(0)
    train = torch.is_grad_enabled()
    for piece, (steps, rows) in zip(pieces, walk.shapes, strict=True):
        cells.append(cell[0, rows:])
        state = (hidden[:, :rows].contiguous(), cell[:, :rows].contiguous())
        piece = piece.view(steps, rows, -1)
        output, hidden, cell = torch._VF.lstm(piece, state, [weight_ih, *others], True, 1, 0.0, train, False, False)
        outputs.append(output.flatten(0, 1))
    cells.append(cell[0])
    tokens = _Collect.apply(torch.cat(outputs), walk)
    return tokens, tokens.index_select(0, walk.ends), torch.cat(cells[::-1])


def _holding_columns(weight_ih: Tensor, count: int) -> Tensor:
    """The weights of the additional features, of shape `(4 * hidden_size, count)`."""
    quarter = len(weight_ih) // 4
    columns = weight_ih.new_zeros(len(weight_ih), count)
    columns[:quarter, 0] = -_SATURATED
    columns[quarter : 2 * quarter, 0] = _SATURATED
    return columns


class _Spread(torch.autograd.Function):
    """Copies tokens into the cells of the segments. The first of `extra` features is one in cells without a token."""

    @staticmethod
    def forward(ctx: Any, data: Tensor, walk: SegmentedWalk, extra: int) -> Tensor:
        ctx.walk, ctx.size = walk, data.size(1)
        if not extra:
            return data.index_select(0, walk.sources)
        tokens = data.new_zeros(len(data) + 1, data.size(1) + extra)
        tokens[:-1, : data.size(1)] = data
        tokens[-1, data.size(1)] = 1
        return tokens.index_select(0, walk.sources)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None]:
        return grad[:, : ctx.size].index_select(0, ctx.walk.cells), None, None


class _Collect(torch.autograd.Function):
    """Copies the tokens back from the cells of the segments."""

    @staticmethod
    def forward(ctx: Any, dense: Tensor, walk: SegmentedWalk) -> Tensor:
        ctx.walk = walk
        return dense.index_select(0, walk.cells)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        return grad.new_zeros(len(ctx.walk.sources), grad.size(1)).index_copy_(0, ctx.walk.cells, grad), None
