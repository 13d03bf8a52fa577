"""Reads image files and folders of images."""

from pathlib import Path
from typing import TYPE_CHECKING

from datasets import Dataset

from hfseq.errors import HfseqError
from hfseq.extras import require
from hfseq.modalities.media_folder import MediaKind, read_media_folder
from hfseq.modalities.pixels import IMAGE_EXTENSIONS, open_image

if TYPE_CHECKING:
    from PIL.Image import Image

_KINDS = f"{', '.join(IMAGE_EXTENSIONS[:-1])} or {IMAGE_EXTENSIONS[-1]} files"


def read_image(path: Path) -> "Image":
    """Reads an image file, and rotates it as its EXIF data says.

    Args:
        path (`Path`): a file in a format that pillow reads.

    Returns:
        `PIL.Image.Image`: the decoded image.

    Raises:
        HfseqError: pillow is not installed, or the file is missing, not an image, damaged or incomplete.
    """
    require("PIL", extra="image")
    try:
        return open_image(path)
    except ValueError as error:
        raise HfseqError(f"{error}.") from error


def read_image_folder(path: Path) -> Dataset:
    """Reads a folder of images: with a `metadata.csv`, with one folder per class, or with images only.

    Args:
        path (`Path`): the folder. A `metadata.csv` has a column `file_name` of paths relative to the folder, and
            other columns. With a column `caption`, the captions of each image become a list `captions`.

    Returns:
        `datasets.Dataset`: the column `image` of absolute paths, and the other columns of the table, or the class as
        `label`. The images are not decoded.

    Raises:
        HfseqError: the folder has another layout, a file is missing, or the table is malformed.
    """
    return read_media_folder(path, MediaKind("image", _KINDS, _is_image))


def _is_image(path: Path) -> bool:
    return path.is_file() and path.suffix.lower() in IMAGE_EXTENSIONS
