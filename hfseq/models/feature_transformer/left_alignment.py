"""Padding moved out of the way, so that an encoder counts the same positions however a batch was padded."""

import torch
from torch import Tensor


class LeftAlignment:
    """Brings the real steps of each row to its left end, and what was computed of them back to their places.

    An encoder's positions, absolute ones or the distances in a window of attention, then count real steps alone.

    Args:
        attention_mask (`torch.Tensor` of shape `(batch, length)`, *optional*): nonzero at real steps, in any pattern.
            Without it, all steps are real, and nothing is moved.
        shape (`tuple[int, int]`): batch size and padded length of what is aligned.

    Attributes:
        mask (`torch.BoolTensor` of shape `(batch, length)`, *optional*): the mask after aligning.

    Raises:
        ValueError: if the mask is of another shape.
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
            # Stable, so that the real steps keep their order.
            self._order = (~real).to(torch.uint8).argsort(dim=1, stable=True)  # (batch, length)
            self.mask = real.gather(1, self._order)

    def align(self, values: Tensor) -> Tensor:
        """The rows of `(batch, length, size)`, real steps first, zero behind them."""
        if self.mask is None:
            return values
        aligned = values.gather(1, self._order.unsqueeze(-1).expand_as(values))  # (batch, length, size)
        # What stands at the padding may even be NaN, which no weight of zero would silence.
        return aligned.masked_fill(~self.mask.unsqueeze(-1), 0)

    def restore(self, aligned: Tensor) -> Tensor:
        """Undoes [`align`]: each real step where it came from, zero at the padding."""
        if self.mask is None:
            return aligned
        values = aligned.masked_fill(~self.mask.unsqueeze(-1), 0)
        return torch.zeros_like(values).scatter(1, self._order.unsqueeze(-1).expand_as(values), values)

    def lengths(self, device: torch.device) -> Tensor:
        """The number of real steps of each row, `(batch,)`."""
        batch, length = self.shape
        return torch.full((batch,), length, device=device) if self.mask is None else self.mask.sum(1)

    def mean(self, aligned: Tensor) -> Tensor:
        """The mean of each row's real steps, `(batch, size)`; zero for a row that has none."""
        if self.mask is None:
            return aligned.mean(1)
        total = aligned.masked_fill(~self.mask.unsqueeze(-1), 0).sum(1)  # (batch, size)
        return total / self.mask.sum(1, keepdim=True).clamp(min=1)
