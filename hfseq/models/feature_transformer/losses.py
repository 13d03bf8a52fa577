"""Losses that can be summed: the same value and gradient for any split of a batch over steps and processes."""

from torch import Tensor
from torch.nn import functional as F


def sequence_classification_loss(
    logits: Tensor, labels: Tensor, problem_type: str | None, num_items_in_batch: Tensor | int | None = None
) -> Tensor:
    """Cross-entropy, binary cross-entropy or squared error, summed and divided by the number of items.

    Args:
        logits (`torch.Tensor` of shape `(batch, num_labels)`): outputs of the model.
        labels (`torch.Tensor`): indices of classes `(batch,)` (-100 is ignored), zeros and ones `(batch, num_labels)`,
            or regression targets `(batch,)` or `(batch, num_labels)`.
        problem_type (`str`, *optional*): by default inferred from the labels, as in transformers.
        num_items_in_batch (`int` or `torch.Tensor`, *optional*): number of labels in the whole batch, as counted by
            Trainer. By default the number of labels given.
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
        logits (`torch.Tensor` of shape `(batch, length, vocab_size)`): outputs of the model, real steps first.
        lengths (`torch.Tensor` of shape `(batch,)`): number of real steps of each row.
        labels (`torch.Tensor` of shape `(batch, label_length)`): the transcripts, -100 at padding.
        blank (`int`): the blank symbol.
        zero_infinity (`bool`, *optional*, defaults to `True`): whether the loss of a transcript that is too long for
            its row is 0.
        num_items_in_batch (`int` or `torch.Tensor`, *optional*): number of symbols of all transcripts in the whole
            batch. By default the number of symbols given.

    Raises:
        ValueError: a label is not in the vocabulary, or is the blank.
    """
    real = labels.ne(-100)
    symbols = labels[real]  # (num_symbols,)
    # For a label that is too large, torch reads outside of its memory.
    wrong = symbols[(symbols < 0) | (symbols >= logits.size(-1)) | (symbols == blank)]
    if wrong.numel():
        raise ValueError(
            f"a transcript has the symbol {int(wrong[0])}: symbols must be at least 0 and below vocab_size "
            f"({logits.size(-1)}), and not the blank ({blank})"
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
