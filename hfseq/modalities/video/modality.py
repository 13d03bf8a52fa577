"""Videos as sequences of frames."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from datasets import Dataset, DatasetDict

from hfseq.data.arguments import DataArguments
from hfseq.data.labels.columns import Columns, find_column
from hfseq.data.sources.split_folders import split_folders
from hfseq.data.sources.visible_files import visible_entries
from hfseq.errors import HfseqError
from hfseq.extras import require
from hfseq.modalities.file_digests import DIGEST, has_digests, path_of, with_digests
from hfseq.modalities.media_folder import by_folder_of_split, is_media_folder, media_parts, resolve_paths
from hfseq.modalities.nested_lists import flatten_lists, is_nested
from hfseq.modalities.numeric import Numeric
from hfseq.modalities.pixels import IMAGE_EXTENSIONS
from hfseq.modalities.previews import thumbnail
from hfseq.modalities.video.feature_extraction_video import VideoFeatureExtractor
from hfseq.modalities.video.files import is_video, read_video_folder, video_digest
from hfseq.modalities.video.settings import VideoSettings
from hfseq.modalities.video.video_frames import holds_animations, is_animation, is_frame_folder, read_frames
from hfseq.registry import register_modality

VIDEO_COLUMN = "video"
_ARRAYS = (".npy", ".npz")
_GRAY, _COLOUR = ("frames", "rows", "columns"), ("frames", "rows", "columns", "channels")


@register_modality
class Video(Numeric):
    """Videos: array files, animations, folders of frames, or numbers in a table."""

    name = "video"
    settings_class = VideoSettings
    guess_order = 40
    is_visual = True
    pipeline_tags: ClassVar[Mapping[str, str]] = {"text-classification": "video-classification"}
    column_names = (VIDEO_COLUMN, "videos", "clip", "file_name", "file", "path")
    batch_size = 16
    files_in_tables = True
    array_dimensions = (3, 4)

    def is_part(self, path: Path) -> bool:
        """An array file, an animation, or an image that may be a frame."""
        return path.suffix.lower() in (*_ARRAYS, *IMAGE_EXTENSIONS)

    def is_example(self, path: Path) -> bool:
        """An array file, an animation with several frames, or a folder of frames."""
        if path.suffix.lower() == ".gif":
            return is_animation(path)
        return path.exists() and is_video(path)

    def recognizes(self, path: Path) -> bool:
        """An array file, a folder of animations, or a folder of folders with videos.

        A folder of images is not recognized: it may be a data set of images.
        """
        if path.is_file():
            return path.suffix.lower() in _ARRAYS
        folders = (split_folders(path) or {"train": path}).values()
        return any(_is_animation_folder(folder) or _mostly_videos(folder) for folder in folders)

    def read_path(self, path: Path, arguments: DataArguments) -> DatasetDict | None:
        """Reads a video, a folder (see [`read_video_folder`]), or a folder with one such folder per split."""
        if is_video(path):
            return DatasetDict({"train": Dataset.from_dict({VIDEO_COLUMN: [str(path.absolute())]})})
        if not path.is_dir():
            return None
        parts = media_parts(path)
        if not is_media_folder(path, parts.values(), lambda _: any(map(_is_video_folder, parts.values()))):
            return None
        return by_folder_of_split(
            {split: read_video_folder(part) for split, part in parts.items()}, path, VIDEO_COLUMN
        )

    def from_table(
        self, split: Dataset, path: Path | None, arguments: DataArguments, where: str, labelled: bool = True
    ) -> Dataset:
        """Makes paths absolute. In the table they are relative to its folder."""
        column = find_column(split.column_names, arguments.input_column, self.column_names, "input", required=False)
        if column is None or path is None or not _is_text(split, column):
            return split
        return resolve_paths(split, column, path if path.is_dir() else path.parent, where)

    def check(self, split: Dataset, columns: Columns, where: str) -> Dataset:
        """Checks that numbers are pixels, and that the frames of each video have one size.

        Files are decoded and checked later. They get a digest of their content.
        """
        column = columns.text
        if has_digests(split, column):
            return split  # checked before
        if _is_text(split, column):
            for row, name in enumerate(split[column]):
                if name is None or not is_video(Path(name)):
                    raise HfseqError(
                        f"{where}, row {row}: {name!r} is not a video: expected a .npy, .npz or .gif file, or a "
                        "folder of images"
                    )
            return with_digests(split, column, where, lambda path: {DIGEST: video_digest(path)})
        levels = _COLOUR if is_nested(split, column, len(_COLOUR)) else _GRAY
        flat = flatten_lists(split, column, levels, "video", where)
        values = pc.cast(flat.values, pa.float32(), safe=False).to_numpy(zero_copy_only=False)
        # The comparison is also false for missing values.
        wrong = ~((values >= 0) & (values <= 255))
        if wrong.any():
            first = int(wrong.argmax())
            raise HfseqError(f"{where}, row {int(flat.rows[first])}: pixels must be in 0..255, not {values[first]}.")
        if levels is _COLOUR and not np.isin(flat.sizes[-1], (1, 3, 4)).all():
            raise HfseqError(f"{where}: pixels must have 1, 3 or 4 channels, not {flat.sizes[-1].max()}.")
        return split

    def make_processor(self, train: Dataset, columns: Columns, arguments: DataArguments) -> VideoFeatureExtractor:
        """Makes a feature extractor of frames of `image_size` with `num_channels`."""
        settings = arguments.group(VideoSettings)
        if _is_text(train, columns.text) or has_digests(train, columns.text):
            # Fail now, and not during encoding.
            require("PIL", extra="image")
        return VideoFeatureExtractor(size=settings.image_size, num_channels=settings.num_channels)

    def previews(self, rows: Dataset, columns: Columns) -> list[dict[str, Any]]:
        """The number of frames of each video, and a thumbnail of its middle frame."""
        return [_preview(path_of(row[columns.text])) for row in rows.select_columns([columns.text]).with_format(None)]

    def matches_model(self, config: Any, processor: Mapping[str, Any]) -> bool:
        """A model with a saved [`VideoFeatureExtractor`]."""
        return processor.get("feature_extractor_type") == VideoFeatureExtractor.__name__

    def load_processor(self, source: str, **options: Any) -> VideoFeatureExtractor:
        """Loads the feature extractor."""
        return VideoFeatureExtractor.from_pretrained(source, revision=options.get("revision") or "main")

    def features_of(self, values: list[Any], processor: Any) -> list[np.ndarray]:
        """Pixels of shape `(frames, height * width * channels)` for each example."""
        try:
            return [processor([path_of(value)], return_attention_mask=False)["input_features"][0] for value in values]
        except ImportError as error:
            raise HfseqError(str(error)) from error


def _preview(video: Any) -> dict[str, Any]:
    frames = read_frames(video) if isinstance(video, str) else video
    name = f"{Path(video).name}, " if isinstance(video, str) else ""
    preview = {"description": f"{name}{len(frames):,} frames"}
    image = thumbnail(frames[len(frames) // 2])
    return preview if image is None else {**preview, "image": image}


def _is_text(split: Dataset, column: str) -> bool:
    return getattr(split.features[column], "dtype", None) == "string"


def _is_video_folder(folder: Path) -> bool:
    return any(map(_holds_videos, (folder, *_classes(folder))))


def _holds_videos(folder: Path) -> bool:
    return any(map(is_video, visible_entries(folder)))


def _classes(folder: Path) -> list[Path]:
    """The sub-folders that are not videos themselves."""
    return [path for path in visible_entries(folder) if path.is_dir() and not is_frame_folder(path)]


def _mostly_videos(folder: Path) -> bool:
    """Whether more than half of the sub-folders hold videos. A single folder of arrays beside images is ignored."""
    count = sum(map(Path.is_dir, visible_entries(folder)))
    return 2 * sum(map(_holds_only_videos, _classes(folder))) > count


def _is_animation_folder(folder: Path) -> bool:
    return not is_frame_folder(folder) and holds_animations(folder)


def _holds_only_videos(folder: Path) -> bool:
    """Whether the content of a folder can only be videos: arrays, folders of frames, or animations."""
    entries = visible_entries(folder)
    return any(is_frame_folder(path) or path.suffix.lower() in _ARRAYS for path in entries) or holds_animations(folder)
