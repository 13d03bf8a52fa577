"""From the steps of a CTC model to rows without padding or blanks, on the device."""

from torch import Tensor


def likeliest_labels(logits: Tensor, mask: Tensor | None, blank: int) -> Tensor:
    """The likeliest symbol of each step, repetitions merged and blanks dropped (Graves et al. 2006).

    Args:
        logits (`torch.Tensor` of shape `(batch, length, vocab_size)`): a model's outputs.
        mask (`torch.Tensor` of shape `(batch, length)`, *optional*): nonzero at real steps; by default all are.
        blank (`int`): the symbol that stands for none.

    Returns:
        `torch.Tensor` of shape `(batch, labels)`: filled with -100, at least one.
    """
    best = logits.argmax(-1)  # (batch, length)
    if mask is not None:
        best = best.masked_fill(mask.eq(0), blank)
    begins = best.ne(blank)
    begins[:, 1:] &= best[:, 1:].ne(best[:, :-1])
    # The kept ones to the left, in their order.
    order = begins.long().argsort(dim=1, descending=True, stable=True)
    kept = best.masked_fill(~begins, -100).gather(1, order)
    return kept[:, : max(int(begins.sum(1).max()), 1)]


def left_aligned(logits: Tensor, mask: Tensor) -> Tensor:
    """Logits with the real steps of each row at its beginning.

    Args:
        logits (`torch.Tensor` of shape `(batch, length, vocab_size)`): a model's outputs.
        mask (`torch.Tensor` of shape `(batch, length)`): nonzero at real steps.
    """
    if bool(mask[:, 0].all()):
        return logits
    order = mask.ne(0).long().argsort(dim=1, descending=True, stable=True)  # (batch, length)
    return logits.gather(1, order.unsqueeze(-1).expand_as(logits))
