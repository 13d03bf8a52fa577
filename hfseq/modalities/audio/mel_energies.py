"""Log-mel energies of the frames of a waveform."""

import warnings

import numpy as np
from transformers.audio_utils import mel_filter_bank

# Lower bound of the energy, because the logarithm of silence is infinite.
_FLOOR = 1e-8


def make_mel_filters(num_mel_bins: int, frame_length: int, sampling_rate: int) -> np.ndarray:
    """Makes triangular mel filters from 0 Hz to half the sampling rate, for the shortest FFT without empty bands.

    Args:
        num_mel_bins (`int`): number of bands.
        frame_length (`int`): length of a frame in samples.
        sampling_rate (`int`): sampling rate in Hz.

    Returns:
        `np.ndarray` of shape `(fft_length // 2 + 1, num_mel_bins)`: float32.

    Raises:
        ValueError: a band is still empty if the FFT is eight times as long as a frame.
    """
    shortest = max(2, 1 << (frame_length - 1).bit_length())
    for fft_length in (shortest, 2 * shortest, 4 * shortest, 8 * shortest):
        with warnings.catch_warnings():
            # It warns of empty bands, which are handled below.
            warnings.simplefilter("ignore")
            filters = mel_filter_bank(fft_length // 2 + 1, num_mel_bins, 0.0, sampling_rate / 2, sampling_rate)
        if filters.any(axis=0).all():
            return filters.astype(np.float32)
    raise ValueError(
        f"num_mel_bins ({num_mel_bins}) is too large for frames of {frame_length} samples at {sampling_rate} Hz: some "
        "bands would be empty. Use fewer bands, or longer frames"
    )


def log_mel_energies(waveform: np.ndarray, window: np.ndarray, hop_length: int, mel_filters: np.ndarray) -> np.ndarray:
    """Computes the logarithm of the energy in each mel band. The last frame is padded with zeros.

    Args:
        waveform (`np.ndarray` of shape `(num_samples,)`): at least one sample.
        window (`np.ndarray` of shape `(frame_length,)`): the window function, multiplied with each frame.
        hop_length (`int`): distance between the starts of two frames in samples.
        mel_filters (`np.ndarray` of shape `(frequencies, num_mel_bins)`): see [`make_mel_filters`].

    Returns:
        `np.ndarray` of shape `(frames, num_mel_bins)`: in the precision of the waveform.
    """
    length = len(window)
    hops = -(-max(0, len(waveform) - length) // hop_length)
    padded = np.pad(waveform, (0, hops * hop_length + length - len(waveform)))
    frames = np.lib.stride_tricks.sliding_window_view(padded, length)[::hop_length]  # (frames, frame_length)
    spectrum = np.fft.rfft(frames * window, n=2 * (len(mel_filters) - 1))  # (frames, frequencies)
    power = np.square(spectrum.real) + np.square(spectrum.imag)
    return np.log(np.maximum(power @ mel_filters, _FLOOR))
