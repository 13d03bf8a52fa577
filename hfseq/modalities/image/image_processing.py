"""Image processor.

This file is saved with the processor, so that it loads where hfseq is not installed.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from transformers import BatchFeature
from transformers.image_processing_utils import BaseImageProcessor

from hfseq.modalities.pixels import as_pixels, channel_values, height_and_width, resized, with_channels
from hfseq.modalities.remote_code import RemoteCodeMixin


class ImageProcessor(RemoteCodeMixin, BaseImageProcessor):
    r"""
    Turns images into `pixel_values` of shape `(channels, height, width)`.

    It needs numpy, and pillow only to decode and resize images.

    Args:
        size (`int`, `tuple[int, int]` or `dict`, *optional*):
            Height and width that every image is resized to. By default, images are not resized, and must all have the
            same size.
        num_channels (`int`, *optional*, defaults to 3):
            3 for RGB, 1 for grayscale.
        rescale_factor (`float`, *optional*, defaults to 1/255):
            Factor that pixels in 0..255 are multiplied by.
        image_mean (`float` or `Sequence[float]`, *optional*, defaults to 0.5):
            Mean of the rescaled pixels, for all channels or for each. It is subtracted.
        image_std (`float` or `Sequence[float]`, *optional*, defaults to 0.5):
            Standard deviation of the rescaled pixels, for all channels or for each. It is divided by.
        kwargs:
            Arguments of [`~transformers.BaseImageProcessor`].

    Raises:
        ValueError: a setting is out of range.
    """

    _auto_class = "AutoImageProcessor"

    def __init__(
        self,
        size: Any = None,
        num_channels: int = 3,
        rescale_factor: float = 1 / 255,
        image_mean: float | Sequence[float] = 0.5,
        image_std: float | Sequence[float] = 0.5,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        if num_channels not in (1, 3):
            raise ValueError(f"num_channels must be 1 or 3, not {num_channels!r}")
        channel_values(image_mean, num_channels, "image_mean")
        if not np.all(channel_values(image_std, num_channels, "image_std") > 0):
            raise ValueError(f"image_std must be above 0, not {image_std!r}")
        self.size = None if size is None else dict(zip(("height", "width"), height_and_width(size), strict=True))
        self.num_channels = num_channels
        self.rescale_factor = rescale_factor
        self.image_mean = image_mean
        self.image_std = image_std

    def preprocess(self, images: Any, return_tensors: str | None = None) -> BatchFeature:
        """Prepares one image or several. The result is always a batch.

        Args:
            images: an image or a list of images. An image is a path, a `PIL.Image.Image`, a dictionary of an image
                column of `datasets`, or pixels in 0..255 as an array or nested lists of shape `(height, width)` or
                `(height, width, channels)`. Nested lists with three levels are several grayscale images: put a single
                RGB image into a list.
            return_tensors (`str`, *optional*): `"pt"` or `"np"`.

        Returns:
            `BatchFeature`: `pixel_values` in float32, as a list of arrays unless `return_tensors` is given.

        Raises:
            ValueError: an input is not an image, or images differ in size and no size is set.
        """
        values = [self._values(item, f"image {number}") for number, item in enumerate(_items(images))]
        shapes = {value.shape for value in values}
        if len(shapes) > 1:
            sizes = ", ".join(f"{height}x{width}" for _, height, width in sorted(shapes))
            raise ValueError(f"the images differ in size ({sizes}): set the size of the processor to resize them")
        return BatchFeature({"pixel_values": values}, tensor_type=return_tensors)

    def _values(self, item: Any, where: str) -> np.ndarray:
        pixels = with_channels(as_pixels(item, where), self.num_channels)  # (height, width, channels)
        if self.size is not None:
            pixels = resized(pixels, *height_and_width(self.size))
        mean = channel_values(self.image_mean, self.num_channels, "image_mean")
        std = channel_values(self.image_std, self.num_channels, "image_std")
        values = (pixels * np.float32(self.rescale_factor) - mean) / std
        return np.ascontiguousarray(np.moveaxis(values, -1, 0), dtype=np.float32)  # (channels, height, width)


def _items(images: Any) -> list[Any]:
    """One image or several, as a list."""
    if not isinstance(images, (list, tuple)):
        # An array with four dimensions is a batch.
        return list(images) if getattr(images, "ndim", 0) == 4 else [images]
    first = images[0] if len(images) else None
    rows_of_numbers = isinstance(first, (list, tuple)) and len(first) and isinstance(first[0], (int, float, np.number))
    return [images] if rows_of_numbers else list(images)
