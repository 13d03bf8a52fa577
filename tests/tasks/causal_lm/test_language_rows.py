"""Texts and files as rows of a language model."""

import gzip

import numpy as np
import pytest
from datasets import Dataset, DatasetDict

from hfseq.data.arguments import DataArguments
from hfseq.errors import HfseqError
from hfseq.modalities.text.files import read_text_files
from hfseq.modalities.text.tokenizers import train_tokenizer
from hfseq.tasks.causal_lm import rows as language_rows
from hfseq.tasks.causal_lm import text_beginnings
from hfseq.tasks.causal_lm.ordered_splits import is_single_document, limit_running_text, split_in_order
from hfseq.tasks.causal_lm.rows import (
    TokenStream,
    join_documents,
    split_into_blocks,
    split_long_texts,
    tokenize_documents,
)

END = 3


def tokens_of(kind, texts, **options):
    tokenizer = train_tokenizer(kind, texts, vocab_size=300, min_frequency=1, **options)
    return tokenizer, tokenize_documents(texts, tokenizer, END)


def test_split_into_blocks_predicts_each_token_once():
    stream = TokenStream(np.arange(3, 13), np.arange(10))
    blocks = split_into_blocks(stream, 4, "the test split")
    assert blocks["input_ids"] == [[3, 4, 5, 6], [6, 7, 8, 9], [9, 10, 11, 12]]
    assert blocks["length"] == [4, 4, 4]
    assert blocks["units"] == [[1 + 2 + 3], [4 + 5 + 6], [7 + 8 + 9]]
    # The rest is a shorter row. A last token that would only start a new row is already predicted.
    assert split_into_blocks(stream, 6, "")["input_ids"] == [[3, 4, 5, 6, 7, 8], [8, 9, 10, 11, 12]]
    assert [len(row) for row in split_into_blocks(stream, 5, "")["input_ids"]] == [5, 5, 2]
    assert split_into_blocks(stream, 100, "")["length"] == [10]


@pytest.mark.parametrize(
    ("tokens", "length", "message"),
    [([3], 8, "the test split has nothing to predict: its texts are empty"), ([3, 4], 1, "max_length is 1, but must")],
)
def test_split_into_blocks_rejects_empty_streams(tokens, length, message):
    with pytest.raises(HfseqError, match=message):
        split_into_blocks(TokenStream(np.array(tokens), np.zeros(len(tokens))), length, "the test split")


def test_documents_begin_with_end_of_text_token():
    tokenizer, (first, second, empty) = tokens_of("character", ["abc", "a\n", ""])
    assert first.tokens.tolist() == [END, *tokenizer.convert_tokens_to_ids(["a", "b", "c"])]
    assert first.units.tolist() == [0, 1, 1, 1]
    assert second.units.sum() == 2 and empty.tokens.tolist() == [END]
    joined = join_documents([first, second, empty])
    assert joined.tokens.tolist() == [*first.tokens, *second.tokens, END]
    assert len(joined.units) == len(joined.tokens)


def test_tokenize_documents_counts_all_characters():
    # Spaces have no tokens, but a model that predicts the words has predicted the whole text.
    texts = ["  two words, \n three  ", "   "]
    _, (words, blank) = tokens_of("word", texts)
    assert words.units.tolist() == [0, 5, 6, 1, 10]
    assert blank.units.tolist() == [3]
    _, (pieces, _) = tokens_of("bpe", ["naïve café 😀", "x"])
    assert pieces.units.sum() == len("naïve café 😀")


@pytest.mark.parametrize("kind", ["character", "word", "bpe"])
def test_tokenize_documents_splits_long_texts(kind, monkeypatch):
    text = "some words  and\n\nlines of no great length " * 20
    tokenizer, (whole,) = tokens_of(kind, [text])
    monkeypatch.setattr(language_rows, "_PART", 30)
    monkeypatch.setattr(language_rows, "_PARTS_AT_A_TIME", 3)
    assert len(list(split_long_texts([text]))) > 10 and "".join(split_long_texts([text])) == text
    (parts,) = tokenize_documents([text], tokenizer, END)
    assert np.array_equal(parts.tokens, whole.tokens) and np.array_equal(parts.units, whole.units)
    assert "".join(split_long_texts(["x" * 200])) == "x" * 200


# --- one text, cut in its order


def running(text, **others):
    texts = {"train": text, **others}
    return DatasetDict({name: Dataset.from_dict({"text": [value]}) for name, value in texts.items()})


def test_split_in_order_takes_splits_from_the_end():
    text = "".join(chr(97 + index % 26) for index in range(100))
    assert is_single_document(running(text))
    splits, notes = split_in_order(running(text), "text", DataArguments(validation_fraction=0.2))
    assert {name: split["text"] for name, split in splits.items()} == {
        "train": [text[:70]], "validation": [text[70:90]], "test": [text[90:]],
    }  # fmt: skip
    assert notes == [
        "no test split: 10 % (10 of 100 characters) were taken from the end of the training text",
        "no validation split: 20 % (20 of 100 characters) were taken from the training text before the test",
    ]
    splits, notes = split_in_order(running(text, validation="ab"), "text", DataArguments())
    assert splits["train"]["text"] == [text[:90]] and splits["validation"]["text"] == ["ab"] and len(notes) == 1
    long = Dataset.from_dict({"text": ["0123456789" * 100]})
    assert limit_running_text(long, "text", 3)["text"] == [("0123456789" * 100)[:768]]
    assert limit_running_text(long, "text", None) is long
    assert not is_single_document(running(text, validation="ab", test="ab"))


def test_split_in_order_rejects_short_texts():
    with pytest.raises(HfseqError, match=r"'a\.txt' is a single text of 9 characters, which is too short for a test"):
        split_in_order(running("nine char"), "text", DataArguments(dataset="a.txt"))
    with pytest.raises(HfseqError, match="leave nothing to train on"):
        split_in_order(running("x" * 99), "text", DataArguments(validation_fraction=0.5, test_fraction=0.5))


# --- files


def test_read_text_files(tmp_path):
    (tmp_path / "one.txt").write_text("one\r\ntext", encoding="utf-8")
    with gzip.open(tmp_path / "two.txt.gz", "wt", encoding="utf-8") as file:
        file.write("two")
    assert read_text_files(tmp_path / "one.txt")["train"]["text"] == ["one\ntext"]
    assert read_text_files(tmp_path)["train"]["text"] == ["one\ntext", "two"]
    assert read_text_files(tmp_path / "table.csv") is None
    # A file with the name of a split is a split if there is a training split.
    (tmp_path / "test.txt").write_text("three", encoding="utf-8")
    assert read_text_files(tmp_path)["train"]["text"] == ["one\ntext", "three", "two"]
    (tmp_path / "train").mkdir()
    (tmp_path / "train" / "b.txt").write_text("b", encoding="utf-8")
    (tmp_path / "train" / "a.txt").write_text("a", encoding="utf-8")
    splits = read_text_files(tmp_path)
    assert {name: split["text"] for name, split in splits.items()} == {"train": ["a", "b"], "test": ["three"]}
    # A text file beside a table is ignored as its description.
    tables = tmp_path / "tables"
    tables.mkdir()
    (tables / "train.tsv").write_text("text\na\n", encoding="utf-8")
    (tables / "notes.txt").write_text("what the table is", encoding="utf-8")
    assert read_text_files(tables) is None
    (tmp_path / "train" / "README.txt").write_text("what the texts are", encoding="utf-8")
    assert read_text_files(tmp_path / "train")["train"]["text"] == ["a", "b"]
    (tmp_path / "empty").mkdir()
    assert read_text_files(tmp_path / "empty") is None


def test_tokenize_beginnings_matches_whole_texts(monkeypatch):
    plain, runs = ["one two  three " * 5_000, "short", ""], ["a" * 9_000, "so " + " " * 9_000 + "far"]
    seen = []

    def counted(heads, *others):
        seen.extend(map(len, heads))
        return tokenize_documents(heads, *others)

    monkeypatch.setattr(text_beginnings, "tokenize_documents", counted)
    # The subwords of a repeated character depend on the number of repetitions.
    for kind, texts in (("word", plain + runs), ("character", plain + runs), ("bpe", plain)):
        tokenizer, whole = tokens_of(kind, texts)
        seen.clear()
        found = text_beginnings.tokenize_beginnings(texts, tokenizer, END, 4)
        for some, every in zip(found, whole, strict=True):
            assert some.tokens.tolist() == every.tokens[:4].tolist()
            assert some.units.tolist() == every.units[:4].tolist()
        assert seen[0] < 200
