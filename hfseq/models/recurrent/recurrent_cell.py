"""The interface of a recurrent cell that a plug-in adds, and the layer that runs it in plain torch."""

from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence

from .packed_walk import PackedWalk, carry

State = tuple[Tensor, ...]


class RecurrentCell(nn.Module):
    """One direction of a recurrent layer, defined by a single step. Subclass it to add a value of `cell_type`:

    ```py
    from hfseq import RecurrentCell, register_cell


    @register_cell("mgu")
    class MinimalGatedUnit(RecurrentCell):
        def __init__(self, input_size, hidden_size):
            super().__init__(input_size, hidden_size)
            self.of_input = nn.Linear(input_size, 2 * hidden_size)
            self.of_hidden = nn.Linear(hidden_size, 2 * hidden_size, bias=False)

        def project(self, inputs):
            return self.of_input(inputs)

        def step(self, inputs, state): ...
    ```

    hfseq calls the cell with real tokens only. It handles padding, both directions, several layers, dropout between
    layers, and `generate()`. So the result for a sequence does not depend on its padding, as long as `step` treats
    each row by itself.

    The file of the cell is copied next to saved weights. It may import torch, transformers, `RecurrentCell` and
    `register_cell`, and files next to it with `from .module import name`.

    Args:
        input_size (`int`): size of a token.
        hidden_size (`int`): size of the hidden state.
    """

    # Number of state tensors: 2 for a cell with a cell state next to the hidden state.
    num_states: ClassVar[int] = 1

    def __init__(self, input_size: int, hidden_size: int):
        super().__init__()
        self.input_size = input_size
        self.hidden_size = hidden_size

    def project(self, inputs: Tensor) -> Tensor:
        """The part of a step that depends on the token only, computed once for all tokens. By default the token.

        Args:
            inputs (`torch.Tensor` of shape `(num_tokens, input_size)`): tokens.

        Returns:
            `torch.Tensor` of shape `(num_tokens, size)`, of any size.
        """
        return inputs

    def step(self, inputs: Tensor, state: State) -> State:
        """One step of several sequences.

        Args:
            inputs (`torch.Tensor` of shape `(rows, size)`): what [`project`] returned for one token of each sequence.
            state (`tuple[torch.Tensor, ...]` of shape `(rows, hidden_size)` each): the state before the token. The
                first tensor is the hidden state.

        Returns:
            `tuple[torch.Tensor, ...]`: the state after the token, in the same shapes. The hidden state is also the
            output of the layer.
        """
        raise NotImplementedError

    @torch.no_grad()
    def reset_parameters(self) -> None:
        """Initialises the parameters of the cell itself; those of modules in it, such as `nn.Linear`, are initialised
        as anywhere in the model.

        By default, matrices get Xavier initialisation and all other parameters are zero. Called for a new model, and
        for parameters that a checkpoint does not have: use the functions of `torch.nn.init`.
        """
        for parameter in self.parameters(recurse=False):
            if parameter.dim() == 2:
                nn.init.xavier_uniform_(parameter)
            else:
                nn.init.zeros_(parameter)

    def scan(self, inputs: Tensor, walk: PackedWalk, state: State) -> tuple[State, State]:
        """All steps of a batch. Override it if the cell has a faster way than one step after the other.

        Args:
            inputs (`torch.Tensor` of shape `(num_tokens, size)`): what [`project`] returned, packed.
            walk (`PackedWalk`): the order of the tokens.
            state (`tuple[torch.Tensor, ...]` of shape `(rows, hidden_size)` each): the state before the first token.

        Returns:
            `tuple`: the states after each token, `(num_tokens, hidden_size)` each, and the states after the last token
            of each row, `(rows, hidden_size)` each.
        """
        steps: list[State] = []
        after = state
        for (tokens,) in walk.steps(inputs):
            before = tuple(carry(last, first, len(tokens)) for last, first in zip(after, state, strict=True))
            after = self.checked_step(tokens, before)
            steps.append(after)
        if walk.reverse:
            steps.reverse()
        states = tuple(torch.cat(parts) for parts in zip(*steps, strict=True))
        return states, tuple(walk.final(part) for part in states)

    def checked_step(self, inputs: Tensor, state: State) -> State:
        """[`step`], with a clear error if it returns something else than a state."""
        after = self.step(inputs, state)
        if not isinstance(after, tuple) or [part.shape for part in after] != [part.shape for part in state]:
            shapes = [tuple(part.shape) for part in after] if isinstance(after, tuple) else type(after).__name__
            raise ValueError(
                f"{type(self).__name__}.step() must return a tuple of {len(state)} tensors of shape "
                f"{tuple(state[0].shape)}, but it returned {shapes}"
            )
        return after


class CellLayer(nn.Module):
    """A layer of the family around [`RecurrentCell`]s: one for each direction. Used like `torch.nn.GRU` on packed
    sequences.

    Args:
        cell_class (`type[RecurrentCell]`): the cell.
        input_size (`int`): size of a token.
        hidden_size (`int`): size of the hidden state of one direction.
        bidirectional (`bool`, *optional*, defaults to `False`): whether a second cell reads each sequence from its
            end.
    """

    def __init__(
        self, cell_class: type[RecurrentCell], input_size: int, hidden_size: int, bidirectional: bool = False
    ):
        super().__init__()
        self.input_size = input_size
        self.hidden_size = hidden_size
        self.bidirectional = bidirectional
        self.num_states = cell_class.num_states
        self.cells = nn.ModuleList(cell_class(input_size, hidden_size) for _ in range(1 + bidirectional))

    def forward(self, inputs: PackedSequence, state: State | None = None) -> tuple[PackedSequence, State]:
        """Reads a batch.

        Args:
            inputs (`PackedSequence`): tokens, the longest rows first.
            state (`tuple[torch.Tensor, ...]` of shape `(num_directions, rows, hidden_size)` each, *optional*, defaults
                to zeros): the state before the first token.

        Returns:
            `tuple`: the outputs, of size `hidden_size * num_directions`, and the final state.
        """
        data = inputs.data
        dtype = next((one.dtype for one in self.parameters() if one.is_floating_point()), data.dtype)
        if state is None:
            zeros = data.new_zeros(len(self.cells), int(inputs.batch_sizes[0]), self.hidden_size, dtype=dtype)
            state = (zeros,) * self.num_states
        outputs, finals = [], []
        # Half precision would lose what a state adds up over many steps, so autocast does not apply.
        with torch.autocast(data.device.type, enabled=False):
            for number, cell in enumerate(self.cells):
                walk = PackedWalk(inputs.batch_sizes, reverse=number == 1)
                initial = tuple(part[number].to(dtype) for part in state)
                states, final = cell.scan(cell.project(data.to(dtype)), walk, initial)  # type: ignore[operator]
                outputs.append(states[0])
                finals.append(final)
        joined = torch.cat(outputs, 1) if len(outputs) > 1 else outputs[0]  # (num_tokens, num_directions * hidden)
        return PackedSequence(joined, *inputs[1:]), tuple(torch.stack(part) for part in zip(*finals, strict=True))
