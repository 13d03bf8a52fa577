"""Losses that can be summed: the same value and gradient for any split of a batch over steps and processes."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

FORECAST_ERRORS: dict[str, Callable[..., Tensor]] = {"mse": F.mse_loss, "mae": F.l1_loss, "huber": F.huber_loss}


def infer_problem_type(num_labels: int, labels: Tensor) -> str:
    """The default problem type of classification heads in transformers, from the number and dtype of the labels."""
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

    The sum is divided by the number of items of the whole batch, not of its part, so gradient accumulation and several
    processes are exact. With class weights, the divisor is also the number of items, because the sum of the weights
    depends on the batch. To keep the scale of the loss, choose weights with a mean of 1 over the data.

    Args:
        logits (`torch.Tensor` of shape `(batch, num_labels)`): outputs of the model.
        labels (`torch.Tensor`): indices of classes `(batch,)` (-100 is ignored), zeros and ones `(batch, num_labels)`,
            or regression targets `(batch,)` or `(batch, num_labels)`.
        problem_type (`str`, *optional*): by default inferred from the labels.
        class_weights (`torch.Tensor` or `Sequence[float]` of `num_labels` values, *optional*): weight of the examples
            of each class; with several labels, weight of the positive examples of each label.
        label_smoothing (`float`, *optional*, defaults to 0.0): share of the target that is distributed evenly over the
            labels (Szegedy et al. 2016).
        num_items_in_batch (`int` or `torch.Tensor`, *optional*): number of items (labels) in the whole batch, as
            counted by Trainer. By default the number of items given.

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
        # A class index of -100 is ignored. As a regression target, -100 is an ordinary number.
        has_ignored = problem_type == "single_label_classification"
        num_items_in_batch = labels.ne(-100).sum().clamp(min=1) if has_ignored else losses.numel()
    return losses.sum() / num_items_in_batch


def causal_lm_loss(
    logits: Tensor,
    targets: Tensor,
    label_smoothing: float = 0.0,
    num_items_in_batch: Tensor | int | None = None,
) -> Tensor:
    """Cross-entropy of the next token, summed and divided by the number of predicted tokens.

    Args:
        logits (`torch.Tensor` of shape `(num_tokens, vocab_size)`): scores of the next token.
        targets (`torch.LongTensor` of shape `(num_tokens,)`): the next token; -100 is ignored.
        label_smoothing (`float`, *optional*, defaults to 0.0): share of the target that is distributed evenly over the
            vocabulary (Szegedy et al. 2016).
        num_items_in_batch (`int` or `torch.Tensor`, *optional*): number of targets in the whole batch, as counted by
            Trainer. By default the number of targets given.

    Returns:
        `torch.Tensor`: a scalar; 0 if there are no targets.
    """
    # A sum over a large vocabulary needs float32 at least.
    logits = logits.to(torch.promote_types(logits.dtype, torch.float32))
    loss = F.cross_entropy(logits, targets, reduction="sum", label_smoothing=label_smoothing)
    if num_items_in_batch is None:
        num_items_in_batch = targets.ne(-100).sum()
    return loss / torch.as_tensor(num_items_in_batch, device=loss.device).clamp(min=1)


def ctc_loss(
    logits: Tensor,
    input_lengths: Tensor,
    labels: Tensor,
    blank: int,
    num_items_in_batch: Tensor | int | None = None,
    zero_infinity: bool = False,
) -> Tensor:
    """Connectionist temporal classification (Graves et al. 2006), in float32.

    The negative log-likelihoods of the sequences, summed and divided by the number of labels.

    Args:
        logits (`torch.Tensor` of shape `(batch, length, vocab_size)`): outputs of the model. The frames of each row
            begin at the first position.
        input_lengths (`torch.LongTensor` of shape `(batch,)`): the number of frames of each row.
        labels (`torch.LongTensor` of shape `(batch, target_length)`): the labels of each row; -100 is ignored, at
            any position.
        blank (`int`): the blank symbol.
        num_items_in_batch (`int` or `torch.Tensor`, *optional*): number of labels in the whole batch, as counted by
            Trainer. By default the number of labels given.
        zero_infinity (`bool`, *optional*, defaults to `False`): whether the loss of a row with too few frames for its
            labels is 0, without gradient, instead of infinite.

    Returns:
        `torch.Tensor`: a scalar.

    Raises:
        ValueError: labels have another shape, are not in the vocabulary, or are the blank.
    """
    if labels.dim() != 2 or labels.size(0) != logits.size(0):
        raise ValueError(
            f"labels must be of shape (batch, target_length) with a batch of {logits.size(0)}, "
            f"not {tuple(labels.shape)}"
        )
    given = labels.ne(-100)
    targets = labels[given]  # (num_labels,)
    # For a label that is too large, torch reads outside of its memory.
    wrong = targets[(targets < 0) | (targets >= logits.size(-1)) | (targets == blank)]
    if wrong.numel():
        raise ValueError(
            f"label {wrong[0].item()} cannot be in a CTC target: labels must be between 0 and {logits.size(-1) - 1}, "
            f"but not the blank, {blank}. The label at padding is -100"
        )
    log_probs = logits.float().log_softmax(-1).transpose(0, 1)  # (length, batch, vocab)
    losses = F.ctc_loss(
        log_probs, targets, input_lengths, given.sum(1), blank, reduction="none", zero_infinity=zero_infinity
    )  # (batch,)
    if num_items_in_batch is None:
        num_items_in_batch = given.sum().clamp(min=1)
    return losses.sum() / num_items_in_batch


def sum_over_items(losses: Tensor, items: Tensor, num_items_in_batch: Tensor | int | None = None) -> Tensor:
    """The sum of the losses, divided by the number of items.

    Args:
        losses (`torch.Tensor`): losses in any shape, zero for ignored items.
        items (`torch.Tensor`): booleans, True for each item that is not ignored.
        num_items_in_batch (`int` or `torch.Tensor`, *optional*): number of items in the whole batch. By default the
            number of items given.

    Returns:
        `torch.Tensor`: a scalar.
    """
    return losses.sum() / (items.sum().clamp(min=1) if num_items_in_batch is None else num_items_in_batch)


def token_classification_loss(
    logits: Tensor,
    labels: Tensor,
    class_weights: Tensor | Sequence[float] | None = None,
    label_smoothing: float = 0.0,
    num_items_in_batch: Tensor | int | None = None,
) -> Tensor:
    """Cross-entropy of the tagged tokens, summed and divided by their number.

    Args:
        logits (`torch.Tensor` of shape `(..., num_labels)`): outputs of the model.
        labels (`torch.LongTensor` of shape `(...)`): indices of tags; -100 is ignored.
        class_weights, label_smoothing, num_items_in_batch: see [`sequence_classification_loss`].

    Returns:
        `torch.Tensor`: a scalar.
    """
    return sequence_classification_loss(
        logits.flatten(0, -2),
        labels.flatten(),
        "single_label_classification",
        class_weights,
        label_smoothing,
        num_items_in_batch,
    )


def forecast_loss(
    predictions: Tensor,
    targets: Tensor,
    observed: Tensor,
    kind: str = "mse",
    quantiles: Sequence[float] | None = None,
    num_items_in_batch: Tensor | int | None = None,
) -> Tensor:
    """Error of a forecast, summed over the observed targets and divided by their number.

    Args:
        predictions (`torch.Tensor` of shape `(batch, horizon, channels)`): the forecasts; with quantiles, of shape
            `(batch, horizon, channels, num_quantiles)`.
        targets (`torch.Tensor` of shape `(batch, horizon, channels)`): the true values; any values where not observed.
        observed (`torch.Tensor` of the same shape): True where the target was observed.
        kind (`str`, *optional*, defaults to `"mse"`): `"mse"`, `"mae"`, or `"huber"` (Huber 1964): half of the
            squared error up to an error of 1, and linear above.
        quantiles (`Sequence[float]`, *optional*): the quantiles that are forecast. The loss is then the mean pinball
            loss (Koenker & Bassett 1978), and `kind` is not used.
        num_items_in_batch (`int` or `torch.Tensor`, *optional*): number of observed targets in the whole batch. By
            default the number of observed targets given.

    Returns:
        `torch.Tensor`: a scalar.
    """
    # Values that were not observed may be NaN. Even with a weight of zero, the gradient would be NaN.
    targets = torch.where(observed, targets, 0).to(predictions.dtype)
    if quantiles is not None:
        levels = torch.as_tensor(quantiles, dtype=predictions.dtype, device=predictions.device)
        errors = targets.unsqueeze(-1) - predictions
        losses = torch.maximum(levels * errors, (levels - 1) * errors).mean(-1)
    else:
        losses = FORECAST_ERRORS[kind](predictions, targets, reduction="none")
    return sum_over_items(losses.masked_fill(~observed, 0), observed, num_items_in_batch)


def sequence_to_sequence_loss(
    logits: Tensor,
    labels: Tensor,
    label_smoothing: float = 0.0,
    num_items_in_batch: Tensor | int | None = None,
) -> Tensor:
    """Cross-entropy of the target tokens, summed and divided by their number. Labels are not shifted.

    Args:
        logits (`torch.Tensor` of shape `(..., vocab_size)`): outputs of the model.
        labels (`torch.LongTensor` of shape `(...)`): the target tokens; -100 is ignored.
        label_smoothing, num_items_in_batch: see [`causal_lm_loss`].

    Returns:
        `torch.Tensor`: a scalar; 0 if there are no targets.
    """
    return causal_lm_loss(logits.flatten(0, -2), labels.flatten(), label_smoothing, num_items_in_batch)
