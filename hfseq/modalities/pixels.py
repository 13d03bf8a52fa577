"""Arrays of pixels: decoding, number of channels, and size of images.

This file is saved with processors that need it, so that they load where hfseq is not installed.
"""

import importlib
import io
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np

from hfseq.modalities.limits import FileSizeError, check_values

# Common formats that pillow reads.
IMAGE_EXTENSIONS = (".bmp", ".gif", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp")

# Luminance of red, green and blue (ITU-R BT.601), as in pillow.
_LUMA = np.array([0.299, 0.587, 0.114], dtype=np.float32)


def pillow(module: str) -> Any:
    """Imports a module of pillow, which is only needed to decode and resize images.

    Raises:
        ImportError: pillow is not installed. The message says how to install it.
    """
    try:
        return importlib.import_module(f"PIL.{module}")
    except ModuleNotFoundError as error:
        raise ImportError('pillow is needed for reading images: pip install "hfseq[image]"') from error


def open_image(source: str | os.PathLike | bytes, where: str | None = None) -> Any:
    """Decodes an image, and rotates it as its EXIF data says.

    Args:
        source (`str`, `PathLike` or `bytes`): the file, or its content.
        where (`str`, *optional*): name of the image in error messages, by default its path.

    Returns:
        `PIL.Image.Image`: the decoded image.

    Raises:
        ValueError: the file is missing, not an image, or damaged.
    """
    # Only load() decodes the image, and finds that a file is incomplete.
    with opened_image(source, where) as image:
        image.load()
        return pillow("ImageOps").exif_transpose(image)


@contextmanager
def opened_image(source: str | os.PathLike | bytes, where: str | None = None) -> Iterator[Any]:
    """A context with an open image, of which only the header was read.

    Args:
        source (`str`, `PathLike` or `bytes`): the file, or its content.
        where (`str`, *optional*): name of the image in error messages, by default its path.

    Raises:
        ValueError: the file is missing, not an image, or damaged, or it claims more values than `LIMITS.media_values`.
    """
    image_module = pillow("Image")
    where = where or ("the image" if isinstance(source, bytes) else os.fspath(source))
    bound = image_module.MAX_IMAGE_PIXELS
    try:
        # The limit of hfseq replaces that of pillow, because settings can raise it.
        image_module.MAX_IMAGE_PIXELS = None
        with image_module.open(io.BytesIO(source) if isinstance(source, bytes) else source) as image:
            check_values(
                image.width * image.height * len(image.getbands()), f"{where}, {image.width} x {image.height},"
            )
            yield image
    except FileSizeError:
        raise
    except FileNotFoundError as error:
        raise ValueError(f"{where} does not exist") from error
    except image_module.UnidentifiedImageError as error:
        raise ValueError(f"{where} is not an image, or in a format that pillow does not read") from error
    except (OSError, SyntaxError, EOFError, ValueError, image_module.DecompressionBombError) as error:
        raise ValueError(f"{where} cannot be read as an image: {str(error).partition(chr(10))[0]}") from error
    finally:
        image_module.MAX_IMAGE_PIXELS = bound


def pixels_of(image: Any) -> np.ndarray:
    """The pixels of a decoded image in 0..255, of shape `(height, width, channels)` with 1 or 3 channels.

    Args:
        image (`PIL.Image.Image`): the image. Transparency is dropped, and 16 bits are scaled to the range of 8.
    """
    if image.mode.startswith("I"):
        return np.asarray(image, dtype=np.float32)[..., None] / 257
    gray = image.mode in ("1", "L", "LA", "La", "F")
    pixels = np.asarray(image if image.mode == "F" else image.convert("L" if gray else "RGB"), dtype=np.float32)
    return pixels[..., None] if gray else pixels


def as_pixels(item: Any, where: str) -> np.ndarray:
    """Turns an image of a data set into checked pixels of shape `(height, width, channels)`.

    Args:
        item: a path, a decoded image, a dictionary with `bytes` and `path` as in `datasets`, or numbers in 0..255 of
            shape `(height, width)` or `(height, width, channels)`.
        where (`str`): name of the image in error messages.

    Raises:
        ValueError: the image has another type, shape or range, or the file is damaged.
    """
    if isinstance(item, Mapping):
        content, path = item.get("bytes"), item.get("path")
        if content:
            return pixels_of(open_image(content, path or where))
        item = path
    if isinstance(item, (str, os.PathLike)):
        return pixels_of(open_image(item))
    if hasattr(item, "convert") and hasattr(item, "mode"):
        return pixels_of(item)
    return checked_pixels(item, where, "(height, width)")


def checked_pixels(item: Any, where: str, shape: str) -> np.ndarray:
    """Checks numbers, and returns them as float32 pixels with the channels as the last dimension.

    Args:
        item: an array or nested lists.
        where (`str`): name of the example in error messages.
        shape (`str`): the dimensions before the channels, such as `"(height, width)"`.

    Raises:
        ValueError: they have another shape, or are not in 0..255.
    """
    dimensions = len(shape.split(","))
    try:
        pixels = np.asarray(item)
    except ValueError as error:
        raise ValueError(f"{where} has rows of different lengths: expected numbers of shape {shape}") from error
    if pixels.dtype.kind not in "uif":
        raise ValueError(f"{where} must be numbers of shape {shape} or a path, not {type(item).__name__}")
    if pixels.ndim == dimensions:
        pixels = pixels[..., None]
    if pixels.ndim != dimensions + 1 or pixels.shape[-1] not in (1, 3, 4) or 0 in pixels.shape:
        raise ValueError(
            f"{where} has shape {np.shape(item)}: expected {shape}, or with 1, 3 or 4 channels as the last dimension"
        )
    # The comparison is also false for NaN.
    if not (pixels.min() >= 0 and pixels.max() <= 255):
        raise ValueError(f"{where} holds values from {pixels.min()} to {pixels.max()}: pixels must be in 0..255")
    return pixels.astype(np.float32)


def with_channels(pixels: np.ndarray, num_channels: int) -> np.ndarray:
    """Converts pixels to grayscale (1 channel) or RGB (3 channels). Transparency is dropped."""
    if pixels.shape[-1] == 4:
        pixels = pixels[..., :3]
    if num_channels == 1 and pixels.shape[-1] == 3:
        return (pixels @ _LUMA)[..., None]
    return np.broadcast_to(pixels, (*pixels.shape[:-1], num_channels))


def resized(pixels: np.ndarray, height: int, width: int) -> np.ndarray:
    """Resizes pixels of shape `(height, width, channels)` with bilinear interpolation and antialiasing."""
    if pixels.shape[:2] == (height, width):
        return pixels
    image = pillow("Image")
    # One channel at a time, because pillow has no floating-point mode with several channels.
    channels = [
        image.fromarray(np.ascontiguousarray(channel)).resize((width, height), image.Resampling.BILINEAR)
        for channel in np.moveaxis(pixels, -1, 0)
    ]
    return np.stack([np.asarray(channel) for channel in channels], axis=-1)


def height_and_width(size: Any) -> tuple[int, int]:
    """Height and width from a number (a square), a pair, or a dictionary with `height` and `width`.

    Raises:
        ValueError: the size has another form, or is not positive.
    """
    if isinstance(size, Mapping) and {*size} == {"height", "width"}:
        size = (size["height"], size["width"])
    pair = (size, size) if isinstance(size, int) else size
    if not (isinstance(pair, (list, tuple)) and len(pair) == 2 and all(isinstance(n, int) and n > 0 for n in pair)):
        raise ValueError(f"size must be a whole number, a pair (height, width), or a dictionary of both, not {size!r}")
    return pair[0], pair[1]


def channel_values(value: Any, num_channels: int, name: str) -> np.ndarray:
    """One number for all channels, or one number per channel, as float32.

    Raises:
        ValueError: the number of values is different.
    """
    values = np.asarray(value, dtype=np.float32)
    if values.shape not in ((), (1,), (num_channels,)):
        raise ValueError(f"{name} must be one number, or one for each of the {num_channels} channels, not {value!r}")
    return values
