import sys

import numpy as np
import pytest
import soundfile
from datasets import Dataset

from hfseq.errors import HfseqError
from hfseq.modalities.audio.folder import (
    audio_digest,
    load_audio,
    read_audio_folder,
    read_waveform,
)
from hfseq.modalities.media_folder import resolve_paths

RATE = 8000
TONE = (0.5 * np.sin(2 * np.pi * 440 * np.arange(800) / RATE)).astype(np.float32)


def write(path, samples=TONE, rate=RATE, **settings):
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, samples, rate, **settings)
    return path


@pytest.mark.parametrize("name", ["a.wav", "a.flac", "a.ogg"])
def test_read_waveform_reads_every_format(tmp_path, name):
    samples, rate = read_waveform(write(tmp_path / name))
    assert (samples.dtype, samples.shape, rate) == (np.float32, TONE.shape, RATE)
    # Ogg is lossy.
    np.testing.assert_allclose(samples, TONE, atol=0.1 if name.endswith("ogg") else 1e-4)


def test_read_waveform_averages_channels(tmp_path):
    path = write(tmp_path / "stereo.wav", np.stack([TONE, 0 * TONE], axis=1), subtype="FLOAT")
    np.testing.assert_allclose(read_waveform(path)[0], TONE / 2)


def spoil(path, kind):
    if kind == "cut":
        path.write_bytes(path.read_bytes()[:900])
    elif kind == "cut flac":
        path.write_bytes(write(path.with_suffix(".flac")).read_bytes()[:-50])
    elif kind == "text":
        path.write_text("no sound at all")
    elif kind == "no data":
        path.write_bytes(b"")
    elif kind == "no samples":
        write(path, TONE[:0])
    elif kind == "nan":
        write(path, TONE * np.nan, subtype="FLOAT")
    else:
        path.unlink()


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("cut", r"is incomplete: it holds \d+ samples, but its header announces more"),
        ("cut flac", r"(is incomplete|cannot be read as audio \()"),
        (
            "text",
            r"cannot be read as audio \(Format not recognised\): expected a complete \.wav",
        ),
        ("no data", "cannot be read as audio"),
        ("no samples", "holds no samples"),
        ("nan", "holds samples that are not finite"),
        ("gone", "there is no file"),
    ],
)
def test_read_waveform_rejects_damaged_files(tmp_path, kind, message):
    path = write(tmp_path / "a.wav")
    spoil(path, kind)
    with pytest.raises(HfseqError, match=message) as caught:
        read_waveform(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("size", [0, 0x7FFFF000, 0x80000024, 0xFFFFFFFF])
def test_read_waveform_reads_wav_of_unknown_length(tmp_path, size):
    path = write(tmp_path / "a.wav")
    content = path.read_bytes()
    path.write_bytes(content[:4] + size.to_bytes(4, "little") + content[8:])
    assert len(read_waveform(path)[0]) == len(TONE)


@pytest.mark.parametrize("rate", [0, -8])
def test_load_audio_rejects_invalid_sampling_rate(rate):
    with pytest.raises(HfseqError, match=f"the sampling_rate of clip 3 must be at least 1 Hz, not {rate}"):
        load_audio({"array": [0.5], "sampling_rate": rate}, "clip 3")


def test_missing_soundfile_is_an_error_with_a_hint(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "soundfile", None)
    with pytest.raises(HfseqError, match=r'soundfile is needed for reading audio: pip install "hfseq\[audio\]"'):
        read_waveform(tmp_path / "a.wav")


def test_load_audio_reads_all_forms_of_cells(tmp_path):
    from_file = load_audio(str(write(tmp_path / "a.wav")))
    assert from_file["sampling_rate"] == RATE and len(from_file["array"]) == len(TONE)
    given = load_audio({"array": [0.0, 0.5], "sampling_rate": 4000})
    assert given["array"].dtype == np.float32 and given["sampling_rate"] == 4000
    content = (tmp_path / "a.wav").read_bytes()
    for value in ({"bytes": content, "path": None}, {"path": str(tmp_path / "a.wav")}):
        np.testing.assert_array_equal(load_audio(value)["array"], from_file["array"])
    with pytest.raises(HfseqError, match=r"^b\.wav is incomplete"):
        load_audio({"bytes": content[:900], "path": "b.wav"})
    assert audio_digest(from_file) == audio_digest(load_audio({"bytes": content})) != audio_digest(given)
    for value in (None, 3, {"array": [0.0]}, {"path": None, "bytes": None}):
        with pytest.raises(HfseqError, match=r"^train, row 2 must be the path of an audio file, or have array"):
            load_audio(value, "train, row 2")


def test_read_audio_folder_reads_metadata(tmp_path):
    for name in ("clips/b.wav", "a.flac"):
        write(tmp_path / name)
    (tmp_path / "metadata.csv").write_text("file_name,text,speaker\nclips/b.wav,one two,3\na.flac,three,4\n")
    dataset = read_audio_folder(tmp_path)
    assert dataset.column_names == ["audio", "text", "speaker"]
    assert dataset[:] == {
        "audio": [str(tmp_path / "clips/b.wav"), str(tmp_path / "a.flac")],
        "text": ["one two", "three"],
        "speaker": ["3", "4"],
    }


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (
            "file_name,text\na.wav,x\nb.wav,y\n",
            r"metadata.csv, row 1: column 'file_name' names b.wav, but there is no",
        ),
        ("file_name,text\na.wav,x\n,y\n", "metadata.csv, row 1: column 'file_name' must hold the path of a file"),
        ("filename,text\na.wav,x\n", "has no column 'file_name': did you mean 'filename'"),
        ("file_name,audio\na.wav,x\n", "has both a column 'file_name' and a column 'audio'"),
        ("file_name,text\n", "has a header but no rows"),
        ("", "is empty"),
    ],
)
def test_read_audio_folder_rejects_invalid_metadata(tmp_path, table, message):
    write(tmp_path / "a.wav")
    (tmp_path / "metadata.csv").write_text(table)
    with pytest.raises(HfseqError, match=message):
        read_audio_folder(tmp_path)


def test_read_audio_folder_reads_one_folder_per_class(tmp_path):
    for name in ("yes/2.wav", "yes/1.wav", "no/more/3.WAV"):
        write(tmp_path / name)
    (tmp_path / "yes" / ".DS_Store").write_text("")
    (tmp_path / ".hidden").mkdir()
    dataset = read_audio_folder(tmp_path)
    assert dataset["label"][:] == ["no", "yes", "yes"]
    names = ("no/more/3.WAV", "yes/1.wav", "yes/2.wav")
    assert dataset["audio"][:] == [str(tmp_path / name) for name in names]


def test_read_audio_folder_reads_files_without_labels(tmp_path):
    for name in ("b.wav", "a.flac"):
        write(tmp_path / name)
    assert read_audio_folder(tmp_path)[:] == {"audio": [str(tmp_path / "a.flac"), str(tmp_path / "b.wav")]}
    write(tmp_path / "yes" / "c.wav")
    with pytest.raises(
        HfseqError, match=r"holds both audio files \(a.flac\) and folders of audio files \(yes\): put each"
    ):
        read_audio_folder(tmp_path)


def test_read_audio_folder_rejects_other_layouts(tmp_path):
    with pytest.raises(
        HfseqError, match=r"holds no audio .*: expected a metadata\.csv .*, or one folder .* per class"
    ):
        read_audio_folder(tmp_path)
    (tmp_path / "yes").mkdir()
    with pytest.raises(HfseqError, match="yes holds no audio files"):
        read_audio_folder(tmp_path)
    (tmp_path / "yes" / "notes.txt").write_text("x")
    with pytest.raises(
        HfseqError, match=r"notes\.txt is not an audio file: the folder of a class must only hold \.wav"
    ):
        read_audio_folder(tmp_path)


def test_resolve_paths_rejects_missing_files(tmp_path):
    path = write(tmp_path / "clips" / "a.wav")
    table = Dataset.from_dict({"id": [1, 2], "clip": ["clips/a.wav", str(path)]})
    resolved = resolve_paths(table, "clip", tmp_path, "table.csv")
    assert resolved[:] == {"id": [1, 2], "clip": [str(path), str(path)]}
    with pytest.raises(HfseqError, match=r"^table.csv, row 0: column 'clip' names clips/a.wav, but there is no file"):
        resolve_paths(table, "clip", tmp_path / "elsewhere", "table.csv")
    with pytest.raises(HfseqError, match="row 0: column 'id' must hold the path of a file, not 1"):
        resolve_paths(table, "id", tmp_path, "table.csv")
