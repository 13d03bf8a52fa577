"""Greedy decoding and alignment of the outputs of a CTC model, on the device."""

from torch import Tensor


def greedy_labels(logits: Tensor, mask: Tensor | None, blank: int) -> Tensor:
    """The most probable symbol of each step, with merged repetitions and without blanks (Graves et al. 2006).

    Args:
        logits (`torch.Tensor` of shape `(batch, length, vocab_size)`): outputs of a model.
        mask (`torch.Tensor` of shape `(batch, length)`, *optional*): nonzero at real steps; by default all are real.
        blank (`int`): id of the blank.

    Returns:
        `torch.Tensor` of shape `(batch, labels)`: labels, padded with -100; at least one column.
    """
    best = logits.argmax(-1)  # (batch, length)
    if mask is not None:
        best = best.masked_fill(mask.eq(0), blank)
    begins = best.ne(blank)
    begins[:, 1:] &= best[:, 1:].ne(best[:, :-1])
    # Moves the labels to the left without changing their order.
    order = begins.long().argsort(dim=1, descending=True, stable=True)  # (batch, length)
    labels = best.masked_fill(~begins, -100).gather(1, order)  # (batch, length)
    return labels[:, : max(int(begins.sum(1).max()), 1)]


def align_left(logits: Tensor, mask: Tensor) -> Tensor:
    """Moves the real steps of each row to its beginning.

    Args:
        logits (`torch.Tensor` of shape `(batch, length, vocab_size)`): outputs of a model.
        mask (`torch.Tensor` of shape `(batch, length)`): nonzero at real steps.
    """
    if bool(mask[:, 0].all()):
        return logits
    order = mask.ne(0).long().argsort(dim=1, descending=True, stable=True)  # (batch, length)
    return logits.gather(1, order.unsqueeze(-1).expand_as(logits))
