import copy

import pytest
from datasets import Dataset, DatasetDict

from hfseq.data.arguments import DataArguments
from hfseq.data.labels.inference import Columns
from hfseq.errors import HfseqError
from hfseq.modalities.text.text_columns import with_texts
from hfseq.modalities.text.tokenizers import train_tokenizer
from hfseq.modalities.token_encoding import check_max_length, encode_texts
from hfseq.registry import get_modality

WORDS = [f"w{number}" for number in range(10)]
LONG = " ".join(WORDS)
SHORT = "w3 w4"
CLS, SEP = 2, 3


@pytest.fixture(scope="module")
def tokenizer():
    """A tokenizer with one token per word that adds [CLS] and [SEP]."""
    tokenizer = train_tokenizer("wordpiece", WORDS * 2, vocab_size=60, model_max_length=32)
    assert tokenizer.tokenize(LONG) == WORDS
    return tokenizer


@pytest.fixture(scope="module")
def ids(tokenizer):
    return lambda text: tokenizer.convert_tokens_to_ids(text.split())


def splits_of(**columns):
    return DatasetDict({"train": Dataset.from_dict(columns)})


def encode_splits(splits, columns, tokenizer, **settings):
    # A copy, because the tokenizer keeps the maximum length and the truncation side.
    return get_modality("text").encode(splits, columns, copy.deepcopy(tokenizer), DataArguments(**settings))


@pytest.mark.parametrize(
    ("truncation", "max_length", "kept"),
    [
        ("head", 6, "w0 w1 w2 w3"),
        ("tail", 6, "w6 w7 w8 w9"),
        ("head+tail", 6, "w0 w1 w8 w9"),
        ("head+tail", 7, "w0 w1 w2 w8 w9"),
        ("head+tail", 3, "w0"),
        ("tail", 3, "w9"),
    ],
)
def test_truncation_keeps_the_chosen_part_and_special_tokens(tokenizer, ids, truncation, max_length, kept):
    columns, cut = encode_texts([LONG, "w3"], None, tokenizer, max_length, truncation)
    assert columns["input_ids"] == [[CLS, *ids(kept), SEP], [CLS, *ids("w3"), SEP]]
    assert columns["token_type_ids"] == [[0] * max_length, [0] * 3]
    assert cut == [True, False]
    assert columns.keys() == {"input_ids", "token_type_ids"}


@pytest.mark.parametrize("truncation", ["head", "tail", "head+tail"])
def test_text_of_maximum_length_is_not_truncated(tokenizer, ids, truncation):
    columns, cut = encode_texts([LONG], None, tokenizer, len(WORDS) + 2, truncation)
    assert columns["input_ids"] == [[CLS, *ids(LONG), SEP]] and cut == [False]


@pytest.mark.parametrize(
    ("truncation", "first", "second"), [("head", "w0 w1 w2", "w3 w4"), ("tail", "w7 w8 w9", "w3 w4")]
)
@pytest.mark.parametrize("swapped", [False, True])
def test_longer_text_of_a_pair_is_truncated_first(tokenizer, ids, truncation, first, second, swapped):
    texts = ([SHORT], [LONG]) if swapped else ([LONG], [SHORT])
    if swapped:
        first, second = second, first
    columns, cut = encode_texts(*texts, tokenizer, 8, truncation)
    assert columns["input_ids"] == [[CLS, *ids(first), SEP, *ids(second), SEP]] and cut == [True]
    assert columns["token_type_ids"] == [[0] * (len(first.split()) + 2) + [1] * (len(second.split()) + 1)]
    assert tokenizer.truncation_side == "right"


def test_pair_that_fits_is_not_truncated(tokenizer, ids):
    columns, cut = encode_texts([SHORT], [SHORT], tokenizer, 7)
    assert columns["input_ids"] == [[CLS, *ids(SHORT), SEP, *ids(SHORT), SEP]] and cut == [False]


def test_unknown_truncation_is_rejected(tokenizer):
    with pytest.raises(HfseqError, match=r"unknown truncation 'haed': did you mean 'head'\?"):
        encode_texts([LONG], None, tokenizer, 5, "haed")
    with pytest.raises(HfseqError, match=r"'head\+tail' is for single texts: use 'head' or 'tail' for text pairs"):
        encode_texts([LONG], [SHORT], tokenizer, 5, "head+tail")


def test_check_max_length_rejects_invalid_lengths(tokenizer):
    check_max_length(3, tokenizer)
    check_max_length(32, tokenizer, pairs=True)
    with pytest.raises(HfseqError, match="max_length is 2, but must be at least 3: the tokenizer adds 2 special"):
        check_max_length(2, tokenizer)
    with pytest.raises(HfseqError, match="max_length is 3, but must be at least 4: the tokenizer adds 3 special"):
        check_max_length(3, tokenizer, pairs=True)
    with pytest.raises(HfseqError, match=r"max_length is 33, but the model reads at most 32 .* --max_length to 32"):
        check_max_length(33, tokenizer)
    with pytest.raises(HfseqError, match="must be at least 3"):
        encode_splits(splits_of(text=[SHORT]), Columns("text"), tokenizer, max_length=1)


def test_encode_encodes_all_splits(tokenizer, ids):
    splits = DatasetDict(
        {
            "train": Dataset.from_dict({"id": [7, 8, 9, 10], "text": [LONG, SHORT, "", LONG], "label": [0, 1, 0, 1]}),
            "test": Dataset.from_dict({"id": [1], "text": ["w5"], "label": [1]}),
        }
    )
    encoded = encode_splits(splits, Columns("text", None, "label"), tokenizer, max_length=6, truncation="tail")
    assert encoded.truncated_share == {"train": 0.5, "test": 0.0}
    assert list(encoded.splits) == ["train", "test"]
    train = encoded.splits["train"]
    assert set(train.column_names) == {"input_ids", "token_type_ids", "length"}
    assert train["length"][:] == [6, 4, 2, 6]
    assert train["input_ids"][0] == [CLS, *ids("w6 w7 w8 w9"), SEP]
    assert encoded.splits["test"]["input_ids"][:] == [[CLS, *ids("w5"), SEP]]


def test_encode_encodes_pairs(tokenizer, ids):
    splits = splits_of(premise=[LONG, SHORT], hypothesis=["w1", "w2"])
    encoded = encode_splits(splits, Columns("premise", "hypothesis"), tokenizer, max_length=7)
    assert encoded.splits["train"]["input_ids"][:] == [
        [CLS, *ids("w0 w1 w2"), SEP, *ids("w1"), SEP],
        [CLS, *ids(SHORT), SEP, *ids("w2"), SEP],
    ]
    assert encoded.truncated_share == {"train": 0.5}


@pytest.mark.parametrize(("truncation", "side", "kept"), [("head", "right", "w0 w1"), ("tail", "left", "w8 w9")])
def test_tokenizer_truncates_as_in_training(tokenizer, ids, truncation, side, kept):
    own = copy.deepcopy(tokenizer)
    arguments = DataArguments(max_length=4, truncation=truncation)
    encoded = get_modality("text").encode(splits_of(text=[LONG]), Columns("text"), own, arguments)
    assert (own.model_max_length, own.truncation_side) == (4, side)
    assert encoded.splits["train"]["input_ids"][0] == [CLS, *ids(kept), SEP] == own(LONG, truncation=True)["input_ids"]


@pytest.mark.parametrize(
    ("columns", "names", "message"),
    [
        ({"text": ["a", None]}, Columns("text"), r"split 'train', row 1: the text in column 'text' is missing: fill"),
        ({"text": [[1], [2]]}, Columns("text"), r"row 0: .* is \[1\], which is not a string: .* --text_column"),
        (
            {"text": ["a", "b"], "second": ["c", None]},
            Columns("text", "second"),
            "split 'train', row 1: the text in column 'second' is missing",
        ),
    ],
)
def test_missing_text_is_rejected_with_its_row(columns, names, message):
    with pytest.raises(HfseqError, match=message):
        with_texts(splits_of(**columns)["train"], names, "split 'train'")


def test_numbers_become_strings():
    split = with_texts(splits_of(text=[1, 20])["train"], Columns("text"), "split 'train'")
    assert split["text"][:] == ["1", "20"]
