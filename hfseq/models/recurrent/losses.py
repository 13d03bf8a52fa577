"""Losses that add up: the same value and gradient however a batch is cut over steps and processes."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

FORECAST_ERRORS: dict[str, Callable[..., Tensor]] = {"mse": F.mse_loss, "mae": F.l1_loss, "huber": F.huber_loss}


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


def causal_lm_loss(
    logits: Tensor,
    targets: Tensor,
    label_smoothing: float = 0.0,
    num_items_in_batch: Tensor | int | None = None,
) -> Tensor:
    """Cross-entropy of the next token, summed and divided by the number of tokens that are to be predicted.

    Args:
        logits (`torch.Tensor` of shape `(num_tokens, vocab_size)`): what is said of the token after each.
        targets (`torch.LongTensor` of shape `(num_tokens,)`): that token; -100 where there is none, or it is left out.
        label_smoothing (`float`, *optional*, defaults to 0.0): share of the target spread evenly over the vocabulary
            (Szegedy et al. 2016).
        num_items_in_batch (`int` or `torch.Tensor`, *optional*): the targets of the whole batch, as transformers'
            Trainer counts them; by default those given.

    Returns:
        `torch.Tensor`: a scalar; 0 where nothing is to be predicted.
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
        logits (`torch.Tensor` of shape `(batch, length, vocab_size)`): the model's outputs, each row's frames at its
            beginning.
        input_lengths (`torch.LongTensor` of shape `(batch,)`): the number of frames of each row.
        labels (`torch.LongTensor` of shape `(batch, target_length)`): what each row says; -100 is left out, wherever
            it stands.
        blank (`int`): the symbol that stands for none.
        num_items_in_batch (`int` or `torch.Tensor`, *optional*): the labels of the whole batch, as transformers'
            Trainer counts them; by default those given.
        zero_infinity (`bool`, *optional*, defaults to `False`): whether a row with too few frames for its labels
            counts as 0, with no gradient, and not as infinite.

    Returns:
        `torch.Tensor`: a scalar.

    Raises:
        ValueError: labels of another shape, outside the vocabulary, or equal to the blank.
    """
    if labels.dim() != 2 or labels.size(0) != logits.size(0):
        raise ValueError(
            f"labels must be of shape (batch, target_length) with a batch of {logits.size(0)}, "
            f"not {tuple(labels.shape)}"
        )
    given = labels.ne(-100)
    targets = labels[given]  # (num_labels,)
    # torch reads past the end of its memory at a label that is too large.
    wrong = targets[(targets < 0) | (targets >= logits.size(-1)) | (targets == blank)]
    if wrong.numel():
        raise ValueError(
            f"label {wrong[0].item()} cannot be in a CTC target: labels lie from 0 to {logits.size(-1) - 1} and are "
            f"not the blank, {blank}; -100 marks padding"
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
        losses (`torch.Tensor`): of any shape, zero at what does not count.
        items (`torch.Tensor`): booleans, True at each item that counts.
        num_items_in_batch (`int` or `torch.Tensor`, *optional*): the items of the whole batch; by default those given.

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
    """Cross-entropy of every tagged token, summed and divided by the number of them.

    Args:
        logits (`torch.Tensor` of shape `(..., num_labels)`): the model's outputs.
        labels (`torch.LongTensor` of shape `(...)`): tag numbers; -100 is left out.
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
    """Error of a forecast, summed over the observed targets and divided by the number of them.

    Args:
        predictions (`torch.Tensor` of shape `(batch, horizon, channels)`): the forecasts; with quantiles, of shape
            `(batch, horizon, channels, num_quantiles)`.
        targets (`torch.Tensor` of shape `(batch, horizon, channels)`): what came; anything where it was not observed.
        observed (`torch.Tensor` of the same shape): booleans, True where the target was observed.
        kind (`str`, *optional*, defaults to `"mse"`): `"mse"`, `"mae"`, or `"huber"` (Huber 1964), which is half the
            squared error up to an error of 1, and grows linearly from there.
        quantiles (`Sequence[float]`, *optional*): the quantiles that are forecast. Then the loss is the pinball loss
            (Koenker & Bassett 1978), averaged over them, and `kind` is not used.
        num_items_in_batch (`int` or `torch.Tensor`, *optional*): the observed targets of the whole batch; by default
            those given.

    Returns:
        `torch.Tensor`: a scalar.
    """
    # What was not observed may be NaN, of which even the gradient of a zero share is NaN.
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
    """Cross-entropy of the target tokens, summed and divided by the number of them. Nothing is shifted: each label is
    the token that is wanted where it stands.

    Args:
        logits (`torch.Tensor` of shape `(..., vocab_size)`): the model's outputs.
        labels (`torch.LongTensor` of shape `(...)`): the tokens that are wanted; -100 is left out.
        label_smoothing, num_items_in_batch: see [`causal_lm_loss`].

    Returns:
        `torch.Tensor`: a scalar; 0 where nothing is wanted.
    """
    return causal_lm_loss(logits.flatten(0, -2), labels.flatten(), label_smoothing, num_items_in_batch)
