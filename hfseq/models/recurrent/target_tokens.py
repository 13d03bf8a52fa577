"""Which tokens a decoder reads, to be asked for its labels."""

import torch
from torch import Tensor
from torch.nn import functional as F

from .configuration_encoder_decoder import RecurrentEncoderDecoderConfig


def tokens_before(labels: Tensor, start: int, padding: int | None = None) -> Tensor:
    """The start token, and then each label but the last: what is read when each label is asked for.

    Args:
        labels (`torch.LongTensor` of shape `(batch, length)`): -100 where there is none, on any side.
        start (`int`): the token before the first label of a row.
        padding (`int`, *optional*, defaults to `start`): what is put where there is no label.
    """
    real = labels.ne(-100)
    # The number of the last label before each position, where there is one.
    numbers = torch.arange(labels.size(1), device=labels.device).where(real, -1)  # (batch, length)
    before = F.pad(numbers.cummax(1).values[:, :-1], (1, 0), value=-1)
    tokens = labels.gather(1, before.clamp(min=0)).where(before >= 0, start)
    return tokens.where(real, start if padding is None else padding)


def tokens_to_read(
    input_ids: Tensor | None, mask: Tensor | None, labels: Tensor | None, config: RecurrentEncoderDecoderConfig
) -> tuple[Tensor, Tensor | None]:
    """The target tokens of a forward pass, and which of them are real.

    Args:
        input_ids (`torch.LongTensor` of shape `(batch, length)`, *optional*): the tokens; by default made of labels.
        mask (`torch.Tensor` of the same shape, *optional*): which of them are real; by default all, up to the last
            label of a row where there are labels.
        labels (`torch.LongTensor` of the same shape, *optional*): what is asked for after each; -100 is nothing.
        config (`RecurrentEncoderDecoderConfig`): names the special tokens.

    Raises:
        ValueError: without tokens and labels, or where the shapes differ.
    """
    if input_ids is None:
        if labels is None:
            raise ValueError("give decoder_input_ids, or labels to make them of")
        input_ids = tokens_before(labels, config.start_token_id, config.pad_token_id)
    if labels is not None and input_ids.shape != labels.shape:
        raise ValueError(f"labels have shape {tuple(labels.shape)}, decoder_input_ids {tuple(input_ids.shape)}")
    if mask is not None and mask.shape != input_ids.shape:
        raise ValueError(
            f"decoder_attention_mask has shape {tuple(mask.shape)}, decoder_input_ids {tuple(input_ids.shape)}"
        )
    if labels is not None and mask is None:
        mask = labels.ne(-100)
        if not _are_made_of(labels, input_ids, config):
            # One that others are said after is read, even if nothing is asked after it.
            mask = mask.flip(1).cummax(1).values.flip(1)
    return input_ids, mask


def _are_made_of(labels: Tensor, input_ids: Tensor, config: RecurrentEncoderDecoderConfig) -> bool:
    """Whether these are the tokens that are made of the labels, as a collator does it: then their padding is, too."""
    if not config.has_start_token:
        return False
    return torch.equal(tokens_before(labels, config.start_token_id, config.pad_token_id), input_ids)
