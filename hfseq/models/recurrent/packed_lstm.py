"""An LSTM over packed tokens through oneDNN's own, which reads whole rows: by dense segments in time.

A packed batch is cut where rows end into a few segments, each as many rows high as it has at its start. In a segment
that goes on beyond the end of a row, the row is held still: one more input feature, one where there is no token, shuts
the input gate and opens the forget gate so far that they are exactly zero and one. The cell state of such a row at the
end of the segment is that of its last token, and no gradient comes from behind it.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

# Measured: what a segment costs beyond its cells, in cells; and the rows below which a step gets no cheaper.
_SEGMENT_COST = 32
_FEWEST_ROWS = 8
# Measured: with fewer tokens a segment, the gradient of a segment's weights costs more than a loop over its steps.
_TOKENS_OF_A_SEGMENT = 200
# More places to cut than this cost more time to choose from than they save.
_MOST_CUTS = 48
# The logistic function of it is one, and of its negative zero, whatever else goes into the gate.
_SHUT = 1e5
# oneDNN likes the rows of the input to be a multiple of this long.
_ALIGNMENT = 8


def choose_segments(batch_sizes: Tensor, differentiable: bool) -> list[tuple[int, int, int]] | None:
    """Cuts the steps of a packed batch into segments, or says that a loop over single steps is faster.

    Args:
        batch_sizes (`torch.LongTensor` of shape `(num_steps,)`, on the CPU): how many rows have a token at each step.
        differentiable (`bool`): whether there will be a gradient.

    Returns:
        `list[tuple[int, int, int]]`: first step, step after the last, and rows of each segment, or `None`.
    """
    sizes = tuple(batch_sizes.tolist())
    segments = _cheapest_segments(sizes)
    enough = len(segments) == 1 or sum(sizes) >= _TOKENS_OF_A_SEGMENT * len(segments)
    return segments if enough or not differentiable else None


# The layers of a stack read the same batch.
@lru_cache(maxsize=4)
def _cheapest_segments(sizes: tuple[int, ...]) -> list[tuple[int, int, int]]:
    """Dynamic programming over the steps at which rows end."""
    ends = [step for step in range(1, len(sizes)) if sizes[step] != sizes[step - 1]]
    cuts = [0, *ends[:: len(ends) // _MOST_CUTS + 1], len(sizes)]
    costs, starts = [0], [0]
    for stop in range(1, len(cuts)):
        cost, best = min(
            (costs[start] + (cuts[stop] - cuts[start]) * max(sizes[cuts[start]], _FEWEST_ROWS), start)
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
        batch_sizes (`torch.LongTensor` of shape `(num_steps,)`, on the CPU): how many rows have a token at each step.
        segments (`Sequence[tuple[int, int, int]]`): first step, step after the last, and rows of each segment.
        reverse (`bool`): whether to walk backwards in time, each row starting at its own last token.

    Attributes:
        shapes (`list[tuple[int, int]]`): steps and rows of each segment.
        sources (`torch.LongTensor` of shape `(num_cells,)`): the token of each cell, `num_tokens` where there is none.
        cells (`torch.LongTensor` of shape `(num_tokens,)`): the cell of each token.
        ends (`torch.LongTensor` of shape `(rows,)`): the token at which the walk leaves each row.
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
        """Whether every cell has a token."""
        return len(self.sources) == len(self.cells)


def segmented_lstm(
    walk: SegmentedWalk, data: Tensor, weights: Sequence[Tensor], hidden: Tensor, cell: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """One direction of an LSTM layer.

    Args:
        walk (`SegmentedWalk`): the segments.
        data (`torch.Tensor` of shape `(num_tokens, input_size)`): packed tokens, `torch.float32`, on the CPU.
        weights (`Sequence[torch.Tensor]`): input and recurrent weight, and the bias of each.
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
    """The weight of the features of a cell without a token, of shape `(4 * hidden_size, count)`."""
    quarter = len(weight_ih) // 4
    columns = weight_ih.new_zeros(len(weight_ih), count)
    columns[:quarter, 0] = -_SHUT
    columns[quarter : 2 * quarter, 0] = _SHUT
    return columns


class _Spread(torch.autograd.Function):
    """Puts tokens into the cells of the segments; the first of the `extra` features is one where there is none."""

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
    """Takes the tokens back out of the cells of the segments."""

    @staticmethod
    def forward(ctx: Any, dense: Tensor, walk: SegmentedWalk) -> Tensor:
        ctx.walk = walk
        return dense.index_select(0, walk.cells)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        return grad.new_zeros(len(ctx.walk.sources), grad.size(1)).index_copy_(0, ctx.walk.cells, grad), None
