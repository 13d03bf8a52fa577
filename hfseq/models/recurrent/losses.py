"""Losses that add up: the same value and gradient however a batch is cut over steps and processes."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F


def infer_problem_type(num_labels: int, labels: Tensor) -> str:
    """What transformers' classification heads take a problem for when nobody says: by size and type of the labels."""
    if num_labels == 1:
        return "regression"
    return "single_label_classification" if not labels.is_floating_point() else "multi_label_classification"


def sequence_classification_loss(
    logits: Tensor,
    labels: Tensor,
    problem_type: str | None = None,
    class_weights: Tensor | Sequence[float] | None = None,
    label_smoothing: float = 0.0,
    num_items_in_batch: Tensor | int | None = None,
) -> Tensor:
    """Cross-entropy, binary cross-entropy or squared error, summed and divided by the number of items.

    Dividing by the items of the whole batch (not of the part at hand) is what makes gradient accumulation and several
    processes exact. With class weights, too, the divisor is the number of items, not the sum of their weights, which
    would depend on the batch: choose weights that average 1 over the data to keep the scale of the loss.

    Args:
        logits (`torch.Tensor` of shape `(batch, num_labels)`): the model's outputs.
        labels (`torch.Tensor`): `(batch,)` class numbers (-100 is left out), `(batch, num_labels)` zeros and ones, or
            `(batch,)` or `(batch, num_labels)` targets.
        problem_type (`str`, *optional*): inferred from the shapes where it is not given.
        class_weights (`torch.Tensor` or `Sequence[float]` of `num_labels` values, *optional*): weight of the examples
            of each class; with several labels, of the positive examples of each label.
        label_smoothing (`float`, *optional*, defaults to 0.0): share of the target spread evenly over the labels
            (Szegedy et al. 2016).
        num_items_in_batch (`int` or `torch.Tensor`, *optional*): the items (labels) of the whole batch, as
            transformers' Trainer counts them; by default those given.

    Returns:
        `torch.Tensor`: a scalar.
    """
    logits = logits.float()
    if problem_type is None:
        problem_type = infer_problem_type(logits.size(-1), labels)
    weights = None
    if class_weights is not None:
        weights = torch.as_tensor(class_weights, dtype=logits.dtype, device=logits.device)

    if problem_type == "regression":
        labels = labels.to(logits.dtype)
        losses = F.mse_loss(logits.reshape(labels.shape), labels, reduction="none")
    elif problem_type == "single_label_classification":
        labels = labels.view(-1)
        losses = F.cross_entropy(logits, labels, reduction="none", label_smoothing=label_smoothing)  # (batch,)
        if weights is not None:
            losses = losses * weights[labels.clamp(min=0)]
    else:
        targets = labels.to(logits.dtype) * (1 - label_smoothing) + label_smoothing / 2
        losses = F.binary_cross_entropy_with_logits(logits, targets, reduction="none", pos_weight=weights)

    if num_items_in_batch is None:
        # -100 marks a class number to be left out; as a target of a regression it is a number like any other.
        left_out = problem_type == "single_label_classification"
        num_items_in_batch = labels.ne(-100).sum().clamp(min=1) if left_out else losses.numel()
    return losses.sum() / num_items_in_batch
