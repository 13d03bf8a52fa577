"""Invalid series, DNA and videos are rejected before the training, with the place of the error."""

import json

import huggingface_hub.constants
import numpy as np
import pytest

from hfseq.commands import main
from hfseq.training.trainer import SequenceTrainer

HEADER = "@univariate true\n@classLabel true a b\n@data\n"


@pytest.fixture
def files(tmp_path, monkeypatch):
    """The working directory, with the files of the cases below."""

    def train(*args, **kwargs):
        raise AssertionError("a training has started")

    monkeypatch.setattr(SequenceTrainer, "train", train)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    monkeypatch.chdir(tmp_path)
    contents = {
        "empty.ts": HEADER + "1,2:a\n:b\n",
        "word.ts": HEADER + "1,2:a\n1,two:b\n",
        "zero.json": json.dumps([{"series": [[1.0]], "label": "a"}, {"series": [], "label": "b"}]),
        "wide.csv": "x1,y1,x2,y2,digit\n1,2,3,4,a\n1,2,3,4,b\n",
        "odd.csv": "x1,y1,x2,label\n1,2,3,a\n1,2,3,b\n",
        "text.csv": "x1,x2,label\n1,2,a\n1,many,b\n",
        "listed.csv": "file,label\nsteps.csv,a\nnone.csv,b\n",
        "steps.csv": "x\n1\n",
        "letters.fasta": ">one label=a\nACGT\n>two label=b\nACJT\n",
        "letters.csv": "sequence,label\nACGT,a\nAC-T,b\n",
        "clips.csv": "video,label\nclips/a/good.npy,a\nclips/a/gone.npy,b\n",
    }
    for name, content in contents.items():
        (tmp_path / name).write_text(content)
    for label in ("a", "b"):
        (tmp_path / "clips" / label).mkdir(parents=True)
        for number in range(6):
            np.save(tmp_path / "clips" / label / f"{number}.npy", np.full((2, 3, 3), 10 * number, np.uint8))
    np.save(tmp_path / "clips" / "a" / "good.npy", np.zeros((2, 3, 3), np.uint8))
    (tmp_path / "clips" / "b" / "0.npy").write_bytes(b"no array")
    (tmp_path / "latin.fasta").write_bytes(b">one label=a\n\xe4\n")
    return tmp_path


CASES = [
    (["empty.ts"], ["empty.ts, line 5", "the series has no steps"]),
    (["word.ts"], ["word.ts, line 5, channel 1: value 2 is 'two', not a number"]),
    (["zero.json", "--modality", "series"], ["split 'train' of 'zero.json', row 1: the series has no steps"]),
    (["wide.csv", "--modality", "series"], ["column 'digit' holds string and not numbers, such as 'a' in row 0"]),
    (
        ["wide.csv", "--modality", "series", "--ignore_columns", "digit"],
        ["no column looks like the label: name it with --label_column"],
    ),
    (
        ["wide.csv", "--modality", "series", "--label_column", "digits"],
        ["--label_column: there is no column 'digits', did you mean 'digit'?"],
    ),
    (
        ["odd.csv", "--modality", "series", "--channels", "2"],
        ["split 'train' of 'odd.csv': 3 columns", "do not make steps of 2 channels"],
    ),
    (["text.csv", "--modality", "series"], ["column 'x2' holds string and not numbers, such as 'many' in row 1"]),
    (["listed.csv", "--modality", "series"], ["split 'train' of 'listed.csv', row 1: there is no file 'none.csv'"]),
    (["letters.fasta"], ["letters.fasta, record 2 (two): 'J' at position 3 is not a nucleotide"]),
    (
        ["letters.csv", "--modality", "dna"],
        ["split 'train' of 'letters.csv', row 1: '-' at position 3 is not a nucleotide"],
    ),
    (["latin.fasta"], ["latin.fasta is not UTF-8: byte 0xe4"]),
    (["clips.csv", "--modality", "video"], ["'clips.csv', row 1: column 'video' names clips/a/gone.npy"]),
    (["clips", "--image_size", "3"], ["row ", "clips/b/0.npy is not an array of numbers"]),
]


@pytest.mark.parametrize(("words", "parts"), CASES, ids=[" ".join(case[0]) for case in CASES])
def test_train_rejects_invalid_series_dna_and_videos(files, capsys, words, parts):
    assert main(["train", "--dataset", *words, "--output_dir", "out", "--cache_dir", "cache", "--use_cpu"]) == 2
    captured = capsys.readouterr()
    message = captured.err[captured.err.index("hfseq: error: ") :]
    for part in parts:
        assert part in message
    assert "Traceback" not in captured.err and captured.out == ""
    assert not (files / "out").exists()
