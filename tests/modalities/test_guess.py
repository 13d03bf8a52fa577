"""Guesses the modality of a folder, which may hold other files."""

import json

import numpy as np
import pytest
from datasets import Dataset

from hfseq.data.arguments import DataArguments
from hfseq.errors import HfseqError
from hfseq.modalities import find_modality, guess_modality
from hfseq.modalities.rows import load_rows
from hfseq.training.preparation import modality_line

PNG = b"\x89PNG\r\n\x1a\n"
SERIES = "@problemName p\n@univariate true\n@classLabel true a b\n@data\n1,2:a\n3,4:b\n"


def put(folder, **files):
    """Writes files. `__` in a name means `/`, and `_dot_` means `.`."""
    for name, content in files.items():
        path = folder / name.replace("__", "/").replace("_dot_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return folder


def guessed(folder, **settings):
    return find_modality(DataArguments(dataset=str(folder), **settings)).name


@pytest.mark.parametrize(
    "stray",
    [
        {"confusion_matrix_dot_png": PNG},
        {"index_dot_ts": "export const x = 1;\n"},
        {"mod_test_dot_ts": "Deno.test(() => {});\n"},
        {"embeddings__x_dot_npy": b"\x93NUMPY"},
        {"plots__a_dot_png": PNG, "plots__b_dot_png": PNG, "plots__c_dot_png": PNG},
        {"theme_dot_mid": b"MThd"},
        {"primers_dot_fasta": ">a\nAC\n"},
        {"jingle_dot_wav": b"RIFF"},
    ],
)
def test_tables_named_after_splits_come_first(tmp_path, stray):
    put(tmp_path, train_dot_csv="text,label\ngood,a\nbad,b\n", test_dot_csv="text,label\nfine,a\n", **stray)
    arguments = DataArguments(dataset=str(tmp_path), cache_dir=str(tmp_path / ".cache"))
    modality = find_modality(arguments)
    assert modality.name == "text" and guess_modality(arguments).source == "train.csv"
    splits = load_rows(arguments, modality)
    assert {name: split["text"][:] for name, split in splits.items()} == {"train": ["good", "bad"], "test": ["fine"]}
    assert modality_line(arguments) == "modality: text, from train.csv"


def test_media_are_guessed_if_a_table_names_them(tmp_path):
    put(tmp_path, train_dot_csv="file,label\nclips/1.wav,a\n", clips__1_dot_wav=b"RIFF")
    assert guessed(tmp_path) == "audio" == guessed(tmp_path / "train.csv")
    line = modality_line(DataArguments(dataset=str(tmp_path)))
    assert line == "modality: audio, from train.csv, which names clips/1.wav"
    put(tmp_path, train_dot_csv="file,label\nclips/2.wav,a\n")  # there is no such file
    assert guessed(tmp_path) == "text"
    rows = [{"image": "p/1.png", "caption": "one"}]
    for name, content in (("train_dot_json", json.dumps(rows)), ("train_dot_jsonl", json.dumps(rows[0]))):
        folder = put(tmp_path / name, **{name: content, "p__1_dot_png": PNG})
        assert guessed(folder) == "image"
    folder = put(tmp_path / "parquet", p__1_dot_png=PNG)
    Dataset.from_list(rows).to_parquet(str(folder / "train-00000-of-00001.parquet"))
    assert guessed(folder) == "image"
    # Only captioning reads images. For other tasks, a table with texts and images is a table of texts.
    folder = put(tmp_path / "both", train_dot_csv="text,image\nhi,1.png\n")
    put(folder, **{"1_dot_png": PNG})
    assert guessed(folder) == "text" and guessed(folder, task="captioning") == "image"


def test_media_are_guessed_if_most_files_are_media(tmp_path):
    folder = put(tmp_path / "texts", pos__1_dot_txt="good", neg__1_dot_txt="bad", cover_dot_png=PNG)
    assert guessed(folder) == "text"
    (folder / "cover.png").unlink()
    assert modality_line(DataArguments(dataset=str(folder))) == "modality: text, from neg/1.txt"
    folder = put(tmp_path / "pictures", a__1_dot_png=PNG, a__2_dot_png=PNG, b__3_dot_png=PNG, README_dot_md="x")
    assert guessed(folder) == "image"
    assert modality_line(DataArguments(dataset=str(folder))) == "modality: image, from 3 files such as a/1.png"
    (folder / "embeddings").mkdir()
    np.save(folder / "embeddings" / "x.npy", np.zeros(3))
    assert guessed(folder) == "image"
    folder = put(tmp_path / "series", P_TRAIN_dot_ts=SERIES, P_TEST_dot_ts=SERIES, index_dot_ts="let x = 1\n")
    assert guessed(folder) == "series"
    splits = load_rows(DataArguments(dataset=str(folder)), find_modality(DataArguments(dataset=str(folder))))
    assert splits["train"]["label"][:] == ["a", "b"] and list(splits) == ["train", "test"]


def test_modality_in_the_settings_is_not_guessed(tmp_path):
    put(tmp_path, train_dot_csv="text,label\na,b\n")
    assert modality_line(DataArguments(dataset=str(tmp_path), modality="text")) is None
    assert modality_line(DataArguments(dataset="builtin:docstrings")) is None
    assert modality_line(DataArguments(dataset="someone/data")) == "modality: text, the default"
    line = modality_line(DataArguments(dataset=str(tmp_path), task="forecasting"))
    assert line == "modality: series, which the task forecasting reads"


@pytest.mark.parametrize(
    ("files", "task"),
    [
        ({"train_dot_conll": "a\tO\n"}, "token_classification"),
        ({"train_dot_txt": "Once upon a time\n"}, "causal_lm"),
        ({"train_dot_en": "one\n", "train_dot_de": "eins\n"}, "sequence_to_sequence"),
    ],
)
def test_a_missing_task_is_named(tmp_path, files, task):
    folder = put(tmp_path, **files)
    for path in [folder, *([next(folder.iterdir())] if task != "sequence_to_sequence" else [])]:
        arguments = DataArguments(dataset=str(path))
        with pytest.raises(HfseqError, match=f"--task {task}"):
            load_rows(arguments, find_modality(arguments))
