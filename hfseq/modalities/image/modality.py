"""Images, in files or as pixels."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from datasets import Dataset, DatasetDict, Features, List, Value
from datasets import Image as ImageFeature
from transformers import AutoImageProcessor

from hfseq.data.arguments import DataArguments
from hfseq.data.batching.encoded_splits import LENGTH_COLUMN, TRUNCATED_COLUMN
from hfseq.data.labels.columns import Columns, find_column
from hfseq.data.sources.split_folders import split_folders
from hfseq.data.sources.visible_files import visible_entries
from hfseq.errors import HfseqError
from hfseq.extras import require
from hfseq.modalities.base import ExampleError, Modality
from hfseq.modalities.file_digests import DIGEST, file_digest, has_digests, with_digests
from hfseq.modalities.image.folder import read_image_folder
from hfseq.modalities.image.image_processing import ImageProcessor
from hfseq.modalities.image.settings import ImageSettings
from hfseq.modalities.media_folder import (
    by_folder_of_split,
    group_captions,
    is_media_folder,
    media_parts,
    resolve_paths,
)
from hfseq.modalities.pixels import IMAGE_EXTENSIONS, as_pixels, checked_pixels, opened_image
from hfseq.modalities.previews import thumbnail
from hfseq.registry import register_modality

PIXEL_VALUES = "pixel_values"


@register_modality
class Image(Modality):
    """Images, resized to one size and read by an image processor."""

    name = "image"
    settings_class = ImageSettings
    guess_order = 50
    is_sequence = False
    is_visual = True
    encoder_model_type = "resnet"
    pipeline_tags: ClassVar[Mapping[str, str]] = {"text-classification": "image-classification"}
    column_names = ("image", "img", "picture", "photo", "pixels", "file_name", "filename", "file", "path")
    batch_size = 64  # small, because decoded images are large
    files_in_tables = True
    array_dimensions = (2, 3)

    def is_part(self, path: Path) -> bool:
        """An image file."""
        return path.suffix.lower() in IMAGE_EXTENSIONS

    def recognizes(self, path: Path) -> bool:
        """An image file, or a folder with images in it, in its sub-folders, or in the folders of its splits."""
        if path.is_file():
            return _is_image(path)
        parts = split_folders(path) or {"train": path}
        folders = [folder for part in parts.values() for folder in (part, *_folders(part))]
        return any(_is_image(entry) for folder in folders for entry in visible_entries(folder))

    def recognizes_column(self, name: str, feature: Any) -> bool:
        """A column of images, as `datasets` stores them."""
        return isinstance(feature, ImageFeature)

    def is_value(self, example: Mapping[str, Any]) -> bool:
        """An encoded file, as `datasets` has it."""
        return {"bytes", "path"} == example.keys()

    def read_path(self, path: Path, arguments: DataArguments) -> DatasetDict | None:
        """Reads an image file, a folder (see [`read_image_folder`]), or a folder with one such folder per split."""
        if path.is_file():
            if not _is_image(path):
                return None
            features = Features({"image": Value("string")})
            return DatasetDict({"train": Dataset.from_dict({"image": [str(path.absolute())]}, features=features)})
        parts = media_parts(path)
        if not is_media_folder(path, parts.values(), self.recognizes):
            return None
        return by_folder_of_split({split: read_image_folder(part) for split, part in parts.items()}, path, "image")

    def from_table(
        self, split: Dataset, path: Path | None, arguments: DataArguments, where: str, labelled: bool = True
    ) -> Dataset:
        """Makes paths absolute, keeps a column of `datasets` undecoded, and groups the captions of each image."""
        column = find_column(split.column_names, arguments.input_column, self.column_names, "input", required=False)
        if column is None:
            return split
        feature = split.features[column]
        if isinstance(feature, ImageFeature):
            return split.cast_column(column, ImageFeature(decode=False))
        if getattr(feature, "dtype", "") != "string":
            return split
        if path is not None:
            folder = path.parent if path.is_file() else path
            split = resolve_paths(split, column, folder, where)
        return group_captions(split, column, where) if "caption" in split.column_names else split

    def check(self, split: Dataset, columns: Columns, where: str) -> Dataset:
        """Checks the header of every image. Incomplete files are found later, when they are decoded.

        Files get a digest of their content.
        """
        if has_digests(split, columns.text):
            return split  # checked before
        in_files = False
        for row, item in enumerate(split.select_columns([columns.text]).with_format(None)):
            try:
                in_files |= _check_header(item[columns.text])
            except (ValueError, OSError) as error:
                if isinstance(error, HfseqError):
                    raise
                raise HfseqError(f"{where}, row {row}: in column {columns.text!r}, {error}") from error
        return with_digests(split, columns.text, where, _described) if in_files else split

    def make_processor(self, train: Dataset, columns: Columns, arguments: DataArguments) -> ImageProcessor:
        """Makes an image processor that resizes all images to the same size."""
        settings = arguments.group(ImageSettings)
        return ImageProcessor(size=settings.image_size, num_channels=settings.num_channels)

    def previews(self, rows: Dataset, columns: Columns) -> list[dict[str, Any]]:
        """A thumbnail of each image."""
        items = (row[columns.text] for row in rows.select_columns([columns.text]).with_format(None))
        return [{"image": thumbnail(item)} for item in items]

    def matches_model(self, config: Any, processor: Mapping[str, Any]) -> bool:
        """A model of pixels."""
        return getattr(config, "num_channels", None) is not None

    def load_processor(self, source: str, **options: Any) -> Any:
        """Loads the image processor. That of hfseq needs no remote code."""
        values, _ = ImageProcessor.get_image_processor_dict(source, revision=options.get("revision"))
        if values.get("image_processor_type") == ImageProcessor.__name__:
            return ImageProcessor.from_dict(values)
        return AutoImageProcessor.from_pretrained(source, **options)

    def encode_batch(
        self, batch: Mapping[str, list], columns: Columns, processor: Any, arguments: DataArguments
    ) -> dict[str, list]:
        """`pixel_values` of shape `(channels, height, width)` for each example."""
        items = list(batch[columns.text])
        pixels = []
        for position, item in enumerate(items):
            try:
                pixels.append(as_pixels(item, "the image"))
            except ValueError as error:
                raise ExampleError(str(error), position) from error
        values = processor(pixels)[PIXEL_VALUES] if pixels else []
        return {PIXEL_VALUES: values, LENGTH_COLUMN: [1] * len(items), TRUNCATED_COLUMN: [False] * len(items)}

    def encoded_features(self, split: Dataset, columns: Columns, processor: Any) -> Features:
        """All images have the same shape."""
        first = self.encode_batch(split[:1], columns, processor, DataArguments())[PIXEL_VALUES][0]
        kind: Any = Value("float32")
        for size in reversed(first.shape):
            kind = List(kind, length=size)
        return Features({PIXEL_VALUES: kind, LENGTH_COLUMN: Value("int64"), TRUNCATED_COLUMN: Value("bool")})

    def config_values(self, processor: Any) -> dict[str, Any]:
        """The number of channels, and the size."""
        size = getattr(processor, "size", None) or {}
        channels = getattr(processor, "num_channels", None) or 3
        return {"num_channels": channels, **({"image_size": size["height"]} if "height" in size else {})}

    def placeholder_values(self) -> dict[str, Any]:
        """See [`Modality.placeholder_values`]."""
        return {"num_channels": 3, "image_size": 64}


def _is_image(path: Path) -> bool:
    return path.suffix.lower() in IMAGE_EXTENSIONS and path.is_file()


def _folders(path: Path) -> list[Path]:
    return [entry for entry in visible_entries(path) if entry.is_dir()]


def _described(item: Any) -> dict[str, Any]:
    if isinstance(item, Mapping) and item.get("bytes") is not None:
        return {DIGEST: hashlib.sha256(item["bytes"]).hexdigest()}
    return {DIGEST: file_digest(item["path"] if isinstance(item, Mapping) else item)}


def _check_header(item: Any) -> bool:
    """Checks an image, of which only the header is read. Returns whether it is a file.

    Raises:
        ValueError: it is not an image.
    """
    if isinstance(item, Mapping) and item.get("bytes") is None:
        item = item.get("path")
    if not isinstance(item, str):
        if item is None:
            raise ValueError("the image is missing: fill it in, or drop the row")
        if isinstance(item, list):
            checked_pixels(item, "the image", "(height, width)")
        else:
            as_pixels(item, "the image")
        return False
    require("PIL.Image", extra="image")
    with opened_image(item):
        pass
    return True
