"""Checks waveforms, and converts them to float32 at one sampling rate."""

from typing import Any

import numpy as np
import torch

from .resampling import resample


def list_of_audio(audio: Any) -> list[Any]:
    """Returns one waveform or several as a list.

    Args:
        audio (`np.ndarray`, `torch.Tensor`, `list[float]`, `dict`, or a `list` of these): waveforms, or dictionaries
            with `array` and `sampling_rate`.

    Raises:
        ValueError: `audio` has another type, or is an array with several dimensions.
    """
    if isinstance(audio, dict):
        return [audio]
    if isinstance(audio, (np.ndarray, torch.Tensor)):
        if audio.ndim > 1:
            # It could be several channels of one recording, or several recordings.
            raise ValueError(
                f"audio has shape {tuple(audio.shape)}, but a waveform has one dimension: average its channels, or "
                "pass several waveforms as a list"
            )
        return [audio]
    if not isinstance(audio, (list, tuple)):
        raise ValueError(f"audio must be waveforms or dictionaries with array and sampling_rate, not {audio!r:.60}")
    return [audio] if not audio or isinstance(audio[0], (int, float, np.number)) else list(audio)


def checked_waveform(item: Any, sampling_rate: int | None, wanted_rate: int, name: str) -> np.ndarray:
    """Checks a waveform, and returns it in float32 at the wanted sampling rate.

    Args:
        item (`np.ndarray`, `torch.Tensor`, `list[float]` or `dict`): the waveform, or a dictionary with `array` and
            `sampling_rate`.
        sampling_rate (`int`, *optional*): sampling rate in Hz of a waveform without its own.
        wanted_rate (`int`): sampling rate of the result in Hz.
        name (`str`): name of the waveform in error messages.

    Raises:
        ValueError: the waveform is empty, not finite, not of floats, has several channels, or its sampling rate is
            unknown or invalid.
    """
    if isinstance(item, dict):
        item, sampling_rate = item.get("array"), item.get("sampling_rate")
    if sampling_rate is None:
        raise ValueError(
            f"the sampling rate of {name} is unknown: pass sampling_rate, or a dictionary with array and sampling_rate"
        )
    if not isinstance(sampling_rate, (int, float, np.number)) or not sampling_rate >= 1:
        raise ValueError(f"the sampling rate of {name} must be a number of at least 1 Hz, not {sampling_rate!r}")
    if isinstance(item, torch.Tensor):
        item = item.detach().cpu().numpy()
    waveform = np.asarray(item)
    if waveform.ndim != 1 or waveform.dtype.kind != "f":
        raise ValueError(
            f"{name} must be one channel of floats in -1..1, but has shape {waveform.shape} and type {waveform.dtype}"
        )
    if not len(waveform):
        raise ValueError(f"{name} is empty: it needs at least one sample")
    odd = np.flatnonzero(~np.isfinite(waveform))
    if len(odd):
        raise ValueError(f"{name} holds values that are not finite, from sample {odd[0]} on")
    return resample(waveform, int(sampling_rate), wanted_rate)
