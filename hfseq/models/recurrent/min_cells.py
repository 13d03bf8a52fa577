"""Recurrent cells without hidden-to-hidden weights: minGRU and minLSTM.

Feng, Tung, Ahmed, Bengio and Hajimirsadeghi (2024), "Were RNNs All We Needed?". Each unit is a linear scan,
`h_t = a_t h_(t-1) + b_t`, whose coefficients depend only on the input, so one product for all tokens comes before it.
"""

from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional as F
from torch.nn.utils.rnn import PackedSequence

from .compiled_kernels import gated_scan, load_library
from .packed_walk import PackedWalk, carry, outer_product, product


class MinCell(nn.Module):
    """A recurrent layer without hidden-to-hidden weights. Used like [`torch.nn.GRU`].

    The parameters of a direction are `weight_ih_l0`, of shape `(gates * hidden_size, input_size)`, and `bias_ih_l0`.
    The names of the second direction end with `_reverse`.

    Args:
        input_size (`int`): size of a token.
        hidden_size (`int`): size of the state of one direction.
        batch_first (`bool`, *optional*, defaults to `True`): whether padded inputs and outputs have the shape
            `(batch, length, size)` instead of `(length, batch, size)`.
        bidirectional (`bool`, *optional*, defaults to `False`): whether a second scan reads each sequence
            backwards.
    """

    # Name of the cell in the kernel, and number of gates including the candidate.
    cell: ClassVar[str]
    gates: ClassVar[int]

    def __init__(self, input_size: int, hidden_size: int, batch_first: bool = True, bidirectional: bool = False):
        super().__init__()
        self.input_size = input_size
        self.hidden_size = hidden_size
        self.batch_first = batch_first
        self.bidirectional = bidirectional
        for suffix in self._suffixes():
            weight = torch.empty(self.gates * hidden_size, input_size)
            setattr(self, f"weight_ih_l0{suffix}", nn.Parameter(weight))
            setattr(self, f"bias_ih_l0{suffix}", nn.Parameter(torch.empty(self.gates * hidden_size)))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Uniform initialisation as in [`torch.nn.Linear`]."""
        bound = self.input_size**-0.5
        for parameter in self.parameters():
            nn.init.uniform_(parameter, -bound, bound)

    def extra_repr(self) -> str:
        return f"{self.input_size}, {self.hidden_size}, bidirectional={self.bidirectional}"

    def forward(
        self, inputs: Tensor | PackedSequence, state: Tensor | None = None, kernel: bool = True
    ) -> tuple[Tensor | PackedSequence, Tensor]:
        """Runs the layer.

        Args:
            inputs (`torch.Tensor` of shape `(batch, length, input_size)` or `PackedSequence`): the inputs.
            state (`torch.Tensor` of shape `(num_directions, batch, hidden_size)`, *optional*, defaults to zeros): the
                state before the first token.
            kernel (`bool`, *optional*, defaults to `True`): whether to use the compiled kernel if possible: on a CPU,
                in float32.

        Returns:
            `tuple`: the outputs in the format of the inputs, of size `hidden_size * num_directions`, and the final
            state.

        Raises:
            ValueError: the state has another shape.
        """
        if isinstance(inputs, PackedSequence):
            if state is not None and inputs.sorted_indices is not None:
                state = state.index_select(1, inputs.sorted_indices)
            packed, final = self._read(inputs.data, inputs.batch_sizes, state, kernel)
            if inputs.unsorted_indices is not None:
                final = final.index_select(1, inputs.unsorted_indices)
            return PackedSequence(packed, *inputs[1:]), final
        steps = inputs.transpose(0, 1) if self.batch_first else inputs  # (length, batch, size)
        length, batch = steps.shape[:2]
        if state is None:
            state = inputs.new_zeros(len(self._suffixes()), batch, self.hidden_size)
        packed, final = self._read(steps.flatten(0, 1), torch.full((length,), batch), state, kernel)
        outputs = packed.view(length, batch, packed.size(1))
        return outputs.transpose(0, 1) if self.batch_first else outputs, final

    def coefficients(self, gates: Tensor) -> tuple[Tensor, Tensor]:
        """Factor and summand of the scan, `(num_tokens, hidden)` each, from the projected inputs of one direction."""
        raise NotImplementedError

    def _suffixes(self) -> tuple[str, ...]:
        return ("", "_reverse") if self.bidirectional else ("",)

    def _read(self, data: Tensor, batch_sizes: Tensor, state: Tensor | None, kernel: bool) -> tuple[Tensor, Tensor]:
        """The outputs of packed tokens, `(num_tokens, num_directions * hidden)`, and the final state."""
        gates = self._project(data)  # (num_tokens, num_directions * gates * hidden)
        # Half precision would lose small terms that a state adds up over many steps.
        if gates.dtype in (torch.float16, torch.bfloat16):
            gates = gates.float()
        rows = int(batch_sizes[0]) if len(batch_sizes) else 0 if state is None else state.size(1)
        shape = (len(self._suffixes()), rows, self.hidden_size)
        if state is None:
            state = gates.new_zeros(shape)
        if state.shape != shape:
            raise ValueError(f"the state must have the shape {shape}, but has {tuple(state.shape)}")
        state = state.to(gates.dtype)
        if kernel and _kernel_runs(gates):
            outputs, final = gated_scan(self.cell, gates, batch_sizes, state)
        else:
            outputs, final = self._scan(gates, batch_sizes, state)
        return outputs.to(data.dtype), final.to(data.dtype)

    def _project(self, data: Tensor) -> Tensor:
        weights = [getattr(self, f"weight_ih_l0{suffix}") for suffix in self._suffixes()]
        biases = [getattr(self, f"bias_ih_l0{suffix}") for suffix in self._suffixes()]
        weight = torch.cat(weights) if self.bidirectional else weights[0]
        bias = torch.cat(biases) if self.bidirectional else biases[0]
        if data.dtype == weight.dtype == torch.float32 and not torch.is_autocast_enabled(data.device.type):
            return _Projection.apply(data, weight, bias)
        return F.linear(data, weight, bias)

    def _scan(self, gates: Tensor, batch_sizes: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        if len(gates) == 0:
            return gates.new_zeros(0, state.size(0) * state.size(2)), state
        results = []
        for number, (direction, initial) in enumerate(zip(gates.chunk(state.size(0), 1), state, strict=True)):
            walk = PackedWalk(batch_sizes, reverse=number == 1)
            results.append(_LinearScan.apply(walk, *self.coefficients(direction), initial))
        outputs, finals = zip(*results, strict=True)
        return torch.cat(outputs, 1) if len(outputs) > 1 else outputs[0], torch.stack(finals)


class MinGRU(MinCell):
    """`h_t = (1 - z) h_(t-1) + z x`, with an update gate `z = sigmoid(W_z x_t + b_z)` and a candidate `x` that is
    linear in the token. Order of the weights: update, candidate."""

    cell = "mingru"
    gates = 2

    def coefficients(self, gates: Tensor) -> tuple[Tensor, Tensor]:
        update, candidate = gates.chunk(2, 1)
        return torch.sigmoid(-update), torch.sigmoid(update) * candidate


class MinLSTM(MinCell):
    """`h_t = f h_(t-1) + i x`, with input gate `i` and forget gate `f` divided by their sum, and a candidate `x`
    that is linear in the token. Order of the weights: input, forget, candidate."""

    cell = "minlstm"
    gates = 3

    def coefficients(self, gates: Tensor) -> tuple[Tensor, Tensor]:
        enter, keep, candidate = gates.chunk(3, 1)
        # f / (f + i), without dividing zero by zero if both gates are closed.
        share = F.logsigmoid(keep) - F.logsigmoid(enter)
        return torch.sigmoid(share), torch.sigmoid(-share) * candidate


def _kernel_runs(gates: Tensor) -> bool:
    if gates.device.type != "cpu" or gates.dtype != torch.float32 or torch.compiler.is_exporting():
        return False
    return load_library is not None and load_library() is not None


class _Projection(torch.autograd.Function):
    """`data @ weight.T + bias` with the faster library."""

    @staticmethod
    def forward(ctx: Any, data: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        ctx.save_for_backward(data, weight)
        return product(data, weight, bias)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        data, weight = ctx.saved_tensors
        need_data, need_weight, need_bias = ctx.needs_input_grad
        return (
            product(grad, weight.t()) if need_data else None,
            outer_product(grad, data) if need_weight else None,
            grad.sum(0) if need_bias else None,
        )


class _LinearScan(torch.autograd.Function):
    """`h_t = a_t h_(t-1) + b_t` in one direction: computes the states after each token, and the final states."""

    @staticmethod
    def forward(ctx: Any, walk: PackedWalk, factor: Tensor, summand: Tensor, initial: Tensor) -> tuple[Tensor, Tensor]:
        states = torch.empty_like(summand)
        hidden = initial
        for a, b, after in walk.steps(factor, summand, states):
            hidden = torch.addcmul(b, a, carry(hidden, initial, len(b)), out=after)
        ctx.walk = walk
        ctx.save_for_backward(factor, initial, states)
        return states, walk.final(states)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_states: Tensor, grad_final: Tensor) -> tuple[Tensor | None, ...]:
        factor, initial, states = ctx.saved_tensors
        grad_summand = grad_states.clone(memory_format=torch.contiguous_format)
        grad_hidden = grad_final.clone(memory_format=torch.contiguous_format)
        for a, grad in ctx.walk.steps_back(factor, grad_summand):
            before = grad_hidden[: len(grad)]
            torch.mul(grad.add_(before), a, out=before)
        grad_factor = ctx.walk.before(states, initial).mul_(grad_summand)
        return None, grad_factor, grad_summand, grad_hidden
