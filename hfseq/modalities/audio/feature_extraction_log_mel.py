"""Feature extractor of audio: log-mel energies.

This file is saved with the processor, so that it loads where hfseq is not installed.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from transformers import BatchFeature

from hfseq.modalities.feature_extraction_base import BaseFeatureExtractor

from .mel_energies import log_mel_energies, make_mel_filters
from .waveforms import checked_waveform, list_of_audio

NORMALIZATIONS = ("utterance", "global", None)

# A smaller standard deviation, as in silence, is only rounding error.
_SMALLEST_STD = 1e-5


class LogMelFeatureExtractor(BaseFeatureExtractor):
    r"""
    Turns waveforms into log-mel energies: `input_features` of shape `(steps, num_mel_bins * frame_stack)`.

    The frames cover all samples. The last frame is padded with zeros, so audio that is shorter than a frame gives one
    frame.

    Args:
        sampling_rate (`int`, *optional*, defaults to 16000):
            Sampling rate in Hz. Audio with another rate is resampled.
        num_mel_bins (`int`, *optional*, defaults to 40):
            Number of mel bands, from 0 Hz to half the sampling rate.
        frame_length_ms (`float`, *optional*, defaults to 25.0):
            Length of a frame in milliseconds.
        hop_length_ms (`float`, *optional*, defaults to 10.0):
            Distance between the starts of two frames in milliseconds.
        frame_stack (`int`, *optional*, defaults to 1):
            Number of successive frames that are joined into one step (Sak et al. 2015). The last frame is repeated to
            fill the last step.
        normalize (`str`, *optional*, defaults to `"utterance"`):
            `"utterance"`: each band gets mean 0 and standard deviation 1 over the frames of the audio, so loudness has
            no effect. `"global"`: the mean and standard deviation of the training data are used, see [`fit`]. `None`:
            no normalization. A constant band becomes 0.
        mean (`Sequence[float]`, *optional*):
            Mean of each band for `"global"`. [`fit`] sets it.
        std (`Sequence[float]`, *optional*):
            Standard deviation of each band for `"global"`. [`fit`] sets it.
        padding_value (`float`, *optional*, defaults to 0.0):
            Value of padding.
        kwargs:
            Arguments of [`~transformers.SequenceFeatureExtractor`].

    Raises:
        ValueError: a setting is out of range, or there are so many bands that one of them is empty.
    """

    # The processor of this feature extractor and a tokenizer.
    processor_with_tokenizer = "SpeechProcessor"

    def __init__(
        self,
        sampling_rate: int = 16000,
        num_mel_bins: int = 40,
        frame_length_ms: float = 25.0,
        hop_length_ms: float = 10.0,
        frame_stack: int = 1,
        normalize: str | None = "utterance",
        mean: Sequence[float] | None = None,
        std: Sequence[float] | None = None,
        padding_value: float = 0.0,
        **kwargs: Any,
    ):
        # It is saved, but computed from other settings.
        kwargs.pop("feature_size", None)
        for name, value, least in (
            ("sampling_rate", sampling_rate, 1), ("num_mel_bins", num_mel_bins, 2), ("frame_stack", frame_stack, 1),
        ):  # fmt: skip
            if not isinstance(value, int) or value < least:
                raise ValueError(f"{name} must be a whole number of at least {least}, not {value!r}")
        super().__init__(num_mel_bins * frame_stack, sampling_rate, padding_value, **kwargs)
        self.num_mel_bins = num_mel_bins
        self.frame_length_ms = frame_length_ms
        self.hop_length_ms = hop_length_ms
        self.frame_stack = frame_stack
        self.normalize = normalize
        self.mean, self.std = (None if given is None else [float(value) for value in given] for given in (mean, std))
        self._check()
        steps = np.arange(self.frame_length) / self.frame_length
        # transformers does not save these two attributes.
        self.window = (0.5 - 0.5 * np.cos(2 * np.pi * steps)).astype(np.float32)
        self.mel_filters = make_mel_filters(
            num_mel_bins, self.frame_length, sampling_rate
        )  # (frequencies, num_mel_bins)

    @property
    def frame_length(self) -> int:
        """Length of a frame in samples."""
        return round(self.sampling_rate * self.frame_length_ms / 1000)

    @property
    def hop_length(self) -> int:
        """Distance between the starts of two frames in samples."""
        return round(self.sampling_rate * self.hop_length_ms / 1000)

    def __call__(
        self,
        audio: Any,
        sampling_rate: int | None = None,
        padding: bool | str = False,
        max_length: int | None = None,
        truncation: bool = False,
        pad_to_multiple_of: int | None = None,
        return_attention_mask: bool | None = None,
        return_tensors: str | None = None,
    ) -> BatchFeature:
        """Prepares one waveform or several. The result is always a batch.

        Args:
            audio (`np.ndarray`, `torch.Tensor`, `list[float]`, `dict`, or a `list` of these): waveforms of one channel
                in -1..1, or dictionaries with `array` and `sampling_rate`.
            sampling_rate (`int`, *optional*): sampling rate of waveforms without their own.
            padding, max_length, truncation, pad_to_multiple_of, return_attention_mask, return_tensors:
                see [`~transformers.SequenceFeatureExtractor.pad`]. Lengths are in steps of `frame_stack` frames.

        Returns:
            `BatchFeature`: `input_features` and `attention_mask`, as lists of arrays unless padded.

        Raises:
            ValueError: audio is empty, not finite, has several channels or an unknown sampling rate, or normalization
                is `"global"` and [`fit`] was not called.
        """
        if self.normalize == "global" and self.mean is None:
            raise ValueError("normalize='global' needs the mean and std of the training data: call fit first")
        frames = [self._log_mel(item, sampling_rate, number) for number, item in enumerate(list_of_audio(audio))]
        features = [self._stack(self._normalize(row)) for row in frames]
        return self.to_batch(
            features,
            padding,
            max_length,
            truncation,
            pad_to_multiple_of,
            return_attention_mask,
            return_tensors,
        )

    def fit(self, audio: Iterable[Any], sampling_rate: int | None = None) -> "LogMelFeatureExtractor":
        """Computes the mean and standard deviation of each band over training data, for `normalize="global"`.

        Args:
            audio (`Iterable`): waveforms or dictionaries, as in `__call__`.
            sampling_rate (`int`, *optional*): sampling rate of waveforms without their own.

        Returns:
            `LogMelFeatureExtractor`: the feature extractor itself.

        Raises:
            ValueError: there is no audio, or one is invalid.
        """
        count, total, squares = 0, np.zeros(self.num_mel_bins), np.zeros(self.num_mel_bins)
        for number, item in enumerate(audio):
            frames = self._log_mel(item, sampling_rate, number).astype(np.float64)
            count += len(frames)
            total += frames.sum(axis=0)
            squares += np.square(frames).sum(axis=0)
        if not count:
            raise ValueError("there is no audio to compute the mean and std of")
        mean = total / count
        self.mean = mean.tolist()
        self.std = np.sqrt(np.maximum(squares / count - mean**2, 0)).tolist()
        return self

    def _check(self) -> None:
        if self.normalize not in NORMALIZATIONS:
            raise ValueError(
                f"normalize must be one of {', '.join(map(repr, NORMALIZATIONS))}, not {self.normalize!r}"
            )
        if not 0 < self.hop_length <= self.frame_length:
            raise ValueError(
                f"a hop of {self.hop_length_ms} ms and a frame of {self.frame_length_ms} ms are {self.hop_length} and "
                f"{self.frame_length} samples at {self.sampling_rate} Hz: the hop must be at least one sample, and "
                "not longer than the frame"
            )
        if (self.mean is None) != (self.std is None):
            raise ValueError("set both mean and std, or neither")
        for name, values in (("mean", self.mean), ("std", self.std)):
            if values is not None and len(values) != self.num_mel_bins:
                raise ValueError(f"{name} has {len(values)} values for {self.num_mel_bins} mel bins")

    def _log_mel(self, item: Any, sampling_rate: int | None, number: int) -> np.ndarray:
        """The log-mel energies of one waveform, of shape `(frames, num_mel_bins)`."""
        waveform = checked_waveform(item, sampling_rate, self.sampling_rate, f"audio {number}")
        return log_mel_energies(waveform, self.window, self.hop_length, self.mel_filters)

    def _normalize(self, frames: np.ndarray) -> np.ndarray:
        if self.normalize is None:
            return frames
        # In single precision, the rounding error of the mean over many frames would be too large.
        exact = frames.astype(np.float64)
        if self.normalize == "global":
            mean, std = np.asarray(self.mean, np.float64), np.asarray(self.std, np.float64)
        else:
            mean, std = exact.mean(axis=0), exact.std(axis=0)
        varies = std > _SMALLEST_STD
        return np.where(varies, (exact - mean) / np.where(varies, std, 1), 0).astype(np.float32)

    def _stack(self, frames: np.ndarray) -> np.ndarray:
        missing = -len(frames) % self.frame_stack
        filled = np.concatenate([frames, frames[-1:].repeat(missing, axis=0)]) if missing else frames
        return filled.reshape(-1, self.feature_size)  # (steps, num_mel_bins * frame_stack)
