import io
import sys

import numpy as np
import pyarrow as pa
import pytest
import soundfile
import torch
from datasets import Audio as AudioFeature
from datasets import Dataset, DatasetDict, Features, Value
from small import write_csv

from hfseq.data.arguments import DataArguments
from hfseq.data.labels.columns import Columns
from hfseq.data.splits.overlap import overlap_notes
from hfseq.errors import HfseqError
from hfseq.modalities import find_modality
from hfseq.modalities.audio.spec_augment import SpecAugment
from hfseq.registry import get_modality
from hfseq.tasks.sequence_classification.data import load_labelled

AUDIO = get_modality("audio")
COLUMNS = Columns("audio", None, "text")


def tone(pitch, rate=8000, seconds=0.05):
    return (0.5 * np.sin(2 * np.pi * pitch * np.arange(int(rate * seconds)) / rate)).astype(np.float32)


def write(path, pitch=440, rate=8000):
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, tone(pitch, rate), rate)
    return path


@pytest.fixture
def folder(tmp_path):
    """One folder per class, with three recordings each."""
    for name, pitch in (("low", 300), ("high", 2000)):
        for number in range(3):
            write(tmp_path / name / f"{number}.wav", pitch + 10 * number)
    return tmp_path


def test_audio_reads_folders_files_and_tables(folder):
    arguments = DataArguments(dataset=str(folder))
    assert find_modality(arguments) is AUDIO
    rows = AUDIO.read_path(folder, arguments)["train"]
    assert rows["label"][:] == ["high"] * 3 + ["low"] * 3
    one = AUDIO.read_path(folder / "low" / "0.wav", arguments)["train"]
    assert one[:] == {"audio": [str(folder / "low" / "0.wav")]}
    # If there are tables, only the recordings that they name are read.
    (folder / "train.csv").write_text("file,text\nlow/0.wav,low\n")
    assert AUDIO.read_path(folder, arguments) is None and find_modality(arguments) is AUDIO
    table = Dataset.from_dict({"file": ["low/0.wav"], "text": ["low"]})
    assert AUDIO.from_table(table, folder, arguments, "x")["file"][:] == [str(folder / "low" / "0.wav")]


def test_audio_reads_one_folder_per_split(tmp_path):
    for split in ("train", "test"):
        write(tmp_path / split / "a.wav")
        (tmp_path / split / "metadata.csv").write_text("file_name,text\na.wav,seven\n")
    found = AUDIO.read_path(tmp_path, DataArguments(dataset=str(tmp_path)))
    assert list(found) == ["train", "test"] and found["test"]["text"][:] == ["seven"]


def test_copies_of_a_recording_overlap(folder):
    (folder / "copy.wav").write_bytes((folder / "low" / "1.wav").read_bytes())
    splits = {
        "train": [str(path) for path in sorted((folder / "low").iterdir())],
        "test": [str(folder / "copy.wav"), str(folder / "high" / "0.wav")],
    }
    checked = DatasetDict(
        {
            name: AUDIO.check(Dataset.from_dict({"audio": paths}), Columns("audio"), name)
            for name, paths in splits.items()
        }
    )
    assert checked["test"][0]["audio"]["sampling_rate"] == 8000
    assert overlap_notes(checked, ["audio"])[0].startswith(
        "1 of 2 (50.0 %) test examples also occurs in the training split"
    )
    # A checked split is not read again.
    assert AUDIO.check(checked["train"], Columns("audio"), "train") is checked["train"]


def test_audio_column_of_datasets_is_read(tmp_path):
    content = io.BytesIO()
    soundfile.write(content, tone(440), 8000, format="WAV", subtype="FLOAT")
    features = Features({"audio": AudioFeature(), "text": Value("string")})
    table = pa.table({"audio": [{"bytes": content.getvalue(), "path": "a.wav"}], "text": ["la"]})
    Dataset(table.replace_schema_metadata(features.arrow_schema.metadata)).to_parquet(tmp_path / "a.parquet")
    rows = Dataset.from_parquet(str(tmp_path / "a.parquet"), cache_dir=str(tmp_path / "cache"))
    rows = AUDIO.from_table(rows, None, DataArguments(), "x")
    checked = AUDIO.check(rows, COLUMNS, "x")
    processor = AUDIO.make_processor(checked, COLUMNS, DataArguments(normalization="sequence"))
    assert processor.sampling_rate == 8000
    (features,) = AUDIO.features_of([checked[0]["audio"]], processor)
    np.testing.assert_allclose(features, processor(tone(440), sampling_rate=8000)["input_features"][0], atol=1e-5)


@pytest.mark.parametrize(
    ("column", "message"),
    [
        (
            [{"array": [0.1], "sampling_rate": 8000}, {"array": [], "sampling_rate": 8000}],
            "x, row 1: the recording has",
        ),
        ([{"array": [0.1, np.nan], "sampling_rate": 8000}], "x, row 0: a sample is not a finite number"),
        ([{"array": [0.1], "sampling_rate": 0}], "x, row 0: sampling_rate must be at least 1, not 0"),
        ([{"array": [0.1], "sampling_rate": 8000}, None], "x, row 1: the recording is missing"),
        ([1.5], r"x: column 'audio' holds .*, but a recording is the path of a file, or has array"),
        (["nowhere.wav"], r"x, row 0: there is no file nowhere\.wav"),
        ([None, "a.wav"], "x, row 0: audio must be the path of an audio file"),
    ],
)
def test_damaged_rows_are_rejected(column, message):
    with pytest.raises(HfseqError, match=message):
        AUDIO.check(Dataset.from_dict({"audio": column}), COLUMNS, "x")


def test_make_processor_uses_the_settings(folder):
    rows = AUDIO.read_path(folder, DataArguments())["train"]
    rows = AUDIO.check(rows, COLUMNS, "x")
    processor = AUDIO.make_processor(rows, COLUMNS, DataArguments(num_mel_bins=8, frame_stack=2, sampling_rate=4000))
    assert (processor.sampling_rate, processor.feature_size, processor.normalize) == (4000, 16, "global")
    features = np.concatenate(AUDIO.features_of(rows["audio"], processor))
    assert np.abs(features.reshape(-1, 8).mean(0)).max() < 0.2
    with pytest.raises(HfseqError, match=r"recordings at 100 Hz cannot be read .*num_mel_bins \(64\) is too large"):
        AUDIO.make_processor(rows, COLUMNS, DataArguments(num_mel_bins=64, sampling_rate=100))


def test_audio_classification_data_loads(folder, monkeypatch):
    data = load_labelled(DataArguments(dataset=str(folder), validation_fraction=0.3, test_fraction=0.3))
    assert data.labels.names == ("high", "low") and data.modality is AUDIO
    monkeypatch.setitem(sys.modules, "soundfile", None)
    with pytest.raises(HfseqError, match=r'soundfile is needed for reading audio: pip install "hfseq\[audio\]"'):
        load_labelled(DataArguments(dataset=str(folder)))


def test_spec_augment_masks_bands_and_time():
    torch.manual_seed(0)
    features = torch.ones(64, 50, 2 * 16)
    mask = torch.ones(64, 50, dtype=torch.long)
    mask[::2, :20] = 0  # padded on the left
    augment = SpecAugment(num_mel_bins=16, frame_stack=2)
    masked = augment({"input_features": features, "attention_mask": mask})["input_features"]
    hidden = masked.eq(0).view(64, 50, 2, 16)
    # All frames of a step have the same mask.
    assert hidden[:, :, 0].equal(hidden[:, :, 1])
    steps, bands = hidden[:, :, 0].all(-1), hidden[:, :, 0].all(1)
    assert not steps[::2, :20].any() and steps.any() and bands.any()
    assert int(steps[::2].sum(1).max()) <= 2 * 6 and int(bands.sum(1).max()) <= 2 * 3
    assert features.eq(1).all()
    assert AUDIO.batch_augmentation(DataArguments()) is None
    assert AUDIO.batch_augmentation(DataArguments(spec_augment=True, num_mel_bins=16)) == SpecAugment(16)


def test_tables_in_split_folders_may_name_files_in_sub_folders(tmp_path):
    """The layout of LibriSpeech: speaker, chapter, recording."""
    for split in ("train", "test"):
        path = tmp_path / split / "84" / "121" / "x.wav"
        path.parent.mkdir(parents=True)
        soundfile.write(path, np.zeros(800), 8000)
        write_csv(tmp_path / split / "metadata.csv", [{"file_name": "84/121/x.wav", "text": "hi"}])
    splits = get_modality("audio").read_path(tmp_path, DataArguments())
    assert {name: split["text"][:] for name, split in splits.items()} == {"train": ["hi"], "test": ["hi"]}
