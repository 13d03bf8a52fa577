"""The observed past of a numeric series, made ready to be read: scaled, and cut into patches."""

import torch
from torch import Tensor

# The smallest standard deviation, as a share of the mean absolute value: what lies below is rounding.
FLAT = 1e-5
# How many scales from its history a value is read at most: what follows a flat one would be more than float16 holds.
FARTHEST = 1e3


@torch.no_grad()
def loc_and_scale(
    values: Tensor, observed: Tensor, scaling: str | None, subtract_last: bool = False
) -> tuple[Tensor, Tensor]:
    """What to subtract from a series, and then to divide it by; for each series and channel by itself.

    As Kim et al. (2022), "Reversible Instance Normalization", have it, without weights of its own.

    Args:
        values (`torch.Tensor` of shape `(batch, length, channels)`): the history; anything where it was not observed.
        observed (`torch.Tensor` of the same shape): booleans, True where a value was observed.
        scaling (`str`, *optional*): `"std"` (mean and standard deviation), `"mean"` (0 and the mean absolute value),
            or None (0 and 1).
        subtract_last (`bool`, *optional*, defaults to `False`): whether to subtract the last observed value instead.

    Returns:
        `tuple[torch.Tensor, torch.Tensor]`: location and scale, `(batch, 1, channels)`; 0 and 1 where nothing was
        observed. The scale of a flat series is a small share of its values, and 1 where all of them are zero.
    """
    kept = values.masked_fill(~observed, 0)
    count = observed.sum(1, keepdim=True).clamp(min=1)  # (batch, 1, channels)
    mean = kept.sum(1, keepdim=True) / count
    magnitude = kept.abs().sum(1, keepdim=True) / count
    loc, scale = torch.zeros_like(mean), torch.ones_like(mean)
    if scaling == "std":
        deviations = (values - mean).masked_fill(~observed, 0)
        std = (deviations.square().sum(1, keepdim=True) / count).sqrt()
        loc, scale = mean, torch.maximum(std, FLAT * magnitude)
    elif scaling == "mean":
        scale = magnitude
    if subtract_last:
        places = torch.arange(1, values.size(1) + 1, device=values.device).view(1, -1, 1)
        loc = kept.gather(1, (observed * places).argmax(1, keepdim=True))
    return loc, torch.where(scale > 0, scale, 1)


def to_patches(steps: Tensor, mask: Tensor | None, patch_length: int) -> tuple[Tensor, Tensor | None]:
    """Makes each `patch_length` successive steps one (Nie et al. 2023, "A Time Series is Worth 64 Words").

    Patches end with the last step of a series, so that the most recent one is whole; the first is filled up with zeros
    in front.

    Args:
        steps (`torch.Tensor` of shape `(batch, length, size)`): the history.
        mask (`torch.Tensor` of shape `(batch, length)`, *optional*): booleans, True at real steps.
        patch_length (`int`): steps of a patch.

    Returns:
        `tuple`: patches `(batch, num_patches, patch_length * size)`, and their mask, if one was given.
    """
    if patch_length == 1:
        return steps, mask
    if mask is not None:
        # A stable sort puts the padding in front, and leaves the real steps in their order.
        mask, order = torch.sort(mask, dim=1, stable=True)
        steps = steps.gather(1, order.unsqueeze(2).expand_as(steps)).masked_fill(~mask.unsqueeze(2), 0)
    batch, length, size = steps.shape
    missing = -length % patch_length
    steps = torch.cat([steps.new_zeros(batch, missing, size), steps], 1)
    patches = steps.reshape(batch, -1, patch_length * size)
    if mask is not None:
        mask = torch.cat([mask.new_zeros(batch, missing), mask], 1).view(batch, -1, patch_length).any(2)
    return patches, mask
