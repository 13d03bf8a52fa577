"""Cells of a package outside hfseq."""

import torch
from torch import nn

from hfseq import (
    RecurrentCell,
    register_cell,
)

from .gates import interpolate


@register_cell("mgu")
class MinimalGatedUnit(RecurrentCell):
    """Zhou et al. (2016): one gate, which both forgets and updates."""

    def __init__(self, input_size, hidden_size):
        super().__init__(input_size, hidden_size)
        self.of_input = nn.Linear(input_size, 2 * hidden_size)
        self.of_hidden = nn.Linear(hidden_size, 2 * hidden_size, bias=False)
        self.offset = nn.Parameter(torch.empty(hidden_size))

    def project(self, inputs):
        return self.of_input(inputs)

    def step(self, inputs, state):
        gate, new = inputs.chunk(2, 1)
        of_gate, of_new = self.of_hidden(state[0]).chunk(2, 1)
        gate = gate + of_gate + self.offset
        return (interpolate(state[0], torch.tanh(new + gate.sigmoid() * of_new), gate),)


@register_cell("coupled-lstm")
class CoupledLSTM(RecurrentCell):
    """An LSTM whose input gate is one minus its forget gate: a cell with a cell state."""

    num_states = 2

    def __init__(self, input_size, hidden_size):
        super().__init__(input_size, hidden_size)
        self.of_all = nn.Linear(input_size + hidden_size, 3 * hidden_size)

    def step(self, inputs, state):
        gate, new, leave = self.of_all(torch.cat((inputs, state[0]), 1)).chunk(3, 1)
        cell = interpolate(state[1], new.tanh(), gate)
        return leave.sigmoid() * cell.tanh(), cell
