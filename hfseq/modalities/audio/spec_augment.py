"""SpecAugment: random masks over the spectrograms of each training batch."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

_FEATURES = "input_features"


@dataclass(frozen=True)
class SpecAugment:
    """Masks frequency bands and time intervals of each recording (Park et al. 2019), without time warping.

    Masked values become 0, which is the mean of standardized features. The defaults are those of the policy "SM" of
    the paper. The width of a mask of bands is relative to their number.

    Args:
        num_mel_bins (`int`): number of mel bands.
        frame_stack (`int`, *optional*, defaults to 1): number of frames per step.
        num_masks (`int`, *optional*, defaults to 2): number of masks of each kind per recording.
        most_bands (`float`, *optional*, defaults to 0.1875): maximum width of a mask of bands, as a share of all.
        most_frames (`int`, *optional*, defaults to 70): maximum length of a mask of time, in frames.
        most_time (`float`, *optional*, defaults to 0.2): maximum length of a mask of time, as a share of all.
    """

    num_mel_bins: int
    frame_stack: int = 1
    num_masks: int = 2
    most_bands: float = 15 / 80
    most_frames: int = 70
    most_time: float = 0.2

    def __call__(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """Masks `input_features`, of shape `(batch, length, num_mel_bins * frame_stack)`, in a batch."""
        features: Tensor = inputs[_FEATURES]
        batch, length, _ = features.shape
        mask = inputs.get("attention_mask")
        if mask is None:
            mask = torch.ones(batch, length, device=features.device)
        lengths, starts = mask.sum(1).float(), mask.argmax(1).float()  # (batch,)
        bands = torch.full_like(lengths, self.num_mel_bins)
        longest = (lengths * self.most_time).clamp(max=self.most_frames / self.frame_stack)
        hidden = torch.zeros(batch, length, self.num_mel_bins, dtype=torch.bool, device=features.device)
        for _ in range(self.num_masks):
            hidden |= _stretches(bands, bands * self.most_bands, self.num_mel_bins)[:, None]
            hidden |= _stretches(lengths, longest, length, starts)[:, :, None]
        stacked = features.view(batch, length, self.frame_stack, self.num_mel_bins)
        masked = stacked.masked_fill(hidden[:, :, None], 0).view_as(features)  # (batch, length, features)
        return {**inputs, _FEATURES: masked}


def _stretches(sizes: Tensor, widest: Tensor, length: int, starts: Tensor | float = 0.0) -> Tensor:
    """A mask of shape `(batch, length)` with one random interval per row.

    Args:
        sizes (`torch.Tensor` of shape `(batch,)`): the number of positions of each row.
        widest (`torch.Tensor` of shape `(batch,)`): the maximum width of an interval (inclusive).
        length (`int`): the length of the mask.
        starts (`torch.Tensor` of shape `(batch,)`, *optional*, defaults to 0): the first position of each row.
    """
    width = (torch.rand_like(sizes) * (widest.floor() + 1)).floor()  # (batch,)
    first = starts + (torch.rand_like(sizes) * (sizes - width + 1)).floor()
    places = torch.arange(length, device=sizes.device)
    return (places >= first[:, None]) & (places < (first + width)[:, None])
