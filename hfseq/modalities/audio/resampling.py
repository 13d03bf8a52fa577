"""Resampling of waveforms."""

import math
from functools import lru_cache

import numpy as np

from hfseq.modalities.limits import check_values

# Number of zero crossings of the filter on each side, its cutoff relative to the lower Nyquist frequency, and the beta
# of its Kaiser window, which gives an attenuation of 80 dB.
_CROSSINGS = 24
_CUT = 0.9
_KAISER = 8.0
# Number of samples computed at once. It bounds the memory.
_BLOCK = 1 << 14


def resample(waveform: np.ndarray, from_rate: int, to_rate: int) -> np.ndarray:
    """Resamples a waveform with a polyphase filter, a windowed sinc (Smith & Gossett 1984).

    Args:
        waveform (`np.ndarray` of shape `(num_samples,)`): the samples.
        from_rate (`int`): sampling rate of the waveform in Hz.
        to_rate (`int`): sampling rate of the result in Hz.

    Returns:
        `np.ndarray` of shape `(ceil(num_samples * to_rate / from_rate),)`: float32.

    Raises:
        FileSizeError: the result, or the filter for these rates, would be larger than the limits allow.
    """
    waveform = np.asarray(waveform, dtype=np.float32)
    common = math.gcd(from_rate, to_rate)
    step, phases = from_rate // common, to_rate // common
    if step == phases:
        return waveform
    what = f"a recording of {len(waveform):,} samples at {from_rate:,} Hz, resampled to {to_rate:,} Hz,"
    check_values(-(-len(waveform) * phases // step), what)
    check_values(phases * (2 * _reach(step, phases) + 1), what)
    filters = _filters(step, phases)  # (phases, taps)
    taps = filters.shape[1]
    # Window i is centered at sample i.
    windows = np.lib.stride_tricks.sliding_window_view(np.pad(waveform, taps // 2), taps)
    result = np.empty(-(-len(waveform) * phases // step), dtype=np.float32)
    for first in range(0, len(result), _BLOCK):
        numbers = np.arange(first, min(first + _BLOCK, len(result)))
        # Position of each sample of the result: a sample of the waveform, and a number of phases after it.
        sample, phase = np.divmod(numbers * step, phases)
        np.einsum("nt,nt->n", windows[sample], filters[phase], out=result[first : first + _BLOCK])
    return result


def _cut(step: int, phases: int) -> float:
    return _CUT * min(1.0, phases / step)


def _reach(step: int, phases: int) -> int:
    """The number of samples on each side of a position that the filter uses."""
    return math.ceil(_CROSSINGS / _cut(step, phases))


@lru_cache(maxsize=4)
def _filters(step: int, phases: int) -> np.ndarray:
    """The taps of the filter for each phase: each position of a result between two samples of the waveform."""
    cut, reach = _cut(step, phases), _reach(step, phases)
    distance = np.arange(-reach, reach + 1) - np.arange(phases)[:, None] / phases  # (phases, taps)
    inside = np.clip(1 - (distance * cut / _CROSSINGS) ** 2, 0, None)
    taps = np.sinc(cut * distance) * np.i0(_KAISER * np.sqrt(inside)) * (inside > 0)
    # Normalized, so that a constant waveform stays constant.
    return (taps / taps.sum(axis=1, keepdims=True)).astype(np.float32)
