"""The order in which one direction of a recurrence walks packed tokens, and the matrix products on its way."""

from collections.abc import Callable, Iterator

import torch
from torch import Tensor
from torch.nn import functional as F

# Measured: with fewer, turning oneDNN's result costs more than oneDNN gains.
_FEW_TOKENS = 128


class PackedWalk:
    """One direction over packed tokens: forwards, or backwards with each row starting at its own last token.

    Args:
        batch_sizes (`torch.LongTensor` of shape `(num_steps,)`, on the CPU): how many rows have a token at each step;
            at least one step, at least one row each, never more than the step before.
        reverse (`bool`): whether to walk backwards in time.
    """

    def __init__(self, batch_sizes: Tensor, reverse: bool):
        self.batch_sizes = batch_sizes
        self.sizes: list[int] = batch_sizes.tolist()
        self.rows = self.sizes[0]
        self.reverse = reverse

    def steps(self, *tensors: Tensor) -> Iterator[tuple[Tensor, ...]]:
        """Of each step, views of its tokens in all of the `(num_tokens, ...)` tensors, in the order of the walk."""
        return self._in_time(tensors, self.reverse)

    def steps_back(self, *tensors: Tensor) -> Iterator[tuple[Tensor, ...]]:
        """What `steps` gives, in the opposite order, which is that of the gradient."""
        return self._in_time(tensors, not self.reverse)

    def _in_time(self, tensors: tuple[Tensor, ...], reverse: bool) -> Iterator[tuple[Tensor, ...]]:
        # One split makes all views of a tensor; slices made step by step would cost as much as the small operations.
        views = (tensor.split(self.sizes) for tensor in tensors)
        return zip(*(parts[::-1] if reverse else parts for parts in views), strict=True)

    def before_back(self, states: Tensor, initial: Tensor) -> Iterator[Tensor]:
        """The states that each step started from, in the order of `steps_back`, given those after each token."""
        entered = [initial, *(after for (after,) in self.steps(states))][:-1]
        order = self.sizes[::-1] if self.reverse else self.sizes
        return (carry(known, initial, size) for known, size in zip(entered[::-1], order[::-1], strict=True))

    def before(self, states: Tensor, initial: Tensor) -> Tensor:
        """The states that each token started from, of shape `(num_tokens, size)`, given those after each token."""
        tokens = torch.arange(len(states))
        if not self.reverse:
            previous = tokens[self.rows :] - self.batch_sizes[:-1].repeat_interleave(self.batch_sizes[1:])
            return torch.cat([initial, states.index_select(0, previous.to(states.device))])
        following = tokens + self.batch_sizes.repeat_interleave(self.batch_sizes)
        # Where a row ends there is nothing to follow: any valid index, to be written over.
        following = following.clamp_(max=len(states) - 1).to(states.device)
        return states.index_select(0, following).index_copy_(0, self._row_ends(states.device), initial)

    def final(self, states: Tensor) -> Tensor:
        """The states in which the walk leaves the rows, of shape `(rows, size)`, given those after each token."""
        return states[: self.rows].clone() if self.reverse else states.index_select(0, self._row_ends(states.device))

    def _row_ends(self, device: torch.device) -> Tensor:
        """The last token of each row, of shape `(rows,)`."""
        rows = torch.arange(self.rows)
        lengths = (self.batch_sizes.unsqueeze(1) > rows).sum(0)
        starts = self.batch_sizes.cumsum(0) - self.batch_sizes
        return (starts[lengths - 1] + rows).to(device)


def carry(state: Tensor, initial: Tensor, size: int) -> Tensor:
    """The state in which `size` rows enter a step: that of the step before, and `initial` for rows it did not have."""
    known = state.size(0)
    return state[:size] if size <= known else torch.cat([state, initial[known:size]])


def product(inputs: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """`inputs @ weight.T + bias`, of shape `(tokens, outputs)`, outside autograd."""
    if has_onednn(inputs):
        # Of a weight with gaps between its rows oneDNN makes a product that is a hundred times as slow.
        if not (weight.is_contiguous() or weight.t().is_contiguous()):
            weight = weight.contiguous()
        return torch.ops.mkldnn._linear_pointwise(inputs, weight, bias, "none", [], "")
    return F.linear(inputs, weight, bias)


def repeated_product(weight: Tensor, walk: PackedWalk, bias: Tensor | None = None) -> Callable[[Tensor], Tensor]:
    """[`product`] as a function of the inputs alone, to be called once for each step of the walk."""
    # A product with one row is too small for oneDNN's overhead; oneDNN's own layout of the weight pays after a few.
    if not has_onednn(weight) or walk.rows == 1:
        return lambda inputs: F.linear(inputs, weight, bias)
    if len(walk.sizes) < 4:
        return lambda inputs: product(inputs, weight, bias)
    linear = torch.ops.mkldnn._linear_pointwise
    laid_out = torch.ops.mkldnn._reorder_linear_weight(weight.contiguous(), walk.rows)
    return lambda inputs: linear(inputs, laid_out, bias, "none", [], "")


def outer_product(left: Tensor, right: Tensor) -> Tensor:
    """`left.T @ right`, summed over tokens, of shape `(left size, right size)`, outside autograd."""
    if not has_onednn(left) or len(left) < _FEW_TOKENS:
        return left.t() @ right
    # oneDNN copies its first argument where it is transposed: let that be the narrower one.
    return product(right.t(), left.t()).t()


def has_onednn(tensor: Tensor) -> bool:
    """Whether products go to oneDNN. On some CPUs it is twice as fast as the library behind a matrix product."""
    return tensor.dtype == torch.float32 and tensor.device.type == "cpu" and torch.backends.mkldnn.is_available()
