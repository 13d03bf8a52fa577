"""Numbered files of one split, and hidden files in a data set."""

import pytest
from datasets import Dataset

from hfseq.data.arguments import DataArguments
from hfseq.data.sources.loading import load_source
from hfseq.errors import HfseqError
from hfseq.modalities import find_modality
from hfseq.modalities.audio.folder import read_audio_folder
from hfseq.modalities.text.files import read_text_files
from hfseq.registry import get_modality
from hfseq.tasks.token_classification.data import read_tag_files


def load(folder, tmp_path):
    return {name: split.to_dict() for name, split in load_source(str(folder), cache_dir=str(tmp_path / "c")).items()}


def shard(folder, name, texts):
    folder.mkdir(parents=True, exist_ok=True)
    Dataset.from_dict({"text": texts}).to_parquet(str(folder / name))


@pytest.mark.parametrize("place", ["d", "d/data"])
def test_numbered_parquet_files_are_one_split(tmp_path, place):
    folder = tmp_path / place
    shard(folder, "train-00001-of-00002.parquet", ["c"])
    shard(folder, "train-00000-of-00002.parquet", ["a", "b"])
    shard(folder, "test-00000-of-00001.parquet", ["d"])
    assert load(tmp_path / "d", tmp_path) == {"train": {"text": ["a", "b", "c"]}, "test": {"text": ["d"]}}
    shard(folder, "train-00000-of-00003.parquet", ["a"])
    with pytest.raises(HfseqError, match=r"two files for split 'train'"):
        load(tmp_path / "d", tmp_path)
    for name in ("train-00000-of-00003.parquet", "train-00000-of-00002.parquet"):
        (folder / name).unlink()
    with pytest.raises(HfseqError, match=r"split 'train' has 2 files .* number 00000 is missing"):
        load(tmp_path / "d", tmp_path)


def test_numbered_csv_files_have_one_type_per_column(tmp_path):
    (tmp_path / "d").mkdir()
    for number, code in enumerate(("1", "A1")):
        (tmp_path / f"d/train-0000{number}-of-00002.csv").write_text(f"text,code\nx,{code}\n")
    assert load(tmp_path / "d", tmp_path) == {"train": {"text": ["x", "x"], "code": ["1", "A1"]}}


def test_hidden_files_are_ignored(tmp_path):
    """Hidden files as macOS writes them next to each file, on other file systems and in zip archives."""
    junk = b"\x00\x05\x16\x07\x00\x02\x00\x00Mac OS X"

    def folder(name, **files):
        for file, content in files.items():
            path = tmp_path / name / file.replace("__", "/").replace("_dot_", ".")
            for hidden in (path.with_name(f"._{path.name}"), tmp_path / name / "__MACOSX" / f"._{path.name}"):
                hidden.parent.mkdir(parents=True, exist_ok=True)
                hidden.write_bytes(junk)
            path.write_bytes(content)
        return tmp_path / name

    fasta = folder("dna", train_dot_fasta=b">a label=x\nACGT\n>b label=y\nACC\n", test_dot_fasta=b">a label=x\nAC\n")
    dna = get_modality("dna")
    assert find_modality(DataArguments(dataset=str(fasta))) is dna
    assert {name: len(split) for name, split in dna.read_path(fasta, DataArguments()).items()} == {
        "train": 2,
        "test": 1,
    }
    classes = folder("classes", x_dot_fa=b">a\nAC\n", y_dot_fa=b">a\nAC\n")
    assert dna.read_path(classes, DataArguments())["train"]["label"][:] == ["x", "y"]

    tagged = folder("tagged", train_dot_conll=b"Anna B-PER\nruns O\n\n", test_dot_conll=b"Bob B-PER\n\n")
    assert read_tag_files(tagged, DataArguments())["train"]["tokens"][:] == [["Anna", "runs"]]

    texts = folder("texts", train__a_dot_txt=b"one", train__b_dot_txt=b"two")
    assert read_text_files(texts)["train"]["text"][:] == ["one", "two"]

    track = bytes([0, 0x90, 60, 64, 24, 0x80, 60, 0, 0, 0xFF, 0x2F, 0])
    header = b"MThd" + (6).to_bytes(4, "big") + bytes([0, 0, 0, 1, 0, 24])
    music = folder("music", a_dot_mid=header + b"MTrk" + len(track).to_bytes(4, "big") + track)
    assert find_modality(DataArguments(dataset=str(music))).name == "music"
    assert get_modality("music").read_path(music, DataArguments())["train"]["file"][:] == ["a.mid"]

    audio = folder("audio", a__1_dot_wav=b"RIFF", b__2_dot_wav=b"RIFF")
    assert read_audio_folder(audio)["label"][:] == ["a", "b"]
    lines = folder("lines", train_dot_en=b"one\n", train_dot_de=b"eins\n")
    both = DataArguments(source_language="en", target_language="de")
    from hfseq.tasks.text_generation.parallel_folder import read_parallel_folder

    assert read_parallel_folder(lines, both)["train"].to_dict() == {"source": ["one"], "target": ["eins"]}
