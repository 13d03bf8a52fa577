"""The input tokens of a decoder, from its labels."""

import torch
from torch import Tensor
from torch.nn import functional as F

from .configuration_encoder_decoder import RecurrentEncoderDecoderConfig


def tokens_before(labels: Tensor, start: int, padding: int | None = None) -> Tensor:
    """The start token, then all labels except the last: the inputs for which the labels are the next tokens.

    Args:
        labels (`torch.LongTensor` of shape `(batch, length)`): -100 at padding, on any side.
        start (`int`): the token before the first label.
        padding (`int`, *optional*, defaults to `start`): the token at padding.
    """
    real = labels.ne(-100)
    # Index of the last label before each position, if there is one.
    numbers = torch.arange(labels.size(1), device=labels.device).where(real, -1)  # (batch, length)
    before = F.pad(numbers.cummax(1).values[:, :-1], (1, 0), value=-1)
    tokens = labels.gather(1, before.clamp(min=0)).where(before >= 0, start)
    return tokens.where(real, start if padding is None else padding)


def tokens_to_read(
    input_ids: Tensor | None, mask: Tensor | None, labels: Tensor | None, config: RecurrentEncoderDecoderConfig
) -> tuple[Tensor, Tensor | None]:
    """The decoder inputs of a forward pass, and their mask.

    Args:
        input_ids (`torch.LongTensor` of shape `(batch, length)`, *optional*): the tokens. By default computed
            from the labels.
        mask (`torch.Tensor` of the same shape, *optional*): nonzero at real tokens. By default all tokens; with
            labels, all up to the last label of a row.
        labels (`torch.LongTensor` of the same shape, *optional*): the next tokens; -100 is ignored.
        config (`RecurrentEncoderDecoderConfig`): has the special tokens.

    Raises:
        ValueError: there are neither tokens nor labels, or the shapes differ.
    """
    if input_ids is None:
        if labels is None:
            raise ValueError("give decoder_input_ids, or labels from which they can be computed")
        input_ids = tokens_before(labels, config.start_token_id, config.pad_token_id)
    if labels is not None and input_ids.shape != labels.shape:
        raise ValueError(f"labels have shape {tuple(labels.shape)}, decoder_input_ids {tuple(input_ids.shape)}")
    if mask is not None and mask.shape != input_ids.shape:
        raise ValueError(
            f"decoder_attention_mask has shape {tuple(mask.shape)}, decoder_input_ids {tuple(input_ids.shape)}"
        )
    if labels is not None and mask is None:
        mask = labels.ne(-100)
        if not _are_from_labels(labels, input_ids, config):
            # A token with labels after it is real, even if its own label is ignored.
            mask = mask.flip(1).cummax(1).values.flip(1)
    return input_ids, mask


def _are_from_labels(labels: Tensor, input_ids: Tensor, config: RecurrentEncoderDecoderConfig) -> bool:
    """Whether the tokens were computed from the labels, as a collator does. Then they have the same padding."""
    if not config.has_start_token:
        return False
    return torch.equal(tokens_before(labels, config.start_token_id, config.pad_token_id), input_ids)
