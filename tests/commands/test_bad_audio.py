import sys

import numpy as np
import pytest
import soundfile

from hfseq.commands import main
from hfseq.training.trainer import SequenceTrainer

TONE = np.sin(np.arange(400)).astype(np.float32)


@pytest.fixture(autouse=True)
def nothing_is_trained(monkeypatch):
    monkeypatch.setattr(SequenceTrainer, "train", lambda *args, **kwargs: pytest.fail("a training has started"))


@pytest.fixture
def files(tmp_path, monkeypatch):
    """The working directory, with valid, truncated, empty and other files, and tables that name them."""
    monkeypatch.chdir(tmp_path)
    for name in ("good", "cut", "empty", "classes/yes/1", "classes/no/1"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(tmp_path / f"{name}.wav", TONE[:0] if name == "empty" else TONE, 8000)
    cut = tmp_path / "cut.wav"
    cut.write_bytes(cut.read_bytes()[:500])
    (tmp_path / "noise.wav").write_text("no sound")
    (tmp_path / "classes" / "no" / "2.wav").write_text("no sound")
    tables = {"cut": "cut.wav", "empty": "empty.wav", "noise": "noise.wav", "gone": "gone.wav"}
    for name, path in tables.items():
        (tmp_path / f"{name}.csv").write_text(f"audio,text\ngood.wav,one\n{path},two\n")
    (tmp_path / "silent.csv").write_text("audio,text\ngood.wav,one\ngood.wav,\n")
    (tmp_path / "untold.csv").write_text("audio,speaker\ngood.wav,ann\n")
    return tmp_path


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        (["cut.csv", "--task", "ctc"], ["split 'train' of 'cut.csv', row 1: ", "cut.wav is incomplete"]),
        (["empty.csv", "--task", "ctc"], ["'empty.csv', row 1: ", "empty.wav holds no samples"]),
        (["noise.csv", "--task", "ctc"], ["'noise.csv', row 1: ", "noise.wav cannot be read as audio"]),
        (["gone.csv", "--task", "ctc"], ["'gone.csv', row 1: column 'audio' names gone.wav, but there is no file"]),
        (
            ["silent.csv", "--task", "ctc"],
            ["'silent.csv', row 1: the transcript in column 'text' is missing; add it, remove the row"],
        ),
        (
            ["untold.csv", "--task", "ctc"],
            ["no column looks like the target among 'audio', 'speaker'", "--target_column"],
        ),
        (["classes", "--problem_type", "regression"], ["'classes', row 1: ", "2.wav cannot be read as audio"]),
    ],
    ids=lambda value: value[0].partition(" ")[0],
)
def test_train_rejects_damaged_recordings(files, capsys, words, parts):
    refused(capsys, ["train", "--dataset", *words, "--output_dir", "out", "--cache_dir", "cache", "--use_cpu"], parts)
    assert not (files / "out").exists()


def test_train_names_the_extra_for_soundfile(files, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "soundfile", None)
    words = ["train", "--dataset", "cut.csv", "--task", "ctc", "--output_dir", "out", "--cache_dir", "cache"]
    refused(capsys, words, ["row 0: ", "soundfile", 'pip install "hfseq[audio]"'])


def refused(capsys, words, parts):
    assert main(words) == 2
    captured = capsys.readouterr()
    for part in parts:
        assert part in captured.err
    assert "Traceback" not in captured.err and captured.out == ""
