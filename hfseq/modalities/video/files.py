"""Reads videos and folders of videos."""

import hashlib
from pathlib import Path

import numpy as np
from datasets import Dataset

from hfseq.errors import HfseqError
from hfseq.extras import require
from hfseq.modalities.file_digests import file_digest
from hfseq.modalities.media_folder import MediaKind, read_media_folder
from hfseq.modalities.video.video_frames import VIDEO_EXTENSIONS, frame_files, is_frame_folder, read_frames

_KINDS = f"{', '.join(VIDEO_EXTENSIONS[:-1])} or {VIDEO_EXTENSIONS[-1]} files, or folders of frames"


def read_video(path: Path) -> np.ndarray:
    """Reads a video.

    Args:
        path (`Path`): a `.npy` or `.npz` file of an array, a `.gif` file, or a folder of other images, one per frame.
            They are sorted by the numbers in their names: `frame2.png` comes before `frame10.png`.

    Returns:
        `np.ndarray` of shape `(frames, height, width)` or `(frames, height, width, channels)`: the frames.

    Raises:
        HfseqError: pillow is needed but not installed, the file is missing, damaged or in another format, the array
            has another shape, or the frames differ in size.
    """
    if path.is_dir() or path.suffix.lower() == ".gif":
        require("PIL", extra="image")
    try:
        frames = read_frames(path)
    except ValueError as error:
        raise HfseqError(f"{error}.") from error
    if frames.ndim not in (3, 4) or not frames.size:
        raise HfseqError(
            f"{path} holds an array of shape {frames.shape}: expected (frames, height, width) or (frames, height, "
            "width, channels)."
        )
    return frames


def read_video_folder(path: Path) -> Dataset:
    """Reads a folder of videos: with a `metadata.csv`, with one folder per class, or with videos only.

    Args:
        path (`Path`): the folder. A `metadata.csv` has a column `file_name` of paths relative to the folder, and
            other columns such as `label`.

    Returns:
        `datasets.Dataset`: the column `video` of absolute paths, and the other columns of the table, or the class as
        `label`. The videos are not decoded.

    Raises:
        HfseqError: the folder has another layout, a file is missing, or the table is malformed.
    """
    return read_media_folder(path, MediaKind("video", _KINDS, is_video))


def is_video(path: Path) -> bool:
    """Whether a path is a video: a file with an extension of videos, or a folder of frames."""
    return is_frame_folder(path) or (path.is_file() and path.suffix.lower() in VIDEO_EXTENSIONS)


def video_digest(path: str | Path) -> str:
    """The sha256 of a video in hexadecimal: of its file, or of the digests of its frames in their order."""
    if not Path(path).is_dir():
        return file_digest(path)
    digests = "".join(file_digest(frame) for frame in frame_files(Path(path)))
    return hashlib.sha256(digests.encode()).hexdigest()
