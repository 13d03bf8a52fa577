"""Pictures of every kind as arrays of pixels: decoding, channels, size.

This file is copied next to a saved model, so that it loads where hfseq is not installed.
"""

import importlib
import io
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np

from hfseq.modalities.limits import FileSizeError, check_values

# What pillow reads out of the box, as far as data sets have it.
IMAGE_EXTENSIONS = (".bmp", ".gif", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp")

# Luminance of red, green and blue (ITU-R BT.601), as in pillow.
_LUMA = np.array([0.299, 0.587, 0.114], dtype=np.float32)


def pillow(module: str) -> Any:
    """A module of pillow, which is needed to decode and to resize, and for nothing else.

    Raises:
        ImportError: pillow is not installed; the message says how to.
    """
    try:
        return importlib.import_module(f"PIL.{module}")
    except ModuleNotFoundError as error:
        raise ImportError('pillow is needed for reading images: pip install "hfseq[image]"') from error


def open_image(source: str | os.PathLike | bytes, where: str | None = None) -> Any:
    """Decodes a picture, the right way up where a camera noted how it was held.

    Args:
        source (`str`, `PathLike` or `bytes`): the file, or its content.
        where (`str`, *optional*): what to call it in a message, by default its path.

    Returns:
        `PIL.Image.Image`: the picture, fully read.

    Raises:
        ValueError: there is no such file, or it is no picture, or a damaged one.
    """
    # Decoding happens late: only load() finds what is missing at the end.
    with opened_image(source, where) as image:
        image.load()
        return pillow("ImageOps").exif_transpose(image)


@contextmanager
def opened_image(source: str | os.PathLike | bytes, where: str | None = None) -> Iterator[Any]:
    """A picture of which only the header was read, for as long as the context lasts.

    Args:
        source (`str`, `PathLike` or `bytes`): the file, or its content.
        where (`str`, *optional*): what to call it in a message, by default its path.

    Raises:
        ValueError: there is no such file, it is no picture, or a damaged one, or it claims more pixels than
            `LIMITS.media_values`.
    """
    image_module = pillow("Image")
    where = where or ("the image" if isinstance(source, bytes) else os.fspath(source))
    bound = image_module.MAX_IMAGE_PIXELS
    try:
        # The limit here is ours, which the settings can raise.
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
        raise ValueError(f"{where} is not an image, or of a kind that pillow does not read") from error
    except (OSError, SyntaxError, EOFError, ValueError, image_module.DecompressionBombError) as error:
        raise ValueError(f"{where} cannot be read as an image: {str(error).partition(chr(10))[0]}") from error
    finally:
        image_module.MAX_IMAGE_PIXELS = bound


def pixels_of(image: Any) -> np.ndarray:
    """The pixels of a decoded picture, `(height, width, channels)`, with one channel or three, in 0..255.

    Args:
        image (`PIL.Image.Image`): the picture. Transparency is left out, 16 bits are brought to the range of 8.
    """
    if image.mode.startswith("I"):
        return np.asarray(image, dtype=np.float32)[..., None] / 257
    gray = image.mode in ("1", "L", "LA", "La", "F")
    pixels = np.asarray(image if image.mode == "F" else image.convert("L" if gray else "RGB"), dtype=np.float32)
    return pixels[..., None] if gray else pixels


def as_pixels(item: Any, where: str) -> np.ndarray:
    """Checked pixels, `(height, width, channels)`, of whatever a data set may hold for a picture.

    Args:
        item: a path, a decoded picture, the dictionary with `bytes` and `path` that `datasets` has for one, or numbers
            of shape (height, width) or (height, width, channels), in 0..255.
        where (`str`): what to call it in a message.

    Raises:
        ValueError: it is none of these, a damaged file, of a shape or range that no picture has.
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
    """Numbers as float32 pixels, with the channels as the last dimension.

    Args:
        item: an array or nested lists.
        where (`str`): what to call it in a message.
        shape (`str`): the dimensions before the channels, as `"(height, width)"`.

    Raises:
        ValueError: they have no such shape, or do not lie in 0..255.
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
    # The comparison is false for NaN as well.
    if not (pixels.min() >= 0 and pixels.max() <= 255):
        raise ValueError(f"{where} holds values from {pixels.min()} to {pixels.max()}: pixels lie in 0..255")
    return pixels.astype(np.float32)


def with_channels(pixels: np.ndarray, num_channels: int) -> np.ndarray:
    """The same picture with one channel, its luminance, or with three; what was transparent is taken as it is."""
    if pixels.shape[-1] == 4:
        pixels = pixels[..., :3]
    if num_channels == 1 and pixels.shape[-1] == 3:
        return (pixels @ _LUMA)[..., None]
    return np.broadcast_to(pixels, (*pixels.shape[:-1], num_channels))


def resized(pixels: np.ndarray, height: int, width: int) -> np.ndarray:
    """A picture `(height, width, channels)` brought to a size by bilinear interpolation, without aliasing."""
    if pixels.shape[:2] == (height, width):
        return pixels
    image = pillow("Image")
    # One channel at a time: pillow has no floating-point kind of picture with several.
    channels = [
        image.fromarray(np.ascontiguousarray(channel)).resize((width, height), image.Resampling.BILINEAR)
        for channel in np.moveaxis(pixels, -1, 0)
    ]
    return np.stack([np.asarray(channel) for channel in channels], axis=-1)


def height_and_width(size: Any) -> tuple[int, int]:
    """Reads a size: a number for a square, a pair, or a dictionary with `height` and `width`.

    Raises:
        ValueError: it is none of these, or not positive.
    """
    if isinstance(size, Mapping) and {*size} == {"height", "width"}:
        size = (size["height"], size["width"])
    pair = (size, size) if isinstance(size, int) else size
    if not (isinstance(pair, (list, tuple)) and len(pair) == 2 and all(isinstance(n, int) and n > 0 for n in pair)):
        raise ValueError(f"size must be a whole number, a pair (height, width), or a dictionary of both, not {size!r}")
    return pair[0], pair[1]


def channel_values(value: Any, num_channels: int, name: str) -> np.ndarray:
    """One number for all channels, or one each, as float32.

    Raises:
        ValueError: it is neither.
    """
    values = np.asarray(value, dtype=np.float32)
    if values.shape not in ((), (1,), (num_channels,)):
        raise ValueError(f"{name} must be one number, or one for each of {num_channels} channels, not {value!r}")
    return values
