"""The minimal gated unit (Zhou et al. 2016, arXiv 1603.09420): a GRU with one gate."""

import torch
from torch import Tensor, nn

from hfseq import RecurrentCell, register_cell


@register_cell("minimal-gate")
class MinimalGatedUnit(RecurrentCell):
    """f = sigmoid(W_f x + U_f h), h' = (1 - f) * h + f * tanh(W x + U (f * h))."""

    def __init__(self, input_size: int, hidden_size: int):
        super().__init__(input_size, hidden_size)
        self.of_input = nn.Linear(input_size, 2 * hidden_size)
        self.gate = nn.Linear(hidden_size, hidden_size, bias=False)
        self.candidate = nn.Linear(hidden_size, hidden_size, bias=False)

    def project(self, inputs: Tensor) -> Tensor:
        """Both products with the token, `(num_tokens, 2 * hidden_size)`."""
        return self.of_input(inputs)

    def step(self, inputs: Tensor, state: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        """The hidden state after a token, `(rows, hidden_size)`."""
        (hidden,) = state
        for_gate, for_candidate = inputs.chunk(2, dim=-1)
        forget = torch.sigmoid(for_gate + self.gate(hidden))
        candidate = torch.tanh(for_candidate + self.candidate(forget * hidden))
        return (torch.lerp(hidden, candidate, forget),)
