"""Recurrent layers over packed sequences in plain torch, on any device and without compiled code.

The packed modules of torch slice the batch step by step. On a CPU, the gradient of each slice then fills a tensor as
large as the batch, and only an LSTM without padding uses oneDNN. Here a layer is a single node of the autograd graph.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from .packed_cells import CELLS
from .packed_lstm import SegmentedWalk, choose_segments, segmented_lstm
from .packed_walk import PackedWalk, has_onednn, outer_product, product


# torch.compile would unroll the time loop again for each batch.
@torch.compiler.disable
def packed_layer(
    cell: str, data: Tensor, batch_sizes: Tensor, weights: Sequence[Tensor], state: tuple[Tensor, ...]
) -> tuple[Tensor, tuple[Tensor, ...]]:
    """Runs one recurrent layer over packed tokens, like the packed `nn.RNN` (tanh), `nn.LSTM` or `nn.GRU`.

    The result can be differentiated once. Autocast does not apply: the precision is that of the arguments, or the
    highest one if they differ.

    Args:
        cell (`str`): `"rnn"`, `"lstm"` or `"gru"`.
        data (`torch.Tensor` of shape `(num_tokens, input_size)`): packed tokens, time-major, the longest rows first.
        batch_sizes (`torch.LongTensor` of shape `(num_steps,)`, on the CPU): number of rows with a token at each step.
        weights (`Sequence[torch.Tensor]`): for each direction the input weight `(gates * hidden_size, input_size)`,
            the recurrent weight `(gates * hidden_size, hidden_size)`, and their biases.
        state (`tuple[torch.Tensor, ...]` of shape `(num_directions, rows, hidden_size)` each): hidden state, and cell
            state of an LSTM, before the first token.

    Returns:
        `tuple`: the outputs, `(num_tokens, num_directions * hidden_size)`, and the final state, shaped like `state`.
    """
    num_directions = len(weights) // 4
    if len(batch_sizes) == 0 or state[0].size(1) == 0:
        return data.new_zeros(0, num_directions * state[0].size(2)), state
    data, *tensors = _same_precision(data, *weights, *state)
    weights, state = tensors[: len(weights)], tuple(tensors[len(weights) :])
    segments = None
    if cell == "lstm" and has_onednn(data):
        differentiable = torch.is_grad_enabled() and any(tensor.requires_grad for tensor in (data, *tensors))
        segments = choose_segments(batch_sizes, differentiable)
    results = []
    with torch.autocast(data.device.type, enabled=False):
        for number in range(num_directions):
            direction = weights[4 * number : 4 * number + 4]
            initial = [part[number].contiguous() for part in state]
            if segments is not None:
                segmented = SegmentedWalk(batch_sizes, segments, reverse=number == 1)
                results.append(segmented_lstm(segmented, data, direction, *initial))
            else:
                walk = PackedWalk(batch_sizes, reverse=number == 1)
                results.append(_PackedDirection.apply(cell, walk, data, *direction, *initial))
    outputs, *finals = zip(*results, strict=True)
    joined = torch.cat(outputs, 1) if num_directions > 1 else outputs[0]  # (num_tokens, num_directions * hidden)
    return joined, tuple(torch.stack(final) for final in finals)


def _same_precision(*tensors: Tensor) -> tuple[Tensor, ...]:
    dtypes = {tensor.dtype for tensor in tensors}
    if len(dtypes) == 1:
        return tensors
    widest = tensors[0].dtype
    for dtype in dtypes:
        widest = torch.promote_types(widest, dtype)
    return tuple(tensor.to(widest) for tensor in tensors)


class _PackedDirection(torch.autograd.Function):
    """One direction of a layer: computes outputs and final states from packed tokens, weights and initial states."""

    @staticmethod
    def forward(
        ctx: Any,
        cell: str,
        walk: PackedWalk,
        data: Tensor,
        weight_ih: Tensor,
        weight_hh: Tensor,
        bias_ih: Tensor,
        bias_hh: Tensor,
        *initial: Tensor,
    ) -> tuple[Tensor, ...]:
        gates = product(data, weight_ih, CELLS[cell].input_bias(bias_ih, bias_hh))
        states, saved = CELLS[cell].forward(walk, gates, weight_hh, bias_hh, initial)
        ctx.cell, ctx.walk = cell, walk
        if any(ctx.needs_input_grad):
            ctx.set_materialize_grads(False)
            ctx.save_for_backward(data, weight_ih, weight_hh, bias_ih, bias_hh, *initial, *states)
            # Not saved with save_for_backward, because `backward` overwrites the gates with their gradients.
            ctx.gates = saved
        return states[0], *(walk.final(state) for state in states)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_outputs: Tensor | None, *grad_finals: Tensor | None) -> tuple[Tensor | None, ...]:
        data, weight_ih, weight_hh, bias_ih, bias_hh, *others = ctx.saved_tensors
        initial, states = others[: len(others) // 2], others[len(others) // 2 :]
        cell, walk, saved = CELLS[ctx.cell], ctx.walk, ctx.gates
        _, _, need_data, need_ih, need_hh, need_bias_ih, need_bias_hh, *_ = ctx.needs_input_grad
        with torch.autocast(data.device.type, enabled=False):
            if saved is None:
                # The second backward pass of a retained graph: the first one has overwritten the gates.
                gates = product(data, weight_ih, cell.input_bias(bias_ih, bias_hh))
                _, saved = cell.forward(walk, gates, weight_hh, bias_hh, initial)
            ctx.gates = None
            grad_states = tuple(
                torch.zeros_like(start) if grad is None else torch.empty_like(start).copy_(grad)
                for start, grad in zip(initial, grad_finals, strict=True)
            )
            if grad_outputs is None:
                grad_outputs = torch.zeros_like(states[0])
            grad_gates, parts = cell.backward(walk, weight_hh, initial, states, saved, grad_outputs, grad_states)
            before = walk.before(states[0], initial[0]) if need_hh else None
            grad_bias = grad_gates.sum(0) if need_bias_ih or need_bias_hh else None
            return (
                None,
                None,
                product(grad_gates, weight_ih.t()) if need_data else None,
                outer_product(grad_gates, data) if need_ih else None,
                torch.cat([outer_product(part, before) for part in parts]) if before is not None else None,
                grad_bias if need_bias_ih else None,
                torch.cat([part.sum(0) for part in parts]) if need_bias_hh else None,
                *grad_states,
            )
