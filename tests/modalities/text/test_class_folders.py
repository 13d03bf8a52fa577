"""Reads folders of texts by class, and single tables of media in folders of splits."""

import numpy as np
import pytest
import soundfile
from PIL import Image
from small import write_csv

from hfseq.data.arguments import DataArguments
from hfseq.errors import HfseqError
from hfseq.modalities import find_modality
from hfseq.registry import get_modality
from hfseq.tasks.sequence_classification.data import load_labelled


def put(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


@pytest.fixture
def reviews(tmp_path):
    """The layout of the IMDb reviews, with texts without a class, and lists of URLs beside the folders."""
    for split in ("train", "test"):
        for label in ("pos", "neg"):
            for number in range(12):
                put(tmp_path / "aclImdb" / split / label / f"{number}_7.txt", f"{split} {label} {number}")
        put(tmp_path / "aclImdb" / split / "urls_pos.txt", "http://x")
        put(tmp_path / "aclImdb" / split / "labeledBow.feat", "9 0:1")
    put(tmp_path / "aclImdb/train/unsup/0_0.txt", "neither")
    put(tmp_path / "aclImdb/README", "about")
    put(tmp_path / "aclImdb/imdb.vocab", "the")
    return tmp_path / "aclImdb"


def test_read_class_folders_reads_one_folder_per_class(reviews, tmp_path):
    arguments = DataArguments(dataset=str(reviews), cache_dir=str(tmp_path / "c"))
    assert find_modality(arguments).name == "text"
    data = load_labelled(arguments)
    assert data.labels.names == ("neg", "pos") and len(data.splits["test"]) == 24
    assert len(data.splits["train"]) + len(data.splits["validation"]) == 24
    rows = {row["text"]: row["label"] for split in data.splits.values() for row in split}
    assert len(rows) == 48 and all(label == text.split()[1] for text, label in rows.items())
    assert all(text.startswith("test") for text in data.splits["test"]["text"])
    assert "the texts in train/unsup have no class and are not used" in data.notes
    # A single folder of classes is a data set as well. Files are in natural order.
    text = get_modality("text")
    alone = text.read_path(reviews / "test", DataArguments())["train"]
    assert alone["text"][:3] == [f"test neg {number}" for number in range(3)]
    assert text.read_path(reviews, DataArguments(task="sequence_to_sequence")) is None


def test_read_class_folders_rejects_other_files(reviews):
    text = get_modality("text")
    put(reviews / "train/pos/notes.html", "x")
    with pytest.raises(HfseqError, match=r"notes\.html is not a .txt file"):
        text.read_path(reviews, DataArguments())
    (reviews / "train/pos/notes.html").unlink()
    (reviews / "train/pos/empty.txt").touch()
    with pytest.raises(HfseqError, match=r"empty\.txt is empty"):
        text.read_path(reviews, DataArguments())
    (reviews / "train/pos/empty.txt").write_bytes(b"caf\xe9")
    with pytest.raises(HfseqError, match=r"empty\.txt is not UTF-8"):
        text.read_path(reviews, DataArguments())
    write_csv(reviews / "train.csv", [{"text": "a", "label": "b"}])
    assert text.read_path(reviews, DataArguments()) is None


@pytest.mark.parametrize("modality", ["audio", "image", "video"])
def test_table_is_split_by_the_folders_of_its_files(tmp_path, modality):
    def save(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        if modality == "audio":
            soundfile.write(path, np.zeros(80, np.float32), 8000)
        elif modality == "image":
            Image.fromarray(np.zeros((4, 4), np.uint8)).save(path)
        else:
            np.save(path, np.zeros((2, 4, 4), np.uint8))

    ending = {"audio": "wav", "image": "png", "video": "npy"}[modality]
    rows = []
    for split, count in (("train", 3), ("test", 2), ("val", 1)):
        for number in range(count):
            save(tmp_path / split / f"{number}.{ending}")
            rows.append({"file_name": f"{split}/{number}.{ending}", "label": f"{split} {number}"})
    write_csv(tmp_path / "metadata.csv", rows)
    arguments = DataArguments(dataset=str(tmp_path))
    assert find_modality(arguments).name == modality
    splits = get_modality(modality).read_path(tmp_path, arguments)
    assert {name: split["label"][:] for name, split in splits.items()} == {
        "train": ["train 0", "train 1", "train 2"],
        "validation": ["val 0"],
        "test": ["test 0", "test 1"],
    }
    # Folders of classes are not splits, even if one has the name of a split.
    (tmp_path / "test").rename(tmp_path / "bus")
    renamed = [{**row, "file_name": row["file_name"].replace("test/", "bus/")} for row in rows]
    write_csv(tmp_path / "metadata.csv", renamed)
    assert list(get_modality(modality).read_path(tmp_path, arguments)) == ["train"]
