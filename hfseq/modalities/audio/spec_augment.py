"""Masks over a spectrogram, drawn anew for each training batch."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

_FEATURES = "input_features"


@dataclass(frozen=True)
class SpecAugment:
    """Hides bands and stretches of time of each recording (Park et al. 2019), without the warping of time.

    What is hidden becomes 0, which is the mean where the features are standardised. The numbers and widths of the
    masks are those of the policy that the paper calls SM, with the width in bands relative to their number.

    Args:
        num_mel_bins (`int`): bands of a frame.
        frame_stack (`int`, *optional*, defaults to 1): successive frames side by side in one step.
        num_masks (`int`, *optional*, defaults to 2): how many masks of each kind a recording gets.
        most_bands (`float`, *optional*, defaults to 0.1875): the widest mask of bands, as a share of them.
        most_frames (`int`, *optional*, defaults to 70): the longest mask of time.
        most_time (`float`, *optional*, defaults to 0.2): and at most this share of the recording.
    """

    num_mel_bins: int
    frame_stack: int = 1
    num_masks: int = 2
    most_bands: float = 15 / 80
    most_frames: int = 70
    most_time: float = 0.2

    def __call__(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """A batch with masks over its `input_features`, `(batch, length, num_mel_bins * frame_stack)`."""
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
    """One stretch at random in each row, `(batch, length)`.

    Args:
        sizes (`torch.Tensor` of shape `(batch,)`): how many places a row has.
        widest (`torch.Tensor` of shape `(batch,)`): the widest stretch, which itself may be drawn.
        length (`int`): places of the result.
        starts (`torch.Tensor` of shape `(batch,)`, *optional*, defaults to 0): where the places of a row begin.
    """
    width = (torch.rand_like(sizes) * (widest.floor() + 1)).floor()  # (batch,)
    first = starts + (torch.rand_like(sizes) * (sizes - width + 1)).floor()
    places = torch.arange(length, device=sizes.device)
    return (places >= first[:, None]) & (places < (first + width)[:, None])
