"""Moves padding to the right, so that the positions of an encoder do not depend on the padding of a batch."""

import torch
from torch import Tensor


class LeftAlignment:
    """Moves the real steps of each row to the left, and the results back to the original positions.

    The positions of an encoder, absolute or relative, then count real steps only.

    Args:
        attention_mask (`torch.Tensor` of shape `(batch, length)`, *optional*): nonzero at real steps, which may be
            anywhere. By default all steps are real.
        shape (`tuple[int, int]`): batch size and padded length.

    Attributes:
        mask (`torch.BoolTensor` of shape `(batch, length)`, *optional*): the mask after aligning.

    Raises:
        ValueError: the mask has another shape.
    """

    def __init__(self, attention_mask: Tensor | None, shape: tuple[int, int]):
        if attention_mask is not None and attention_mask.shape != shape:
            raise ValueError(
                f"attention_mask has shape {tuple(attention_mask.shape)}, the inputs (batch, length) have {shape}"
            )
        self.shape = shape
        self.mask: Tensor | None = None
        if attention_mask is not None:
            real = attention_mask.bool()
            # A stable sort keeps the order of the real steps.
            self._order = (~real).to(torch.uint8).argsort(dim=1, stable=True)  # (batch, length)
            self.mask = real.gather(1, self._order)

    def align(self, values: Tensor) -> Tensor:
        """The rows of `(batch, length, size)`: real steps first, then zeros."""
        if self.mask is None:
            return values
        aligned = values.gather(1, self._order.unsqueeze(-1).expand_as(values))  # (batch, length, size)
        # Values at padding may be NaN, and zero times NaN is NaN.
        return aligned.masked_fill(~self.mask.unsqueeze(-1), 0)

    def restore(self, aligned: Tensor) -> Tensor:
        """The inverse of [`align`]: real steps at their original positions, zero at padding."""
        if self.mask is None:
            return aligned
        values = aligned.masked_fill(~self.mask.unsqueeze(-1), 0)
        return torch.zeros_like(values).scatter(1, self._order.unsqueeze(-1).expand_as(values), values)

    def lengths(self, device: torch.device) -> Tensor:
        """Number of real steps of each row, `(batch,)`."""
        batch, length = self.shape
        return torch.full((batch,), length, device=device) if self.mask is None else self.mask.sum(1)

    def mean(self, aligned: Tensor) -> Tensor:
        """Mean of the real steps of each row, `(batch, size)`; zero for a row without real steps."""
        if self.mask is None:
            return aligned.mean(1)
        total = aligned.masked_fill(~self.mask.unsqueeze(-1), 0).sum(1)  # (batch, size)
        return total / self.mask.sum(1, keepdim=True).clamp(min=1)
