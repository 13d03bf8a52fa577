"""One or several recurrent layers over one batch, and the functions that compute them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence

from hfseq.kernels.library import load_library
from hfseq.kernels.recurrence import recurrent_layer
from hfseq.models.recurrent.min_cells import MinCell, MinGRU, MinLSTM
from hfseq.models.recurrent.packed_recurrence import packed_layer
from hfseq.models.recurrent.sequence_layout import SequenceLayout

MODULES = {"lstm": nn.LSTM, "gru": nn.GRU, "rnn": nn.RNN}
MIN_CELLS = {"mingru": MinGRU, "minlstm": MinLSTM}
# One product in the forward pass, two in the backward pass: for the gradients of the inputs and of the weights.
_PRODUCTS_OF_TRAINING = 3

Run = Callable[[], tuple[Tensor, ...]]


@dataclass
class Problem:
    """Recurrent layers and a batch for them.

    Attributes:
        cell (`str`): `"lstm"`, `"gru"`, `"rnn"`, `"mingru"` or `"minlstm"`.
        module (`torch.nn.Module`): the layers as a module; for minGRU and minLSTM only one layer.
        layout (`SequenceLayout`): positions of the real tokens.
        data (`torch.Tensor` of shape `(num_tokens, input_size)`): the tokens, packed.
        gradient (`torch.Tensor` of shape `(num_tokens, output_size)`): the gradient of the outputs.
    """

    cell: str
    module: nn.Module
    layout: SequenceLayout
    data: Tensor
    gradient: Tensor

    @classmethod
    def make(
        cls,
        cell: str,
        lengths: Sequence[int],
        input_size: int,
        hidden_size: int,
        layers: int = 1,
        bidirectional: bool = True,
    ) -> "Problem":
        """Random weights and a random batch, which depend only on the arguments."""
        torch.manual_seed(0)
        if cell in MIN_CELLS:
            module: nn.Module = MIN_CELLS[cell](input_size, hidden_size, bidirectional=bidirectional)
        else:
            module = MODULES[cell](input_size, hidden_size, layers, bidirectional=bidirectional)
        steps = torch.arange(int(max(lengths)))
        layout = SequenceLayout.from_attention_mask(steps < torch.as_tensor(lengths)[:, None])
        data = torch.randn(layout.num_tokens, input_size)
        gradient = torch.randn(layout.num_tokens, hidden_size * (1 + bidirectional))
        return cls(cell, module, layout, data, gradient)

    @property
    def directions(self) -> int:
        """Number of directions: 1 or 2."""
        return 1 + self.module.bidirectional

    def flops(self, training: bool) -> int:
        """Number of operations of the matrix products, for real tokens only."""
        weights = [parameter for name, parameter in self.module.named_parameters() if name.startswith("weight")]
        products = self.layout.num_tokens * sum(weight.numel() for weight in weights)
        return 2 * products * (_PRODUCTS_OF_TRAINING if training else 1)

    def time_major(self, packed: Tensor) -> Tensor:
        """Packed tokens as `(length, batch, size)`, zero at padding."""
        return self.layout.unpack(packed).transpose(0, 1).contiguous()


def engines(problem: Problem) -> dict[str, Callable[[Tensor], Tensor]]:
    """Functions that compute the outputs from the inputs, by name. Inputs are packed, except those of `padded`."""
    layout, module = problem.layout, problem.module
    if isinstance(module, MinCell):
        ways = {"torch": lambda data: module(PackedSequence(data, layout.batch_sizes), kernel=False)[0].data}
        if load_library() is not None:
            ways["kernel"] = lambda data: module(PackedSequence(data, layout.batch_sizes))[0].data
        return ways
    ways = {
        "packed": lambda data: module(PackedSequence(data, layout.batch_sizes))[0].data,
        "padded": lambda padded: module(padded)[0],
        "torch": lambda data: _plain_torch(problem, data),
    }
    if load_library() is not None:
        ways["kernel"] = lambda data: _kernel(problem, data)
    return ways


def runs(problem: Problem, training: bool) -> dict[str, Run]:
    """The measured function of each engine: outputs, or outputs and all gradients (of inputs, then of weights)."""
    return {
        name: _run(problem, compute, padded=name == "padded", training=training)
        for name, compute in engines(problem).items()
    }


def _run(problem: Problem, compute: Callable[[Tensor], Tensor], padded: bool, training: bool) -> Run:
    inputs, gradient = problem.data, problem.gradient
    if padded:
        inputs, gradient = problem.time_major(inputs), problem.time_major(gradient)
    inputs = inputs.detach().clone().requires_grad_(training)
    leaves = [inputs, *problem.module.parameters()]

    def train() -> tuple[Tensor, ...]:
        outputs = compute(inputs)
        return outputs, *torch.autograd.grad(outputs, leaves, gradient)

    @torch.no_grad()
    def infer() -> tuple[Tensor, ...]:
        return (compute(inputs),)

    return train if training else infer


def _weights(problem: Problem) -> list[list[Tensor]]:
    """The parameters of each layer, in the order of torch."""
    parameters = list(problem.module.parameters())
    count = 4 * problem.directions
    return [parameters[start : start + count] for start in range(0, len(parameters), count)]


def _kernel(problem: Problem, data: Tensor) -> Tensor:
    for weights in _weights(problem):
        data, _ = recurrent_layer(problem.cell, data, problem.layout.batch_sizes, weights)
    return data


def _plain_torch(problem: Problem, data: Tensor) -> Tensor:
    layout = problem.layout
    zeros = data.new_zeros(problem.directions, len(layout.rows), problem.module.hidden_size)
    state = (zeros, zeros) if problem.cell == "lstm" else (zeros,)
    for weights in _weights(problem):
        data, _ = packed_layer(problem.cell, data, layout.batch_sizes, weights, state)
    return data
