"""Short forms of examples, for reports."""

import base64
import io
from typing import Any

import numpy as np

from hfseq.modalities.pixels import as_pixels, pillow

MOST_CHARACTERS = 300
MOST_STEPS = 200
MOST_CHANNELS = 8
# Height and width of a thumbnail in pixels.
_THUMBNAIL = 72


def shortened(text: str) -> str:
    """The beginning of a text."""
    return text if len(text) <= MOST_CHARACTERS else text[: MOST_CHARACTERS - 1].rstrip() + "\N{HORIZONTAL ELLIPSIS}"


def thinned(values: np.ndarray) -> list[list[float | None]]:
    """A series of at most 8 channels and 200 steps, rounded to 5 digits.

    Args:
        values (`np.ndarray` of shape `(steps, channels)`): the series; NaN for missing values.

    Returns:
        `list[list[float]]`: the values of each channel; `None` for missing ones.
    """
    values = np.asarray(values, dtype=np.float64)
    steps = np.unique(np.linspace(0, len(values) - 1, min(len(values), MOST_STEPS)).round().astype(int))
    return [rounded(channel) for channel in values[steps, :MOST_CHANNELS].T]


def rounded(values: np.ndarray) -> list[float | None]:
    """Numbers with 5 digits for JSON, which has no NaN."""
    return [float(f"{value:.5g}") if np.isfinite(value) else None for value in values]


def thumbnail(item: Any) -> str | None:
    """A small image as data URI; `None` if it cannot be read.

    Args:
        item: an image in one of the forms of [`as_pixels`].
    """
    try:
        pixels = as_pixels(item, "the image")
    except ValueError:
        return None
    values = pixels.astype(np.uint8)
    image = pillow("Image").fromarray(values[..., 0] if values.shape[-1] == 1 else values)
    image.thumbnail((_THUMBNAIL, _THUMBNAIL))
    target = io.BytesIO()
    image.convert("RGB").save(target, format="JPEG", quality=70)
    return f"data:image/jpeg;base64,{base64.b64encode(target.getvalue()).decode()}"
