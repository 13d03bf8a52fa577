"""Small files that claim to be huge are rejected before they are decoded, unless the limits are raised."""

import io
import struct
import time
import zipfile
import zlib

import numpy as np
import pytest
import soundfile
from datasets import Dataset
from PIL import Image as Pillow

from hfseq.data.arguments import DataArguments
from hfseq.data.labels.columns import Columns
from hfseq.errors import HfseqError
from hfseq.modalities.audio.folder import read_waveform
from hfseq.modalities.audio.resampling import resample
from hfseq.modalities.image.folder import read_image
from hfseq.modalities.limits import LIMITS, Limits
from hfseq.modalities.music.midi import midi_to_frames
from hfseq.modalities.rows import read_splits
from hfseq.modalities.video.files import read_video
from hfseq.registry import get_modality


@pytest.fixture(autouse=True)
def usual_limits(monkeypatch):
    for name, value in vars(Limits()).items():
        monkeypatch.setattr(LIMITS, name, value)


def midi(path, events, ticks=24):
    track = bytes([*events, 0, 0xFF, 0x2F, 0])
    header = b"MThd" + (6).to_bytes(4, "big") + bytes([0, 0, 0, 1, 0, ticks])
    path.write_bytes(header + b"MTrk" + len(track).to_bytes(4, "big") + track)
    return path


NOTE = [0, 0x90, 60, 64, 24, 0x80, 60, 0]


def test_midi_with_a_late_note_is_rejected(tmp_path):
    late = midi(tmp_path / "a.mid", [*NOTE, 0xBF, 0xFF, 0xFF, 0x7F, 0x90, 62, 64, 24, 0x80, 62, 0])
    # The same with one note that is released late.
    held = midi(tmp_path / "b.mid", [0, 0x90, 60, 64, 0xBF, 0xFF, 0xFF, 0x7F, 0x80, 60, 0])
    start = time.perf_counter()
    for path in (late, held):
        with pytest.raises(HfseqError, match=r"at step 22,369,6\d\d .* at most 100,000 .* raise --max_music_steps"):
            midi_to_frames(path)
        with pytest.raises(HfseqError, match="--max_music_steps"):
            read_splits(str(path), DataArguments(modality="music"), get_modality("music"))
    assert time.perf_counter() - start < 5
    # 0x81 0x00 means 128 ticks or 21 steps. The note after them ends at step 29.
    path = midi(tmp_path / "c.mid", [*NOTE, 0x81, 0x00, 0x90, 62, 64, 24, 0x80, 62, 0])
    frames = midi_to_frames(path)
    assert len(frames) == 29 and frames[0] == [60] and frames[-1] == [62]
    with pytest.raises(HfseqError, match=r"ends at step 29 .* at most 20 steps"):
        read_splits(str(path), DataArguments(max_music_steps=20), get_modality("music"))
    read_splits(str(path), DataArguments(max_music_steps=29), get_modality("music"))


def test_overlapping_midi_notes_are_joined(tmp_path):
    struck = [part for _ in range(2_000) for part in (0, 0x90, 60, 64)]
    released = [part for _ in range(2_000) for part in (0, 0x80, 60, 0)]
    path = midi(tmp_path / "a.mid", [*struck, 0xA7, 0x10, *released[1:]], ticks=1)
    start = time.perf_counter()
    assert midi_to_frames(path) == [[60]] * (4 * (0x27 * 128 + 0x10))
    assert time.perf_counter() - start < 5


def png(width, height):
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


@pytest.mark.parametrize(("width", "height"), [(60_000, 60_000), (11_000, 11_000)])
def test_image_that_claims_too_many_pixels_is_rejected(tmp_path, width, height):
    (tmp_path / "a.png").write_bytes(png(width, height))
    message = rf"{width} x {height}, has .* raise --max_media_values"
    bound = Pillow.MAX_IMAGE_PIXELS
    with pytest.raises(HfseqError, match=message):
        read_image(tmp_path / "a.png")
    rows = Dataset.from_dict({"image": [str(tmp_path / "a.png")]})
    with pytest.raises(HfseqError, match=f"here, row 0: .*{message}"):
        get_modality("image").check(rows, Columns("image"), "here")
    assert bound == Pillow.MAX_IMAGE_PIXELS
    (tmp_path / "b.png").write_bytes(png(40, 50))
    with pytest.raises(HfseqError, match="cannot be read as an image"):
        read_image(tmp_path / "b.png")
    LIMITS.media_values = 40 * 50 * 3 - 1
    with pytest.raises(HfseqError, match=r"has 6,000 values, but the limit is 5,999"):
        read_image(tmp_path / "b.png")


def array(shape, content=b""):
    file = io.BytesIO()
    np.lib.format.write_array_header_1_0(file, {"shape": shape, "fortran_order": False, "descr": "|u1"})
    return file.getvalue() + content


def test_video_that_claims_too_many_values_is_rejected(tmp_path):
    (tmp_path / "a.npy").write_bytes(array((10**6, 10**4, 10**4)))
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("frames.npy", array((10**6, 10**4, 10**4)))
    for name in ("a.npy", "a.npz"):
        with pytest.raises(HfseqError, match=rf"{name}, an array of shape .* raise --max_media_values"):
            read_video(tmp_path / name)
    frames = [Pillow.fromarray(np.full((8, 8), 50 * number, np.uint8)) for number in range(4)]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    (tmp_path / "pictures").mkdir()
    for number, frame in enumerate(frames):
        frame.save(tmp_path / "pictures" / f"{number}.png")
    sizes = {name: read_video(tmp_path / name).size for name in ("a.gif", "pictures")}
    for name, size in sizes.items():
        LIMITS.media_values = size - 1
        with pytest.raises(HfseqError, match=rf"{name} has {size} values"):
            read_video(tmp_path / name)


def test_recording_that_claims_too_many_samples_is_rejected(tmp_path):
    path = tmp_path / "a.flac"
    soundfile.write(path, np.zeros(1000, np.float32), 8000)
    content = bytearray(path.read_bytes())
    # The number of samples takes 36 bits of the header.
    content[21] |= 0x0F
    content[22:26] = b"\xff\xff\xff\xff"
    path.write_bytes(bytes(content))
    with pytest.raises(HfseqError, match=r"a\.flac, 68,719,476,735 samples .* raise --max_media_values"):
        read_waveform(path)
    for rates in ((1, 16_000), (4_000_000_001, 16_000)):
        with pytest.raises(ValueError, match="raise --max_media_values"):
            resample(np.zeros(100_000, np.float32), *rates)
    assert len(resample(np.zeros(100, np.float32), 44_100, 16_000)) == 37


def test_limits_can_be_set():
    with pytest.raises(HfseqError, match="max_media_values must be at least 1"):
        DataArguments(max_media_values=0)
