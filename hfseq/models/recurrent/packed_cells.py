"""The time loops of the plain-torch engine, one class per cell.

The forward loop computes the activated gates from the projected inputs in place, and saves them. The backward loop
computes the gradients of the gates in place, with one product per step. All other products are computed after it.
"""

import torch
from torch import Tensor

from .packed_walk import PackedWalk, carry, repeated_product

_sigmoid_backward = torch.ops.aten.sigmoid_backward
_tanh_backward = torch.ops.aten.tanh_backward


class RnnCell:
    """Elman's recurrence with tanh. Base class of the other cells.

    Weights and gates are in the order of torch's modules. States are hidden states and, for an LSTM, cell states.
    """

    @staticmethod
    def input_bias(bias_ih: Tensor, bias_hh: Tensor) -> Tensor:
        """The part of the two biases that can be added before the loop, of shape `(gates * hidden,)`."""
        return bias_ih + bias_hh

    @staticmethod
    def forward(
        walk: PackedWalk, gates: Tensor, weight_hh: Tensor, bias_hh: Tensor, initial: tuple[Tensor, ...]
    ) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...]]:
        """Runs the forward loop.

        Args:
            walk (`PackedWalk`): the order of the tokens.
            gates (`torch.Tensor` of shape `(num_tokens, gates * hidden)`): projected inputs; overwritten.
            weight_hh (`torch.Tensor` of shape `(gates * hidden, hidden)`): the recurrent weight.
            bias_hh (`torch.Tensor` of shape `(gates * hidden,)`): the recurrent bias.
            initial (`tuple[torch.Tensor, ...]` of shape `(rows, hidden)` each): the initial states.

        Returns:
            `tuple`: the states after each token, `(num_tokens, hidden)` each, and tensors for `backward`, which may
            overwrite them.
        """
        recurrent = repeated_product(weight_hh, walk)
        hidden = initial[0]
        for (after,) in walk.steps(gates):
            after.add_(recurrent(carry(hidden, initial[0], after.size(0)))).tanh_()
            hidden = after
        return (gates,), ()

    @staticmethod
    def backward(
        walk: PackedWalk,
        weight_hh: Tensor,
        initial: tuple[Tensor, ...],
        states: tuple[Tensor, ...],
        saved: tuple[Tensor, ...],
        grad_outputs: Tensor,
        grad_states: tuple[Tensor, ...],
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Runs the backward loop.

        Args:
            walk (`PackedWalk`): the order of the tokens in the forward loop.
            weight_hh (`torch.Tensor` of shape `(gates * hidden, hidden)`): the recurrent weight.
            initial (`tuple[torch.Tensor, ...]` of shape `(rows, hidden)` each): the initial states.
            states (`tuple[torch.Tensor, ...]` of shape `(num_tokens, hidden)` each): the states after each token.
            saved (`tuple[torch.Tensor, ...]`): tensors that `forward` saved; overwritten.
            grad_outputs (`torch.Tensor` of shape `(num_tokens, hidden)`): gradient of the hidden states.
            grad_states (`tuple[torch.Tensor, ...]` of shape `(rows, hidden)` each): gradient of the final states;
                overwritten with the gradient of the initial states.

        Returns:
            `tuple`: the gradient of the projected inputs, `(num_tokens, gates * hidden)`, and the gradient of the
            recurrent projection, split into parts of consecutive gates.
        """
        recurrent = repeated_product(weight_hh.t(), walk)
        grad_gates = torch.empty_like(states[0])
        for after, grad_output, grad_gate in walk.steps_back(states[0], grad_outputs, grad_gates):
            grad_hidden = grad_states[0][: after.size(0)]
            _tanh_backward(grad_hidden.add_(grad_output), after, grad_input=grad_gate)
            grad_hidden.copy_(recurrent(grad_gate))
        return grad_gates, (grad_gates,)


class LstmCell(RnnCell):
    """Long short-term memory (Hochreiter and Schmidhuber 1997; Gers et al. 2000): input, forget, cell, output gate."""

    @staticmethod
    def forward(walk, gates, weight_hh, bias_hh, initial):
        size = weight_hh.size(1)
        recurrent = repeated_product(weight_hh, walk)
        hiddens, cells, squashed = (gates.new_empty(gates.size(0), size) for _ in range(3))
        hidden, cell = initial
        views = (gates, gates[:, : 2 * size], *gates.split(size, 1), cells, squashed, hiddens)
        for gate, enter_keep, enter, keep, new, out, cell_after, cell_squashed, hidden_after in walk.steps(*views):
            rows = gate.size(0)
            gate.add_(recurrent(carry(hidden, initial[0], rows)))
            enter_keep.sigmoid_()
            new.tanh_()
            out.sigmoid_()
            torch.mul(keep, carry(cell, initial[1], rows), out=cell_after).addcmul_(enter, new)
            torch.mul(out, torch.tanh(cell_after, out=cell_squashed), out=hidden_after)
            hidden, cell = hidden_after, cell_after
        return (hiddens, cells), (gates, squashed)

    @staticmethod
    def backward(walk, weight_hh, initial, states, saved, grad_outputs, grad_states):
        size = weight_hh.size(1)
        recurrent = repeated_product(weight_hh.t(), walk)
        gates, squashed = saved
        buffer = gates.new_empty(walk.rows, size)
        rows = 0
        views = (grad_outputs, gates, *gates.split(size, 1), squashed)
        befores = walk.before_back(states[1], initial[1])
        for before, (grad_output, gate, enter, keep, new, out, first) in zip(
            befores, walk.steps_back(*views), strict=True
        ):
            if rows != before.size(0):
                rows = before.size(0)
                grad_hidden, grad_cell, second = (part[:rows] for part in (*grad_states, buffer))
            grad_hidden.add_(grad_output)
            torch.mul(grad_hidden, out, out=second)
            _sigmoid_backward(grad_hidden.mul_(first), out, grad_input=out)
            grad_cell.add_(_tanh_backward(second, first, grad_input=second))
            torch.mul(grad_cell, enter, out=second)
            torch.mul(grad_cell, new, out=first)
            _tanh_backward(second, new, grad_input=new)
            _sigmoid_backward(first, enter, grad_input=enter)
            torch.mul(grad_cell, before, out=first)
            grad_cell.mul_(keep)
            _sigmoid_backward(first, keep, grad_input=keep)
            grad_hidden.copy_(recurrent(gate))
        return gates, (gates,)


class GruCell(RnnCell):
    """Gated recurrent unit (Cho et al. 2014), with the reset after the product as in cuDNN: reset, update, new."""

    @staticmethod
    def input_bias(bias_ih, bias_hh):
        # The reset gate multiplies the recurrent bias of the new state, so it cannot be added before the loop.
        bias = bias_hh.clone()
        bias[2 * len(bias) // 3 :] = 0
        return bias.add_(bias_ih)

    @staticmethod
    def forward(walk, gates, weight_hh, bias_hh, initial):
        size = weight_hh.size(1)
        bias_hh = bias_hh.clone()
        bias_hh[: 2 * size] = 0
        recurrent = repeated_product(weight_hh, walk, bias_hh)
        hiddens, candidates = (gates.new_empty(gates.size(0), size) for _ in range(2))
        hidden = initial[0]
        views = (gates[:, : 2 * size], *gates.split(size, 1), candidates, hiddens)
        for reset_update, reset, update, new, candidate, after in walk.steps(*views):
            hidden = carry(hidden, initial[0], after.size(0))
            projected = recurrent(hidden)
            reset_update.add_(projected[:, : 2 * size]).sigmoid_()
            candidate.copy_(projected[:, 2 * size :])
            new.addcmul_(reset, candidate).tanh_()
            hidden = torch.lerp(new, hidden, update, out=after)
        return (hiddens,), (gates, candidates)

    @staticmethod
    def backward(walk, weight_hh, initial, states, saved, grad_outputs, grad_states):
        size = weight_hh.size(1)
        recurrent = repeated_product(weight_hh.t(), walk)
        gates, candidates = saved
        buffers = (*gates.new_empty(2, walk.rows, size), gates.new_empty(walk.rows, 3 * size))
        rows = 0
        views = (grad_outputs, gates[:, : 2 * size], *gates.split(size, 1), candidates)
        befores = walk.before_back(states[0], initial[0])
        for before, (grad_output, reset_update, reset, update, new, candidate) in zip(
            befores, walk.steps_back(*views), strict=True
        ):
            if rows != before.size(0):
                rows = before.size(0)
                grad_hidden, first, second, projected = (part[:rows] for part in (*grad_states, *buffers))
            grad_hidden.add_(grad_output)
            torch.sub(before, new, out=first).mul_(grad_hidden)
            torch.mul(grad_hidden, update, out=second)
            _sigmoid_backward(first, update, grad_input=update)
            _tanh_backward(torch.sub(grad_hidden, second, out=first), new, grad_input=new)
            torch.mul(new, candidate, out=first)
            torch.mul(new, reset, out=candidate)
            _sigmoid_backward(first, reset, grad_input=reset)
            projected[:, : 2 * size] = reset_update
            projected[:, 2 * size :] = candidate
            torch.add(second, recurrent(projected), out=grad_hidden)
        return gates, (gates[:, : 2 * size], candidates)


CELLS: dict[str, type[RnnCell]] = {"rnn": RnnCell, "lstm": LstmCell, "gru": GruCell}
