"""Image files, and the folders and tables that name them."""

from pathlib import Path
from typing import TYPE_CHECKING

from datasets import Dataset

from hfseq.errors import HfseqError
from hfseq.extras import require
from hfseq.modalities.media_folder import Medium, read_media_folder
from hfseq.modalities.pixels import IMAGE_EXTENSIONS, open_image

if TYPE_CHECKING:
    from PIL.Image import Image

_KINDS = f"{', '.join(IMAGE_EXTENSIONS[:-1])} or {IMAGE_EXTENSIONS[-1]} files"


def read_image(path: Path) -> "Image":
    """Reads an image file, the right way up.

    Args:
        path (`Path`): a file that pillow reads.

    Returns:
        `PIL.Image.Image`: the image, decoded to its end.

    Raises:
        HfseqError: pillow is not installed; the file is not there, no image, damaged or cut short.
    """
    require("PIL", extra="image")
    try:
        return open_image(path)
    except ValueError as error:
        raise HfseqError(f"{error}.") from error


def read_image_folder(path: Path) -> Dataset:
    """Reads a folder of images: one with a `metadata.csv`, with a folder a class, or of images alone.

    Args:
        path (`Path`): the folder. A `metadata.csv` has a column `file_name` of paths relative to the folder, and any
            others. Rows with a `caption` are one description each: those of an image become `captions`, in order.

    Returns:
        `datasets.Dataset`: the column `image` of absolute paths; the other columns of the table, or the class as
            `label`. The images are not decoded.

    Raises:
        HfseqError: it has none of these forms, a file is missing, or the table is malformed.
    """
    return read_media_folder(path, Medium("image", _KINDS, _is_image))


def _is_image(path: Path) -> bool:
    return path.is_file() and path.suffix.lower() in IMAGE_EXTENSIONS
