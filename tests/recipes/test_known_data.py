"""`recipes/known_data.py` on downloads of a few rows, in the layouts of their publishers."""

import csv
import gzip
import importlib.util
import json
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "recipes" / "known_data.py"


@pytest.fixture(scope="module")
def known_data():
    spec = importlib.util.spec_from_file_location("known_data", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def convert(known_data, tmp_path):
    """Converts the download that the test has written to `download`, and returns the resulting folder."""
    (tmp_path / "download").mkdir()

    def run(name):
        words = [name, str(tmp_path / "download"), "--output", str(tmp_path / name)]
        assert known_data.main(words) == 0
        return tmp_path / name

    run.download = tmp_path / "download"
    return run


def table(path):
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_tinyshakespeare_is_converted(convert):
    (convert.download / "input.txt").write_text("0123456789" * 10)
    folder = convert("tinyshakespeare")
    assert (folder / "train.txt").read_text() == "0123456789" * 9
    assert (folder / "test.txt").read_text() == "0123456789"


@pytest.mark.parametrize("packed", [False, True])
def test_fsdd_is_converted(convert, packed):
    recordings = convert.download / "recordings"
    recordings.mkdir()
    for name in ("0_ann_0", "0_ann_5", "7_bob_4", "7_bob_49"):
        (recordings / f"{name}.wav").write_bytes(name.encode())
    if packed:
        with tarfile.open(convert.download / "recordings.tar.gz", "w:gz") as archive:
            archive.add(recordings, "recordings")
        for path in recordings.iterdir():
            path.unlink()
        recordings.rmdir()
    folder = convert("fsdd")
    assert table(folder / "test.csv") == [
        {"audio": "recordings/0_ann_0.wav", "text": "zero"},
        {"audio": "recordings/7_bob_4.wav", "text": "seven"},
    ]
    rows = table(folder / "train.csv")
    assert [row["text"] for row in rows] == ["zero", "seven"]
    assert (folder / rows[1]["audio"]).read_bytes() == b"7_bob_49"


def test_indoor_is_converted(convert):
    with zipfile.ZipFile(convert.download / "IndoorMovement.zip", "w") as archive:
        labels = [f"{number},{1 if number % 2 else -1}" for number in range(1, 10)]
        archive.writestr("dataset/MovementAAL_target.csv", "\n".join(["#sequence_ID, class_label", *labels]))
        for number in range(1, 10):
            archive.writestr(f"dataset/MovementAAL_RSS_{number}.csv", "#a, b\n0,1\n")
    folder = convert("indoor")
    test, train = table(folder / "test.csv"), table(folder / "train.csv")
    assert (len(test), len(train)) == (3, 6)
    files = [row["file"] for row in test + train]
    assert len(set(files)) == 9 and all((folder / name).is_file() for name in files)
    assert all(row["label"] == ("1" if int(row["file"][-5]) % 2 else "-1") for row in test + train)


@pytest.mark.parametrize("lines", [False, True])
def test_nlupp_is_converted(convert, lines):
    examples = [
        {"domain": domain, "fold": fold, "text": f"{domain} {fold}", **({"intents": ["pin"]} if fold else {})}
        for domain in ("banking", "hotels")
        for fold in range(20)
    ]
    for example in examples:
        if lines:
            with (convert.download / f"{example['domain']}.jsonl").open("a") as file:
                file.write(json.dumps(example) + "\n")
        else:
            path = convert.download / example["domain"] / f"fold{example['fold']}.json"
            path.parent.mkdir(exist_ok=True)
            path.write_text(json.dumps([example]))
    folder = convert("nlupp")
    splits = {path.stem: path.read_text().splitlines() for path in folder.iterdir()}
    assert {name: len(found) for name, found in splits.items()} == {"train": 32, "validation": 4, "test": 4}
    assert json.loads(splits["train"][0]) == {"text": "banking 0", "intents": []}
    assert json.loads(splits["test"][-1]) == {"text": "hotels 19", "intents": ["pin"]}


def test_wnut17_is_converted(convert):
    for name in ("wnut17train.conll", "emerging.dev.conll", "emerging.test.annotated"):
        (convert.download / name).write_text(f"{name}\tO\n")
    folder = convert("wnut17")
    assert {path.name: path.read_text() for path in folder.iterdir()} == {
        "train.conll": "wnut17train.conll\tO\n",
        "dev.conll": "emerging.dev.conll\tO\n",
        "test.conll": "emerging.test.annotated\tO\n",
    }


def test_flickr8k_is_converted(convert):
    (convert.download / "images").mkdir()
    for name in ("a.jpg", "b.jpg"):
        (convert.download / "images" / name).write_bytes(b"")
    with gzip.open(convert.download / "Flickr8k.token.txt.gz", "wt") as file:
        file.writelines(f"{name}.jpg#{number}\t{name} {number} .\n" for name in "abc" for number in range(2))
    (convert.download / "Flickr_8k.trainImages.txt").write_text("b.jpg\nc.jpg\n")
    (convert.download / "Flickr_8k.devImages.txt").write_text("a.jpg\n")
    folder = convert("flickr8k")
    assert [row["caption"] for row in table(folder / "train.csv")] == ["b 0 .", "b 1 ."]
    assert table(folder / "test.csv")[0] == {"image": "images/a.jpg", "caption": "a 0 ."}
    assert (folder / "images" / "a.jpg").is_file()


def test_known_data_rejects_invalid_arguments(tmp_path):
    def error_message(*words):
        command = [sys.executable, str(SCRIPT), *map(str, words)]
        process = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
        assert process.returncode == 2
        return process.stderr

    (tmp_path / "empty").mkdir()
    assert "is not a download of wnut17: there is no" in error_message("wnut17", tmp_path / "empty", "--output", "out")
    assert "wnut17train.conll" in error_message("wnut17", tmp_path / "empty", "--output", "out")
    assert "recordings, and no archive" in error_message("fsdd", tmp_path / "empty", "--output", "out2")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "train.csv").write_text("mine")
    assert "full is not empty" in error_message("fsdd", tmp_path / "empty", "--output", "full")
    assert (tmp_path / "full" / "train.csv").read_text() == "mine"
    assert "invalid choice: 'mnist'" in error_message("mnist", tmp_path / "empty")
