"""Scaling of the history of a numeric series, and patches."""

import torch
from torch import Tensor

# Minimum standard deviation, relative to the mean absolute value. Lower values are rounding errors.
MIN_RELATIVE_STD = 1e-5
# Maximum absolute value after scaling. Values after a constant history would overflow float16.
MAX_SCALED = 1e3


@torch.no_grad()
def loc_and_scale(
    values: Tensor, observed: Tensor, scaling: str | None, subtract_last: bool = False
) -> tuple[Tensor, Tensor]:
    """Location and scale of each channel of each series: it is scaled to `(values - loc) / scale`.

    Like "Reversible Instance Normalization" (Kim et al. 2022), without trainable weights.

    Args:
        values (`torch.Tensor` of shape `(batch, length, channels)`): the history; any values at steps that were not
            observed.
        observed (`torch.Tensor` of the same shape): True at observed values.
        scaling (`str`, *optional*): `"std"` (mean and standard deviation), `"mean"` (0 and the mean absolute value),
            or None (0 and 1).
        subtract_last (`bool`, *optional*, defaults to `False`): whether to subtract the last observed value instead.

    Returns:
        `tuple[torch.Tensor, torch.Tensor]`: location and scale, `(batch, 1, channels)`; 0 and 1 if no value was
        observed. The scale of a constant series is a small fraction of its value, and 1 if the value is zero.
    """
    filled = values.masked_fill(~observed, 0)
    count = observed.sum(1, keepdim=True).clamp(min=1)  # (batch, 1, channels)
    mean = filled.sum(1, keepdim=True) / count
    magnitude = filled.abs().sum(1, keepdim=True) / count
    loc, scale = torch.zeros_like(mean), torch.ones_like(mean)
    if scaling == "std":
        deviations = (values - mean).masked_fill(~observed, 0)
        std = (deviations.square().sum(1, keepdim=True) / count).sqrt()
        loc, scale = mean, torch.maximum(std, MIN_RELATIVE_STD * magnitude)
    elif scaling == "mean":
        scale = magnitude
    if subtract_last:
        places = torch.arange(1, values.size(1) + 1, device=values.device).view(1, -1, 1)
        loc = filled.gather(1, (observed * places).argmax(1, keepdim=True))
    return loc, torch.where(scale > 0, scale, 1)


def to_patches(steps: Tensor, mask: Tensor | None, patch_length: int) -> tuple[Tensor, Tensor | None]:
    """Joins each `patch_length` consecutive steps into one (Nie et al. 2023, "A Time Series is Worth 64 Words").

    The last patch ends with the last step of a series. The first patch is padded with zeros on the left.

    Args:
        steps (`torch.Tensor` of shape `(batch, length, size)`): the history.
        mask (`torch.Tensor` of shape `(batch, length)`, *optional*): True at real steps.
        patch_length (`int`): steps per patch.

    Returns:
        `tuple`: patches `(batch, num_patches, patch_length * size)`, and their mask, if one was given.
    """
    if patch_length == 1:
        return steps, mask
    if mask is not None:
        # A stable sort moves the padding to the left and keeps the order of the real steps.
        mask, order = torch.sort(mask, dim=1, stable=True)
        steps = steps.gather(1, order.unsqueeze(2).expand_as(steps)).masked_fill(~mask.unsqueeze(2), 0)
    batch, length, size = steps.shape
    missing = -length % patch_length
    steps = torch.cat([steps.new_zeros(batch, missing, size), steps], 1)
    patches = steps.reshape(batch, -1, patch_length * size)
    if mask is not None:
        mask = torch.cat([mask.new_zeros(batch, missing), mask], 1).view(batch, -1, patch_length).any(2)
    return patches, mask
