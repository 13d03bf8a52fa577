"""Reads plain text for language modeling, and parallel text for translation."""

import gzip

import pytest

from hfseq.errors import HfseqError
from hfseq.modalities.text.plain_text import numbered_lines, read_parallel, read_text

TEXT = "one\u2028still one\x85and\x0bstill\r\n\n  two \nthree"


def write(folder, files):
    for name, lines in files.items():
        data = "".join(f"{line}\n" for line in lines).encode()
        (folder / name).write_bytes(gzip.compress(data) if name.endswith(".gz") else data)


@pytest.mark.parametrize("packed", [False, True])
def test_read_text_reads_documents_and_lines(tmp_path, packed):
    path = tmp_path / ("text.txt.gz" if packed else "text.txt")
    data = b"\xef\xbb\xbf" + TEXT.encode()
    path.write_bytes(gzip.compress(data) if packed else data)
    assert read_text(path)["text"][:] == [TEXT.replace("\r", "")]
    lines = ["one\u2028still one\x85and\x0bstill", "  two ", "three"]
    assert read_text(path, by_line=True)["text"][:] == lines
    assert [number for number, line in numbered_lines(path) if line] == [1, 3, 4]


@pytest.mark.parametrize("by_line", [False, True])
def test_read_text_rejects_damaged_files(tmp_path, by_line):
    path = tmp_path / "text.txt"
    path.write_bytes(b" \n")
    with pytest.raises(HfseqError, match=r"text\.txt is empty"):
        read_text(path, by_line=by_line)
    path.write_bytes(b"fine\nnot fine: \xe9t\xe9\n")
    with pytest.raises(HfseqError, match=r"text\.txt is not UTF-8: byte 0xe9 at offset 15 \(line 2\)"):
        read_text(path, by_line=by_line)


def test_read_parallel_reads_a_folder(tmp_path):
    files = {"train.en": ["a", "b\u2028c", ""], "train.de.gz": ["A", '"B\tC', "X"], "val.en": ["d"], "val.de": ["D"]}
    write(tmp_path, files | {"test_2017.en": ["g"], "test_2017.de": ["G"], "train.fr": ["ah"]})
    write(tmp_path, {"test_2016.en": ["f"], "test_2016.de": ["F"]})
    splits = read_parallel(tmp_path, "en", "de")
    assert {split: rows.to_dict() for split, rows in splits.items()} == {
        "train": {"source": ["a", "b\u2028c", ""], "target": ["A", '"B\tC', "X"]},
        "validation": {"source": ["d"], "target": ["D"]},
        "test": {"source": ["f"], "target": ["F"]},
    }
    assert read_parallel(tmp_path, "de", "en", test="test_2017")["test"].to_dict() == {
        "source": ["G"],
        "target": ["g"],
    }
    with pytest.raises(HfseqError, match=r"has no test set 'test_2018': did you mean 'test_201[67]'"):
        read_parallel(tmp_path, "en", "de", test="test_2018")
    write(tmp_path, {"test.en": ["h"], "test.de": ["H"]})
    assert read_parallel(tmp_path, "en", "de")["test"]["source"][:] == ["h"]
    write(tmp_path, {"dev.en": ["d"], "dev.de": ["D"]})
    with pytest.raises(HfseqError, match="has several validation splits, dev and val"):
        read_parallel(tmp_path, "en", "de")


def test_read_parallel_reads_files_with_a_prefix(tmp_path):
    write(tmp_path, {"news.en": ["a"], "news.de": ["A"], "news.dev.en": ["b"], "news.dev.de": ["B"]})
    write(tmp_path, {"blog.en": ["c"]})
    splits = read_parallel(tmp_path / "news", "en", "de")
    assert {split: rows["source"][:] for split, rows in splits.items()} == {"train": ["a"], "validation": ["b"]}
    with pytest.raises(HfseqError, match=r"there is no file beside .*blog\.en that ends in \.de or \.de\.gz"):
        read_parallel(tmp_path / "blog", "en", "de")


def test_read_parallel_rejects_incomplete_splits(tmp_path):
    with pytest.raises(
        HfseqError, match=r"expected files named train\.en and train\.de \(or \.gz\), found an empty f"
    ):
        read_parallel(tmp_path, "en", "de")
    with pytest.raises(HfseqError, match=r"but the folder .*nowhere does not exist"):
        read_parallel(tmp_path / "nowhere" / "x", "en", "de")
    write(tmp_path, {"train.en": ["a", "b"], "train.de.gz": ["A"]})
    with pytest.raises(HfseqError, match=r"train\.en has 2 lines, but .*train\.de\.gz has 1: each line"):
        read_parallel(tmp_path, "en", "de")
    with pytest.raises(HfseqError, match="source_lang and target_lang are both 'en'"):
        read_parallel(tmp_path, "en", "en")
