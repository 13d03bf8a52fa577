"""Invalid texts and translations are rejected before the training."""

import pytest

from hfseq.commands import main

SOURCES = "".join(f"a line {number}\n" for number in range(30))
CASES = {
    "lines": (
        "corpus",
        ["train.en has 30 lines, but corpus/train.de has 29", "each line must be the translation of the same line"],
    ),
    "bytes": ("latin", ["train.en", "is not UTF-8"]),
    "languages": ("corpus", ["contains the languages de, en: choose the language to translate from with --source"]),
    "target": ("pairs.csv", ["no column looks like the target among 'source', 'goal'", "--target_column"]),
    "row": ("holes.csv", ["row 2: the target in column 'target' is missing; fill it in or drop the row"]),
}


@pytest.fixture
def files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("corpus", "latin"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "train.en").write_text(SOURCES)
    (tmp_path / "corpus" / "train.de").write_text(SOURCES.partition("\n")[2])
    (tmp_path / "latin" / "train.en").write_bytes(("é" * 30).encode("latin-1"))
    (tmp_path / "latin" / "train.de").write_text(SOURCES)
    (tmp_path / "pairs.csv").write_text("source,goal\n" + "a,b\n" * 30)
    (tmp_path / "holes.csv").write_text("source,target\n" + "a,b\nc,d\ne,\n" * 10)
    return tmp_path


@pytest.mark.parametrize("case", CASES)
def test_train_rejects_invalid_text_pairs(case, files, capsys):
    dataset, messages = CASES[case]
    flags = ["--task", "sequence_to_sequence", "--dataset", dataset, "--output_dir", "run"]
    if case != "languages":
        flags += ["--source_language", "en", "--target_language", "de"]
    assert main(["train", *flags]) == 2
    error = capsys.readouterr().err
    for message in messages:
        assert message in error
    assert not (files / "run").exists()


def test_train_rejects_a_beam_width_of_zero(files, capsys):
    flags = ["--task", "sequence_to_sequence", "--dataset", "builtin:dates", "--num_beams", "0"]
    assert main(["train", *flags]) == 2
    assert "num_beams must be at least 1, not 0" in capsys.readouterr().err
