"""Losses that add up: the same value and gradient however a batch is cut over steps and processes."""

from torch import Tensor
from torch.nn import functional as F


def sequence_classification_loss(
    logits: Tensor, labels: Tensor, problem_type: str | None, num_items_in_batch: Tensor | int | None = None
) -> Tensor:
    """Cross-entropy, binary cross-entropy or squared error, summed and divided by the number of items.

    Args:
        logits (`torch.Tensor` of shape `(batch, num_labels)`): the model's outputs.
        labels (`torch.Tensor`): `(batch,)` class numbers (-100 is left out), `(batch, num_labels)` zeros and ones, or
            `(batch,)` or `(batch, num_labels)` targets.
        problem_type (`str`, *optional*): inferred from the shapes, as transformers does, where it is `None`.
        num_items_in_batch (`int` or `torch.Tensor`, *optional*): the labels of the whole batch, as transformers'
            Trainer counts them; by default those given.
    """
    logits = logits.float()
    if problem_type is None:
        several = "multi_label_classification" if labels.is_floating_point() else "single_label_classification"
        problem_type = "regression" if logits.size(-1) == 1 else several
    if problem_type == "single_label_classification":
        labels = labels.view(-1)
        loss = F.cross_entropy(logits, labels, reduction="sum")
        count: Tensor | int = labels.ne(-100).sum().clamp(min=1)
    else:
        targets = labels.to(logits.dtype)
        count = targets.numel()
        if problem_type == "regression":
            loss = F.mse_loss(logits.reshape(targets.shape), targets, reduction="sum")
        else:
            loss = F.binary_cross_entropy_with_logits(logits, targets, reduction="sum")
    return loss / (count if num_items_in_batch is None else num_items_in_batch)


def ctc_loss(
    logits: Tensor,
    lengths: Tensor,
    labels: Tensor,
    blank: int,
    zero_infinity: bool = True,
    num_items_in_batch: Tensor | int | None = None,
) -> Tensor:
    """Connectionist temporal classification (Graves et al. 2006), summed and divided by the number of symbols.

    Args:
        logits (`torch.Tensor` of shape `(batch, length, vocab_size)`): the model's outputs, real steps first.
        lengths (`torch.Tensor` of shape `(batch,)`): the number of real steps of each row.
        labels (`torch.Tensor` of shape `(batch, label_length)`): the transcripts, -100 where there is none.
        blank (`int`): the symbol that stands for none.
        zero_infinity (`bool`, *optional*, defaults to `True`): whether a transcript that is too long for its row
            counts nothing.
        num_items_in_batch (`int` or `torch.Tensor`, *optional*): the symbols of all transcripts of the whole batch;
            by default those given.

    Raises:
        ValueError: if a label is no symbol, or the blank.
    """
    real = labels.ne(-100)
    symbols = labels[real]  # (num_symbols,)
    # torch itself reads past the end of the logits at a label that is too large.
    wrong = symbols[(symbols < 0) | (symbols >= logits.size(-1)) | (symbols == blank)]
    if wrong.numel():
        raise ValueError(
            f"a transcript holds {int(wrong[0])}: its symbols must be at least 0 and below vocab_size "
            f"({logits.size(-1)}), without the blank ({blank})"
        )
    loss = F.ctc_loss(
        logits.float().log_softmax(-1).transpose(0, 1),  # (length, batch, vocab_size)
        symbols,
        lengths,
        real.sum(1),
        blank=blank,
        reduction="sum",
        zero_infinity=zero_infinity,
    )
    count = real.sum().clamp(min=1) if num_items_in_batch is None else num_items_in_batch
    return loss / count
