"""Tables with one word per row."""

import pytest
from datasets import Dataset

from hfseq.errors import HfseqError
from hfseq.tasks.token_classification.word_rows import join_words

WORDS = {"word": ["Anna", "sings", ".", "So", "what"], "tag": ["B", "O", "O", "O", "O"]}
JOINED = {"word": [["Anna", "sings", "."], ["So", "what"]], "tag": [["B", "O", "O"], ["O", "O"]]}


def join(columns, id_column=None):
    rows = Dataset.from_dict(columns)
    found = join_words(rows, "word", ("word", "tag"), id_column, "table.csv")
    return None if found is rows else found.to_dict()


@pytest.mark.parametrize(
    ("name", "ids"),
    [
        ("sentence", [0, 0, 0, 1, 1]),
        ("Sentence #", ["Sentence: 1", None, None, "Sentence: 2", None]),
        ("sent_id", ["b", "b", "b", "a", "a"]),
        # Sentence numbers start again in each document.
        ("sentence_id", [1, 1, 1, 0, 0]),
    ],
)
def test_join_words_joins_sentences(name, ids):
    assert join({name: ids, **WORDS}) == JOINED


def test_join_words_accepts_any_id_column():
    assert join({"n": [7, 7, 7, 8, 8], **WORDS}) is None
    assert join({"n": [7, 7, 7, 8, 8], **WORDS}, "n") == JOINED
    with pytest.raises(HfseqError, match="--id_column: there is no column 'm'"):
        join({"n": [7, 7, 7, 8, 8], **WORDS}, "m")


def test_join_words_keeps_rows_of_sentences():
    assert join({"sentence": [0, 0], "word": ["Anna sings", "so"], "tag": ["B O", "O"]}) is None
    assert join({"sentence": [0, 0], "word": [["Anna"], ["so"]], "tag": [["B"], ["O"]]}) is None
    assert join({"sentence_id": [0, 1], "word": ["Anna", "so"], "tag": ["B", "O"]}) is None
    assert join(WORDS) is None


def test_join_words_rejects_missing_words_and_sentences():
    with pytest.raises(HfseqError, match=r"table.csv, row 1: column 'word' is empty"):
        join({"sentence": [0, 0, 1], "word": ["a", None, "b"], "tag": ["O", "O", "O"]})
    with pytest.raises(HfseqError, match=r"table.csv, row 0: column 'sentence' is empty"):
        join({"sentence": [None, 0, 0], "word": ["a", "c", "b"], "tag": ["O", "O", "O"]})
