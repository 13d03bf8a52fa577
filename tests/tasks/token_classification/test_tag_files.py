"""Recognition of files of tagged tokens."""

import pytest

from hfseq.data.arguments import DataArguments
from hfseq.errors import HfseqError
from hfseq.tasks.token_classification.data import read_tag_files
from hfseq.tasks.token_classification.tag_files import has_token_lines, tag_files

COLUMNS = "Anna\tB-PER\nsees\tO\n\nRome\tB-LOC\nshines\tO\n"
TAGS = ("B-PER", "B-LOC", "O")


def write(folder, *names, content=COLUMNS):
    for name in names:
        (folder / name).write_text(content)
    return folder


@pytest.mark.parametrize(
    "names",
    [
        ("eng.train", "eng.testa", "eng.testb"),
        ("train.bio", "dev.bio", "test.bio"),
        ("x-train.iob", "x-valid.iob", "x-test.iob"),
        ("train.tsv", "dev.tsv", "test.tsv"),
        ("train.txt", "valid.txt", "test.txt"),
        ("ner.train", "ner.dev", "ner.test"),
        ("train.cupt", "dev.cupt", "test.cupt"),
    ],
)
def test_tag_files_recognises_file_names(tmp_path, names):
    write(tmp_path, *names, "README.md")
    write(tmp_path, ".hidden.conll", content="")
    files = tag_files(tmp_path)
    assert {split: file.name for split, file in files.items()} == dict(
        zip(("train", "validation", "test"), names, strict=True)
    )
    splits = read_tag_files(tmp_path, DataArguments())
    assert splits["test"]["tokens"][:] == [["Anna", "sees"], ["Rome", "shines"]]
    assert read_tag_files(tmp_path / names[2], DataArguments())["train"].num_rows == 2


def test_tag_files_ignores_tables(tmp_path):
    write(tmp_path, "train.tsv", content="tokens\ttags\na b\tO X\n\n")
    assert tag_files(tmp_path) == tag_files(tmp_path / "train.tsv") == {}


def test_tag_files_suggests_file_names(tmp_path):
    write(tmp_path, "eng.one", "eng.two")
    with pytest.raises(HfseqError, match=r"no file for a split.*train\.conll.*eng\.testa.*Found: eng\.one, eng\.two"):
        tag_files(tmp_path)
    with pytest.raises(HfseqError, match=r"eng\.one: unknown file type\. Name files .* train\.conll"):
        tag_files(tmp_path / "eng.one")


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (COLUMNS, True),
        ("Anna B-PER\nsees O\n", True),
        ("-DOCSTART- O\n\nAnna B-PER\n\nsees O\n", True),
        ("Anna\nsees\n\nRome\nshines\n", True),
        ("Anna\tNOUN\nsees\tVERB\n", True),
        ("# id 1\nAnna X NOUN\nsees X VERB\n\nRome X NOUN\nis X VERB\n", True),
        ("Anna sees Rome\nRome shines\n", False),
        ("Anna sees\nRome shines\n", False),
        ("Anna sees\n\nRome shines\n", False),
        ("Hello .\nAnna sees Rome\n\nRome shines\n", False),
        ("", False),
        ("\n\n", False),
    ],
)
def test_has_token_lines(tmp_path, content, expected):
    write(tmp_path, "a.txt", content=content)
    assert has_token_lines(tmp_path / "a.txt", TAGS) is expected
