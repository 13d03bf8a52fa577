"""Reads the frames of videos: from array files, animations, or folders of images.

This file is saved with processors that need it, so that they load where hfseq is not installed.
"""

import math
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO

import numpy as np

from hfseq.modalities.limits import FileSizeError, check_values
from hfseq.modalities.natural_order import natural_order
from hfseq.modalities.pixels import IMAGE_EXTENSIONS, open_image, opened_image, pillow, pixels_of, with_channels

# Extensions of files that hold a whole video.
VIDEO_EXTENSIONS = (".gif", ".npy", ".npz")
# Extensions of images that may be frames. A `.gif` file is a video itself.
FRAME_EXTENSIONS = tuple(kind for kind in IMAGE_EXTENSIONS if kind not in VIDEO_EXTENSIONS)


def read_frames(path: str | Path) -> np.ndarray:
    """Reads the frames of a video, of shape `(frames, height, width)` or `(frames, height, width, channels)`.

    Args:
        path (`str` or `Path`): a `.npy` file, a `.npz` file with one array (or one named `frames` or `video`), an
            animation (`.gif`), or a folder of other images, one per frame, in the order of the numbers in their names.

    Raises:
        ValueError: the file is missing, damaged or in another format, or the frames differ in size.
    """
    path = Path(path)
    if not path.exists():
        raise ValueError(f"{path} does not exist")
    if path.is_dir():
        return _folder(path)
    suffix = path.suffix.lower()
    if suffix == ".gif":
        return _animation(path)
    if suffix not in VIDEO_EXTENSIONS:
        raise ValueError(f"{path} is not a video: expected {', '.join(VIDEO_EXTENSIONS)} or a folder of images")
    if suffix == ".npy":
        with path.open("rb") as file:
            _check_array(file, path)
    try:
        content = np.load(path, allow_pickle=False)
        return content if isinstance(content, np.ndarray) else _only_array(content, path)
    except FileSizeError:
        raise
    except (OSError, EOFError, KeyError, zipfile.BadZipFile) as error:
        raise ValueError(f"{path} cannot be read: {str(error).partition(chr(10))[0] or 'it is empty'}") from error
    except ValueError as error:
        raise ValueError(f"{path} is not an array of numbers: {str(error).partition(chr(10))[0]}") from error


def is_frame_folder(path: Path) -> bool:
    """Whether a folder directly holds images that may be frames."""
    return path.is_dir() and any(frame_files(path))


def frame_files(folder: Path) -> list[Path]:
    """The images that a folder directly holds, in the order of the frames."""
    return _files(folder, FRAME_EXTENSIONS)


def holds_animations(folder: Path) -> bool:
    """Whether the first `.gif` file of a folder is an animation. Otherwise, the files are images."""
    files = _files(folder, (".gif",)) if folder.is_dir() else []
    return bool(files) and is_animation(files[0])


def is_animation(path: Path) -> bool:
    """Whether an image has several frames. `False` if it cannot be read."""
    try:
        with opened_image(path) as image:
            return bool(getattr(image, "is_animated", False))
    except (ImportError, ValueError):
        return False  # the reader of the file reports the error


def _files(folder: Path, extensions: tuple[str, ...]) -> list[Path]:
    files = (file for file in folder.iterdir() if file.suffix.lower() in extensions and file.is_file())
    return sorted((file for file in files if not file.name.startswith(".")), key=natural_order)


def _folder(folder: Path) -> np.ndarray:
    files = frame_files(folder)
    if not files:
        raise ValueError(f"{folder} holds no images ({', '.join(FRAME_EXTENSIONS)})")
    frames = list(_within_limits((pixels_of(open_image(file)) for file in files), folder))
    for file, frame in zip(files, frames, strict=True):
        if frame.shape[:2] != frames[0].shape[:2]:
            raise ValueError(
                f"{file} is {frame.shape[0]}x{frame.shape[1]} pixels, but {files[0].name} is "
                f"{frames[0].shape[0]}x{frames[0].shape[1]}: all frames of a video must have the same size"
            )
    return _stacked(frames)


def _animation(path: Path) -> np.ndarray:
    sequence = pillow("ImageSequence")
    try:
        with opened_image(path) as animation:
            return _stacked(list(_within_limits(map(pixels_of, sequence.Iterator(animation)), path)))
    except FileSizeError:
        raise
    except ValueError as error:
        reason = str(error.__cause__ or error).partition("\n")[0]
        raise ValueError(f"{path} cannot be read as an animation: {reason}") from error


def _stacked(frames: list[np.ndarray]) -> np.ndarray:
    # If one frame is RGB, all become RGB.
    channels = max(frame.shape[-1] for frame in frames)
    return np.stack([with_channels(frame, channels) for frame in frames])


def _only_array(archive: "np.lib.npyio.NpzFile", path: Path) -> np.ndarray:
    with archive:
        names = [name for name in ("frames", "video") if name in archive.files] or archive.files
        if len(names) != 1:
            raise ValueError(f"it holds {', '.join(names) or 'nothing'}, expected one array, or one named 'frames'")
        members = archive.zip
        if members is not None and f"{names[0]}.npy" in members.namelist():
            with members.open(f"{names[0]}.npy") as file:
                _check_array(file, path)
        return archive[names[0]]


def _within_limits(frames: Iterable[np.ndarray], path: Path) -> Iterator[np.ndarray]:
    """The frames, checked for the total number of their values."""
    count = 0
    for frame in frames:
        count += frame.size
        check_values(count, str(path))
        yield frame


def _check_array(file: IO[bytes], path: Path) -> None:
    """
    Raises:
        FileSizeError: the header of a `.npy` file claims too large an array.
    """
    try:
        version = np.lib.format.read_magic(file)
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape = read(file)[0]
    except (ValueError, OSError, EOFError, zipfile.BadZipFile):
        return  # the reader of the file reports the error
    check_values(math.prod(shape), f"{path}, an array of shape {shape},")
