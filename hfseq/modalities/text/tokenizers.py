"""Trains tokenizers on the user's texts, for models from scratch."""

from collections import Counter
from collections.abc import Iterable
from typing import Any

from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
from tokenizers.processors import TemplateProcessing
from transformers import PreTrainedTokenizerFast

from hfseq.errors import HfseqError, nearest
from hfseq.modalities.shared_settings import TOKENIZER_KINDS

# Sorted by id.
SPECIAL_TOKENS = {
    "pad_token": "[PAD]",
    "unk_token": "[UNK]",
    "cls_token": "[CLS]",
    "sep_token": "[SEP]",
    "mask_token": "[MASK]",
}

# As in BERT. Rarer characters become [UNK], so that a rare script does not fill the vocabulary.
_WORDPIECE_ALPHABET = 1000


def train_tokenizer(
    kind: str,
    texts: Iterable[str],
    *,
    vocab_size: int,
    lowercase: bool = True,
    min_frequency: int | None = None,
    model_max_length: int | None = None,
    add_cls: bool | None = None,
) -> PreTrainedTokenizerFast:
    """Trains a tokenizer that saves and loads like every tokenizer of transformers.

    Every text ends with `[SEP]`, and a pair also has one between its texts, so that even an empty text has a token.
    `wordpiece` adds `[CLS]` at the start and returns `token_type_ids`, as BERT does (Devlin et al. 2019). The other
    kinds do so with `add_cls`; otherwise they return `token_type_ids` only on request.

    Args:
        kind (`str`): `word` (words and punctuation), `bpe` (byte-level, Radford et al. 2019), `wordpiece` (as in
            BERT) or `character`.
        texts (`Iterable[str]`): the training texts.
        vocab_size (`int`): maximum number of tokens, including the five special tokens.
        lowercase (`bool`, *optional*, defaults to `True`): whether to ignore the case.
        min_frequency (`int`, *optional*): minimum frequency of a token. By default 1 for characters and 2 otherwise,
            so that the words that occur once train the embedding of `[UNK]`.
        model_max_length (`int`, *optional*): maximum length with `truncation=True`.
        add_cls (`bool`, *optional*): whether to add `[CLS]` and return `token_type_ids`, as models like BERT expect.
            By default only for `wordpiece`.

    Returns:
        `transformers.PreTrainedTokenizerFast`: the tokenizer, padding on the right. The ids of `[PAD]`, `[UNK]`,
        `[CLS]`, `[SEP]` and `[MASK]` are 0 to 4.

    Raises:
        HfseqError: the kind is unknown, there are no texts, or `vocab_size` is too small.
    """
    if kind not in TOKENIZER_KINDS:
        raise HfseqError(f"unknown tokenizer {kind!r}: {nearest(kind, TOKENIZER_KINDS)}")
    least = len(SPECIAL_TOKENS) + (256 if kind == "bpe" else 1)
    _check_size(vocab_size, least, kind)
    if min_frequency is None:
        min_frequency = 1 if kind == "character" else 2
    checked = _checked(texts)
    tokenizer = _untrained(kind, lowercase)
    if kind == "wordpiece":
        _train_wordpiece(tokenizer, checked, vocab_size, min_frequency)
    else:
        tokenizer.train_from_iterator(checked, _trainer(kind, vocab_size, min_frequency))
    size = tokenizer.get_vocab_size()
    if size == len(SPECIAL_TOKENS):
        raise HfseqError(
            f"no token occurs {min_frequency} times in the training texts: use more texts, or --tokenizer_name "
            "character"
        )
    _check_size(vocab_size, size, kind)
    if add_cls is None:
        add_cls = kind == "wordpiece"
    tokenizer.post_processor = _template(add_cls, tokenizer)
    inputs = ["input_ids", "token_type_ids", "attention_mask"]
    if not add_cls:
        inputs.remove("token_type_ids")
    options: dict[str, Any] = {} if model_max_length is None else {"model_max_length": model_max_length}
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        padding_side="right",
        model_input_names=inputs,
        clean_up_tokenization_spaces=False,
        **SPECIAL_TOKENS,
        **options,
    )


def _check_size(vocab_size: int, least: int, kind: str) -> None:
    if vocab_size < least:
        raise HfseqError(f"vocab_size ({vocab_size}) is too small for a {kind} tokenizer: at least {least} is needed.")


def _checked(texts: Iterable[str]) -> list[str]:
    checked = list(texts)
    for row, text in enumerate(checked):
        if not isinstance(text, str):
            raise HfseqError(f"training text {row} is {text!r} ({type(text).__name__}), not a string.")
    if not any(text.strip() for text in checked):
        raise HfseqError("there is no text to train a tokenizer on: all texts are empty.")
    return checked


def _untrained(kind: str, lowercase: bool) -> Tokenizer:
    unknown = SPECIAL_TOKENS["unk_token"]
    lower = [normalizers.Lowercase()] if lowercase else []
    if kind == "wordpiece":
        tokenizer = Tokenizer(models.WordPiece(unk_token=unknown))
        tokenizer.normalizer = normalizers.BertNormalizer(lowercase=lowercase)
        tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
        tokenizer.decoder = decoders.WordPiece()
    elif kind == "bpe":
        tokenizer = Tokenizer(models.BPE(unk_token=unknown))
        tokenizer.normalizer = normalizers.Sequence([normalizers.NFC(), *lower])
        tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        tokenizer.decoder = decoders.ByteLevel()
    elif kind == "word":
        tokenizer = Tokenizer(models.WordLevel(unk_token=unknown))
        tokenizer.normalizer = normalizers.Sequence([normalizers.NFKC(), *lower])
        tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    else:
        tokenizer = Tokenizer(models.WordLevel(unk_token=unknown))
        tokenizer.normalizer = normalizers.Sequence([normalizers.NFC(), *lower])
        # A dot would not match line breaks.
        tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(r"[\s\S]"), "isolated")
        tokenizer.decoder = decoders.Fuse()
    return tokenizer


def _trainer(kind: str, vocab_size: int, min_frequency: int) -> trainers.Trainer:
    common: dict[str, Any] = {
        "vocab_size": vocab_size,
        "min_frequency": min_frequency,
        "special_tokens": list(SPECIAL_TOKENS.values()),
        "show_progress": False,
    }
    if kind == "bpe":
        return trainers.BpeTrainer(initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), **common)
    return trainers.WordLevelTrainer(**common)


def _train_wordpiece(tokenizer: Tokenizer, texts: list[str], vocab_size: int, min_frequency: int) -> None:
    """Trains a copy of the tokenizer, and sets its vocabulary.

    The trainer numbers continuing characters (`##a`), and selects rare characters, in the order of a hash table that
    differs from run to run. The numbers decide between merges of equal frequency. To get the same vocabulary in every
    run, the characters are selected here, and the continuing ones are passed as special tokens in a fixed order. In
    the final vocabulary they are not special.
    """
    words: Counter[str] = Counter()
    for text in texts:
        normal = tokenizer.normalizer.normalize_str(text)
        words.update(word for word, _ in tokenizer.pre_tokenizer.pre_tokenize_str(normal))
    counts: Counter[str] = Counter()
    for word, count in words.items():
        for character in word:
            counts[character] += count
    alphabet = sorted(counts, key=lambda character: (-counts[character], character))[:_WORDPIECE_ALPHABET]
    kept = set(alphabet)
    continuing = sorted({f"##{character}" for word in words for character in word[1:] if character in kept})
    special = list(SPECIAL_TOKENS.values())
    trainer = trainers.WordPieceTrainer(
        vocab_size=vocab_size,
        min_frequency=min_frequency,
        special_tokens=special + continuing,
        initial_alphabet=alphabet,
        limit_alphabet=len(alphabet),
        show_progress=False,
    )
    trained = Tokenizer.from_str(tokenizer.to_str())
    trained.train_from_iterator(texts, trainer)
    tokenizer.model = models.WordPiece(vocab=trained.get_vocab(), unk_token=SPECIAL_TOKENS["unk_token"])
    tokenizer.add_special_tokens(special)


def _template(add_cls: bool, tokenizer: Tokenizer) -> TemplateProcessing:
    start = "[CLS] " if add_cls else ""
    return TemplateProcessing(
        single=f"{start}$A [SEP]",
        pair=f"{start}$A [SEP] $B:1 [SEP]:1",
        special_tokens=[(token, tokenizer.token_to_id(token)) for token in ("[CLS]", "[SEP]")],
    )
