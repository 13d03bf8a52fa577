import json
import subprocess
import sys

import pytest
from transformers import AutoTokenizer

from hfseq.errors import HfseqError
from hfseq.modalities.text.tokenizers import SPECIAL_TOKENS, TOKENIZER_KINDS, train_tokenizer

TEXTS = ["The cat sat on the mat.", "The dog sat, too!", "Don't sit on the cat;\nsit on the dog."] * 3
SAMPLES = ["The cat sat", "unseen Wörds\n\tand ﬁne emoji 🙂", "", "   "]


@pytest.fixture(scope="module", params=TOKENIZER_KINDS)
def kind(request):
    return request.param


@pytest.fixture(scope="module")
def tokenizer(kind):
    return train_tokenizer(kind, TEXTS, vocab_size=400, model_max_length=64)


def test_trained_tokenizer_has_fixed_special_tokens(tokenizer):
    assert tokenizer.convert_tokens_to_ids(list(SPECIAL_TOKENS.values())) == [0, 1, 2, 3, 4]
    assert (tokenizer.pad_token_id, tokenizer.unk_token_id, tokenizer.mask_token_id) == (0, 1, 4)
    assert tokenizer.padding_side == "right" and tokenizer.model_max_length == 64


def test_empty_text_has_a_token(tokenizer, kind):
    for text in ("", "   "):
        assert len(tokenizer(text)["input_ids"]) >= 1
    assert tokenizer("")["input_ids"] == ([2, 3] if kind == "wordpiece" else [3])


def test_token_type_ids_distinguish_pairs(tokenizer, kind):
    encoded = tokenizer("the cat", "the dog", return_token_type_ids=True)
    start = [2] if kind == "wordpiece" else []
    first, second = (tokenizer(text, add_special_tokens=False)["input_ids"] for text in ("the cat", "the dog"))
    assert encoded["input_ids"] == [*start, *first, 3, *second, 3]
    assert encoded["token_type_ids"] == [0] * (len(start) + len(first) + 1) + [1] * (len(second) + 1)
    assert ("token_type_ids" in tokenizer("the cat")) == (kind == "wordpiece")
    assert ("token_type_ids" in tokenizer.model_input_names) == (kind == "wordpiece")


def test_saved_tokenizer_loads_unchanged(tokenizer, tmp_path):
    tokenizer.save_pretrained(tmp_path)
    loaded = AutoTokenizer.from_pretrained(tmp_path)
    options = {"padding": True, "truncation": True, "max_length": 12, "return_token_type_ids": True}
    assert dict(loaded(SAMPLES, **options)) == dict(tokenizer(SAMPLES, **options))
    assert dict(loaded(SAMPLES, TEXTS[:4], **options)) == dict(tokenizer(SAMPLES, TEXTS[:4], **options))
    assert loaded.model_input_names == tokenizer.model_input_names
    assert loaded.special_tokens_map == tokenizer.special_tokens_map
    ids = tokenizer(TEXTS[0])["input_ids"]
    assert loaded.decode(ids) == tokenizer.decode(ids)


def test_training_is_deterministic(kind, tokenizer):
    again = train_tokenizer(kind, iter(TEXTS), vocab_size=400)
    assert again.get_vocab() == tokenizer.get_vocab()


def test_training_is_the_same_in_another_process(kind):
    # Equal frequencies and a small vocabulary: the order of a hash table would change the result.
    texts = [f"{a}{b}{c}" for a in "abcd" for b in "efgh" for c in "ijkl"] * 2
    code = (
        "import json, sys; from hfseq.modalities.text.tokenizers import train_tokenizer;"
        "tokenizer = train_tokenizer(sys.argv[1], json.loads(sys.argv[2]), vocab_size=int(sys.argv[3]));"
        "print(json.dumps(tokenizer.get_vocab()))"
    )
    size = 270 if kind == "bpe" else 40
    command = [sys.executable, "-c", code, kind, json.dumps(texts), str(size)]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    assert json.loads(result.stdout) == train_tokenizer(kind, texts, vocab_size=size).get_vocab()


def test_lowercase_ignores_case(kind):
    lower, upper = (train_tokenizer(kind, TEXTS, vocab_size=400, lowercase=flag) for flag in (True, False))
    assert lower("THE cat")["input_ids"] == lower("the cat")["input_ids"]
    assert upper("The cat")["input_ids"] != upper("the cat")["input_ids"]


def test_each_kind_splits_into_its_tokens():
    tokens = {kind: train_tokenizer(kind, TEXTS, vocab_size=400).tokenize("the cat, no\n") for kind in TOKENIZER_KINDS}
    assert tokens["word"] == ["the", "cat", ",", "[UNK]"]
    assert tokens["wordpiece"] == ["the", "cat", ",", "n", "##o"]
    assert tokens["bpe"][0] == "the" and "".join(tokens["bpe"]) == "theĠcat,ĠnoĊ"
    assert tokens["character"] == list("the cat, no\n")


def test_byte_level_bpe_has_no_unknown_tokens():
    tokenizer = train_tokenizer("bpe", TEXTS, vocab_size=300)
    ids = tokenizer("Ωmega 🙂", add_special_tokens=False)["input_ids"]
    assert tokenizer.unk_token_id not in ids
    assert tokenizer.decode(ids) == "ωmega 🙂"


@pytest.mark.parametrize(
    ("kind", "texts", "options", "message"),
    [
        ("words", TEXTS, {}, r"unknown tokenizer 'words': did you mean 'word'\?"),
        ("word", [], {}, "no text to train a tokenizer on"),
        ("bpe", ["", " \n"], {}, "no text to train a tokenizer on"),
        ("word", ["a", None], {}, r"training text 1 is None \(NoneType\)"),
        ("word", TEXTS, {"vocab_size": 5}, r"vocab_size \(5\) is too small for a word tokenizer: at least 6"),
        ("bpe", TEXTS, {"vocab_size": 260}, r"at least 261 is needed"),
        ("wordpiece", TEXTS, {"vocab_size": 10}, r"vocab_size \(10\) is too small for a wordpiece tokenizer"),
        ("word", ["each word once"], {}, "no token occurs 2 times in the training texts"),
    ],
)
def test_train_tokenizer_rejects_invalid_settings(kind, texts, options, message):
    with pytest.raises(HfseqError, match=message):
        train_tokenizer(kind, texts, **{"vocab_size": 400, **options})


def test_add_cls_adds_cls_and_token_type_ids():
    tokenizer = train_tokenizer("word", ["a b a b"], vocab_size=20, add_cls=True)
    encoded = tokenizer("a", "b")
    assert tokenizer.convert_ids_to_tokens(encoded["input_ids"]) == ["[CLS]", "a", "[SEP]", "b", "[SEP]"]
    assert encoded["token_type_ids"] == [0, 0, 0, 1, 1]
