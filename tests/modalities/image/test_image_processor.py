"""Image processor and video feature extractor: values, channels, sizes, and invalid inputs."""

import io
import re
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from datasets import Dataset, Image
from PIL import Image as Pillow

from hfseq.modalities import pixels
from hfseq.modalities.image.image_processing import ImageProcessor
from hfseq.modalities.video.feature_extraction_video import VideoFeatureExtractor

GRAY = np.arange(48, dtype=np.uint8).reshape(6, 8) * 5
COLOUR = np.stack([GRAY, GRAY[::-1], np.full_like(GRAY, 200)], axis=-1)
PLAIN = {"rescale_factor": 1.0, "image_mean": 0.0, "image_std": 1.0}


@pytest.mark.parametrize("kind", ["array", "lists", "pillow", "path", "bytes", "datasets"])
def test_all_forms_of_images_give_the_same_values(kind, tmp_path):
    image = Pillow.fromarray(COLOUR)
    image.save(tmp_path / "image.png")
    column = Dataset.from_dict({"image": [str(tmp_path / "image.png")]}).cast_column("image", Image())["image"]
    given = {
        "array": COLOUR,
        "lists": [COLOUR.tolist()],
        "pillow": image,
        "path": tmp_path / "image.png",
        "bytes": {"bytes": (tmp_path / "image.png").read_bytes(), "path": None},
        "datasets": column[:],
    }[kind]
    (values,) = ImageProcessor()(given)["pixel_values"]
    assert values.dtype == np.float32
    np.testing.assert_allclose(values, np.moveaxis(COLOUR / 127.5 - 1, -1, 0), atol=1e-6)


def test_channels_size_and_normalization():
    processor = ImageProcessor(size=(3, 4), num_channels=1, **PLAIN | {"image_mean": [10.0], "image_std": [2.0]})
    values = processor([COLOUR, GRAY.tolist()], return_tensors="pt")["pixel_values"]
    assert values.shape == (2, 1, 3, 4) and values.dtype == torch.float32
    # Equal to the result of pillow up to its rounding to whole numbers.
    expected = np.asarray(Pillow.fromarray(GRAY).resize((4, 3), Pillow.Resampling.BILINEAR), dtype=np.float32)
    np.testing.assert_allclose(values[1, 0] * 2 + 10, expected, atol=1)
    luminance = ImageProcessor(num_channels=1, **PLAIN)(COLOUR)["pixel_values"][0][0]
    np.testing.assert_allclose(luminance, np.asarray(Pillow.fromarray(COLOUR).convert("L")), atol=0.6)
    (three,) = ImageProcessor(**PLAIN)([GRAY])["pixel_values"]
    assert np.array_equal(three, np.stack([GRAY] * 3))


def test_bit_depth_and_exif_orientation_are_read():
    deep = Pillow.fromarray((GRAY.astype(np.uint16) * 257).astype(np.uint16))
    transparent = Pillow.fromarray(np.dstack([COLOUR, np.zeros_like(GRAY)]))
    turned = io.BytesIO()
    exif = Pillow.Exif()
    exif[0x0112] = 6  # held upright
    Pillow.fromarray(GRAY).save(turned, "png", exif=exif)
    process = ImageProcessor(num_channels=1, **PLAIN)
    assert np.array_equal(process(deep)["pixel_values"][0][0], GRAY)
    assert np.array_equal(process({"bytes": turned.getvalue()})["pixel_values"][0][0], np.rot90(GRAY, -1))
    assert np.array_equal(ImageProcessor(**PLAIN)(transparent)["pixel_values"][0], np.moveaxis(COLOUR, -1, 0))


def test_saved_processor_loads_unchanged(tmp_path):
    processor = ImageProcessor(size={"height": 4, "width": 3}, num_channels=1, image_std=[0.25])
    processor.save_pretrained(tmp_path)
    loaded = ImageProcessor.from_pretrained(tmp_path)
    assert loaded.to_dict() == processor.to_dict() and loaded.size == {"height": 4, "width": 3}
    assert np.array_equal(loaded(GRAY)["pixel_values"], processor(GRAY)["pixel_values"])
    extractor = VideoFeatureExtractor(size=(4, 2), num_channels=3, frame_stride=2, max_frames=5)
    extractor.save_pretrained(tmp_path / "video")
    again = VideoFeatureExtractor.from_pretrained(tmp_path / "video")
    assert again.to_dict() == extractor.to_dict() and again.feature_size == 24


@pytest.mark.parametrize(
    "given, message",
    [
        (np.zeros((3, 4, 5)), "image 0 has shape (3, 4, 5): expected (height, width), or with 1, 3 or 4 channels as"),
        ([GRAY, [[1, 2], [3]]], "image 1 has rows of different lengths: expected numbers of shape (height, width)"),
        (GRAY * 1.0 - 1, "image 0 holds values from -1.0 to 234.0: pixels must be in 0..255"),
        (np.full((2, 2), np.nan), "image 0 holds values from nan to nan"),
        ([None], "image 0 must be numbers of shape (height, width) or a path, not NoneType"),
        ([GRAY, GRAY[:4]], "the images differ in size (4x8, 6x8): set the size of the processor to resize them"),
        ("nowhere.png", "nowhere.png does not exist"),
        (
            {"bytes": b"GIF of a cat", "path": "cat.gif"},
            "cat.gif is not an image, or in a format that pillow does not",
        ),
    ],
)
def test_processor_rejects_invalid_images(given, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        ImageProcessor()(given)


@pytest.mark.parametrize("extractor", [ImageProcessor, VideoFeatureExtractor])
@pytest.mark.parametrize(
    "settings, message",
    [
        ({"size": "8x8"}, "size must be a whole number, a pair (height, width), or a dictionary of both, not '8x8'"),
        ({"num_channels": 2}, "num_channels must be 1 or 3, not 2"),
        ({"image_std": 0.0}, "image_std must be above 0, not 0.0"),
        ({"image_mean": [0.1, 0.2]}, "image_mean must be one number, or one for each of"),
    ],
)
def test_processor_rejects_invalid_settings(extractor, settings, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        extractor(**settings)


def test_missing_pillow_is_an_error_with_a_hint(monkeypatch):
    def missing(name):
        raise ModuleNotFoundError(f"No module named {name!r}", name="PIL")

    monkeypatch.setattr(pixels, "importlib", SimpleNamespace(import_module=missing))
    # Numbers that need no resizing can be processed without pillow.
    assert ImageProcessor(num_channels=1)(GRAY)["pixel_values"][0].shape == (1, 6, 8)
    with pytest.raises(
        ImportError, match=re.escape('pillow is needed for reading images: pip install "hfseq[image]"')
    ):
        ImageProcessor(size=4)(GRAY)


def test_video_extractor_gives_one_step_per_frame():
    video = np.random.default_rng(0).integers(256, size=(7, 6, 8))
    extractor = VideoFeatureExtractor(size=(6, 8), frame_stride=2, max_frames=3, **PLAIN)
    ragged = extractor([video.tolist(), video[:3]])
    assert [len(steps) for steps in ragged["input_features"]] == [3, 2]
    assert np.array_equal(ragged["input_features"][0], video[[0, 2, 4]].reshape(3, 48))
    batch = extractor.pad(ragged, return_tensors="pt")
    assert batch["input_features"].shape == (2, 3, 48) and batch["input_features"].dtype == torch.float32
    assert batch["attention_mask"].tolist() == [[1, 1, 1], [1, 1, 0]] and not batch["input_features"][1, 2].any()
    called = extractor([video, video[:3]], padding=True, return_tensors="pt")
    assert torch.equal(called["input_features"], batch["input_features"])
    # A single video, in RGB or as nested lists, is a batch of one.
    assert len(extractor(video.tolist())["input_features"]) == 1
    small = VideoFeatureExtractor(size=3, num_channels=3)(np.stack([video] * 3, axis=-1))["input_features"]
    assert [steps.shape for steps in small] == [(7, 27)]


def test_video_extractor_rejects_invalid_videos():
    with pytest.raises(ValueError, match=re.escape("video 0 has shape (6, 8): expected (frames, height, width)")):
        VideoFeatureExtractor()(GRAY)
    with pytest.raises(ValueError, match="a frame must have at least 2 numbers: choose a larger size"):
        VideoFeatureExtractor(size=1)
    with pytest.raises(ValueError, match="frame_stride must be a whole number of at least 1, not 0"):
        VideoFeatureExtractor(frame_stride=0)
