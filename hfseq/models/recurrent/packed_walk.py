"""The order in which one direction of a recurrent layer processes packed tokens, and matrix products for it."""

from collections.abc import Callable, Iterator

import torch
from torch import Tensor
from torch.nn import functional as F

# Measured: with fewer tokens, transposing the result of oneDNN takes longer than oneDNN saves.
_MIN_TOKENS = 128


class PackedWalk:
    """One direction over packed tokens: forwards, or backwards from the last token of each row.

    Args:
        batch_sizes (`torch.LongTensor` of shape `(num_steps,)`, on the CPU): number of rows with a token at each step;
            at least one step, at least one row per step, and never more rows than at the previous step.
        reverse (`bool`): whether to go backwards in time.
    """

    def __init__(self, batch_sizes: Tensor, reverse: bool):
        self.batch_sizes = batch_sizes
        self.sizes: list[int] = batch_sizes.tolist()
        self.rows = self.sizes[0]
        self.reverse = reverse

    def steps(self, *tensors: Tensor) -> Iterator[tuple[Tensor, ...]]:
        """Views of the tokens of each step in all of the `(num_tokens, ...)` tensors, in the order of the walk."""
        return self._in_time(tensors, self.reverse)

    def steps_back(self, *tensors: Tensor) -> Iterator[tuple[Tensor, ...]]:
        """The views of `steps` in the opposite order, for the backward pass."""
        return self._in_time(tensors, not self.reverse)

    def _in_time(self, tensors: tuple[Tensor, ...], reverse: bool) -> Iterator[tuple[Tensor, ...]]:
        # One split creates all views of a tensor. Slices at each step would take as long as the small operations.
        views = (tensor.split(self.sizes) for tensor in tensors)
        return zip(*(parts[::-1] if reverse else parts for parts in views), strict=True)

    def before_back(self, states: Tensor, initial: Tensor) -> Iterator[Tensor]:
        """The states before each step, in the order of `steps_back`, from the states after each token."""
        entered = [initial, *(after for (after,) in self.steps(states))][:-1]
        order = self.sizes[::-1] if self.reverse else self.sizes
        return (carry(known, initial, size) for known, size in zip(entered[::-1], order[::-1], strict=True))

    def before(self, states: Tensor, initial: Tensor) -> Tensor:
        """The states before each token, of shape `(num_tokens, size)`, from the states after each token."""
        tokens = torch.arange(len(states))
        if not self.reverse:
            previous = tokens[self.rows :] - self.batch_sizes[:-1].repeat_interleave(self.batch_sizes[1:])
            return torch.cat([initial, states.index_select(0, previous.to(states.device))])
        following = tokens + self.batch_sizes.repeat_interleave(self.batch_sizes)
        # The last token of a row has no next token: any valid index, whose value is overwritten below.
        following = following.clamp_(max=len(states) - 1).to(states.device)
        return states.index_select(0, following).index_copy_(0, self._row_ends(states.device), initial)

    def final(self, states: Tensor) -> Tensor:
        """The final states of the rows, of shape `(rows, size)`, from the states after each token."""
        return states[: self.rows].clone() if self.reverse else states.index_select(0, self._row_ends(states.device))

    def _row_ends(self, device: torch.device) -> Tensor:
        """The last token of each row, of shape `(rows,)`."""
        rows = torch.arange(self.rows)
        lengths = (self.batch_sizes.unsqueeze(1) > rows).sum(0)
        starts = self.batch_sizes.cumsum(0) - self.batch_sizes
        return (starts[lengths - 1] + rows).to(device)


def carry(state: Tensor, initial: Tensor, size: int) -> Tensor:
    """The state of `size` rows before a step: that of the previous step, and `initial` for rows that begin here."""
    known = state.size(0)
    return state[:size] if size <= known else torch.cat([state, initial[known:size]])


def product(inputs: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """`inputs @ weight.T + bias`, of shape `(tokens, outputs)`, without a gradient."""
    if has_onednn(inputs):
        # oneDNN is a hundred times slower if there are gaps between the rows of the weight.
        if not (weight.is_contiguous() or weight.t().is_contiguous()):
            weight = weight.contiguous()
        return torch.ops.mkldnn._linear_pointwise(inputs, weight, bias, "none", [], "")
    return F.linear(inputs, weight, bias)


def repeated_product(weight: Tensor, walk: PackedWalk, bias: Tensor | None = None) -> Callable[[Tensor], Tensor]:
    """[`product`] as a function of the inputs only, to be called once per step of the walk."""
    # One row is too little work for the overhead of oneDNN. Its own layout of the weight pays off after a few steps.
    if not has_onednn(weight) or walk.rows == 1:
        return lambda inputs: F.linear(inputs, weight, bias)
    if len(walk.sizes) < 4:
        return lambda inputs: product(inputs, weight, bias)
    linear = torch.ops.mkldnn._linear_pointwise
    laid_out = torch.ops.mkldnn._reorder_linear_weight(weight.contiguous(), walk.rows)
    return lambda inputs: linear(inputs, laid_out, bias, "none", [], "")


def outer_product(left: Tensor, right: Tensor) -> Tensor:
    """`left.T @ right`, summed over tokens, of shape `(left size, right size)`, without a gradient."""
    if not has_onednn(left) or len(left) < _MIN_TOKENS:
        return left.t() @ right
    # oneDNN copies a transposed first argument, so the narrower one comes first.
    return product(right.t(), left.t()).t()


def has_onednn(tensor: Tensor) -> bool:
    """Whether products use oneDNN. On some CPUs it is twice as fast as the default library of torch."""
    return tensor.dtype == torch.float32 and tensor.device.type == "cpu" and torch.backends.mkldnn.is_available()
