"""Feature extractor of videos.

This file is saved with the processor, so that it loads where hfseq is not installed.
"""

import os
from collections.abc import Sequence
from typing import Any

import numpy as np
from transformers import BatchFeature

from hfseq.modalities.feature_extraction_base import BaseFeatureExtractor
from hfseq.modalities.pixels import channel_values, checked_pixels, height_and_width, resized, with_channels

from .video_frames import read_frames


class VideoFeatureExtractor(BaseFeatureExtractor):
    r"""
    Turns videos into one step per frame: `input_features` of shape `(frames, height * width * num_channels)`.

    Args:
        size (`int`, `tuple[int, int]` or `dict`, *optional*, defaults to 16):
            Height and width that every frame is resized to.
        num_channels (`int`, *optional*, defaults to 1):
            1 for grayscale, 3 for RGB.
        frame_stride (`int`, *optional*, defaults to 1):
            Distance between two frames that are read. The first frame is always read.
        max_frames (`int`, *optional*):
            Maximum number of frames that are read. The rest is dropped.
        rescale_factor (`float`, *optional*, defaults to 1/255):
            Factor that pixels in 0..255 are multiplied by.
        image_mean (`float` or `Sequence[float]`, *optional*, defaults to 0.5):
            Mean of the rescaled pixels, for all channels or for each. It is subtracted.
        image_std (`float` or `Sequence[float]`, *optional*, defaults to 0.5):
            Standard deviation of the rescaled pixels, for all channels or for each. It is divided by.
        padding_value (`float`, *optional*, defaults to 0.0):
            Value of padding.
        kwargs:
            Arguments of [`~transformers.SequenceFeatureExtractor`].

    Raises:
        ValueError: a setting is out of range.
    """

    inputs_without_pipeline = "videos as hfseq prepares them"

    def __init__(
        self,
        size: Any = 16,
        num_channels: int = 1,
        frame_stride: int = 1,
        max_frames: int | None = None,
        rescale_factor: float = 1 / 255,
        image_mean: float | Sequence[float] = 0.5,
        image_std: float | Sequence[float] = 0.5,
        padding_value: float = 0.0,
        **kwargs: Any,
    ):
        # Both are saved, but feature_size is computed, and sampling_rate is for audio.
        kwargs.pop("feature_size", None)
        kwargs.pop("sampling_rate", None)
        height, width = height_and_width(size)
        if num_channels not in (1, 3):
            raise ValueError(f"num_channels must be 1 or 3, not {num_channels!r}")
        # transformers does not pad steps of one number as vectors.
        if height * width * num_channels < 2:
            raise ValueError("a frame must have at least 2 numbers: choose a larger size")
        for name, value in (("frame_stride", frame_stride), ("max_frames", max_frames)):
            if value is not None and (not isinstance(value, int) or value < 1):
                raise ValueError(f"{name} must be a whole number of at least 1, not {value!r}")
        channel_values(image_mean, num_channels, "image_mean")
        if not np.all(channel_values(image_std, num_channels, "image_std") > 0):
            raise ValueError(f"image_std must be above 0, not {image_std!r}")
        super().__init__(height * width * num_channels, 1, padding_value, **kwargs)
        self.size = {"height": height, "width": width}
        self.num_channels = num_channels
        self.frame_stride = frame_stride
        self.max_frames = max_frames
        self.rescale_factor = rescale_factor
        self.image_mean = image_mean
        self.image_std = image_std

    def __call__(
        self,
        videos: Any,
        padding: bool | str = False,
        max_length: int | None = None,
        truncation: bool = False,
        pad_to_multiple_of: int | None = None,
        return_attention_mask: bool | None = None,
        return_tensors: str | None = None,
    ) -> BatchFeature:
        """Prepares one video or several. The result is always a batch.

        Args:
            videos: a video or a list of videos. A video is a path (see [`read_frames`]), or pixels in 0..255 as an
                array or nested lists of shape `(frames, height, width)` or `(frames, height, width, channels)`. Nested
                lists with four levels are several grayscale videos: put a single RGB video into a list.
            padding, max_length, truncation, pad_to_multiple_of, return_attention_mask, return_tensors:
                see [`~transformers.SequenceFeatureExtractor.pad`]. Lengths are in frames.

        Returns:
            `BatchFeature`: `input_features` and `attention_mask`, as lists of arrays unless padded.

        Raises:
            ValueError: an input is not a video.
        """
        features = [self._features(item, f"video {number}") for number, item in enumerate(_items(videos))]
        return self.to_batch(
            features,
            padding,
            max_length,
            truncation,
            pad_to_multiple_of,
            return_attention_mask,
            return_tensors,
        )

    def _features(self, item: Any, where: str) -> np.ndarray:
        if isinstance(item, (str, os.PathLike)):
            item, where = read_frames(os.fspath(item)), os.fspath(item)
        # First drop the frames that are not read: a video may have many.
        sliceable = isinstance(item, (list, tuple)) or (isinstance(item, np.ndarray) and item.ndim > 0)
        selected = item[:: self.frame_stride][: self.max_frames] if sliceable else item
        frames = checked_pixels(selected, where, "(frames, height, width)")
        size = height_and_width(self.size)
        frames = np.stack([resized(frame, *size) for frame in with_channels(frames, self.num_channels)])
        mean = channel_values(self.image_mean, self.num_channels, "image_mean")
        std = channel_values(self.image_std, self.num_channels, "image_std")
        values = (frames * np.float32(self.rescale_factor) - mean) / std  # (frames, height, width, channels)
        return values.reshape(len(values), -1).astype(np.float32, copy=False)  # (frames, height * width * channels)


def _items(videos: Any) -> list[Any]:
    """One video or several, as a list."""
    if not isinstance(videos, (list, tuple)):
        return [videos]
    first: Any = videos
    for _ in range(3):
        first = first[0] if isinstance(first, (list, tuple)) and len(first) else None
    return [videos] if isinstance(first, (int, float, np.number)) else list(videos)
